"""What every page needs to know: the top bar, the open section, how much waits for the reader."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix
from django.utils.functional import SimpleLazyObject

from accounts.models import Role
from core.navigation import SECTIONS, section_of, waiting_for


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`nav`: sections, the open one, whether the reader submits versions, and the count of the inbox, which costs its queries
    only where it is shown."""
    person = getattr(request, "user", None)
    prefix = get_script_prefix()

    def waiting() -> int:
        return sum(count(person) for count in waiting_for) if person is not None and person.is_authenticated else 0

    def may_submit() -> bool:
        return person is not None and person.is_authenticated and person.holds_anywhere(Role.DATA_SCIENTIST)

    def administers() -> bool:
        return person is not None and person.is_authenticated and person.holds_anywhere(Role.ADMINISTRATOR)

    def tells() -> bool:
        return administers() or (person is not None and person.is_authenticated and person.holds_anywhere(Role.RISK_MANAGER))

    return {
        "nav": {
            "home": prefix,
            "sections": [
                {"name": section.name, "label": section.label, "href": prefix + section.path, "icon": section.icon}
                for section in SECTIONS
            ],
            "open": section_of(request.path_info),
            "waiting": SimpleLazyObject(waiting),
            "may_submit": SimpleLazyObject(may_submit),
            "administers": SimpleLazyObject(administers),
            "tells": SimpleLazyObject(tells),
        }
    }

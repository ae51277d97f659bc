"""Dates in the inbox: reviews that are overdue and were put before a person's role, and approvals of theirs that soon end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from governance.looking_anew import notice_of
from governance.models import Review

if TYPE_CHECKING:
    from accounts.models import Person

MOST = 50  # rows of one section


def waiting(person: Person) -> int:
    """Overdue reviews that were put before a role of the person; what they may sign themselves counts there already."""
    put = list(Review.objects.visible_to(person).escalated_to(person).values_list("pk", flat=True))
    # Every page asks this, and mostly there are none: who may sign what is a long question, asked only about those.
    return len(put) - Review.objects.filter(pk__in=put).signable_by(person).count() if put else 0


def _escalated(person: Person) -> Any:
    rows = Review.objects.visible_to(person)
    return rows.escalated_to(person).exclude(pk__in=rows.signable_by(person).values("pk"))


def inbox_part(request: HttpRequest) -> list[dict[str, Any]]:
    """At most three sections, each cut at MOST and saying so."""
    person: Any = request.user
    overdue = list(_escalated(person).with_parts().order_by("due_at", "pk")[: MOST + 1])
    ending = Review.objects.visible_to(person).ending_for(person).with_parts().order_by("valid_until", "pk")
    ends = list(ending[: MOST + 1])
    sections = []
    if overdue:
        title = _("Overdue, and put before you")
        sections.append(_section(title, overdue, ending=False))
    if ends:
        sections.append(_section(_("Approvals that soon end"), ends, ending=True))
    rows = Review.objects.visible_to(person).beside_for(person).with_parts().order_by("earlier_holds_until", "pk")
    if anew := list(rows[: MOST + 1]):
        named = [(one, notice_of(one)) for one in anew[:MOST]]
        cut = {"title": _("Approvals looked at anew"), "rows": named, "more": len(anew) > MOST, "most": MOST}
        sections.append({"template": "governance/inbox_looked_at_anew.html", **cut})
    return sections


def _section(title: str, rows: list[Review], *, ending: bool) -> dict[str, Any]:
    cut = {"rows": rows[:MOST], "more": len(rows) > MOST, "most": MOST}
    return {"title": title, "template": "governance/inbox_dates.html", "ending": ending, **cut}

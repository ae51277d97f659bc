"""Tags of models and versions: labels of a team's own, kept and shown, by which nothing is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput

MOST, LONGEST_NAME, LONGEST_TEXT = 200, 250, 8_000


def checked_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """The tags as they are kept, {name: text}."""
    if len(tags) > MOST:
        raise InvalidInput(_("At most %(most)s tags are kept.") % {"most": MOST})
    for name, text in tags.items():
        fits = isinstance(text, str) and 1 <= len(name) <= LONGEST_NAME and len(text) <= LONGEST_TEXT
        if not fits or "\x00" in name + text:
            raise InvalidInput(
                _("A tag has a name of 1 to %(name)s characters and a text of at most %(text)s, without zero characters.")
                % {"name": LONGEST_NAME, "text": LONGEST_TEXT}
            )
    return dict(tags)

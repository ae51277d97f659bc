"""What several shapes read: digests, ids."""

from __future__ import annotations

import re
from uuid import UUID

from django.utils.translation import gettext as _

from core.errors import InvalidInput

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def as_digest(given: str) -> str:
    if not _DIGEST.match(given):
        raise InvalidInput(_("A digest is written sha256: followed by 64 lower-case hexadecimal digits."), code="digest")
    return given


def as_uuid(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise InvalidInput(_("An id is a UUID."), code="id") from error

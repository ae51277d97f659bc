"""What several shapes read: digests, ids, environments."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers

from core.errors import InvalidInput
from governance.environments import known

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class EnvironmentNamed(serializers.CharField):
    """The slug of an environment to which something may be released."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=32, help_text="the slug of an environment, such as production", **options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return known(super().to_internal_value(data)).slug
        except InvalidInput as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal


def as_digest(given: str) -> str:
    if not _DIGEST.match(given):
        raise InvalidInput(_("A digest is written sha256: followed by 64 lower-case hexadecimal digits."), code="digest")
    return given


def as_uuid(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise InvalidInput(_("An id is a UUID."), code="id") from error

"""What else must go when a person is erased: higher packages that keep personal values register how to erase theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.registry import Registry

if TYPE_CHECKING:
    from accounts.models import Person

# Called within the act that erases the person, so that everything goes or nothing does.
ERASERS: Registry[Callable[[Person], None]] = Registry("eraser of personal values")

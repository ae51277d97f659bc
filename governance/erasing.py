"""What governance keeps of a person's words outside the log, and that it goes when the person is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.models import Release

if TYPE_CHECKING:
    from accounts.models import Person


def erase(person: Person) -> None:
    """No reason that the person wrote for a roll-back remains beside the log; comments lie behind it and go with its values."""
    Release.objects.filter(released_by=person).exclude(reason="").update(reason="")

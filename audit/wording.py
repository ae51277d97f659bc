"""The words for roles and actors, as reports and the trail use them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Person, Role

WITHHELD = "[withheld or erased]"  # a form that the verifier knows


def role_word(role: str) -> str:
    return str(Role(role).label) if role in Role.values else role.replace("_", " ")


def person_word(person: Person | None) -> str:
    """A person's name, or that it is withheld: the pseudonym beside it stays."""
    return person.name if person is not None and person.name else WITHHELD


def system_word(actor: str) -> str:
    """The part of Countersign that acted, as people read it."""
    words = {
        "worker": _("Countersign, a worker"),
        "clock": _("Countersign, on schedule"),
        "envelope": _("Countersign, under a change envelope"),
        "installer": _("Installation"),
    }
    return words.get(actor, actor)

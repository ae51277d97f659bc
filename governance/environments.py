"""Which environments there are, how each is asked for, and those that every site begins with."""

from __future__ import annotations

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from governance import events
from governance.models import Environment
from governance.models.environment import PRODUCTION, STAGING, STANDARD, label_of
from ledger.actors import INSTALLER
from ledger.acts import act
from ledger.events import Private


def names() -> list[str]:
    """The slugs of the environments to which something may be released, in their order."""
    return list(Environment.objects.open().values_list("slug", flat=True))


def choices() -> list[tuple[str, str]]:
    """As the choices of a form's field: slug and name."""
    return [(slug, label_of(slug)) for slug in names()]


def known(slug: str, *, locked: bool = False) -> Environment:
    """The open environment of this slug, or one sentence that names those there are. `locked`, its mode stays until the act
    ends."""
    rows = Environment.objects.open().filter(pk=slug)
    found = (rows.select_for_update() if locked else rows).first()
    if found is None:
        raise InvalidInput(_("The environment is one of %(names)s.") % {"names": ", ".join(names())}, code="environment")
    return found


def install() -> None:
    """A database without environments gets staging and production, which ask for approvals; idempotent, after each migrate."""
    for order, slug in enumerate((STAGING, PRODUCTION), start=1):
        if not Environment.objects.filter(pk=slug).exists():
            with act(INSTALLER) as this:
                name = str(STANDARD[slug])
                made = Environment.objects.create(slug=slug, name=name, mode=Environment.Mode.PREVENT, order=order * 10)
                this.record(events.EnvironmentMade(slug=slug, mode=made.mode, name=Private(name)), on=made)

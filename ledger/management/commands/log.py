"""`log verify` recomputes the log from its bodies; `log seal` takes in what waits and signs the head."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from core.errors import DomainError
from ledger import services, signer


class Command(BaseCommand):
    help = "Verifies, seals or names the log. `verify` exits with 1 and names the first damaged entry when something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["verify", "seal", "key"])

    def handle(self, *, what: str, **options: Any) -> None:
        try:
            getattr(self, what)()
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal

    def verify(self) -> None:
        result = services.fsck()
        if not result.holds:
            raise CommandError(_("The log is damaged. %(sentence)s") % {"sentence": result.sentence})
        self.stdout.write(self.style.SUCCESS(_("The log is intact. %(sentence)s") % {"sentence": result.sentence}))

    def seal(self) -> None:
        seal = services.sequence_and_seal()
        self.stdout.write(seal.note if seal else _("The log is empty; there is nothing to seal."))

    def key(self) -> None:
        self.stdout.write(signer.verifier_key())

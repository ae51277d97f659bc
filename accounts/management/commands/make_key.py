"""A key of the API, made from the command line."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import Person, Scope
from core.clock import now
from core.errors import DomainError
from ledger.actors import INSTALLER


class Command(BaseCommand):
    help = _("Make a key that acts for a person, and print it. It is shown this once and kept nowhere.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="whose key it is")
        parser.add_argument("--name", required=True, help="where it is used, such as “CI of digit-reader”")
        parser.add_argument("--scope", action="append", required=True, choices=Scope.values, help="may be given several times")
        parser.add_argument("--days", type=int, default=90, help="after so many days it expires (at most 366; 90 if left out)")

    def handle(self, *args: Any, email: str, name: str, scope: list[str], days: int, **options: Any) -> None:
        owner = Person.objects.active().filter(email=email.strip().lower()).first()
        if owner is None:
            raise CommandError(f"Nobody active has the e-mail address {email}.")
        if not 1 <= days <= 366:
            raise CommandError("--days is a number from 1 to 366.")
        try:
            _key, text = services.make_key(owner, by=INSTALLER, name=name, scopes=scope, expires_at=now() + timedelta(days=days))
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(text)

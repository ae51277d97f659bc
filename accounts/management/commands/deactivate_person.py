"""A person who has left, deactivated or erased from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import Person
from core.errors import DomainError
from ledger.actors import INSTALLER


class Command(BaseCommand):
    help = _("Deactivate a person: they can no longer sign in or act, and their keys open nothing. What they did stays.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--erase", action="store_true", help="also erase name, address and comments, for good; only the pseudonym stays"
        )

    def handle(self, *args: Any, email: str, erase: bool, **options: Any) -> None:
        person = Person.objects.filter(email=email.strip().lower()).first()
        if person is None:
            raise CommandError(f"Nobody has the e-mail address {email}.")
        try:
            (services.erase_person if erase else services.deactivate_person)(person, by=INSTALLER)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(str(person.pk))

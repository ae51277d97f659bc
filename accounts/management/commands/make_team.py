"""A team, made from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from accounts import services
from core.errors import DomainError
from ledger.actors import INSTALLER


class Command(BaseCommand):
    help = _("Make a team, which can own models and data.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--slug", default="", help="short name; made from the name if left out")

    def handle(self, *args: Any, name: str, slug: str, **options: Any) -> None:
        try:
            team = services.make_team(by=INSTALLER, name=name, slug=slug)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(team.slug)

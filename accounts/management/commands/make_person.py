"""A person, made from the command line: the first administrator comes in this way."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import Role, Team
from core.errors import DomainError
from ledger.actors import INSTALLER


class Command(BaseCommand):
    help = _("Make a person. The password is read from standard input, or asked for at a terminal.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", default="UTC", help="such as Asia/Seoul")
        parser.add_argument(
            "--role",
            action="append",
            default=[],
            metavar="ROLE[@TEAM]",
            help=f"may be given several times; without a team the role is held everywhere; one of {', '.join(Role.values)}",
        )
        parser.add_argument("--administrator", action="store_true", help="the same as --role administrator")

    def handle(self, *args: Any, email: str, name: str, time_zone: str, role: list[str], **options: Any) -> None:
        roles = [*role, *([Role.ADMINISTRATOR.value] if options["administrator"] else [])]
        wanted = [_role_and_team(each) for each in dict.fromkeys(roles)]
        try:
            password = _password()
            person = services.make_person(by=INSTALLER, email=email, name=name, password=password, time_zone=time_zone)
            for held, team in wanted:
                services.grant_role(person, by=INSTALLER, role=held, team=team)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(str(person.pk))


def _role_and_team(text: str) -> tuple[str, Team | None]:
    role, _at, slug = text.partition("@")
    if role not in Role.values:
        raise CommandError(f"There is no role {role!r}; the roles are: {', '.join(Role.values)}.")
    team = Team.objects.filter(slug=slug).first() if slug else None
    if slug and team is None:
        raise CommandError(f"There is no team {slug!r}; make it first with make_team.")
    return role, team


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Password again: "):
        raise CommandError("The two passwords differ; nothing was made.")
    return first

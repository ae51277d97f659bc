"""One account for each role, made once; their passwords are the demo's own and are printed for whoever tries it."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from accounts.models import Person, Role
from accounts.services import grant_role, make_key, make_person, make_team
from core.clock import now
from ledger.actors import INSTALLER

TEAM = "Digit readers"
SCOPES = {
    Role.DATA_SCIENTIST: ["read", "submit", "observe", "govern"],  # govern, so that the story can show a refused signature
    Role.ADMINISTRATOR: ["read", "administer"],
}
NAMES = {
    Role.DATA_SCIENTIST: "Sora Lee",
    Role.VALIDATOR: "Vera Novak",
    Role.COMPLIANCE_OFFICER: "Carla Moreno",
    Role.DATA_PROTECTION_OFFICER: "Dara Osei",
    Role.RISK_MANAGER: "Ravi Mehta",
    Role.AUDITOR: "Aino Virtanen",
    Role.ADMINISTRATOR: "Adam Park",
}
DOMAIN = "demo.example"
FILE = "cast.json"


class NotTheDemo(Exception):
    """The database belongs to somebody else; the message says what to do."""


@dataclass
class Cast:
    """The demo's accounts, kept in a file that only its owner reads, beside the demo's data."""

    file: Path
    told: dict[str, Any]

    @property
    def played(self) -> bool:
        """Whether the story was played to its end on these data."""
        return bool(self.told.get("played"))

    def save(self, **more: Any) -> None:
        self.told |= more
        partial = self.file.with_suffix(".part")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(self.told, out, indent=1)
        partial.replace(self.file)

    def summary(self, out: Path) -> str:
        """What a visitor needs: address, accounts, the report, how to verify it."""
        people = [
            f"    {Role(role).label:<24} {one['name']:<14} {one['email']:<38} {one['password']}"
            for role, one in self.told["people"].items()
        ]
        report, trust = out / "report.pdf", out / "trust.json"
        lines = ["", f"Countersign runs at {self.told['url']}", "", "  Sign in as:", *people, ""]
        lines += [
            f"  The auditor's report: {report}",
            f"  Verify it offline:    .venv/bin/countersign verify {report} --trust {trust}",
            "",
        ]
        return "\n".join(lines)


def prepare(*, url: str, folder: Path) -> Cast:
    """The cast of the site: made the first time, read from its file afterwards."""
    file = folder / FILE
    if Person.objects.exists():
        if not file.exists():
            raise NotTheDemo(
                f"The database holds people, but {file} does not: it is not the demo's. Give the demo a database of its own."
            )
        cast = Cast(file, json.loads(file.read_text()))
    else:
        cast = Cast(file, _make())
    cast.save(url=url)
    return cast


def _make() -> dict[str, Any]:
    team = make_team(by=INSTALLER, name=TEAM)
    people = {}
    for role in Role:
        password = secrets.token_urlsafe(12)
        email = f"{role.value.replace('_', '-')}@{DOMAIN}"
        person = make_person(by=INSTALLER, email=email, name=NAMES[role], password=password)
        everywhere = role in {Role.ADMINISTRATOR, Role.AUDITOR}
        grant_role(person, by=INSTALLER, role=role, team=None if everywhere else team)
        scopes = SCOPES.get(role, ["read", "govern"])
        _key, secret = make_key(person, by=INSTALLER, name="demo", scopes=scopes, expires_at=now() + timedelta(days=30))
        people[role.value] = {"name": person.name, "email": person.email, "password": password, "key": secret}
    return {"team": str(team.pk), "people": people}

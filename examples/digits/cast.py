"""Who takes part: one client for each role, from the file of keys and passwords that the demo makes for its own site."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from countersign import Client


@dataclass(frozen=True)
class Member:
    """A person with their client; the password is asked for by each signature."""

    name: str
    client: Client
    password: str


@dataclass(frozen=True)
class Cast:
    url: str
    team: str  # id
    members: dict[str, Member]

    def __getitem__(self, role: str) -> Member:
        return self.members[role]


def read(file: Path) -> Cast:
    """The cast of the site that `file` describes: {"url", "team", "people": {role: {"name", "key", "password"}}}."""
    told = json.loads(file.read_text())
    members = {
        role: Member(one["name"], Client(told["url"], one["key"]), one["password"]) for role, one in told["people"].items()
    }
    return Cast(told["url"], told["team"], members)

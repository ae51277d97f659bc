"""Which entries of the log each kind of webhook tells of, whose team they are about, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings

from core import clock
from governance.models import Policy, Release, Webhook
from ledger.models import Entry
from models_registry.models import Version

Kind = Webhook.Kind
OF_TYPE: dict[str, Kind] = {
    "release.made": Kind.RELEASE_MADE,
    "release.superseded": Kind.RELEASE_ENDED,
    "release.rolled_back": Kind.RELEASE_ENDED,
    "release.revoked": Kind.RELEASE_ENDED,
    "version.suspended": Kind.SUSPENDED,
    "gate.answered": Kind.GATE_CHANGED,
    "gate.attested": Kind.GATE_CHANGED,
    "policy.published": Kind.POLICY_PUBLISHED,
}
TYPES = sorted(OF_TYPE)


def kind_of(entry: Entry) -> Kind | None:
    """What the entry is told as; None for what tells nothing new, such as an attestation that repeats the one before."""
    if entry.type != "gate.attested":
        return OF_TYPE.get(entry.type)
    if entry.data.get("result") != "FAILED":
        return None
    by_the_clock = entry.actor_kind == "system" and entry.actor_id == "clock"
    return Kind.APPROVAL_EXPIRED if by_the_clock else Kind.GATE_CHANGED


def versions_of(entries: Iterable[Entry]) -> dict[UUID, Version]:
    """The version that each entry is about, by the entry's key; none where it is about something else. Two queries."""
    entries = list(entries)
    about_release = [one.subject_id for one in entries if one.subject_type == Release.ledger_label]
    of_release = dict(Release.objects.filter(pk__in=about_release).values_list("pk", "version_id"))
    wanted: dict[UUID, UUID] = {}
    for one in entries:
        if one.subject_type == Version.ledger_label:
            wanted[one.pk] = UUID(one.subject_id)
        elif one.subject_type == Release.ledger_label and UUID(one.subject_id) in of_release:
            wanted[one.pk] = of_release[UUID(one.subject_id)]
    versions = Version.objects.select_related("model").in_bulk(set(wanted.values()))
    return {entry: versions[version] for entry, version in wanted.items() if version in versions}


def concerns(webhook: Webhook, kind: Kind, version: Version | None) -> bool:
    """Whether the webhook is told of it: its kinds, and its team's versions; policies are everybody's."""
    if kind not in webhook.kinds:
        return False
    if webhook.team_id is None or kind == Kind.POLICY_PUBLISHED:
        return True
    return version is not None and version.model.team_id == webhook.team_id


def told(entry: Entry, kind: Kind, version: Version | None) -> dict[str, Any]:
    """What a delivery says: what the log says in the open. Names and words of people, which it only commits to, stay here."""
    opened = {name: value for name, value in entry.data.items() if not (isinstance(value, dict) and "commitment" in value)}
    body: dict[str, Any] = {
        "id": str(entry.pk),
        "kind": str(kind),
        "type": entry.type,
        "at": clock.stamp(entry.at),
        "site": settings.SITE_URL,
        "data": opened,
    }
    if version is not None:
        body["version"] = {
            "id": str(version.pk),
            "name": str(version),
            "checkpoint": version.checkpoint_digest,
            "url": settings.SITE_URL + version.get_absolute_url(),
        }
    if entry.subject_type == Policy.ledger_label:
        body["policy"] = {"id": entry.subject_id}
    return body

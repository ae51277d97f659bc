"""Saying how one dataset version came from another."""

from __future__ import annotations

import hashlib

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Person
from core.errors import InvalidInput, WrongState
from data_registry.events import DatasetVersionLinked
from data_registry.lineage import reaches
from data_registry.models import DatasetVersion, Link
from data_registry.permissions import can_link
from ledger.acts import act

_LINEAGE_LOCK = int.from_bytes(hashlib.sha256(b"countersign data lineage").digest()[:7])


def link_versions(from_version: DatasetVersion, *, by: Person, kind: str, to_version: DatasetVersion) -> Link:
    """`from_version` is derived from, labelled by or split from `to_version`; lineage stays free of cycles."""
    with act(by, attempt="link_dataset_version", on=from_version) as this:
        can_link(by, from_version, to_version).enforce()
        if kind not in Link.Kind.values:
            known = ", ".join(Link.Kind.values)
            raise InvalidInput(_("%(kind)s is not a kind of link; use one of: %(known)s.") % {"kind": kind, "known": known})
        if not to_version.is_registered:
            raise WrongState(_("%(version)s is still a draft: register it before linking to it.") % {"version": to_version})
        with connection.cursor() as cursor:
            # One link at a time: four people who each add one edge of a ring lock no row in common.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LINEAGE_LOCK])
        if from_version == to_version or reaches(to_version, from_version):
            raise InvalidInput(
                _("%(to)s already comes from %(from)s, so %(from)s cannot come from it.")
                % {"to": to_version, "from": from_version}
                if from_version != to_version
                else _("%(version)s cannot come from itself.") % {"version": from_version},
                code="cycle",
            )
        link, made = Link.objects.get_or_create(
            from_version=from_version, kind=kind, to_version=to_version, defaults={"created_by": by, "created_at": this.at}
        )
        if not made:
            raise WrongState(_("These two versions are already linked in this way."), code="already_linked")
        this.record(DatasetVersionLinked(kind=kind, to_version=str(to_version.pk)), on=from_version)
    return link

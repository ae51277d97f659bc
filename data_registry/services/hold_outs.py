"""Registering a hold-out: from then on a version of a dataset is there to test on, and for nothing else."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Person
from core.errors import WrongState
from data_registry.events import HoldOutRegistered
from data_registry.models import DatasetVersion, HoldOut
from data_registry.permissions import can_register_hold_out
from data_registry.uses import LEARNED_FROM
from ledger.acts import act


def register_hold_out(version: DatasetVersion, *, by: Person) -> HoldOut:
    """The version is a hold-out: measurements on it are counted, and those of models that learned from it are not verified."""
    with act(by, attempt="register_hold_out", on=version) as this:
        version.refresh_from_db(from_queryset=DatasetVersion.objects.select_for_update())
        can_register_hold_out(by, version).enforce()
        if not version.is_registered:
            raise WrongState(_("%(version)s is a draft: register it first.") % {"version": version}, code="data_not_registered")
        if HoldOut.objects.filter(dataset_version__digest=version.digest).exists():
            raise WrongState(_("%(version)s is a hold-out already.") % {"version": version}, code="already_hold_out")
        if learned := [name for find in LEARNED_FROM for name in find(version)]:
            raise WrongState(
                _("%(model)s learned from these bytes, so they hold nothing out. Keep other rows apart.") % {"model": learned[0]},
                code="learned_from",
            )
        made = HoldOut.objects.create(dataset_version=version, registered_by=by, registered_at=this.at)
        this.record(HoldOutRegistered(dataset_version=str(version.pk), digest=version.digest), on=version)
    return made

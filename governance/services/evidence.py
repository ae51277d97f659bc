"""Bringing files as evidence, and withdrawing them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Role
from core import blobs, clock
from core.errors import InvalidInput
from governance import events, lifecycle
from governance.models import Evidence, Review
from governance.models.evidence import KIND
from governance.permissions import can_upload_evidence, can_withdraw_evidence
from governance.reviewing import refresh
from ledger.acts import Act, act
from ledger.events import Private
from models_registry.models import RegisteredModel, Version
from models_registry.services import harmless_name

if TYPE_CHECKING:
    from accounts.models import Person


def upload_evidence(
    model: RegisteredModel,
    chunks: Iterable[bytes],
    *,
    by: Person,
    kind: str,
    file_name: str,
    title: str = "",
    version: Version | None = None,
    owner: Person | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
    expected: str | None = None,
) -> Evidence:
    """The file counts as evidence of this kind, in place of the one before; what people sign names it by its digest.

    It is streamed and hashed outside any act. Without a `version` it is brought for the model as a whole.
    """
    owner, begins = owner or by, valid_from or clock.today()
    with act(by, attempt="upload_evidence", on=model):
        can_upload_evidence(by, model).enforce()  # a refusal comes before the first byte is read, and is recorded
        _require_sound(model, version, kind=kind, title=title, owner=owner, begins=begins, ends=valid_until)
    blob = blobs.receive(chunks, limit=settings.UPLOAD_LIMIT, expected=expected)
    with act(by, attempt="upload_evidence", on=model) as this:
        model = RegisteredModel.objects.select_for_update(of=("self",)).select_related("team").get(pk=model.pk)
        can_upload_evidence(by, model).enforce()
        made = Evidence(
            model=model,
            version=version,
            kind=kind,
            title=title.strip(),
            file_name=harmless_name(file_name),
            digest=blob.digest,
            size=blob.size,
            owner=owner,
            valid_from=begins,
            valid_until=valid_until,
            uploaded_by=by,
            uploaded_at=this.at,
        )
        for earlier in Evidence.objects.current().select_for_update().filter(model=model, version=version, kind=kind):
            lifecycle.supersede_evidence(earlier, by=made, within=this)
        made.save(force_insert=True)
        this.record(
            events.EvidenceUploaded(
                model=str(model.pk),
                version_id=str(version.pk) if version else "",
                kind=kind,
                digest=blob.digest,
                size=blob.size,
                owner=str(owner.pk),
                valid_from=begins.isoformat(),
                valid_until=valid_until.isoformat() if valid_until else "",
                title=Private(made.title),
                file_name=Private(made.file_name),
            ),
            on=made,
        )
        _refresh_reviews(made, within=this)
    return made


def withdraw_evidence(evidence: Evidence, *, by: Person, reason: str) -> Evidence:
    """The file no longer counts, for this reason; it is kept, and whoever signed with it has to look again."""
    if not reason.strip():
        raise InvalidInput(_("Say why the file no longer counts: it becomes part of the record."), code="reason_missing")
    with act(by, attempt="withdraw_evidence", on=evidence) as this:
        RegisteredModel.objects.select_for_update(of=("self",)).get(pk=evidence.model_id)
        evidence = Evidence.objects.with_parts().get(pk=evidence.pk)
        can_withdraw_evidence(by, evidence).enforce()
        lifecycle.withdraw_evidence(evidence, by=by, reason=reason.strip()[:500], within=this)
        _refresh_reviews(evidence, within=this)
    return evidence


def _require_sound(
    model: RegisteredModel, version: Version | None, *, kind: str, title: str, owner: Person, begins: date, ends: date | None
) -> None:
    if not KIND.match(kind):
        raise InvalidInput(
            _("A kind of evidence is a name of 2 to 40 lower-case letters, digits and underscores, such as dpia."), code="kind"
        )
    if version is not None and version.model_id != model.pk:
        raise InvalidInput(_("The version is one of another model."), code="other_model")
    if len(title) > 200 or "\x00" in title:
        raise InvalidInput(_("The title has at most 200 characters."), code="title")
    if not owner.is_active or not owner.roles_in(model.team) - {Role.ADMINISTRATOR}:
        raise InvalidInput(_("The owner is somebody who belongs to the model's team."), code="owner")
    if ends is not None and ends < begins:
        raise InvalidInput(_("The last day lies before the first one."), code="dates")
    if ends is not None and ends < clock.today():
        raise InvalidInput(_("The file is no longer valid: bring one that is."), code="expired")


def _refresh_reviews(evidence: Evidence, *, within: Act) -> None:
    """Open reviews whose signatures name the file know what stands now. Versions are locked before reviews, as everywhere."""
    about = Review.objects.open().filter(version__model=evidence.model_id)
    if evidence.version_id is not None:
        about = about.filter(version=evidence.version_id)
    rows = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run")
    for version in rows.filter(pk__in=about.values("version")).order_by("pk"):
        review = Review.objects.open().locked().select_related("policy").filter(version=version).first()
        if review is not None:
            review.version = version
            refresh(review, within=within)

"""Saying what personal data is present: by declaration, by review, and (from the worker) by a scan."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Person
from core.errors import InvalidInput
from data_registry.documents import require_text
from data_registry.events import PiiFindingRecorded
from data_registry.models import DatasetVersion, PiiFinding
from data_registry.permissions import can_record_finding
from ledger.acts import Act, act
from ledger.events import Private

Basis, Present = PiiFinding.Basis, PiiFinding.Present


def record_finding(
    version: DatasetVersion,
    *,
    by: Person,
    category: str,
    present: str,
    column: str = "",
    note: str = "",
    review: bool = False,
) -> PiiFinding:
    """It is said that data of `category` is, is not or may be present in `column` (empty: in the data as a whole).

    A `review` is a data protection officer's: it alone sets aside what was declared or found before for that column and
    category, and needs a note that says why.
    """
    with act(by, attempt="review_finding" if review else "record_finding", on=version) as this:
        can_record_finding(by, version, review=review).enforce()
        if category not in PiiFinding.Category.values:
            known = ", ".join(PiiFinding.Category.values)
            raise InvalidInput(
                _("%(given)s is not a category of personal data; use one of: %(known)s.") % {"given": category, "known": known}
            )
        if present not in Present.values:
            raise InvalidInput(_("Say whether it is present: yes, no or unknown."))
        if len(column) > 200 or len(note) > 2_000:
            raise InvalidInput(_("A column's name has at most 200 characters, a note at most 2,000."))
        require_text(column + note, name=_("The column or note"))
        if review and not note.strip():
            raise InvalidInput(_("A review needs a note that says what it rests on."), code="note_missing")
        return _record(
            version,
            within=this,
            by=by,
            column=column,
            category=category,
            present=present,
            basis=Basis.REVIEWED if review else Basis.DECLARED,
            evaluated_by="person",
            note=note,
        )


def declare_columns(version: DatasetVersion, *, by: Person, within: Act) -> None:
    """What the registrar declared of each column counts as a finding."""
    for column in version.columns:
        if "category" in column:
            _record(
                version,
                within=within,
                by=by,
                column=column["name"],
                category=column["category"],
                present=column["present"],
                basis=Basis.DECLARED,
                evaluated_by="person",
            )


def record_scanned(
    version: DatasetVersion,
    *,
    column: str,
    category: str,
    kind: str,
    present: str,
    evaluated_by: str,
    matched: int,
    scanned: int,
    within: Act,
) -> PiiFinding:
    """A scan's finding stands, with how many cells matched of how many."""
    return _record(
        version,
        within=within,
        by=None,
        column=column,
        category=category,
        kind=kind,
        present=present,
        basis=Basis.SCANNED,
        evaluated_by=evaluated_by,
        matched=matched,
        scanned=scanned,
    )


def _record(
    version: DatasetVersion,
    *,
    within: Act,
    by: Person | None,
    column: str,
    category: str,
    present: str,
    basis: str,
    evaluated_by: str,
    kind: str = "",
    matched: int | None = None,
    scanned: int | None = None,
    note: str = "",
) -> PiiFinding:
    finding = PiiFinding(
        dataset_version=version,
        column=column,
        category=category,
        kind=kind,
        present=present,
        basis=basis,
        evaluated_by=evaluated_by,
        matched=matched,
        scanned=scanned,
        created_by=by,
        created_at=within.at,
    )
    event = within.record(
        PiiFindingRecorded(
            finding=str(finding.pk),
            column=column,
            category=category,
            kind=kind,
            present=present,
            basis=basis,
            evaluated_by=evaluated_by,
            matched=matched,
            scanned=scanned,
            note=Private(note),
        ),
        on=version,
    )
    finding.note_event = event if note else None
    finding.save(force_insert=True)
    return finding

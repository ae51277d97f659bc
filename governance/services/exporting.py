"""Taking a register away as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from governance import events
from governance.registers.tables import Table
from governance.registers.writing import CSV, MOST_IN_A_SHEET, XLSX, as_csv, as_xlsx
from ledger.acts import act

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import Person


def export_register(table: Table, found: QuerySet, *, by: Person, form: str, filtered: bool) -> Iterator[bytes]:
    """The rows that there are now as parts of a CSV or XLSX file; that `by` takes them is recorded before the first leaves."""
    if form not in {CSV, XLSX}:
        raise InvalidInput(_("A register is exported as csv or as xlsx."), code="format")
    newest = found.order_by("-pk").values_list("pk", flat=True).first()
    found = found.filter(pk__lte=newest) if newest else found.none()  # what is made meanwhile is in no count
    count = found.count()
    if form == XLSX and count > MOST_IN_A_SHEET:
        raise InvalidInput(
            _("A sheet holds %(most)s rows. Narrow the register with a filter, or take it as CSV.")
            % {"most": f"{MOST_IN_A_SHEET:,}"},
            code="too_many_rows",
        )
    with act(by) as this:
        this.record(events.RegisterExported(register=table.name, format=form, rows=count, filtered=filtered))
    rows = table.rows(found, reader=by)
    return as_csv(table.header, rows) if form == CSV else as_xlsx(table.name, table.header, rows)

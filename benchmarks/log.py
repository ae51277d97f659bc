"""The log: recording events in acts, and giving them their place in the tree, against inserting the same rows plainly."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import Result, timed

EVENTS = 2000
ACTS, SEQUENCING = 8.0, 16.0  # times as long as plain inserts of the same rows


def measure(_folder: Path) -> list[Result]:
    from django.db import connection, transaction  # noqa: PLC0415 - models can be imported once Django is set up

    from ledger.models import Event, Leaf  # noqa: PLC0415 - as above
    from ledger.services import sequence_and_seal  # noqa: PLC0415 - as above

    sequence_and_seal()
    with timed() as acting:
        _record(EVENTS)
    first = Leaf.objects.count()
    with timed() as sequencing:
        sequence_and_seal()
    assert Leaf.objects.count() - first == EVENTS
    rows = list(Event.objects.values_list("id", "type", "at", "body", "leaf_hash")[:EVENTS])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE plain (id uuid PRIMARY KEY, type text, at timestamptz, body bytea, hash bytea)")
        insert = "INSERT INTO plain VALUES (%s, %s, %s, %s, %s)"
        with timed() as one_by_one:
            for row in rows:
                with transaction.atomic():
                    cursor.execute(insert, row)
        cursor.execute("TRUNCATE plain")
        with timed() as at_once, transaction.atomic():
            cursor.executemany(insert, rows)
    acts, rate = acting.seconds / one_by_one.seconds, EVENTS / sequencing.seconds
    how = f"{EVENTS} acts of one event: {acting.seconds:.2f} s ÷ INSERT and commit each: {one_by_one.seconds:.2f} s"
    sealed = (
        f"sequencing them and one seal ({rate:,.0f} a second): {sequencing.seconds:.2f} s ÷ INSERT all: {at_once.seconds:.2f} s"
    )
    return [
        Result("acts_against_inserts", acts, ACTS, "at most", how),
        Result("sequencing_against_inserts", sequencing.seconds / at_once.seconds, SEQUENCING, "at most", sealed),
    ]


def _record(events: int) -> None:
    from dataclasses import dataclass  # noqa: PLC0415 - the event exists in this measurement only

    from ledger.actors import INSTALLER  # noqa: PLC0415 - as above
    from ledger.acts import act  # noqa: PLC0415 - as above
    from ledger.events import Event, Ref, event  # noqa: PLC0415 - as above

    @event("bench.measured", version=1)
    @dataclass(frozen=True, kw_only=True)
    class BenchMeasured(Event):
        """Something was measured."""

        number: int

    for number in range(events):
        with act(INSTALLER) as this:
            this.record(BenchMeasured(number=number), on=Ref("bench", str(number % 10)))

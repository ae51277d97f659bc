"""What the rows of an incoming register of findings would do here: told before anything is written, and pinned by a digest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from core.canonical import sha256_of
from governance.models import Finding
from governance.permissions.findings import can_raise, can_retest, can_revise, can_work, team_of
from governance.registers.lookups import Lookups, plain, text_of
from governance.registers.steps import TEXTS, Refused, Step, steps_for

if TYPE_CHECKING:
    from accounts.models import Person
    from core.decisions import Decision
    from governance.registers.incoming import Row, Sheet

NEW, CHANGED, UNCHANGED, REFUSED = "new", "changed", "unchanged", "refused"
ORDER = [REFUSED, NEW, CHANGED, UNCHANGED]  # what needs a person's eye stands first
# Columns that are read. What the site itself finds out (who did what, and when) is told by an export and taken from none.
COLUMNS = [
    *("id", "reference", "title", "description", "severity", "source", "state", "due_on", "team", "model", "version"),
    *("dataset", "dataset_version", *TEXTS, "owner", "owner_id"),
]
TOLD = [
    *("overdue", "retested_at", "raised_at"),
    *(f"{who}{end}" for who in ("planned_by", "done_by", "retested_by", "raised_by") for end in ("", "_id")),
]
LONGEST = {"title": 200, "description": 4000, "reference": 80, **TEXTS}


@dataclass(frozen=True, slots=True)
class Line:
    """What one row does: `outcome`, and one sentence about it."""

    line: int
    outcome: str
    title: str
    sentence: str = ""
    finding: Finding | None = None
    thing: Any = None  # what a new finding is about
    steps: list[Step] = field(default_factory=list)
    denied: bool = False
    code: str = ""


@dataclass
class Plan:
    """What a file would do for one person, as everything stands now."""

    sheet: Sheet
    lines: list[Line]

    @cached_property
    def counts(self) -> dict[str, int]:
        found = Counter(one.outcome for one in self.lines)
        return {name: found[name] for name in ORDER}

    @cached_property
    def refused(self) -> list[Line]:
        return [one for one in self.lines if one.outcome == REFUSED]

    @property
    def does_something(self) -> bool:
        return not self.refused and self.counts[NEW] + self.counts[CHANGED] > 0

    @cached_property
    def digest(self) -> str:
        """Of the file and of every step, with the state that each finding has before it: what a confirmation is for."""
        lines = [
            [one.line, one.outcome, _standing(one), getattr(one.thing, "pk", None) and str(one.thing.pk), *_pins(one)]
            for one in self.lines
        ]
        return sha256_of({"file": self.sheet.digest, "lines": lines})

    @property
    def in_order(self) -> list[Line]:
        return sorted(self.lines, key=lambda one: (ORDER.index(one.outcome), one.line))


def _pins(line: Line) -> list[list[str]]:
    return [step.pinned for step in line.steps]


def _standing(line: Line) -> list[str]:
    row = line.finding
    return [str(row.pk), row.state, row.severity, str(row.owner_id), row.due_on.isoformat()] if row else []


def plan_of(sheet: Sheet, *, by: Person) -> Plan:
    """Each row of the sheet as new, changed, unchanged or refused; the number of queries does not grow with the rows."""
    known = Lookups(sheet.rows, by=by)
    seen: dict[Any, int] = {}
    return Plan(sheet, [_line(row, known, seen, by) for row in sheet.rows])


def _line(row: Row, known: Lookups, seen: dict[Any, int], by: Person) -> Line:
    title = text_of(row, "title")[:200]
    try:
        if row.wrong:
            raise Refused(row.wrong)
        for name, most in LONGEST.items():
            if len(text_of(row, name)) > most:
                said = _("Column %(column)s: it has more than %(most)s characters. Shorten it.")
                raise Refused(said % {"column": name, "most": f"{most:,}"})
        found = known.finding(row)
        line = _changed(row, found, known, by) if found else _new(row, known, by)
        key: Any = found.pk if found else (team_of(line.thing).pk, text_of(row, "reference"))
        if (found or text_of(row, "reference")) and key in seen:
            raise Refused(_("Row %(row)s is about the same finding already. Keep one of them.") % {"row": seen[key]})
        seen.setdefault(key, row.line)
    except Refused as refusal:
        return Line(row.line, REFUSED, title, str(refusal), denied=refusal.denied, code=refusal.code)
    return line


def _new(row: Row, known: Lookups, by: Person) -> Line:
    thing = known.thing(row)
    team = team_of(thing)
    if not (may := known.once(can_raise, by, team)):
        raise Refused(may.reason, denied=True, code=may.code)
    if not text_of(row, "title"):
        raise Refused(_("Column title: it is empty. Say what is wrong."))
    if (state := known.state(row)) and state != Finding.State.OPEN:
        said = _("Column state: a new finding begins as open. What was done elsewhere can stand in its description.")
        raise Refused(said)
    if extra := next((name for name in TEXTS if text_of(row, name)), None):
        said = _("Column %(column)s: a new finding has none yet. Empty it, and let the owner fill it in once it is here.")
        raise Refused(said % {"column": extra})
    owner = known.owner(row, team)
    said_of = {
        "title": text_of(row, "title"),
        "description": text_of(row, "description"),
        "severity": known.severity(row, required=True),
        "source": known.source(row) or Finding.Source.OTHER.value,
        "due_on": known.due_on(row, required=True),
        "owner": owner,
        "reference": text_of(row, "reference"),
    }
    words = _("About %(thing)s; %(severity)s, due %(due)s.") % {
        "thing": thing,
        "severity": said_of["severity"],
        "due": said_of["due_on"],
    }
    return Line(row.line, NEW, str(said_of["title"]), words, thing=thing, steps=[Step("raise", said_of, words)])


def _changed(row: Row, finding: Finding, known: Lookups, by: Person) -> Line:
    known.require_same(row, finding)
    texts = {name: text_of(row, name) for name in TEXTS}
    steps = steps_for(
        finding,
        state=known.state(row),
        texts={name: text for name, text in texts.items() if text and text != plain(getattr(finding, name))},
        severity=known.severity(row) or finding.severity,
        due_on=known.due_on(row) or finding.due_on,
        owner=known.owner(row, finding.team, now=finding.owner) or finding.owner,
    )
    for step in steps:
        if not (may := _may(step, by, finding, known)):
            raise Refused(may.reason, denied=True, code=may.code)
    outcome = CHANGED if steps else UNCHANGED
    words = "; ".join(step.words for step in steps)
    return Line(row.line, outcome, str(finding), words, finding=finding, steps=steps)


def _may(step: Step, by: Person, finding: Finding, known: Lookups) -> Decision:
    if step.name in {"plan", "mended"}:
        return can_work(by, finding)
    rule = can_revise if step.name == "revise" else can_retest
    return rule(by, finding, makers=known.makers[finding.subject.pk])

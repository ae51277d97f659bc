"""What a row of an incoming register asks of a finding that is here: the steps, or the sentence why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Person
from governance.models import Finding

State = Finding.State
TEXTS = {"plan": 4000, "done": 4000, "retest_reason": 4000}


class Refused(Exception):
    """One sentence about one row. `denied`: a right is missing, rather than something in the file being wrong."""

    def __init__(self, sentence: str, *, denied: bool = False, code: str = "row") -> None:
        super().__init__(sentence)
        self.denied, self.code = denied, code


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done to a finding, with the arguments of its service, and its words."""

    name: str  # raise, revise, plan, mended, retest
    said: dict[str, Any]
    words: str

    @property
    def pinned(self) -> list[str]:
        return [self.name, *(f"{key}={getattr(value, 'pk', value)}" for key, value in sorted(self.said.items()))]


def steps_for(finding: Finding, *, state: str, texts: dict[str, str], severity: str, due_on: date, owner: Person) -> list[Step]:
    """The steps from what stands to what the row says, in order. `texts`: what differs of TEXTS. Raises Refused."""
    revised = _revision(finding, severity, due_on, owner)
    steps = _work(finding, state or finding.state, texts)
    if revised and State.CLOSED in {finding.state, state}:
        raise Refused(_("A finding that is closed keeps its severity, owner and due date. Raise a new one."))
    return [*revised, *steps]


def _revision(finding: Finding, severity: str, due_on: date, owner: Person) -> list[Step]:
    before = {"severity": finding.severity, "due_on": finding.due_on, "owner": finding.owner}
    after = {"severity": severity, "due_on": due_on, "owner": owner}
    changes = [f"{name}: {before[name]} → {after[name]}" for name in before if before[name] != after[name]]
    return [Step("revise", after, "; ".join(changes))] if changes else []


def _work(finding: Finding, wanted: str, texts: dict[str, str]) -> list[Step]:
    now = finding.state
    working = {State.OPEN, State.IN_PROGRESS}
    if State.ACCEPTED in {now, wanted} and now != wanted:
        raise Refused(_("Column state: a risk is accepted by an exception alone, and open again when that ends."))
    if now in working and wanted == State.READY_FOR_RETEST:
        return [*_planning(texts), _mended(finding, texts)]
    if now in working and wanted == State.IN_PROGRESS:
        if now == State.OPEN and not texts.get("plan") and finding.plan:
            texts = texts | {"plan": finding.plan}
        steps = _planning(texts)
        if now == State.OPEN and not steps:
            raise Refused(_("Column plan: it is empty. Say what will be done, or leave the state as open."))
        _nothing_else(texts, "plan")
        return steps
    if now == State.READY_FOR_RETEST and wanted in {State.CLOSED, State.OPEN}:
        _nothing_else(texts, "retest_reason")
        if not texts.get("retest_reason"):
            raise Refused(_("Column retest_reason: say what was tested again and what came out, otherwise than the last time."))
        passed = wanted == State.CLOSED
        words = _("retest passed: closed") if passed else _("retest failed: open again")
        return [Step("retest", {"passed": passed, "reason": texts["retest_reason"]}, words)]
    if now != wanted:
        raise Refused(
            _(
                "Column state: from %(now)s to %(wanted)s there is no single step. Its owner plans and mends, somebody else"
                " tests it again."
            )
            % {"now": now, "wanted": wanted}
        )
    _nothing_else(texts)
    return []


def _planning(texts: dict[str, str]) -> list[Step]:
    return [Step("plan", {"plan": texts["plan"]}, _("plan"))] if texts.get("plan") else []


def _mended(finding: Finding, texts: dict[str, str]) -> Step:
    _nothing_else(texts, "plan", "done")
    done = texts.get("done") or finding.done
    if not done:
        raise Refused(_("Column done: it is empty. Say what was done, so that it can be tested again."))
    return Step("mended", {"done": done}, _("mended: ready for retest"))


def _nothing_else(texts: dict[str, str], *allowed: str) -> None:
    """A text that goes with a step is not rewritten without it."""
    for name in texts:
        if name not in allowed:
            needed = {"plan": "in_progress", "done": "ready_for_retest", "retest_reason": "closed, or open,"}[name]
            raise Refused(
                _("Column %(column)s: this text goes with the state %(state)s in the column state. Write both, or leave both.")
                % {"column": name, "state": needed}
            )

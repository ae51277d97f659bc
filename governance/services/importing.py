"""Bringing findings in from a file: every row as if done by hand, all of them or none."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Team
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import events
from governance.affected import by_finding, locked_versions
from governance.models import Finding
from governance.models.finding import about
from governance.permissions.findings import makers_of_all, team_of
from governance.registers.planning import CHANGED, NEW, UNCHANGED, Line, Plan, plan_of
from governance.services.findings import (
    mended_within,
    plan_within,
    prepared,
    raise_within,
    retest_within,
    revise_within,
    take_effect,
)
from ledger.acts import Act, act

if TYPE_CHECKING:
    from accounts.models import Person
    from governance.registers.incoming import Sheet
    from models_registry.models import Version


def import_findings(sheet: Sheet, *, by: Person, expected: str | None = None) -> Plan:
    """Every row of the sheet is done; returns what was done. `expected`: the digest of the plan that `by` looked at.

    Nothing happens where a row is refused, where nothing would change, or where the register is another than at the look.
    """
    with act(by, attempt="import_findings") as this:
        _lock(first := plan_of(sheet, by=by))
        plan = plan_of(sheet, by=by)
        _require_clean(plan, expected)
        _require_same(plan, first)
        suspends: list[Finding] = []
        touched: list[Finding] = []
        lines = [line for line in plan.lines if line.outcome in {NEW, CHANGED}]
        makers = makers_of_all(map(_thing, lines))  # once for all rows, under the locks
        for line in lines:
            finding, grave = _done(line, by=by, makers=makers[_thing(line).pk], within=this)
            (suspends if grave else touched).append(finding)
        for found, grave in ((suspends, True), (touched, False)):
            take_effect(_locked_of(found), suspends=grave, within=this)
        this.record(
            events.RegisterImported(
                register="findings",
                format=sheet.format,
                digest=sheet.digest,
                new=plan.counts[NEW],
                changed=plan.counts[CHANGED],
                unchanged=plan.counts[UNCHANGED],
            )
        )
    return plan


def _require_clean(plan: Plan, expected: str | None) -> None:
    if plan.refused:
        first = plan.refused[0]
        said = ngettext(
            "Nothing was imported: %(count)s row is refused. Row %(row)s: %(why)s",
            "Nothing was imported: %(count)s rows are refused. Row %(row)s: %(why)s",
            len(plan.refused),
        )
        sentence = said % {"count": len(plan.refused), "row": first.line, "why": first.sentence}
        denied = next((one for one in plan.refused if one.denied), None)
        if denied is not None:
            raise NotAllowed(sentence if denied is first else f"{sentence} {denied.sentence}", code=denied.code)
        raise InvalidInput(sentence, code="rows_refused")
    if not plan.does_something:
        raise WrongState(_("Nothing was imported: every row says what stands here already."), code="nothing_new")
    if expected is not None and expected != plan.digest:
        raise WrongState(
            _("Nothing was imported: the register changed since you looked at the preview. Look at it again."),
            code="preview_outdated",
        )


def _require_same(plan: Plan, locked: Plan) -> None:
    """What is done is what the locks were taken for: a row that somebody made new or changed in between has none."""
    if plan.digest != locked.digest:
        raise WrongState(
            _("Nothing was imported: the register changed at the same moment. Look at the preview, then import again."),
            code="preview_outdated",
        )


def _lock(plan: Plan) -> None:
    """Versions by their key, then teams, then findings: as every single deed takes them."""
    _locked_of([Finding(**_about(line)) for line in plan.lines if line.outcome in {NEW, CHANGED}])
    teams = {team_of(line.thing).pk for line in plan.lines if line.outcome == NEW}
    list(Team.objects.select_for_update().filter(pk__in=teams).order_by("pk"))
    mine = [line.finding.pk for line in plan.lines if line.finding is not None]
    list(Finding.objects.select_for_update(of=("self",)).filter(pk__in=mine).order_by("pk").values_list("pk"))


def _about(line: Line) -> dict[str, Any]:
    return about(_thing(line)) | {"team": line.finding.team if line.finding is not None else team_of(line.thing)}


def _thing(line: Line) -> Any:
    return line.finding.subject if line.finding is not None else line.thing


def _locked_of(findings: list[Finding]) -> list[Version]:
    concerned: list[Q] = list({str(one): one for one in map(by_finding, findings)}.values())
    return locked_versions(reduce(or_, concerned)) if concerned else []


def _done(line: Line, *, by: Person, makers: set[str], within: Act) -> tuple[Finding, bool]:
    """The finding that the line made or changed, and whether it takes approvals back."""
    finding, grave = line.finding, False
    for step in line.steps:
        if step.name == "raise":
            finding = prepared(line.thing, by=by, makers=makers, **step.said)
            raise_within(finding, within=within)
            grave = finding.severity == Finding.Severity.CRITICAL
            continue
        assert finding is not None  # noqa: S101 - every step but the first of a new one has its finding
        if step.name == "revise":
            grave = revise_within(finding, by=by, **step.said, makers=makers, within=within) or grave
        elif step.name == "plan":
            plan_within(finding, by=by, **step.said, within=within)
        elif step.name == "mended":
            mended_within(finding, by=by, **step.said, within=within)
        else:
            retest_within(finding, by=by, **step.said, makers=makers, within=within)
    assert finding is not None  # noqa: S101 - as above
    return finding, grave

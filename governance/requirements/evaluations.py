"""That the version was measured on each test set, met every threshold, came to the same numbers again, and on which data."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from evaluations.holdouts import marks_of
from evaluations.models import EvaluationRun
from evaluations.repeats import BEYOND, agreement_of
from evaluations.services import verdict_of
from evaluations.verdicts import Verdict
from governance.material import Material
from governance.requirements import Answer, Outcome, Question
from governance.requirements.inspection import is_accepted

UNDER_WAY = {EvaluationRun.State.QUEUED, EvaluationRun.State.RUNNING}


def verdicts_of(material: Material) -> list[tuple[EvaluationRun, Verdict]]:
    """The latest run on each test set under this policy, with its verdict."""
    latest: dict[Any, EvaluationRun] = {}
    for run in material.runs:
        latest.setdefault(run.dataset_version_id, run)
    return [(run, verdict_of(run)) for run in latest.values()]


def thresholds(question: Question) -> list[Answer]:
    """Each check of each test set that did not pass; one answer for a test set where all did."""
    if not is_accepted(question.version):
        return []  # the inspection says so
    if not question.verdicts:
        return [Answer(Outcome.NOT_ASSESSED, _("Nothing has been measured yet."))]
    return [answer for run, verdict in question.verdicts for answer in _of_run(run, verdict)]


def _of_run(run: EvaluationRun, verdict: Verdict) -> list[Answer]:
    data = run.dataset_version
    if run.state in UNDER_WAY:
        return [Answer(Outcome.NOT_ASSESSED, _("The evaluation on %(data)s is not done yet.") % {"data": data}, str(data.pk))]
    if run.state != run.State.COMPLETED:
        said = _("The evaluation on %(data)s could not be finished: %(why)s") % {"data": data, "why": run.error}
        return [Answer(Outcome.NOT_ASSESSED, said, str(data.pk))]
    if not verdict.checks:
        return [Answer(Outcome.NOT_ASSESSED, verdict.sentence, str(data.pk))]
    open_ones = [check for check in verdict.checks if check.outcome != "passed"]
    if not open_ones:
        said = _("Every threshold is met on %(data)s.") % {"data": data}
        return [Answer(Outcome.MET, said, str(data.pk))]
    return [
        Answer(
            Outcome.NOT_ASSESSED if check.outcome == "not_run" else Outcome.NOT_MET, check.sentence, f"{data.pk}:{check.title}"
        )
        for check in open_ones
    ]


def repeats(question: Question) -> list[Answer]:
    """A number that does not come out again is no evidence, until somebody has found out why."""
    if not is_accepted(question.version):
        return []
    by_key = {run.pk: run for run, _verdict in question.verdicts}
    rows = EvaluationRun.objects.filter(repeats__in=by_key, state=EvaluationRun.State.COMPLETED).order_by("-queued_at")
    latest: dict[Any, EvaluationRun] = {}
    for again in rows.prefetch_related("metrics"):
        latest.setdefault(again.repeats_id, again)
    found = [(by_key[key], agreement_of(by_key[key], again)) for key, again in latest.items()]
    return [
        Answer(
            Outcome.NOT_MET,
            _("The evaluation on %(data)s was repeated and came to other numbers. %(how)s")
            % {"data": run.dataset_version, "how": agreement.sentence},
            str(run.dataset_version_id),
        )
        for run, agreement in found
        if agreement.outcome == BEYOND
    ]


def verified(question: Question) -> list[Answer]:
    """Where the policy asks for verified numbers: why those of a completed run are not."""
    if not question.policy.document.evaluations.verified:
        return []
    completed = (run for run, _verdict in question.verdicts if run.state == run.State.COMPLETED)
    marks = marks_of(completed, counted=False)
    return [Answer(Outcome.NOT_MET, reason) for mark in marks.values() for reason in mark.reasons]

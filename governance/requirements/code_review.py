"""That people who did not contribute read exactly this code, and came to approve it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import InvalidInput
from governance.code_sets import latest_code, standing_outcomes
from governance.models import CodeOutcome
from governance.permissions import contributors
from governance.requirements import Answer, Outcome, Question


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    """{kind: code_review, reviewers: n}, n from 1 to 9."""
    reviewers = demand.get("reviewers", 1)
    if type(reviewers) is not int or not 1 <= reviewers <= 9 or set(demand) - {"kind", "reviewers"}:
        raise InvalidInput(
            _("A requirement of code review says how many people: {kind: code_review, reviewers: 1}, from 1 to 9."),
            code="code_review",
        )
    return {"kind": "code_review", "reviewers": reviewers}


def words(demand: Mapping[str, Any]) -> str:
    reviewers = int(demand.get("reviewers", 1))
    said = ngettext(
        "%(n)d person who did not contribute read and approved exactly its code.",
        "%(n)d people who did not contribute read and approved exactly its code.",
        reviewers,
    )
    return said % {"n": reviewers}


def answer(question: Question) -> list[Answer]:
    version = question.version
    href, wanted = reverse("governance:code", args=[version.pk]), int(question.demand.get("reviewers", 1))
    sent = latest_code(version)
    if sent is None:
        said = _("The policy asks for a review of the code, and none was sent: “countersign send-code” does it.")
        return [Answer(Outcome.NOT_ASSESSED, said, href=href)]
    trained = str(version.training_run.code.get("commit") or "") if version.training_run else ""
    if trained and trained != sent.commit:
        return [Answer(Outcome.NOT_MET, _("The code that was sent is not that of the training run. Send it again."), href=href)]
    outcomes = standing_outcomes(version, sent.digest)
    if any(one.verdict == CodeOutcome.Verdict.CHANGES_REQUESTED for one in outcomes):
        return [Answer(Outcome.NOT_MET, _("A review of the code asks for changes."), href=href)]
    barred = contributors(version) | {str(one) for one in sent.commits.exclude(person=None).values_list("person", flat=True)}
    counted = {one.person for one in outcomes if str(one.person) not in barred}
    if len(counted) < wanted:
        said = _("Of %(wanted)d reviews of exactly this code %(given)d were recorded.")
        return [Answer(Outcome.NOT_ASSESSED, said % {"wanted": wanted, "given": len(counted)}, href=href)]
    said = ngettext(
        "%(n)d person who did not contribute approved exactly this code.",
        "%(n)d people who did not contribute approved exactly this code.",
        len(counted),
    )
    return [Answer(Outcome.MET, said % {"n": len(counted)}, href=href)]

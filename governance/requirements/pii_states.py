"""That everything known of personal data on the way to the version is decided: {"kind": "pii_states"}.

A scan's find is open until a person has said that it is so; what may be there is open until somebody knows. What the law
protects beyond other data is decided by a data protection officer alone, whose note holds the legal basis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from data_registry.lineage import Assessment, PiiFlag, VersionName
from data_registry.models import DatasetVersion, PiiFinding
from data_registry.special import OFFICERS_DECISION
from governance.requirements import Answer, Outcome, Question
from governance.requirements.parameters import only

_BY_PEOPLE = {PiiFinding.Basis.DECLARED.value, PiiFinding.Basis.REVIEWED.value}


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    only(demand)
    return demand


def words(demand: Mapping[str, Any]) -> str:
    return _("Everything known of personal data in its data, and in what they came from, is decided by a person.")


def answer(question: Question) -> list[Answer]:
    if not question.material.links:
        return [Answer(Outcome.NOT_ASSESSED, _("No data are named, so what is personal in them is not known."))]
    found = question.material.personal
    said, pages = _people_said(found), _pages(found)
    answers = [_nobody_looked(name, pages) for name in found.not_assessed]
    answers += [_may_be_there(flag, pages) for flag in found.unknown]
    answers += [_of(flag, said, pages) for flag in found.present]
    return answers or [Answer(Outcome.MET, _("No personal data are known in the data or in what they came from."))]


def _people_said(found: Assessment) -> set[tuple[UUID, str, str, str]]:
    """(version, column, category, basis) of each finding by which a person said that the data are there."""
    rows = PiiFinding.objects.filter(
        dataset_version__in={flag.dataset_version.pk for flag in found.present},
        present=PiiFinding.Present.YES,
        basis__in=_BY_PEOPLE,
    )
    return set(rows.values_list("dataset_version", "column", "category", "basis"))


def _of(flag: PiiFlag, said: set[tuple[UUID, str, str, str]], pages: Mapping[UUID, str]) -> Answer:
    where = (flag.dataset_version.pk, flag.column, flag.category)
    deciding = {PiiFinding.Basis.REVIEWED.value} if flag.category in OFFICERS_DECISION else _BY_PEOPLE
    words = {"what": capfirst(flag.sentence)}
    if any((*where, basis) in said for basis in deciding & set(flag.bases)):
        return _answer(Outcome.MET, _("Decided: %(what)s.") % words, flag, pages)
    if flag.category in OFFICERS_DECISION:
        needed = _("%(what)s: a data protection officer decides on it, with the legal basis in the note of the review.")
        return _answer(Outcome.NOT_MET, needed % words, flag, pages)
    return _answer(
        Outcome.NOT_MET, _("%(what)s was found by a scan, and nobody has said yet whether it is so.") % words, flag, pages
    )


def _may_be_there(flag: PiiFlag, pages: Mapping[UUID, str]) -> Answer:
    said = _("%(what)s: whether it is there is not known. Record what is known, or have it reviewed.")
    return _answer(Outcome.NOT_MET, said % {"what": capfirst(flag.sentence)}, flag, pages)


def _answer(outcome: Outcome, sentence: str, flag: PiiFlag, pages: Mapping[UUID, str]) -> Answer:
    subject = f"{flag.dataset_version.pk}:{flag.category}:{flag.column}"
    return Answer(outcome, sentence, subject[:300], pages.get(flag.dataset_version.pk, ""))


def _nobody_looked(name: VersionName, pages: Mapping[UUID, str]) -> Answer:
    said = _("Nobody has said what is personal in %(data)s, and no scan of it was completed.") % {"data": name}
    return Answer(Outcome.NOT_ASSESSED, said, str(name.pk), pages.get(name.pk, ""))


def _pages(found: Assessment) -> dict[UUID, str]:
    """The page of each dataset version that is told of."""
    told = {flag.dataset_version.pk for flag in (*found.present, *found.unknown)} | {name.pk for name in found.not_assessed}
    return {one.pk: one.get_absolute_url() for one in DatasetVersion.objects.named().filter(pk__in=told)}

"""That a worker read each dataset version used and found what was declared of it: {"kind": "data_validation"}."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.components.formatting import number
from data_registry import coverage
from data_registry.models import DatasetVersion, Profile
from governance.requirements import Answer, Outcome, Question
from governance.requirements.parameters import only

# What the reading met that no table of sound rows has; other gaps of a scan say only what it did not look at.
_FLAWS = {"uneven_rows", "undecodable"}


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    only(demand)
    return demand


def words(demand: Mapping[str, Any]) -> str:
    return _("Every dataset version that it names was read, and is what was declared of it.")


def answer(question: Question) -> list[Answer]:
    data = question.material.data
    if not data:
        return [Answer(Outcome.NOT_ASSESSED, _("No data are named, so nothing of them was validated."))]
    profiles = {one.dataset_version_id: one for one in Profile.objects.filter(dataset_version__in=data)}
    return [found for one in data for found in _of(one, profiles.get(one.pk))]


def _of(data: DatasetVersion, profile: Profile | None) -> list[Answer]:
    if not_read := _not_read(data, profile):
        return [Answer(Outcome.NOT_ASSESSED, not_read, str(data.pk), data.get_absolute_url())]
    assert profile is not None  # noqa: S101 - it was read
    flaws = [
        Answer(Outcome.NOT_MET, f"{data}: {sentence}", f"{data.pk}:{rule}", data.get_absolute_url())
        for rule, sentence in _flaws(data, profile)
    ]
    said = _("%(data)s was read, and is what was declared of it.") % {"data": data}
    return flaws or [Answer(Outcome.MET, said, str(data.pk), data.get_absolute_url())]


def _not_read(data: DatasetVersion, profile: Profile | None) -> str:
    """Why nothing is known of what the data hold; empty where they were read."""
    if profile is None:
        return _("%(data)s is in a format that nothing here reads, so it was not validated.") % {"data": data}
    if profile.state in {Profile.State.QUEUED, Profile.State.RUNNING}:
        return _("%(data)s has not been read yet.") % {"data": data}
    if profile.state != Profile.State.COMPLETED:
        return _("%(data)s could not be read, so nothing in it was validated.") % {"data": data}
    if any(entry.get("code") == coverage.NO_READER for entry in profile.not_checked):
        return _("%(data)s is in a format that nothing here reads, so it was not validated.") % {"data": data}
    return ""


def _flaws(data: DatasetVersion, profile: Profile) -> Iterator[tuple[str, str]]:
    """The rules that failed, each with its sentence."""
    counted = profile.facts.get("rows")
    if data.rows is not None and counted is not None and data.rows != counted:
        words = {"declared": number(data.rows), "counted": number(counted)}
        yield "rows", _("%(declared)s rows were declared, and %(counted)s were counted.") % words
    held = {column["name"] for column in profile.facts.get("columns", [])}
    if missing := [column["name"] for column in data.columns if column.get("name") not in held]:
        yield "columns", _("Columns that were declared are not there: %(columns)s.") % {"columns": ", ".join(missing[:20])}
    for entry in profile.not_checked:
        if entry.get("code") in _FLAWS:
            yield entry["code"], coverage.sentence(entry)

"""The version that is live now: by which alias it is found, and what it answered on the same rows as another."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from evaluations.inputs import Other
from evaluations.models import EvaluationRun
from governance.models import PRODUCTION, Release
from models_registry.models import RegisteredModel, Version


def live_versions(models: Iterable[RegisteredModel]) -> dict[str, dict[UUID, Version]]:
    """For each environment, the version of each of these models that is live there, by model."""
    found: dict[str, dict[UUID, Version]] = {}
    releases = Release.objects.live().filter(model__in=models)
    for one in releases.select_related("version__model__team", "version__created_by"):
        found.setdefault(one.environment, {})[one.model_id] = one.version
    return found


def predictions_of_live(run: EvaluationRun) -> Other:
    """The predictions of the version of the same model that is live in production, on exactly the data of `run`."""
    if against := run.policy_ref.get("against"):  # a change envelope names the version that it is laid beside
        return _predictions_of(Version.objects.select_related("model").get(pk=against), run)
    release = (
        Release.objects.live().filter(model=run.version.model_id, environment=PRODUCTION).select_related("version__model").first()
    )
    if release is None:
        return Other(missing=_("No version of this model is live in production, so there is nothing to compare with."))
    if release.version_id == run.version_id:
        return Other(missing=_("This version itself is live in production, so there is nothing to compare with."))
    return _predictions_of(release.version, run)


def _predictions_of(version: Version, run: EvaluationRun) -> Other:
    measured = EvaluationRun.objects.counting().filter(version=version, dataset_digest=run.dataset_digest)
    found = measured.filter(state=EvaluationRun.State.COMPLETED).exclude(predictions_digest="").order_by("-finished_at").first()
    if found is None:
        missing = _("%(version)s was not measured on these data, so they cannot be compared.")
        return Other(missing=missing % {"version": version})
    return Other(found.predictions_digest, str(version))

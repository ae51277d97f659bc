"""The runs by which a retrained version is laid beside the baseline and beside what is live, on the baseline's test sets."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from core.errors import WrongState
from evaluations.models import EvaluationRun
from evaluations.services import ask_for_run
from evaluations.suites import suite_of
from governance.change_envelopes.body import CHECK, thresholds_of
from governance.models import ChangeEnvelope, Release
from ledger.acts import Act
from models_registry.inspection.formats import PROGRAMS
from models_registry.models import RegisteredModel, Version, VersionData

SUITE = "change-envelope"
UNDER_WAY = {EvaluationRun.State.QUEUED, EvaluationRun.State.RUNNING}


def live_of(envelope: ChangeEnvelope) -> Version | None:
    """The version that is live where the envelope holds."""
    rows = Release.objects.live().filter(model=envelope.model_id, environment=envelope.environment)
    live = rows.select_related("version__model").first()
    return live.version if live else None


def live_in(model: RegisteredModel, environment: str) -> Version:
    """The version of the model that is live there: the baseline of what is drafted now."""
    live = Release.objects.live().filter(model=model, environment=environment).select_related("version__model__team").first()
    if live is None:
        said = _("No version of %(model)s is live there, so there is no baseline. Release one first.")
        raise WrongState(said % {"model": model}, code="nothing_live")
    return live.version


def compared_with(envelope: ChangeEnvelope) -> list[Version]:
    """Always the baseline, so that many small steps do not add up; and what is live now, where that is another version."""
    live = live_of(envelope)
    return [envelope.baseline, *([live] if live and live.pk != envelope.baseline_id else [])]


def runs_of(version: Version, envelope: ChangeEnvelope) -> list[EvaluationRun]:
    """The comparisons of the version under this envelope, the newest first."""
    rows = EvaluationRun.objects.with_results().counting().filter(version=version, policy_ref__id=str(envelope.pk))
    return list(rows.order_by("-queued_at"))


def ask_for_comparisons(version: Version, envelope: ChangeEnvelope, *, within: Act) -> list[EvaluationRun]:
    """Each comparison that is still missing stands in the queue; those that were asked for."""
    held = {(run.policy_ref.get("against"), run.dataset_version_id) for run in runs_of(version, envelope)}
    suite = suite_of(SUITE, [{"name": CHECK}])
    levels = envelope.policy.document.evaluations.sandbox
    level = levels["programs"] if version.inspection.format in PROGRAMS else levels["weights"]
    reference = {"id": str(envelope.pk), "name": SUITE, "number": envelope.number, "digest": envelope.digest}
    asked = []
    for against in compared_with(envelope):
        for link in _tests(version, envelope):
            if (str(against.pk), link.dataset_version_id) not in held:
                run = ask_for_run(
                    version,
                    dataset_version=link.dataset_version,
                    suite=suite,
                    thresholds=thresholds_of(envelope.limits),
                    policy_ref=reference | {"against": str(against.pk)},
                    needed_level=level,
                    within=within,
                )
                asked.append(run)
    return asked


def _tests(version: Version, envelope: ChangeEnvelope) -> Iterable[VersionData]:
    """The version's links to the baseline's test sets; one that it does not name is a limit passed, not a run."""
    wanted = [key for key, _digest in envelope.body["tests"]]
    return version.data.filter(use=VersionData.Use.TESTING, dataset_version__in=wanted).select_related("dataset_version")

"""What one computation of an approval looks at: each part is read once, whoever asks, and kept no longer.

The statement that people sign and the answers to what a policy asks speak of the same card, data and findings. Read apart, they
cost every gate answer the same questions several times, and could speak of different moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from data_registry.lineage import Assessment, assess
from data_registry.models import DatasetVersion
from evaluations.models import EvaluationRun
from governance.models import Finding, Policy, RequirementException
from models_registry.models import ModelCard, Version, VersionData


@dataclass(frozen=True)
class Material:
    """About one version under one policy, as it is at the first look. Made anew for each computation: never keep one."""

    version: Version
    policy: Policy

    @cached_property
    def card(self) -> ModelCard | None:
        """The latest revision."""
        return self.version.card

    @cached_property
    def links(self) -> list[VersionData]:
        """The data that the version names, by use."""
        return list(self.version.data.select_related("dataset_version__dataset"))

    @property
    def data(self) -> list[DatasetVersion]:
        """Each dataset version that the version names, once, in the order of their names."""
        found = {link.dataset_version_id: link.dataset_version for link in self.links}
        return sorted(found.values(), key=lambda one: (one.dataset.name, one.number))

    @cached_property
    def personal(self) -> Assessment:
        """The personal data that reach the version along the lineage of its data."""
        return assess([link.dataset_version_id for link in self.links])

    @cached_property
    def runs(self) -> list[EvaluationRun]:
        """Every evaluation under this policy that counts, with its numbers, the latest first."""
        rows = EvaluationRun.objects.with_numbers().counting()
        return list(rows.filter(version=self.version, policy_ref__id=str(self.policy.pk)).order_by("-queued_at"))

    @cached_property
    def findings(self) -> list[Finding]:
        """About the version, its model and its data, closed ones included, the oldest first."""
        return list(Finding.objects.concerning(self.version).order_by("pk"))

    @cached_property
    def exceptions(self) -> list[RequirementException]:
        """Those that stand; of several for one answer the one that stands longest comes last."""
        rows = RequirementException.objects.standing().for_version(self.version, self.policy)
        return list(rows.order_by("expires_on", "pk"))

"""A policy as a document: one frozen shape that every other part reads, whichever format the policy was published in.

Published policies never change, so those of earlier formats are read here too. What a document leaves out it does not give:
no validity means no end, no emergency means that there is no short way. Nothing outside this folder looks into `Policy.body`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from evaluations.suites import TOLERANCE, Criteria

FORMAT = "countersign-policy/2"
ALWAYS, PERSONAL_DATA = "always", "pii"  # when a step applies


@dataclass(frozen=True, slots=True)
class Covers:
    """The pairs of a risk tier and an environment that the policy is for: each tier in each environment."""

    tiers: tuple[str, ...]
    environments: tuple[str, ...]

    def include(self, tier: str, environment: str) -> bool:
        return tier in self.tiers and environment in self.environments


@dataclass(frozen=True, slots=True)
class AskedStep:
    """Whose signatures are needed: `quorum` people of `role`; steps of equal `order` sign in parallel, lower ones first."""

    role: str
    meaning: str
    quorum: int = 1
    order: int = 1
    when: str = ALWAYS
    distinct_teams: bool = False

    @property
    def only_with_personal_data(self) -> bool:
        return self.when == PERSONAL_DATA


@dataclass(frozen=True, slots=True)
class Evaluations:
    """What is measured. `suites` holds for each task {name, checks, thresholds, tolerance}; `verified` asks for hold-outs;
    `sandbox` names the least level of isolation for {weights, programs}. Of the oldest format `for_all` is the one suite."""

    suites: Mapping[str, Mapping[str, Any]]
    sandbox: Mapping[str, str]
    verified: bool = False
    for_all: Mapping[str, Any] | None = None

    def criteria(self, task: str) -> Criteria | None:
        found = self.suites.get(task) or self.for_all
        if found is None:
            return None
        return Criteria(found["name"], found["checks"], found["thresholds"], found.get("tolerance", TOLERANCE))


@dataclass(frozen=True, slots=True)
class Conditions:
    """Whether a signature may approve with conditions, and within how many days they are to be met."""

    allowed: bool = False
    most_days: int = 0


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Who may let a requirement be unmet, and for how many days at most; without roles nobody may."""

    roles: tuple[str, ...] = ()
    most_days: int = 0


@dataclass(frozen=True, slots=True)
class Emergency:
    """Who may release before the signatures are complete, how long that holds, and when the review is due afterwards."""

    roles: tuple[str, ...]
    valid_days: int
    review_within_days: int


@dataclass(frozen=True, slots=True)
class Separation:
    """For how many days whoever drafted, edited or published the policy signs nothing under it."""

    policy_author_days: int = 0


@dataclass(frozen=True, slots=True)
class Monitoring:
    """When predictions in operation raise an alert, and whether an alert suspends the approval."""

    minimum_rows: int
    minimum_mean: float
    minimum_effect: float
    suspend: bool


@dataclass(frozen=True, slots=True)
class Document:
    """All that a policy says. Days of 0 stand for "without end" or "not asked"."""

    name: str
    title: str
    covers: Covers
    evaluations: Evaluations
    steps: tuple[AskedStep, ...]
    monitoring: Monitoring
    purpose: str = ""
    requirements: tuple[Mapping[str, Any], ...] = ()  # {kind, parameters}
    valid_days: int = 0
    review_days: int = 0  # by when a review is to be decided
    remind_days: int = 0  # how long before an approval runs out people are reminded
    escalate_to: str = ""  # the role that learns of what is overdue
    conditions: Conditions = field(default_factory=Conditions)
    exceptions: Exceptions = field(default_factory=Exceptions)
    emergency: Emergency | None = None
    separation: Separation = field(default_factory=Separation)

    def step_of(self, role: str) -> AskedStep | None:
        return next((step for step in self.steps if step.role == role), None)

    def steps_in_order(self) -> list[AskedStep]:
        return sorted(self.steps, key=lambda step: step.order)

    def body(self) -> dict[str, Any]:
        """The document as it is kept, digested and written as YAML: every field is said, in the order in which people read it."""
        said = asdict(self)
        evaluations = said["evaluations"]
        if evaluations.pop("for_all") is not None:
            evaluations["suites"] = {"*": dict(self.evaluations.for_all or {})}
        return {"format": FORMAT} | {key: _listed(said[key]) for key in ORDER}


# In which order a document is written.
ORDER = (
    *("name", "title", "purpose", "covers", "evaluations", "requirements", "steps", "valid_days", "review_days", "remind_days"),
    *("escalate_to", "conditions", "exceptions", "emergency", "separation", "monitoring"),
)


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(part) for key, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value


def read(body: Mapping[str, Any], *, name: str = "", tier: str = "") -> Document:
    """The document that a policy's `body` holds. `name` and `tier` stand on the row of policies of the earlier formats."""
    if body.get("format") == FORMAT:
        return _second(body)
    return _first(body, name=name, tier=tier)


def _second(body: Mapping[str, Any]) -> Document:
    emergency = body.get("emergency")
    exceptions = body.get("exceptions") or {}
    return Document(
        name=body["name"],
        title=body["title"],
        purpose=body.get("purpose", ""),
        covers=Covers(tuple(body["covers"]["tiers"]), tuple(body["covers"]["environments"])),
        evaluations=Evaluations(**body["evaluations"]),
        requirements=tuple(body.get("requirements", ())),
        steps=tuple(AskedStep(**step) for step in body["steps"]),
        valid_days=body.get("valid_days", 0),
        review_days=body.get("review_days", 0),
        remind_days=body.get("remind_days", 0),
        escalate_to=body.get("escalate_to", ""),
        conditions=Conditions(**(body.get("conditions") or {})),
        exceptions=Exceptions(tuple(exceptions.get("roles", ())), exceptions.get("most_days", 0)),
        emergency=Emergency(**emergency | {"roles": tuple(emergency["roles"])}) if emergency else None,
        separation=Separation(**(body.get("separation") or {})),
        monitoring=Monitoring(**body["monitoring"]),
    )


def _first(body: Mapping[str, Any], *, name: str, tier: str) -> Document:
    """Before this format signatures stood under `requirements` and the tier on the row; the oldest had one suite for all."""
    one = {**body["suite"], "thresholds": body["thresholds"]} if "suites" not in body else None
    steps = tuple(
        AskedStep(
            role=one["role"],
            meaning=one["meaning"],
            quorum=one["quorum"],
            order=one.get("order", 1),
            when=one.get("when") or ALWAYS,
        )
        for one in body["requirements"]
    )
    return Document(
        name=name,
        title=name,
        covers=Covers((tier,), tuple(body["environments"])),
        evaluations=Evaluations(body.get("suites", {}), body["sandbox"], body.get("verified", False), one),
        requirements=tuple(body.get("evidence", ())),
        steps=steps,
        valid_days=int(body.get("valid_days", 0)),
        monitoring=Monitoring(**body["monitoring"]),
    )

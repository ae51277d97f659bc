"""Versions for the tests of every higher context: made through the services, inspected and measured by a worker's own steps.

What a sandboxed child would have answered is given here; the real child is tested where it lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

PASSWORD = "correct horse battery staple"
CARD = {
    "overview": "Reads one digit.",
    "intended_use": "Sorting of forms.",
    "out_of_scope_use": "Money.",
    "limitations": "Rotated images.",
    "ethical_considerations": "A misread form delays somebody.",
    "training_data": "1,197 digits.",
    "evaluation_data": "600 held-out digits.",
    "monitoring": "Weekly, by the team.",
}
CLASSES = ["zero", "one", "two"]
PROVENANCE = {
    "source": {"title": "Digits", "issuer": [{"name": "A university"}]},
    "provenance": {
        "origin-geography": [{"country": "KR"}],
        "date": "2026-01-31",
        "generation-method": [{"code": "other-na"}],
        "format": ["application/octet-stream"],
    },
    "use": {"intended-purpose": [{"code": "ai-evaluation", "description": "Testing"}], "license": ["CC-BY-4.0"]},
}
SANDBOX = {"level": "L3", "probes": {"network": "blocked", "secrets": "blocked", "fork": "blocked"}}


@dataclass
class Answer:
    """What the sandbox would hand back: see sandbox.Outcome."""

    result: dict[str, Any] | None
    ended: str = "finished"
    sentence: str = "It finished."
    seconds: float = 1.5
    evidence: dict[str, Any] = field(default_factory=lambda: dict(SANDBOX))
    level: Any = None
    folder: Path = Path("/nonexistent")  # where the child's files lie

    def __post_init__(self) -> None:
        from sandbox import Level  # noqa: PLC0415 - plug-ins load before the settings do

        self.level = self.level or Level.L3


@contextmanager
def answered(monkeypatch: pytest.MonkeyPatch, module: Any, answer: Answer) -> Iterator[None]:
    """`module.run` answers with `answer` in place of the sandbox."""

    @contextmanager
    def run(*_: Any, **__: Any) -> Iterator[Answer]:
        yield answer

    with monkeypatch.context() as patched:
        patched.setattr(module, "run", run)
        yield


def metric(name: str, value: float, low: float, high: float, *, n: int, label: str = "") -> dict[str, Any]:
    return {
        "check": "performance",
        "name": name,
        "label": label,
        "value": value,
        "low": low,
        "high": high,
        "confidence": 0.95,
        "method": "jeffreys",
        "n": n,
        "unit": "proportion",
    }


def measured(*, accuracy: tuple[float, float, float] = (0.98, 0.965, 0.99), recall: float = 0.9, n: int = 600) -> dict[str, Any]:
    """A child's result with these bounds of accuracy (value, low, high) and this lower bound of every class's recall."""
    rows = [metric("accuracy", *accuracy, n=n)]
    rows += [
        metric("recall", min(recall + 0.06, 1.0), recall, min(recall + 0.1, 1.0), n=n // 3, label=label) for label in CLASSES
    ]
    calibration = metric("ece", 0.02, 0.0, 0.04, n=n) | {"check": "calibration", "method": "sampling error of the bins"}
    return {
        "metrics": [*rows, calibration],
        "charts": [],
        "reference": {"n": n, "mean": [0.34, 0.33, 0.33], "variance": [0.2, 0.2, 0.2], "class_counts": [n // 3] * 3},
        "resources": {},
        "versions": {"torch": "2"},
        "rows": n,
    }


ACCEPTED = {"verdict": "accepted", "format": "safetensors", "reasons": [], "facts": {"parameters": 6090, "tensors": []}}
REFUSED = {
    "verdict": "refused",
    "format": "torch-zip",
    "reasons": [{"code": "global", "sentence": "The pickle names posix.system.", "member": "archive/data.pkl", "offset": 12}],
    "facts": {},
}


def in_force(tier: str) -> dict[str, Any]:
    """The facts of an assessment that came to this tier and was put into force."""
    from core.clock import now  # noqa: PLC0415 - plug-ins load before the settings do
    from governance.assessing import METHOD  # noqa: PLC0415 - as above

    method = {"method_version": METHOD.version, "method_digest": METHOD.digest, "levels": {}, "uses": {}, "categories": []}
    found = {"score": 66, "assessed_tier": tier, "minimum_tier": "", "tier": tier}
    when = {"created_at": now(), "activated_at": now(), "made_event": uuid4()}
    return {"number": 1, "state": "active"} | method | found | when


@pytest.fixture
def make_data(scientist: Any, team: Any) -> Callable[..., Any]:
    """`make_data("digits")`: the next registered version of that dataset. Unless columns say what is personal in it, it is known
    that nothing is; `assessed=False`: nobody looked."""
    from data_registry import services  # noqa: PLC0415 - as above
    from data_registry.models import Dataset, PiiFinding  # noqa: PLC0415 - as above

    def make(
        name: str = "digits", *, columns: Any = (), content: bytes = b"rows", format: str = "other", assessed: bool = True
    ) -> Any:
        found = Dataset.objects.filter(team=team, name=name).first()
        dataset = found or services.register_dataset(team, by=scientist, name=name)
        draft = services.draft_version(dataset, by=scientist, provenance=PROVENANCE, format=format, columns=columns)
        services.receive_content(draft, by=scientist, chunks=[content + str(draft.number).encode()])
        version = services.register_version(draft, by=scientist)
        if assessed and not columns:  # without an act, so that the stories of tests hold only what they tell
            said = {"category": "direct_identifier", "present": "no", "basis": "declared", "evaluated_by": "person"}
            PiiFinding.objects.create(dataset_version=version, created_by=scientist, **said)
        return version

    return make


@pytest.fixture
def make_model(scientist: Any, team: Any) -> Callable[..., Any]:
    """`make_model("name")`: a model whose high risk was assessed; `assessed=False`: its tier is only stated."""
    from governance.models import RiskAssessment  # noqa: PLC0415 - as above
    from models_registry import services  # noqa: PLC0415 - as above

    def make(name: str = "digit-reader", *, tier: str = "high", assessed: bool = True) -> Any:
        model = services.register_model(by=scientist, team=team, name=name, task="multiclass", risk_tier=tier, classes=CLASSES)
        if assessed and tier == "high":  # without an act, so that the stories of tests hold only what they tell
            RiskAssessment.objects.create(model=model, author=scientist, **in_force(tier))
        return model

    return make


@pytest.fixture
def make_draft(make_model: Callable[..., Any], make_data: Callable[..., Any], scientist: Any) -> Callable[..., Any]:
    """A draft with card, data and bytes of its own; `model` and (to test it on) `data` may be given."""
    from data_registry.models import DatasetVersion  # noqa: PLC0415 - as above
    from models_registry import services  # noqa: PLC0415 - as above
    from models_registry.models import RegisteredModel  # noqa: PLC0415 - as above

    def make(
        *, model: Any = None, data: Any = None, by: Any = None, content: bytes | None = None, card: Any = None, run: Any = None
    ) -> Any:
        model = model or RegisteredModel.objects.first() or make_model()
        data = data or make_data()
        by = by or scientist
        learned = DatasetVersion.objects.filter(dataset__name="digits-train").first()
        links = [("training", learned or make_data("digits-train", content=b"training rows")), ("testing", data)]
        version = services.draft_version(model, by=by, card=CARD if card is None else card, data=links)
        if run is not None:
            type(version).objects.filter(pk=version.pk).update(training_run=run)
        bytes_of_it = f"weights of {version.pk}".encode() if content is None else content
        return services.receive_checkpoint(version, [bytes_of_it], name="model.safetensors", by=by)

    return make


@pytest.fixture
def inspect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A worker inspects the version; `result` is what the child answered."""
    from models_registry import jobs  # noqa: PLC0415 - as above
    from models_registry.models import Inspection, Version  # noqa: PLC0415 - as above

    def inspect_it(version: Any, result: Any = None, **outcome: Any) -> Any:
        with answered(monkeypatch, jobs, Answer(ACCEPTED if result is None else result, **outcome)):
            jobs.inspect(Inspection.objects.select_related("version__model").get(version=version))
        return Version.objects.with_parts().get(pk=version.pk)

    return inspect_it


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A worker measures every waiting run of the version; `result` is what the child answered."""
    from evaluations import jobs  # noqa: PLC0415 - as above
    from evaluations.models import EvaluationRun  # noqa: PLC0415 - as above

    def measure_it(version: Any, result: Any = None, **outcome: Any) -> list[Any]:
        runs = EvaluationRun.objects.select_related("version__model", "version__inspection", "suite", "dataset_version")
        with answered(monkeypatch, jobs, Answer(measured() if result is None else result, **outcome)):
            for run in runs.filter(version=version, state="queued"):
                jobs.measure(run)
        return list(EvaluationRun.objects.with_results().filter(version=version))

    return measure_it


@pytest.fixture
def make_review(
    make_draft: Callable[..., Any], inspect: Callable[..., Any], measure: Callable[..., Any], scientist: Any
) -> Callable[..., Any]:
    """An open review of a version that is submitted, inspected and measured: everything but the signatures."""
    from governance import services  # noqa: PLC0415 - as above
    from governance.models import Review  # noqa: PLC0415 - as above

    def make(*, result: Any = None, by: Any = None, **draft: Any) -> Any:
        version = make_draft(by=by, **draft)
        review = services.submit(version, by=by or scientist)
        inspect(version)
        measure(version, result)
        return Review.objects.with_parts().get(pk=review.pk)

    return make


@pytest.fixture
def sign(validator: Any, officer: Any, dpo: Any) -> Callable[..., Any]:
    """`sign(review, "validator")`: the person of that role signs, with fresh credentials."""
    from governance import services  # noqa: PLC0415 - as above
    from governance.approvals import approval_sought  # noqa: PLC0415 - as above
    from governance.models import Review  # noqa: PLC0415 - as above

    cast = {"validator": validator, "compliance_officer": officer, "data_protection_officer": dpo}

    def sign_it(review: Any, role: str, verdict: str = "approve", **more: Any) -> Any:
        shown = approval_sought(Review.objects.with_parts().get(pk=review.pk)).digest
        options = {"password": PASSWORD, "comment": "Read it.", "seen": shown} | more
        return services.sign_off(review, by=options.pop("by", cast[role]), role=role, verdict=verdict, **options)

    return sign_it


@pytest.fixture
def lend(team: Any) -> Callable[..., Any]:
    """`lend(validator, other)`: the role is lent for the next days and, unless `accepted=False`, accepted."""
    from core import clock  # noqa: PLC0415 - as above
    from governance import services  # noqa: PLC0415 - as above

    def make(delegator: Any, delegate: Any, role: str = "validator", *, accepted: bool = True, **more: Any) -> Any:
        first = clock.today() + timedelta(days=more.pop("starts_in", 0))
        options = {"team": team, "reason": "On leave.", "password": PASSWORD, "starts_on": first} | more
        options.setdefault("ends_on", first + timedelta(days=options.pop("days", 30) - 1))
        row = services.offer_delegation(delegate, by=delegator, role=role, **options)
        return services.accept_delegation(row, by=delegate, password=PASSWORD) if accepted else row

    return make


@pytest.fixture
def make_approved(make_review: Callable[..., Any], sign: Callable[..., Any]) -> Callable[..., Any]:
    """An approved version, without personal data: validator and compliance officer have signed."""
    from models_registry.models import Version  # noqa: PLC0415 - as above

    def make(**draft: Any) -> Any:
        review = make_review(**draft)
        sign(review, "validator")
        sign(review, "compliance_officer")
        return Version.objects.with_parts().get(pk=review.version_id)

    return make

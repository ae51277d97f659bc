"""Workers that end with their test, and a version of a real small network with real data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from tests.plugins_versions import CARD, PROVENANCE
from tests.worker.workers import Worker


@pytest.fixture
def no_messages(transactional_db: None) -> None:
    """What other tests put into the queues of this Redis number is gone: their rows do not exist here."""
    cache._cache.get_client(write=True).flushdb()  # type: ignore[attr-defined]  # Django's Redis cache


@pytest.fixture
def start_worker(data_dir: Path, no_messages: None) -> Iterator[Callable[..., Worker]]:
    """`start_worker("first", COUNTERSIGN_LEASE_SECONDS="5")`: a worker that has been told to start."""
    started: list[Worker] = []

    def start(name: str, **variables: str) -> Worker:
        started.append(Worker(data_dir, name, **variables))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small network trained on the real digits, its hold-out and its training data, as the bytes of their files."""
    from safetensors.torch import save  # noqa: PLC0415 - only these tests train

    from examples.digits import data, training  # noqa: PLC0415 - as above

    folder = tmp_path_factory.mktemp("digits")
    loaded = data.load()
    trained = training.train(loaded, epochs=2, seed=1)
    return {
        "weights": save({name: tensor.contiguous() for name, tensor in trained.model.state_dict().items()}),
        "hold-out": data.save(loaded.test_images, loaded.test_digits, folder / "test").read_bytes(),
        "training": data.save(loaded.train_images, loaded.train_digits, folder / "train").read_bytes(),
    }


@pytest.fixture
def make_digits_draft(no_messages: None, digits: dict[str, bytes], scientist: Any, team: Any) -> Callable[[], Any]:
    """A draft of the real network with its data, ready to be submitted."""
    from data_registry import services as registry  # noqa: PLC0415 - plug-ins load before the settings do
    from data_registry.models import DatasetVersion  # noqa: PLC0415 - as above
    from examples.digits.data import CLASSES  # noqa: PLC0415 - as above
    from examples.digits.training import ARCHITECTURE  # noqa: PLC0415 - as above
    from models_registry import services  # noqa: PLC0415 - as above
    from models_registry.models import RegisteredModel  # noqa: PLC0415 - as above

    def registered(name: str) -> Any:
        if found := DatasetVersion.objects.filter(dataset__name=name).first():
            return found
        dataset = registry.register_dataset(team, by=scientist, name=name)
        draft = registry.draft_version(dataset, by=scientist, provenance=PROVENANCE, format="other")
        registry.receive_content(draft, by=scientist, chunks=[digits[name]])
        return registry.register_version(draft, by=scientist)

    def make() -> Any:
        facts = {"task": "multiclass", "risk_tier": "low", "classes": CLASSES}
        model = RegisteredModel.objects.first() or services.register_model(by=scientist, team=team, name="digit-reader", **facts)
        links = [("training", registered("training")), ("testing", registered("hold-out"))]
        version = services.draft_version(model, by=scientist, card=CARD, data=links, architecture=ARCHITECTURE)
        return services.receive_checkpoint(version, [digits["weights"]], name="model.safetensors", by=scientist)

    return make


@pytest.fixture
def make_queued_run(make_digits_draft: Callable[[], Any], inspect: Callable[..., Any], scientist: Any) -> Callable[..., Any]:
    """A run of the real network that waits in the queue; its inspection is given here."""
    from evaluations.models import EvaluationRun  # noqa: PLC0415 - as above
    from governance import services  # noqa: PLC0415 - as above

    def make(**limits: int) -> Any:
        version = make_digits_draft()
        services.submit(version, by=scientist)
        inspect(version)
        run = EvaluationRun.objects.get(version=version)
        if limits:
            EvaluationRun.objects.filter(pk=run.pk).update(limits=run.limits | limits)
        return run

    return make

"""Handing a version in with one call: a live module or a file, its card, its data, and what the machine knows of the code."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countersign.capturing import code_facts, environment_facts
from countersign.capturing.changes import changes_between
from countersign.client import JSON, Client

if TYPE_CHECKING:
    import torch

USES = ("training", "validation", "stopping", "testing")  # of dataset versions, as the site names them


class CannotSave(Exception):
    """There is no checkpoint file to send, and none can be made of the module; the message says what to do."""


@dataclass(frozen=True)
class Submitted:
    """The version that was handed in, and the review that it is in."""

    version: JSON
    review: JSON

    @property
    def id(self) -> str:
        return str(self.version["id"])


def submit(
    model: torch.nn.Module | str | Path,
    *,
    model_name: str,
    data: Mapping[str, str | Sequence[str]],
    card: Mapping[str, str],
    example_input: Any = None,
    architecture: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
    curves: Mapping[str, Sequence[float]] | None = None,
    params: Mapping[str, Any] | None = None,
    note: str = "",
    environment: str = "production",
    send_code_to_review: bool = False,
    client: Client | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Submitted:
    """Hand in a version of `model_name`; raises `CannotSave` for what cannot become a checkpoint file.

    `model` is a checkpoint file or a live `nn.Module`. A module with `architecture` (a built-in or installed one) is saved
    as safetensors; without it, it is exported with `torch.export` for `example_input`, so that its own architecture
    travels with it. `reading` says how tables and images are read (features in their order, target, slices, group); tensors
    need none. `data` maps a use (training, validation, stopping, testing) to ids of dataset versions. `curves` maps a
    measure's name to its values, one for each step. The commit, its dirty state and the installed packages are
    recorded without asking; `send_code_to_review` also sends the commits and the differences since the version approved last,
    and raises `CannotTell`, with nothing submitted, where these cannot or must not be sent.
    """
    site = client or Client()
    links = [
        {"use": use, "dataset_version": one}
        for use, which in data.items()
        for one in ([which] if isinstance(which, str) else which)
    ]
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
        file = checkpoint_of(model, Path(folder), example_input, architecture)
        found = site.model(model_name)
        run = site.record_run(
            team=found["team"],
            name=f"{model_name} training",
            params=dict(params or {}),
            code=code_facts(),
            environment=environment_facts(),
            series=[
                {"name": name, "steps": list(range(1, len(values) + 1)), "values": [float(value) for value in values]}
                for name, values in (curves or {}).items()
            ],
        )
        version = site.draft_version(
            found["id"],
            card=dict(card),
            data=links,
            run=run["id"],
            architecture={"name": architecture["name"], "config": dict(architecture.get("config", {}))} if architecture else None,
            reading=dict(reading) if reading else None,
            note=note,
        )
        site.send_checkpoint(version["id"], file, progress=progress)
    if send_code_to_review:
        send_code(site, str(version["id"]))
    review = site.submit(version["id"], environment=environment)
    return Submitted(site.get(f"versions/{version['id']}/"), review)


def send_code(
    site: Client, version: str, *, folder: Path | None = None, whole: bool = False, without: Collection[str] = ()
) -> JSON:
    """The version's commits and differences are sent for review: since the version approved last, or (`whole`) all of it.

    Raises `countersign.capturing.changes.CannotTell` where git cannot tell them, or they seem to hold a secret.
    """
    wanted = site.code(version)["wanted"]
    changes = changes_between(
        folder or Path.cwd(),
        commit=wanted["commit"],
        base="" if whole else wanted["base"],
        patch_digest=wanted["patch_digest"],
        without=without,
    )
    return site.send_code(version, **changes.as_json())


def checkpoint_of(model: Any, folder: Path, example_input: Any, architecture: Mapping[str, Any] | None) -> Path:
    """The file that is sent: made before anything is asked of the site, so that a failure leaves nothing there."""
    if not isinstance(model, str | Path):
        return _save(model, folder, example_input, architecture)
    if not Path(model).is_file():
        raise CannotSave(f"There is no file {model}.")
    return Path(model)


def _save(model: torch.nn.Module, folder: Path, example_input: Any, architecture: Mapping[str, Any] | None) -> Path:
    """The module as a file that needs no code of yours to be read: weights for a known architecture, else an exported program."""
    try:
        import torch
        from safetensors.torch import save_file
    except ImportError as error:
        raise CannotSave(
            "A live module needs torch and safetensors here: install countersign[torch], or give a checkpoint file."
        ) from error
    if not isinstance(model, torch.nn.Module):
        raise CannotSave("Give an nn.Module or the path of a checkpoint file.")
    if architecture is not None:
        target = folder / "model.safetensors"
        # Cloned, because safetensors refuses tensors that share memory, as tied weights do.
        save_file({name: tensor.detach().cpu().clone().contiguous() for name, tensor in model.state_dict().items()}, target)
        return target
    if example_input is None:
        raise CannotSave("Give example_input, so that the module can be exported, or name the architecture that its weights fit.")
    was_training = model.training
    model.eval()
    try:
        given = example_input if isinstance(example_input, tuple) else (example_input,)
        # Of an example with one row torch concludes that there is always one.
        alone = [isinstance(one, torch.Tensor) and one.dim() > 0 and len(one) == 1 for one in given]
        arguments = tuple(torch.cat([one, one]) if single else one for one, single in zip(given, alone, strict=True))
        rows = torch.export.Dim("rows", min=1)
        shapes = tuple({0: rows} if isinstance(one, torch.Tensor) and one.dim() else None for one in arguments)
        program = torch.export.export(model, arguments, dynamic_shapes=shapes)
        if any(node.op == "get_attr" for node in program.graph.nodes):  # parts of their own, as torch.no_grad() makes them
            program = program.run_decompositions({})
    except Exception as error:  # torch raises many kinds here; all say that this module cannot be exported
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CannotSave(
            f"The module cannot be exported with torch.export ({first}). Name the architecture that its weights fit instead."
        ) from error
    finally:
        model.train(was_training)
    target = folder / "model.pt2"
    torch.export.save(program, target)
    return target

"""Cross-validation with one call: your training runs once for each part of a split, and the site measures what it held out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countersign.client import JSON, Client
from countersign.splitting import CannotSplit, Split
from countersign.splitting import split as draw
from countersign.splitting.making import FOLDS, REPLICATES
from countersign.submitting import checkpoint_of
from countersign.transport import digest_of

if TYPE_CHECKING:
    import torch

Train = Callable[[Sequence[int]], "torch.nn.Module | str | Path"]


def cross_validate(
    train: Train,
    data: str | Path,
    *,
    version: str,
    split: Split | None = None,
    method: str = "kfold",
    seed: int = 0,
    stratify: str | None = None,
    group: str | None = None,
    folds: int = FOLDS,
    replicates: int = REPLICATES,
    architecture: Mapping[str, Any] | None = None,
    example_input: Any = None,
    client: Client | None = None,
    tell: Callable[[int, int, str], None] | None = None,
) -> JSON:
    """Train on each part of `data`, hand the checkpoints in for `version`, and have each measured on what it never saw.

    `train` is called once for each part with the rows to train on (positions in the file, ascending; for a bootstrap with
    repetitions) and returns an `nn.Module` or a checkpoint file. `data` is the registered training file of `version`
    (MODEL:NUMBER or an id). The split is drawn as `countersign.split` does (method kfold or bootstrap), or is one that was saved.
    Modules are saved as in `countersign.submit`: with `architecture` as weights, else exported for `example_input`.
    `tell(number, of, name)` is called before each training.

    Returns the submitted set; `Client.wait_for_resampling(set["id"])` returns it once its numbers are there. What the site
    would refuse of the version or the data, it refuses before anything is trained. Raises `CannotSplit`, `CannotSave`,
    `Refused`, `Unreachable`.
    """
    site = client or Client()
    file = Path(data)
    drawn = split or draw(file, method=method, seed=seed, stratify=stratify, group=group, folds=folds, replicates=replicates)
    if not file.is_file() or digest_of(file) != drawn.sha256:
        raise CannotSplit(f"The split was drawn from other bytes than {file} holds now: draw it anew.")
    with tempfile.TemporaryDirectory(prefix="countersign-") as name:
        folder = Path(name)
        drawn.save(folder / "split.json")
        made = site.begin_resampling(site.version(version)["id"], folder / "split.json")
        for number, part in enumerate(drawn.parts, start=1):
            if tell:
                tell(number, len(drawn.parts), part.name)
            place = folder / str(number)
            place.mkdir()
            site.send_fold(made["id"], number, checkpoint_of(train(list(part.train)), place, example_input, architecture))
    return site.submit_resampling(made["id"])

"""The inspection in the sandbox: the static gate first, and only what it accepts is loaded and described.

`job` is {"architecture": {"name", "config"} or None, "level": "L2", "previous": {…}}, where the sandbox itself says its level;
`inputs` is {"checkpoint": path} and may hold an earlier checkpoint as "previous", whose difference is then told beside what
`job` says of it. The answer has the keys verdict, format, sha256, reasons and facts. Programs are loaded from L2 on only.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models_registry.inspection.contents import summary
from models_registry.inspection.formats import ENOUGH_FOR_PROGRAMS, PROGRAMS
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.pickles import SAVE_WEIGHTS
from models_registry.inspection.program_schema import EXPORT_AGAIN
from models_registry.inspection.report import Findings, StaticReport, Verdict

if TYPE_CHECKING:
    import torch


def main(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """The report on the checkpoint. A refusal is an answer, not an error."""
    del out  # nothing is written: the answer is all
    path = inputs["checkpoint"]
    report = inspect_file(path)
    answer = report.as_json()
    del answer["path"]  # of this job only
    if report.verdict != Verdict.REFUSED:
        answer |= _load_and_describe(path, report, job.get("architecture"), level=job.get("level", ""))
    if answer["verdict"] != Verdict.REFUSED and "previous" in inputs:
        answer["facts"]["difference"] = {"previous": job.get("previous", {})} | _difference(path, report, inputs["previous"])
    return answer


def _load_and_describe(path: Path, report: StaticReport, architecture: dict[str, Any] | None, *, level: str) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - a refused file never gets as far as torch

    from models_registry.inspection import architectures, loading  # noqa: PLC0415 - as above
    from models_registry.inspection.elements import Numbers  # noqa: PLC0415 - as above

    torch.set_num_threads(1)
    findings = Findings()
    facts = dict(report.facts)
    try:
        numbers = Numbers(path, report)
        known = {tensor["name"]: tensor for tensor in report.facts.get("tensors", [])}
        described = [
            tensor | {key: value for key, value in known.get(tensor["name"], {}).items() if key == "buffer"}
            for tensor in (
                _describe(name, numbers.dtype(name), numbers.shape(name), numbers.pieces(name)) for name in numbers.names
            )
        ]
        facts |= summary({"tensors": described}) | {
            "nan": sum(tensor["nan"] for tensor in described),
            "inf": sum(tensor["inf"] for tensor in described),
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
        }
        if report.format in PROGRAMS:
            facts |= _load_program(path, report, architecture, level=level)
        elif architecture is not None:
            facts["architecture"] = _fit(path, report, architecture)
            facts |= {key: facts["architecture"][key] for key in ("parameters", "buffers")}  # which weights alone do not tell
    except loading.DoesNotFit as error:
        for difference in error.differences:
            said = f"The weights do not fit the architecture: {difference['sentence']}."
            remedy = "Correct the settings of the architecture, or submit the weights that belong to it."
            findings.note("architecture", said, remedy=remedy, member=difference["key"], found=difference["kind"])
    except architectures.CannotBuild as error:
        findings.note("architecture", str(error), remedy="Correct the architecture's name or settings.")
    except loading.CannotLoad as error:
        findings.note("not_loadable", str(error), remedy=EXPORT_AGAIN if report.format in PROGRAMS else SAVE_WEIGHTS)
    verdict = Verdict.REFUSED if findings else report.verdict
    reasons = findings or report.reasons  # of what is salvageable: which classes were left behind
    return {"verdict": str(verdict), "reasons": [asdict(reason) for reason in reasons], "facts": facts}


def _load_program(path: Path, report: StaticReport, architecture: dict[str, Any] | None, *, level: str) -> dict[str, Any]:
    """What there is to say beyond the reading: whether torch can load the program, or that this was not tried."""
    from models_registry.inspection import architectures, loading  # noqa: PLC0415 - as above

    if architecture is not None:
        raise architectures.CannotBuild("A program brings its own architecture, so none is to be named with it.")
    if level not in ENOUGH_FOR_PROGRAMS:
        said = f"The program was read but not loaded: that needs a sandbox of level L2, and this one has {level or 'none'}."
        return {"not_checked": [said]}
    loading.load_program(path, report)
    return {}


def _difference(path: Path, report: StaticReport, earlier: Path) -> dict[str, Any]:
    """What changed against the earlier file, or a sentence that says why it cannot be told."""
    from models_registry.inspection import loading  # noqa: PLC0415 - as above
    from models_registry.inspection.differing import difference  # noqa: PLC0415 - as above
    from models_registry.inspection.elements import Numbers  # noqa: PLC0415 - as above

    before = inspect_file(earlier)
    if before.verdict == Verdict.REFUSED:
        return {"not_compared": f"The earlier checkpoint cannot be read: {before.reasons[0].sentence}"}
    try:
        return difference(Numbers(path, report), Numbers(earlier, before))
    except loading.CannotLoad as error:
        return {"not_compared": f"The earlier checkpoint cannot be read: {error}"}


def _fit(path: Path, report: StaticReport, architecture: dict[str, Any]) -> dict[str, Any]:
    from models_registry.inspection import architectures, loading  # noqa: PLC0415 - as above

    model = architectures.build_empty(architecture)
    prefix = loading.put_into(model, loading.load_state(path, report), format=report.format)
    return {
        "name": architecture["name"],
        "config": architecture.get("config", {}),
        "version": architectures.find(architecture["name"]).version,
        "prefix": prefix,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "buffers": sum(buffer.numel() for buffer in model.buffers()),
        "layers": [{"name": name, "type": type(module).__name__} for name, module in model.named_modules() if name][:2000],
    }


def _describe(name: str, dtype: torch.dtype, shape: list[int], pieces: Iterator[torch.Tensor]) -> dict[str, Any]:
    """The tensor's facts. `sha256` is over its elements in C order, little endian, so that it does not depend on the format."""
    import torch  # noqa: PLC0415 - as above

    digest, count, nan, inf = hashlib.sha256(), 0, 0, 0
    for piece in pieces:
        count += piece.numel()
        digest.update(piece.view(torch.uint8).numpy().data)
        if dtype.is_floating_point or dtype.is_complex:
            plain = piece.float() if dtype.itemsize == 1 else piece  # 8-bit floats know no isfinite of their own
            if not torch.isfinite(plain).all():
                nan += int(torch.isnan(plain).count_nonzero())
                inf += int(torch.isinf(plain).count_nonzero())
    return {
        "name": name,
        "shape": shape,
        "dtype": str(dtype).removeprefix("torch."),
        "parameters": count,
        "bytes": count * dtype.itemsize,
        "nan": nan,
        "inf": inf,
        "sha256": "sha256:" + digest.hexdigest(),
    }

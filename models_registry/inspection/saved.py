"""An archive as torch.save writes it: its members, its one pickle, its storages. Nothing else may stand in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models_registry.inspection import pickles
from models_registry.inspection.archives import Archive
from models_registry.inspection.pickles import SAVE_WEIGHTS, Pickle, nothing_else
from models_registry.inspection.records import Storage, Tensor
from models_registry.inspection.report import Findings

_TORCH_FILES = frozenset({"data.pkl", "version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"})
_MOST_DIMENSIONS = 64


def read_pickle(archive: Archive, findings: Findings, *, foreign: Callable[[str, str], bool] = nothing_else) -> Pickle | None:
    """The archive's pickle, read but not run; None where there is none to read. Whatever torch.save does not write is noted.
    `foreign` as in pickles.scan."""
    if not archive.root:
        findings.note(
            "several_roots", "The archive has more than one top-level folder, where torch writes one.", remedy=SAVE_WEIGHTS
        )
    if "data.pkl" not in archive.members:
        found = next((name for name in archive.names if name.lower().endswith("data.pkl")), "")
        said = "The pickle's name is not spelled as torch writes it, but torch would read it."
        findings.note("misspelt_member", said, member=found[:200], found=found[:200], remedy=SAVE_WEIGHTS)
    for name, info in archive.members.items():
        if name not in _TORCH_FILES and not name.startswith("data/"):
            said = "A member stands in the archive that torch.save never writes."
            findings.note("unexpected_member", said, member=name[:200], offset=info.header_offset, remedy=SAVE_WEIGHTS)
        elif name.startswith("data/") and info.compress_type:
            said = "The weights are packed: they would be read as they stand."
            findings.note("packed_weights", said, member=name[:200], offset=info.header_offset, remedy=SAVE_WEIGHTS)
    if archive.read("byteorder", 16) not in (b"", b"little"):
        said = "The numbers are written in the byte order of another kind of machine."
        findings.note("byte_order", said, member="byteorder", remedy=SAVE_WEIGHTS)
    inner = pickle_member(archive)
    data = archive.read(inner, pickles.MOST_BYTES + 1) if inner else b""
    if len(data) > pickles.MOST_BYTES:
        findings.note("pickle_too_long", "The pickle is larger than 64 MiB.", member=inner, remedy=SAVE_WEIGHTS)
        return None
    if not data:
        return None
    pickle = pickles.scan(data, findings, member=inner, foreign=foreign)
    if pickle.steps and pickle.end != len(data):
        said = "Bytes stand behind the end of the pickle."
        findings.note("hidden_bytes", said, member=inner, offset=pickle.end, remedy=SAVE_WEIGHTS)
    return pickle


def pickle_member(archive: Archive) -> str:
    """The name of the member that torch would read as the pickle: it does not regard case."""
    return next((name for name in archive.members if name.lower() == "data.pkl"), "")


def storages(archive: Archive) -> dict[str, int]:
    """The bytes that the archive holds for each storage, by its key."""
    return {name.removeprefix("data/"): info.file_size for name, info in archive.members.items() if name.startswith("data/")}


def positions(archive: Archive) -> dict[str, int]:
    """Where the bytes of each storage begin in the file."""
    return {name.removeprefix("data/"): archive.start_of(name) for name in archive.members if name.startswith("data/")}


def tensor(key: str, dtype: str, shape: Sequence[int], strides: Sequence[int], *, offset: int, held: int) -> Tensor | None:
    """The tensor that lies so in `held` raw bytes, for its flaws to be asked; None where it has no shape."""
    if len(shape) != len(strides) or len(shape) > _MOST_DIMENSIONS:
        return None
    width = pickles.DTYPES[dtype]
    return Tensor(Storage(key, dtype, held // width, width), dtype, offset, tuple(shape), tuple(strides))

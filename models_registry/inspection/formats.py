"""What a file is, by its first bytes and never by its name."""

from __future__ import annotations

import enum
from typing import BinaryIO


class Format(enum.StrEnum):
    """Every kind of file that is told from others, those that are refused included."""

    SAFETENSORS = "safetensors"
    TORCH_ZIP = "torch-zip"  # torch.save since 1.6
    TORCH_LEGACY = "torch-legacy"  # torch.save before, or with _use_new_zipfile_serialization=False
    TORCH_TAR = "torch-tar"  # torch.save before 0.1.10
    TORCH_MODULE = "torch-module"  # a whole pickled nn.Module
    LIGHTNING = "lightning"
    FASTAI = "fastai"
    TORCHSCRIPT = "torchscript"
    TORCHSCRIPT_LITE = "torchscript-lite"  # bytecode for phones
    TORCH_EXPORT = "torch-export-pt2"
    AOTINDUCTOR = "aotinductor"  # native code
    PICKLE = "pickle"
    NUMPY = "numpy"
    HDF5 = "hdf5"
    GGUF = "gguf"
    PARQUET = "parquet"
    ARROW = "arrow"
    TAR = "tar"
    ZIP = "zip"
    EMPTY = "empty"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


PROGRAMS = frozenset({Format.TORCH_EXPORT, Format.TORCHSCRIPT})  # checkpoints that are code: they want a stronger sandbox
ENOUGH_FOR_PROGRAMS = frozenset({"L2", "L3"})  # levels of the sandbox; below, a program is read but never loaded
LOADABLE = frozenset({
    Format.SAFETENSORS, Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.TORCH_MODULE, Format.LIGHTNING, Format.FASTAI,
    Format.TORCH_EXPORT, Format.TORCHSCRIPT,
})  # fmt: skip

NAMES = {
    Format.TORCH_TAR: "a checkpoint in the tar format of the first PyTorch releases",
    Format.TORCH_MODULE: "a whole pickled module",
    Format.LIGHTNING: "a Lightning checkpoint: the weights with the state of the training around them",
    Format.FASTAI: "a fastai learner: the weights with the state of the training around them",
    Format.TORCHSCRIPT: "a TorchScript program",
    Format.TORCHSCRIPT_LITE: "TorchScript bytecode for the lite interpreter of phones",
    Format.TORCH_EXPORT: "an exported program (.pt2)",
    Format.AOTINDUCTOR: "an AOTInductor package, which holds native code",
    Format.PICKLE: "a bare pickle, which runs what it names when it is loaded",
    Format.NUMPY: "NumPy arrays, not a checkpoint",
    Format.HDF5: "an HDF5 file, not a PyTorch checkpoint",
    Format.GGUF: "a GGUF file, not a PyTorch checkpoint",
    Format.PARQUET: "a Parquet table, not a checkpoint",
    Format.ARROW: "an Arrow table, not a checkpoint",
    Format.TAR: "a tar archive, not a checkpoint",
    Format.ZIP: "a zip archive, but no checkpoint is in it",
    Format.EMPTY: "empty",
    Format.UNKNOWN: "in no format that is known here",
    Format.UNREADABLE: "no file that can be read",
}

_MAGIC = {
    b"PK\x03\x04": Format.ZIP,
    b"PK\x05\x06": Format.ZIP,  # an archive without members
    b"\x93NUMPY": Format.NUMPY,
    b"\x89HDF\r\n\x1a\n": Format.HDF5,
    b"PAR1": Format.PARQUET,
    b"ARROW1": Format.ARROW,
    b"GGUF": Format.GGUF,
}
_TAR_MAGIC = slice(257, 262)
_TAR_MEMBERS_OF_TORCH = (b"sys_info", b"pickle", b"storages", b"tensors")
_HEADER_LIMIT = 100_000_000  # the safetensors library's own
# PROTO 2, then LONG1 of 10 bytes: 0x1950a86a20f9469cfc6c, then STOP
LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


def recognise(file: BinaryIO, size: int) -> Format:
    """The outer format. ZIP stands for every archive, PICKLE for every pickle with a protocol byte but torch's legacy one;
    what they hold is for those who take them apart."""
    if size == 0:
        return Format.EMPTY
    file.seek(0)
    head = file.read(512)
    for magic, found in _MAGIC.items():
        if head.startswith(magic):
            return found
    # Before pickles: torch tries tar first, so a file that is both is a tar file to it.
    if head[_TAR_MAGIC] == b"ustar":
        return Format.TORCH_TAR if head.startswith(_TAR_MEMBERS_OF_TORCH) else Format.TAR
    if head.startswith(LEGACY_MAGIC):
        return Format.TORCH_LEGACY
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= min(_HEADER_LIMIT, size - 8):
        return Format.SAFETENSORS
    if len(head) > 1 and head[0] == 0x80 and head[1] <= 5:
        return Format.PICKLE
    return Format.UNKNOWN

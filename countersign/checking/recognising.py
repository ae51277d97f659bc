"""What a checkpoint file is, by its content: enough to say what the site will ask of it. Nothing in it is run or unpickled.

The site's own inspection is far stricter and decides; this one only saves the way there.
"""

from __future__ import annotations

import json
import pickletools
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_MOST_HEADER, _MOST_PICKLE = 100_000_000, 64 << 20
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_PLAIN = ("torch", "collections", "numpy", "_codecs")
_OTHERS = {
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
    b"PAR1": "a Parquet table",
    b"ARROW1": "an Arrow table",
}
SAVE = "Save the weights with safetensors.torch.save_file(model.state_dict(), path)."
EXPORT = "Export it with torch.export.export and torch.export.save, as countersign.submit(model, example_input=…) does."


@dataclass(frozen=True, slots=True)
class Recognised:
    """`kind` is weights, program or unusable; `says` names the file in words; `remedy` says what to do where that is needed."""

    kind: str
    says: str
    remedy: str = ""
    names_code: tuple[str, ...] = ()


def recognise(path: Path) -> Recognised:
    """What `path` holds; whatever the bytes, this answers. Raises OSError where there is no file to read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(512)
        if not head:
            return Recognised("unusable", "an empty file", SAVE)
        if head.startswith(b"PK"):
            return _zip(path)
        if head.startswith(_LEGACY):
            return _pickled(file, len(_LEGACY), "a PyTorch file of the old form (torch.save)")
        if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= min(_MOST_HEADER, size - 8):
            return _safetensors(file, size)
        for magic, what in _OTHERS.items():
            if head.startswith(magic):
                return Recognised("unusable", what, SAVE)
        if head[:1] == b"\x80":
            return Recognised("unusable", "a bare pickle, which runs what it names when it is loaded", SAVE)
    return Recognised("unusable", "in no format of a checkpoint", SAVE)


def _safetensors(file: IO[bytes], size: int) -> Recognised:
    file.seek(0)
    (length,) = struct.unpack("<Q", file.read(8))
    try:
        header = json.loads(file.read(length))
        ends = [one["data_offsets"][1] for name, one in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return Recognised("unusable", "a safetensors file with a damaged header", SAVE)
    if not ends:
        return Recognised("unusable", "a safetensors file without tensors", SAVE)
    if max(ends) != size - 8 - length:
        return Recognised("unusable", "a safetensors file that is not as long as it says", "Save or copy it again.")
    return Recognised("weights", f"safetensors with {len(ends):,} tensors")


def _zip(path: Path) -> Recognised:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            inner = {name.split("/", 1)[-1] for name in names}
            if any("aotinductor" in name for name in names):
                return Recognised("unusable", "an AOTInductor package, which holds native code", EXPORT)
            if "archive_format" in inner or any(name.startswith("serialized_exported_program") for name in inner):
                return Recognised("program", "an exported program (.pt2)")
            if "bytecode.pkl" in inner:
                return Recognised("unusable", "TorchScript bytecode for phones", EXPORT)
            if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
                return Recognised("program", "a TorchScript program, the older form of an exported one", EXPORT)
            pickle = next((name for name in names if name.split("/", 1)[-1] == "data.pkl"), "")
            if not pickle:
                return Recognised("unusable", "a zip archive without a checkpoint", SAVE)
            with archive.open(pickle) as file:
                return _pickled(file, 0, "a PyTorch file (torch.save)")
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, IndexError, KeyError, RuntimeError, ValueError):
        return Recognised("unusable", "a damaged zip archive", SAVE)


def _pickled(file: IO[bytes], start: int, says: str) -> Recognised:
    """A file of torch.save: the globals that its pickle names are read from its opcodes, which runs none of them."""
    file.seek(start)
    named: set[str] = set()
    texts: list[str] = []
    try:
        for opcode, argument, place in pickletools.genops(file.read(_MOST_PICKLE)):
            if opcode.name == "GLOBAL" and isinstance(argument, str):
                named.add(argument.replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL" and len(texts) >= 2:
                named.add(f"{texts[-2]}.{texts[-1]}")
            elif isinstance(argument, str):
                texts = [*texts[-1:], argument]
            if opcode.name == "STOP" and (start == 0 or (place or 0) > 64):
                break
    except Exception:  # whatever a damaged pickle raises: pickletools knows many kinds
        return Recognised("unusable", f"{says}, whose pickle is damaged", SAVE)
    code = tuple(sorted(name for name in named if name.split(".", 1)[0] not in _PLAIN))
    return Recognised("weights", says, SAVE if code else "", code)

"""The header of a safetensors file: the only part that is not plain numbers, checked to the last byte."""

from __future__ import annotations

import json
import math
import re
from typing import Any, BinaryIO

from models_registry.inspection.report import Findings

HEADER_LIMIT = 16 << 20  # bytes; room for a hundred thousand tensors. The library's own limit is 100 MB
LONGEST_NAME = 512
_NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_MOST_DIMENSIONS = 64
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64,
}  # fmt: skip
_NAMES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn", "I16": "int16",
    "U16": "uint16", "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32",
    "F64": "float64", "I64": "int64", "U64": "uint64", "C64": "complex64",
}  # fmt: skip
REMEDY = 'Save the file anew: safetensors.torch.save_file(model.state_dict(), "model.safetensors").'


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a name that stands twice would mean one tensor to one reader and another to the next."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice("a name stands twice")
    return found


def read_header(file: BinaryIO, size: int, findings: Findings) -> dict[str, Any]:
    """The facts of the header: tensors and metadata. Whatever does not fit is noted in `findings`."""

    def refuse(sentence: str, found: str = "", offset: int = 8) -> None:
        findings.note("safetensors_header", sentence, remedy=REMEDY, found=found[:200], offset=offset)

    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > min(HEADER_LIMIT, size - 8):
        refuse(f"The header claims {length:,} bytes, more than the file or the limit of {HEADER_LIMIT:,} allows.", offset=0)
        return {}
    try:
        header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_once)
    except _Twice as error:
        refuse(f"In the header {error}.", found=str(error))
        return {}
    except (ValueError, RecursionError) as error:
        refuse("The header is not JSON.", found=type(error).__name__)
        return {}
    if not isinstance(header, dict):
        refuse("The header is not a JSON object.")
        return {}
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        refuse("The metadata are not a table of texts.", found="__metadata__")
        metadata = {}
    tensors = []
    for name, entry in header.items():
        tensor = _tensor(name, entry) if fit_to_be_a_name(name) else "its name is not a text of 1 to 512 characters"
        if isinstance(tensor, str):
            refuse(f"The header's entry for a tensor does not fit: {tensor}.", found=name)
        else:
            tensors.append(tensor)
    if len(tensors) == len(header):
        _check_layout(tensors, size - 8 - length, refuse, start=8 + length)
    return {
        "metadata": {key[:200]: value[:2000] for key, value in list(metadata.items())[:100]},
        "tensors": [
            {key: tensor[key] for key in ("name", "dtype", "shape", "parameters", "bytes")}
            | {"offset": 8 + length + tensor["begin"]}
            for tensor in tensors
        ],
    }


def _tensor(name: str, entry: object) -> dict[str, Any] | str:
    """The tensor's facts, or what is wrong with its entry."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        return "it must hold dtype, shape and data_offsets, and nothing else"
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        return "its dtype is not known"
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS or not all(_count(n) for n in shape):
        return "its shape is not a list of sizes"
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_count(n) for n in offsets):
        return "its offsets are not two positions"
    elements, (begin, end) = math.prod(shape), offsets
    if end - begin != elements * _BITS[dtype] // 8:
        return f"its shape needs {elements * _BITS[dtype] // 8:,} bytes and its offsets span {end - begin:,}"
    bytes_ = end - begin
    return {
        "name": name, "dtype": _NAMES[dtype], "shape": shape, "parameters": elements, "bytes": bytes_,
        "begin": begin, "end": end,
    }  # fmt: skip


def fit_to_be_a_name(name: str) -> bool:
    """Whether a tensor's name can be kept and shown: not empty, not a page long, without zeros and half characters."""
    return 0 < len(name) <= LONGEST_NAME and not _NO_CHARACTER.search(name)


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 53


def _check_layout(tensors: list[dict[str, Any]], size: int, refuse: Any, *, start: int) -> None:
    """The tensors cover the rest of the file exactly: no gap in which bytes could hide, no overlap, nothing behind."""
    position = 0
    for tensor in sorted(tensors, key=lambda t: (t["begin"], t["end"])):
        if tensor["begin"] != position:
            what = "overlaps the tensor before it" if tensor["begin"] < position else "leaves a gap before it"
            refuse(f"A tensor {what}.", found=tensor["name"], offset=start + tensor["begin"])
            return
        position = tensor["end"]
    if position != size:
        refuse(f"The tensors cover {position:,} bytes, but the file holds {size:,} after its header.", offset=start + position)

"""The one number of a TensorProto, as TensorFlow 2 and Keras write scalars."""

from __future__ import annotations

import struct
from typing import Any

from countersign.importing.tensorboard.wire import BYTES, Malformed, fields, signed, varint

DTYPE, SHAPE, CONTENT = 1 << 3, 2 << 3 | BYTES, 4 << 3 | BYTES
_DIMENSION, _UNKNOWN_RANK, _SIZE = 2 << 3 | BYTES, 3 << 3, 1 << 3
_FLOAT, _DOUBLE, _BFLOAT16, _HALF, _UNSIGNED = 1, 2, 14, 19, (22, 23)
# DataType -> how one element lies in tensor_content, and the field that holds the elements otherwise
_TYPES = {
    _FLOAT: ("<f", 5),
    _DOUBLE: ("<d", 6),
    3: ("<i", 7),  # int32
    4: ("<B", 7),  # uint8
    5: ("<h", 7),  # int16
    6: ("<b", 7),  # int8
    9: ("<q", 10),  # int64
    10: ("<?", 11),  # bool
    _BFLOAT16: ("<H", 13),
    17: ("<H", 7),  # uint16
    _HALF: ("<e", 13),
    22: ("<I", 16),  # uint32
    23: ("<Q", 17),  # uint64
}
_FIELDS = {number for _form, number in _TYPES.values()}


def number_of(tensor: bytes) -> float | None:
    """The value of a tensor with one numeric element; None for any other. Raises `Malformed`."""
    dtype, elements, content, lists = 0, 1, b"", dict[int, Any]()
    for key, value in fields(tensor):
        if key == DTYPE:
            dtype = value
        elif key == SHAPE:
            elements = _elements(value)
        elif key == CONTENT:
            content = value
        elif key >> 3 in lists:
            lists[key >> 3].append((key & 7, value))
        elif key >> 3 in _FIELDS:
            lists[key >> 3] = [(key & 7, value)]
    if dtype not in _TYPES or elements != 1:
        return None
    form, number = _TYPES[dtype]
    if content:
        if len(content) != struct.calcsize(form):
            raise Malformed
        (found,) = struct.unpack(form, content)
        return _bfloat(found) if dtype == _BFLOAT16 else float(found)
    return _listed(dtype, lists.get(number, []))


def _elements(shape: bytes) -> int:
    """How many elements a TensorShapeProto has; -1 where nobody knows."""
    product = 1
    for key, value in fields(shape):
        if key == _UNKNOWN_RANK and value:
            return -1
        if key == _DIMENSION:
            size = 0
            for inner, number in fields(value):
                if inner == _SIZE:
                    size = signed(number)
            product = product * size if 0 <= size < 1 << 31 and product < 1 << 31 else -1
    return product


def _listed(dtype: int, values: list[tuple[int, Any]]) -> float | None:
    """The one element of a `…_val` field: alone, or in a packed list."""
    if not values:
        return None
    if len(values) > 1:
        raise Malformed
    kind, value = values[0]
    if dtype in (_FLOAT, _DOUBLE):
        if kind == 0 or len(value) != (4 if dtype == _FLOAT else 8):
            raise Malformed
        return float(struct.unpack("<f" if dtype == _FLOAT else "<d", value)[0])
    if kind == BYTES:
        value, end = varint(value, 0)
        if end != len(values[0][1]):
            raise Malformed
    elif kind:
        raise Malformed
    if dtype == _BFLOAT16:
        return _bfloat(value & 0xFFFF)
    if dtype == _HALF:
        return float(struct.unpack("<e", struct.pack("<H", value & 0xFFFF))[0])
    return float(value if dtype in _UNSIGNED else signed(value))


def _bfloat(bits: int) -> float:
    """The upper half of a float32."""
    return float(struct.unpack("<f", struct.pack("<I", bits << 16))[0])

"""Tells an error that only says that memory ran out from all others: it is the limit that is to be named then."""

from __future__ import annotations

_SIGNS = ("allocate memory", "enough memory", "out of memory", "bad_alloc")  # in the words of the system, C++ and torch
_ENOMEM = 12


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` was raised for want of memory: by Python, by the system, or by a library in words of its own."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == _ENOMEM:
        return True
    return any(sign in str(error) for sign in _SIGNS)

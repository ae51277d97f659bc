"""Strict JSON, and canonical JSON (RFC 8785) written anew: the verifier shares no code with the writer."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from countersign.verify import limits
from countersign.verify.outcome import Refused

GREATEST_INTEGER = 2**53 - 1


def parse_json(data: bytes, *, what: str) -> Any:
    """The value of `data`: UTF-8, no name twice, no NaN, no number beyond what every reader agrees on, no deep nesting."""
    refuse_deep_nesting(data, what=what)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{what} is not UTF-8 text.") from None
    try:
        return json.loads(
            text,
            object_pairs_hook=lambda pairs: _unique(pairs, what),
            parse_int=lambda digits: _integer(digits, what),
            parse_float=lambda digits: _real(digits, what),
            parse_constant=lambda word: _no_constant(word, what),
        )
    except json.JSONDecodeError as error:
        raise Refused(f"{what} is not JSON ({error.msg.lower()} at character {error.pos}).") from None


def refuse_deep_nesting(data: bytes, *, what: str) -> None:
    """Return only if no more than the allowed number of arrays and objects are open at once."""
    # Strings are cut out first: brackets inside them are text. The closing quote is optional and the repetition
    # possessive, so that a text without an end is read once and not again from each of its quotes.
    outside = re.sub(rb'"(?:[^"\\]|\\.)*+"?', b'""', data, flags=re.DOTALL)
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", outside):
        depth += 1 if bracket in b"[{" else -1
        if depth > limits.JSON_DEPTH:
            raise Refused(f"{what} is nested more than {limits.JSON_DEPTH} levels deep.")


def _unique(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Refused(f"{what} has an object with the same name twice.")
    return value


def _integer(digits: str, what: str) -> int:
    if len(digits) > limits.JSON_NUMBER_CHARACTERS or abs(int(digits)) > GREATEST_INTEGER:
        raise Refused(f"{what} has an integer beyond 2^53 - 1, which readers of JSON do not agree on.")
    return int(digits)


def _real(digits: str, what: str) -> float:
    if len(digits) > limits.JSON_NUMBER_CHARACTERS or not math.isfinite(float(digits)):
        raise Refused(f"{what} has a number that is too long or too large.")
    return float(digits)


def _no_constant(word: str, what: str) -> NoReturn:
    raise Refused(f"{what} has {word}, which is no JSON number.")


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of a value that `parse_json` could have returned."""
    try:
        return _write(value, 0).encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("A text holds half of a surrogate pair, which has no UTF-8 form.") from None


def parse_canonical(data: bytes, *, what: str) -> Any:
    """The value of `data`, provided that `data` is exactly its RFC 8785 form."""
    value = parse_json(data, what=what)
    if canonical_bytes(value) != data:
        raise Refused(f"{what} is not in canonical form (RFC 8785).")
    return value


def _write(value: Any, depth: int) -> str:
    if depth > limits.JSON_DEPTH:
        raise Refused(f"A value is nested more than {limits.JSON_DEPTH} levels deep.")
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int():
            return str(value)
        case float():
            return _number(value)
        case list():
            return "[" + ",".join(_write(each, depth + 1) for each in value) + "]"
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{_text(name)}:{_write(value[name], depth + 1)}" for name in names) + "}"
    raise Refused(f"A {type(value).__name__} has no JSON form.")


SHORT_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
TO_ESCAPE = re.compile(r'[\x00-\x1f"\\]')


def _text(value: str) -> str:
    return '"' + TO_ESCAPE.sub(lambda found: SHORT_ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", value) + '"'


def _number(value: float) -> str:
    """As ECMAScript writes a double: the shortest digits that read back, exponents only beyond 21 digits or below 1e-6."""
    if not math.isfinite(value):
        raise Refused("NaN and infinities have no JSON form.")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)  # where the decimal point stands among the digits
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    digits, point = digits[leading:].rstrip("0"), point - leading
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + digits[0] + ("." + digits[1:] if count > 1 else "") + power

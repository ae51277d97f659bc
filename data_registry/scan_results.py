"""What came back from the sandbox, before it is believed: the child had untrusted bytes in hand, so its answer is checked too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.errors import InvalidInput
from data_registry.documents import require_storable, require_text
from data_registry.models import PiiFinding

LIMIT = 2 << 20  # bytes of canonical JSON
MOST = 10_000  # findings
COUNT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class ScanFinding:
    column: str
    category: str
    kind: str
    present: str
    matched: int
    scanned: int


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Either `unreadable` says why nothing is known, or the rest says what was counted, found and not checked."""

    tool: str = ""
    unreadable: str = ""
    facts: dict[str, Any] = field(default_factory=dict)  # {format, rows, columns, patterns}
    findings: tuple[ScanFinding, ...] = ()
    not_checked: tuple[dict[str, Any], ...] = ()


class Garbled(Exception):
    """The answer does not have the shape that the child's program gives it."""


def read_result(answer: Any) -> ScanResult:
    """The child's answer in its checked form. Raises Garbled."""
    try:
        require_storable(answer, name="The result", limit=LIMIT)
        tool = _text(answer["tool"], 120)
        if "unreadable" in answer:
            return ScanResult(tool=tool, unreadable=_text(answer["unreadable"], 500) or "?")
        table = answer["table"]
        findings = table["findings"]
        if not isinstance(findings, list) or len(findings) > MOST:
            raise Garbled("findings")
        return ScanResult(
            tool=tool,
            facts={
                "format": _text(table["format"], 20),
                "rows": None if table["rows"] is None else _count(table["rows"]),
                "columns": [_column(column) for column in _list(table["columns"])],
                "patterns": [_text(kind, 40) for kind in _list(table["patterns"])],
            },
            findings=tuple(_finding(finding) for finding in findings),
            not_checked=tuple(_left_out(entry) for entry in _list(table["not_checked"])),
        )
    except (KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise Garbled(type(error).__name__) from error


def _finding(finding: dict[str, Any]) -> ScanFinding:
    if finding["category"] not in PiiFinding.Category.values or finding["present"] not in ("yes", "unknown"):
        raise Garbled("finding")
    return ScanFinding(
        column=_text(finding["column"], 200),
        category=finding["category"],
        kind=_text(finding["kind"], 40),
        present=finding["present"],
        matched=_count(finding["matched"]),
        scanned=_count(finding["scanned"]),
    )


def _column(column: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": _text(column["name"], 200),
        "dtype": _text(column["dtype"], 200),
        "nulls": _count(column["nulls"]),
        "scanned": _count(column["scanned"]),
    }


def _left_out(entry: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"code": _text(entry["code"], 40)}
    for name in ("rows", "looked_at", "count", "limit", "cells"):
        if name in entry:
            kept[name] = _count(entry[name])
    if "columns" in entry:
        kept["columns"] = [_text(column, 200) for column in _list(entry["columns"])]
    return kept


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise Garbled("text")
    require_text(value, name="The result")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= COUNT:
        raise Garbled("count")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Garbled("list")
    return value

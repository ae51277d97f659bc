"""Only `ledger.acts` writes a `state` column: whatever else did would change a state without a trace."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "audit",
    "monitoring",
    "serving",
    "governance",
    "evaluations",
    "models_registry",
    "tracking",
    "data_registry",
    "accounts",
    "ledger",
    "core",
    "config",
)
UPDATES = {"update", "aupdate", "update_or_create", "aupdate_or_create"}
BULK_UPDATES = {"bulk_update", "abulk_update"}
WRITER = ROOT / "ledger" / "acts.py"


def state_writes(source: str) -> Iterator[int]:
    """The lines that assign `.state`, or hand `state` to something that updates rows."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in ast.walk(target)]
            if any(isinstance(part, ast.Attribute) and part.attr == "state" for part in parts):
                yield node.lineno
        elif isinstance(node, ast.Call) and _call_writes_state(node):
            yield node.lineno


def _call_writes_state(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = [word.value for word in call.keywords]
    if name in UPDATES:
        return any(word.arg == "state" for word in call.keywords) or any(map(_names_state, words))
    if name in BULK_UPDATES:
        return any(map(_names_state, [*call.args, *words]))
    if name in {"bulk_create", "abulk_create"}:
        return any(word.arg == "update_fields" and _names_state(word.value) for word in call.keywords)
    return name == "setattr" and len(call.args) > 1 and _names_state(call.args[1])


def _names_state(node: ast.expr) -> bool:
    """`"state"`, or a list, tuple, set or dict display that holds it as an item or key."""
    if isinstance(node, ast.Constant):
        return node.value == "state"
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return any(_names_state(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return any(key is not None and _names_state(key) for key in node.keys)
    return False


def test_only_the_acts_write_a_state() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if path != WRITER and "migrations" not in path.parts
        for line in state_writes(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "move it with Act.move and a Transition"


@pytest.mark.parametrize(
    "source",
    [
        "version.state = 'approved'",
        "a.state, b = 'approved', 1",
        "version.state += 'x'",
        "Version.objects.filter(pk=1).update(state='approved')",
        "Version.objects.update_or_create(pk=1, defaults={'state': 'approved'})",
        "Version.objects.bulk_update(versions, ['note', 'state'])",
        "Version.objects.bulk_update(versions, fields=('state',))",
        "Version.objects.bulk_create(versions, update_conflicts=True, update_fields=['state'])",
        "setattr(version, 'state', 'approved')",
    ],
)
def test_every_way_of_writing_a_state_is_seen(source: str) -> None:
    assert list(state_writes(source)) == [1]


@pytest.mark.parametrize(
    "source",
    ["state = 'open'", "Version(state='draft')", "if version.state == 'open': pass", "Version.objects.filter(state='open')"],
)
def test_reading_and_first_states_are_let_be(source: str) -> None:
    assert list(state_writes(source)) == []

"""The level is computed from what was applied and tried, and never better than either."""

from __future__ import annotations

import pytest

from sandbox import Level
from sandbox.levels import ALWAYS, OF_FILES, level_of, why_below

BEST = {
    "bwrap": True, "landlock": True, "seccomp": True, "rlimits": True, "own_user": True,
    "probes": dict.fromkeys((*ALWAYS, *OF_FILES), "blocked"),
}  # fmt: skip


def test_all_layers_with_all_probes_blocked_are_the_best_level() -> None:
    assert level_of(BEST) == Level.L3


@pytest.mark.parametrize(
    ("lost", "level"),
    [
        ("bwrap", Level.L2), ("landlock", Level.L2), ("seccomp", Level.L0), ("rlimits", Level.L0), ("own_user", Level.L3),
    ],
)  # fmt: skip
def test_a_lost_layer_lowers_the_level(lost: str, level: Level) -> None:
    assert level_of(BEST | {lost: False}) == level


@pytest.mark.parametrize("answer", ["open", "not checked", None])
@pytest.mark.parametrize("probe", [*ALWAYS, *OF_FILES])
def test_a_probe_that_was_not_blocked_lowers_the_level(probe: str, answer: str | None) -> None:
    evidence = BEST | {"probes": BEST["probes"] | {probe: answer}}  # type: ignore[operator]  # a table, as above
    assert level_of(evidence) == (Level.L1 if probe in OF_FILES else Level.L0)
    assert probe in why_below(evidence, Level.L2)


def test_without_a_fence_around_files_only_another_user_is_a_level() -> None:
    bare = BEST | {"bwrap": False, "landlock": False}
    assert level_of(bare) == Level.L1
    assert level_of(bare | {"own_user": False}) == Level.L0


def test_no_evidence_is_no_level() -> None:
    assert level_of({}) == Level.L0

"""Ids are UUIDs of version 7 that sort by their making."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import ids


def test_an_id_says_its_millisecond_and_its_version() -> None:
    before = time.time_ns() // 1_000_000
    made = ids.uuid7()
    assert made.version == 7 and made.variant == "specified in RFC 4122"
    assert abs((made.int >> 80) - before) < 60_000


def test_ids_of_one_millisecond_sort_by_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 4_102_444_800_000_000_000)
    monkeypatch.setattr(ids, "_last", (0, 0))
    made = [ids.uuid7() for _ in range(10_000)]
    assert made == sorted(made) and len(set(made)) == len(made)


def test_a_clock_that_goes_back_changes_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last", (0, 0))
    moments = iter([3_000_000_000_000, 2_000_000_000_000, 3_000_001_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    first, second, third = ids.uuid7(), ids.uuid7(), ids.uuid7()
    assert first < second < third


def test_a_full_millisecond_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000)
    monkeypatch.setattr(ids, "_last", (5, 2**ids.RANDOM_BITS - 1))
    made = ids.uuid7()
    assert made.int >> 80 == 6 and made.version == 7


def test_threads_share_no_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.uuid7(), range(5_000)))
    assert len(set(made)) == len(made)

"""How far a run is, as the untrusted child says: read with care, never believed beyond its form."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from evaluations.heads import progress_of
from evaluations.models import EvaluationRun
from evaluations.progress import FILE, Watching, read
from governance import services
from ledger import leases


def line(done: Any = 5, total: Any = 10, stage: Any = "measuring") -> str:
    return json.dumps({"stage": stage, "done": done, "total": total}) + "\n"


def test_the_last_whole_line_counts(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(line(1) + line(7) + '{"stage": "measuring", "do')
    assert read(tmp_path) == {"stage": "measuring", "done": 7, "total": 10}


@pytest.mark.parametrize(
    "content",
    ["", "no json\n", "[]\n", "null\n", line("5"), line(-1), line(11), line(True), line(1.5), line(5, 2**60), '{"stage": "x"}\n',
     "[" * 3000 + "\n", line(5)[:-1]],
)  # fmt: skip
def test_what_has_another_form_is_no_progress(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content)
    assert read(tmp_path) is None


def test_a_line_of_the_form_stands_before_noise(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(line(3) + "noise\n")
    assert read(tmp_path) == {"stage": "measuring", "done": 3, "total": 10}


def test_no_link_is_followed_and_no_pipe_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(line(9))
    for place in (
        lambda file: file.symlink_to(secret),
        lambda file: os.link(secret, file),
        os.mkfifo,
        Path.mkdir,
    ):
        place(tmp_path / FILE)
        assert read(tmp_path) is None
        (tmp_path / FILE).rmdir() if (tmp_path / FILE).is_dir() else (tmp_path / FILE).unlink()
    assert read(tmp_path) is None


def test_a_long_file_costs_no_more_than_its_end(tmp_path: Path) -> None:
    with (tmp_path / FILE).open("wb") as file:
        file.truncate(1 << 34)  # sparse
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line(4).encode())
    assert read(tmp_path) == {"stage": "measuring", "done": 4, "total": 10}


def test_a_stage_is_short_and_printable(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(line(stage="\x1b[31m" + "a" * 500))
    assert read(tmp_path)["stage"] == "[31m" + "a" * 60  # type: ignore[index]  # it is there


@pytest.mark.django_db
def test_the_row_keeps_rows_pace_and_time_left(
    make_draft: Any, inspect: Any, scientist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    run = EvaluationRun.objects.get(version=version)
    assert "waits for a worker" in progress_of(run)["sentence"]  # type: ignore[index]  # it waits
    leases.claim(run)
    seconds = iter([100.0, 100.5, 110.0, 120.0])
    monkeypatch.setattr("evaluations.progress.time.monotonic", lambda: next(seconds))
    watching = Watching(run)
    for done in (0, 0, 200, 600):
        (tmp_path / FILE).write_text(line(done, 600))
        assert watching(tmp_path)
        run.refresh_from_db()
        if done == 200:
            assert (run.progress["done"], run.progress["rate"], run.progress["left"]) == (200, 20.0, 20.0)
            assert progress_of(run) == {
                "sentence": "200 of 600 rows, 20 a second, about 20\u202fs left.", "done": 200, "total": 600,
            }  # fmt: skip
    assert "All 600 rows are answered" in progress_of(run)["sentence"]  # type: ignore[index]  # it runs
    EvaluationRun.objects.filter(pk=run.pk).update(attempt=2)
    watching._next = 0.0
    monkeypatch.setattr("evaluations.progress.time.monotonic", lambda: 200.0)
    assert not watching(tmp_path), "another attempt has it: stop"


@pytest.mark.django_db
def test_a_page_of_work_that_goes_on_looks_again_by_itself(
    make_draft: Any, inspect: Any, scientist: Any, client_of: Any, measure: Any
) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    page = f"/versions/{version.pk}/checks/"
    for state in ("waits for its inspection", "waits for its evaluation"):
        answer = client_of(scientist).get(page).content.decode()
        assert '<noscript><meta http-equiv="refresh"' in answer, state
        assert f'hx-get="{page}" hx-trigger="every 2s"' in answer, state
        inspect(version)
    measure(version)
    answer = client_of(scientist).get(page).content.decode()
    assert "refresh" not in answer
    assert "every 2s" not in answer

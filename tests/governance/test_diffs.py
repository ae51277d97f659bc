"""A unified diff is read line by line, within bounds, whatever somebody sends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from governance.diffs import MOST_BYTES, read_diff, shown
from tests.governance.test_code import DIFF


def test_lines_have_the_numbers_of_both_sides() -> None:
    (file,) = read_diff(DIFF)
    assert (file.path, file.kind, file.added, file.removed) == ("train.py", "changed", 1, 1)
    (hunk,) = file.hunks
    assert hunk.heading == "def train"
    assert [(line.kind, line.old, line.new, line.text) for line in hunk.lines] == [
        ("context", 1, 1, "import torch"),
        ("removed", 2, None, "rate = 0.1"),
        ("added", None, 2, "rate = 0.01"),
        ("context", 3, 3, "epochs = 3"),
    ]
    assert file.has("old", 2) and file.has("new", 2) and not file.has("new", 4)


def test_what_git_writes_is_read(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True).stdout.decode()

    git("init", "-q")
    (tmp_path / "gone.py").write_text("a\n")
    (tmp_path / "same name.py").write_text("\n".join(map(str, range(41))))
    git("add", "-A")
    git("commit", "-qm", "one")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "same name.py").write_text("\n".join("x" if n in {2, 30} else str(n) for n in range(41)))
    (tmp_path / "new.py").write_text("b\r\nc\n")
    (tmp_path / "empty.py").write_text("")
    git("add", "-A")
    git("commit", "-qm", "two")
    files = {one.path: one for one in read_diff(git("diff", "--no-renames", "HEAD~1", "HEAD"))}
    assert {path: one.kind for path, one in files.items()} == {
        "gone.py": "removed", "same name.py": "changed", "new.py": "added", "empty.py": "added",
    }  # fmt: skip
    assert len(files["same name.py"].hunks) == 2
    assert [line.text for line in files["new.py"].hunks[0].lines] == ["b␍", "c"]


@pytest.mark.parametrize(
    "wrong",
    [
        "hello\n",
        "@@ -1 +1 @@\n",
        DIFF + "stray\n",
        DIFF.replace(",3 @@", ",9 @@"),
        DIFF.replace("@@ -1,3", "@@ -x,3"),
        DIFF + "+more\n",
    ],
)
def test_what_is_no_diff_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="is not what a unified diff has there"):
        read_diff(wrong)


def test_a_diff_is_bounded() -> None:
    with pytest.raises(InvalidInput, match="at most"):
        read_diff("x" * (MOST_BYTES + 1))
    with pytest.raises(InvalidInput, match="at most"):
        read_diff("diff --git a/x b/x\n" * 6_000)


def test_characters_that_hide_or_reorder_text_are_shown_by_their_numbers() -> None:
    assert shown("if admin:\u202e return") == "if admin:⟨U+202E⟩ return"
    assert shown("a\u200bb\x1b[31m") == "a⟨U+200B⟩b⟨U+001B⟩[31m"
    assert shown("\tüber 한국어") == "\tüber 한국어"
    assert shown("x" * 5_000).endswith("…") and len(shown("x" * 5_000)) == 2_001


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*DIFF.split("\n"), "+", "-", " ", "\\ No newline", "@@ -0,0 +1 @@", "@@ -1,2 +0,0 @@ x"]), max_size=40
    )
)
def test_any_mixture_of_lines_is_read_or_refused(lines: list[str]) -> None:
    try:
        files = read_diff("\n".join(lines))
    except InvalidInput:
        return
    assert sum(one.added for one in files) <= sum(line.startswith("+") for line in lines)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=2_000), st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str, inside: str) -> None:
    for one in (text, f"diff --git {text}", DIFF + text, DIFF.replace("rate", inside)):
        try:
            read_diff(one)
        except InvalidInput:
            continue

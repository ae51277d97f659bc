"""What is done before the site starts is done again only when something has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.services import steps
from config.services.identity import caller
from config.setup.problem import Problem


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The management commands that were run, on a project of its own."""
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "__init__.py").write_text("")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "app.css").write_text("a {}")
    (tmp_path / "staticfiles").mkdir()
    (tmp_path / "staticfiles" / "staticfiles.json").write_text("{}")
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "data").mkdir()
    run: list[str] = []
    monkeypatch.setattr(steps, "PROJECT", tmp_path)
    monkeypatch.setattr(steps, "manage", lambda *words, **_: run.append(words[0]))
    return run


@pytest.fixture
def migrate(tmp_path: Path) -> Callable[..., list[str]]:
    """Migrates, and returns what was said meanwhile."""

    def call(*, only_ours: bool = True) -> list[str]:
        said: list[str] = []
        folder = tmp_path / "data"
        steps.migrate(data=folder, identity=caller(), variables={}, check=lambda: None, say=said.append, only_ours=only_ours)
        return said

    return call


def test_a_private_database_is_migrated_once_for_each_state_of_the_code(done, migrate, tmp_path):
    assert migrate() == ["Migrating the database"]
    assert migrate() == []
    (tmp_path / "ledger" / "0002_more.py").write_text("pass")
    migrate()
    assert done == ["migrate", "migrate"]


def test_a_database_that_others_can_change_is_migrated_every_time(done, migrate):
    migrate(only_ours=False)
    migrate(only_ours=False)
    assert done == ["migrate", "migrate"]


def test_a_migration_that_failed_is_tried_again(done, migrate, monkeypatch):
    def fail(*words: str, **_: object) -> None:
        raise Problem("Migrating the database failed (no reason given); its log is …")

    with monkeypatch.context() as broken:
        broken.setattr(steps, "manage", fail)
        with pytest.raises(Problem):
            migrate()
    migrate()
    assert done == ["migrate"]


def test_static_files_are_collected_when_one_has_changed(done, tmp_path):
    def collect() -> None:
        steps.collect_static(data=tmp_path / "data", variables={}, check=lambda: None)

    collect()
    collect()
    assert done == ["collectstatic"]
    (tmp_path / "static" / "app.css").write_text("a { color: red }")
    collect()
    (tmp_path / "staticfiles" / "staticfiles.json").unlink()
    collect()
    assert done == ["collectstatic"] * 3


def test_a_command_that_fails_is_told_with_its_last_words(data, bare_environment):
    with pytest.raises(Problem, match=r"Trying failed \(Type 'manage.py help' for usage.\); its log is .*manage.log"):
        steps.manage(
            "no_such",
            data=data,
            identity=caller(),
            variables={**bare_environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "COUNTERSIGN_SECRET_KEY": "x"},
            check=lambda: None,
            purpose="Trying",
        )

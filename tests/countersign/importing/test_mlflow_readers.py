"""MLflow's three forms are read into the same runs; what others wrote into them by mistake or by malice harms nobody."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from countersign.importing.mlflow import NotMLflow, Unreadable, meta, open_source
from countersign.importing.mlflow.folder import history
from countersign.importing.mlflow.records import Artifact, Head, NoArtifact, NoRun, Source
from countersign.importing.mlflow.taking import levels
from countersign.transport import Unreachable
from tests.countersign.importing import mlruns
from tests.countersign.importing.mlruns import RUNS, START, Told, run_id

often = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def everything(source: Source) -> dict[str, Any]:
    """All that a reader says, in a form in which NaN equals NaN."""
    found = {}
    for head in source.heads(only=frozenset()):
        assert isinstance(head, Head), head
        run = source.load(head)
        curves = {name: [(step, repr(value), time) for step, value, time in one.rows()] for name, one in run.series.items()}
        files = {}
        for one in source.artifacts(head):
            assert isinstance(one, Artifact), one
            with one.file(1000) as path:
                files[one.path] = (one.size, path.read_bytes())
        found[head.run_id] = (head, run.params, run.tags, curves, run.data, run.notes, files)
    return found


def one_run(root: Path, told: Told = RUNS[0]) -> Path:
    """The folder of a single run in an mlruns folder."""
    mlruns.folder(root, [told])
    return root / "1" / told.run_id


def load(root: Path) -> Any:
    source = open_source(str(root))
    (head,) = [one for one in source.heads(only=frozenset()) if isinstance(one, Head)]
    return source.load(head)


# -- the same runs ---------------------------------------------------------------------------------------------------------


def test_folder_file_and_server_are_read_into_the_same_runs(tmp_path: Path) -> None:
    folder = everything(open_source(str(mlruns.folder(tmp_path / "mlruns"))))
    database = everything(open_source(str(mlruns.database(tmp_path / "mlflow.db"))))
    with mlruns.server() as (address, _):
        server = everything(open_source(address))
    assert folder == database == server
    head, params, tags, curves, data, notes, files = folder[run_id(1)]
    assert (head.name, head.state, head.started, head.ended, head.user) == (
        'parent "x": 한국어',
        "finished",
        START,
        START + 60_000,
        "ada",
    )
    assert head.experiment.tags == {"note": "about vision"}
    assert params == {"empty": "", "lr": "0.01", "note": "two\nlines ", "optim/name": "adam"}
    assert tags["mlflow.source.git.commit"] == "a" * 40
    assert curves["odd"] == [(1, "nan", START), (2, "inf", START), (-3, "-inf", START), (2, "0.1", START + 1)]
    assert len(curves["train/loss"]) == 7
    assert [(one.name, one.digest, one.context, one.profile) for one in data] == [
        ("digits", "748f2bfa", "training", '{"rows": 2}'),
        ("test set", "12345678", "", '{"rows": 2}'),
    ]
    assert notes == ()
    assert files == {"model/weights.bin": (3, b"\0\1\2"), "notes.txt": (5, b"hello")}
    assert [found[0].state for found in folder.values()] == ["finished", "failed", "finished", "running"]
    assert folder[run_id(2)][0].parent == run_id(1)
    assert folder[run_id(4)][0].deleted
    assert folder[run_id(3)][0].ended is None


def test_models_are_named_by_each(tmp_path: Path) -> None:
    with mlruns.server() as (address, _):
        sources = [str(mlruns.folder(tmp_path / "mlruns")), str(mlruns.database(tmp_path / "mlflow.db")), address]
        assert [open_source(one).models() for one in sources] == [["reader"]] * 3


def test_only_the_named_experiments_are_read(tmp_path: Path) -> None:
    with mlruns.server() as (address, _):
        for one in (str(mlruns.folder(tmp_path / "mlruns")), str(mlruns.database(tmp_path / "mlflow.db")), address):
            assert [head.run_id for head in open_source(one).heads(only=frozenset({"speech / day"}))] == [run_id(3)]


@pytest.mark.parametrize("kind", ["folder", "database", "server"])
def test_a_trace_changes_when_the_run_does_and_only_then(tmp_path: Path, kind: str) -> None:
    grown = RUNS[0].but(metrics={**RUNS[0].metrics, "train/loss": mlruns.points(8)})
    tagged = RUNS[0].but(tags={**RUNS[0].tags, "more": "1"})
    ended = RUNS[0].but(ended=START + 61_000)
    traces = []
    for number, told in enumerate([RUNS[0], RUNS[0], grown, tagged, ended]):
        place = tmp_path / str(number)
        place.mkdir()
        if kind == "server":
            with mlruns.server([told]) as (address, _):
                source = open_source(address)
                traces.append(source.trace(next(iter(source.heads(only=frozenset())))))
            continue
        made = mlruns.folder(place, [told.but(artifacts={})]) if kind == "folder" else mlruns.database(place / "m.db", [told])
        if kind == "folder":  # the same place each time, or its address would be another
            shutil.rmtree(tmp_path / "here", ignore_errors=True)
            made = mlruns.folder(tmp_path / "here", [told])
        source = open_source(str(made))
        traces.append(source.trace(next(iter(source.heads(only=frozenset())))))
    assert traces[0] == traces[1]
    assert len(set(traces)) == 4


def test_parents_come_before_their_children_and_circles_end() -> None:
    def head(number: int, parent: int | None) -> Any:
        return type("H", (), {"run_id": run_id(number), "parent": "" if parent is None else run_id(parent)})()

    heads = [head(3, 2), head(2, 1), head(1, None), head(4, 99), head(5, 6), head(6, 5)]
    assert [[int(one.run_id, 16) for one in level] for level in levels(heads)] == [[1, 4], [2], [3], [5, 6]]


# -- the form of the files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "rows", "lost"),
    [
        (b"", [], 0),
        (b"7 0.5 1\n8 nan 2\n", [(1, "0.5", 7), (2, "nan", 8)], 0),
        (b"7 0.5 1\n8 0.25 2", [(1, "0.5", 7)], 1),  # cut off: the 2 may have been a 25
        (b"7 0.5\n8 0.25\n", [(0, "0.5", 7), (0, "0.25", 8)], 0),  # before MLflow 1.0
        (b"7 0.5 1 digits 748f2bfa\n8 0.25 2\n", [(1, "0.5", 7), (2, "0.25", 8)], 0),  # MLflow 3 with a dataset
        (b"7 0.5 1 m-123 digits 74\n", [(1, "0.5", 7)], 0),
        (b"7 0.5 1\nx y z\n\n9\n8 0.25 2\n", [(1, "0.5", 7), (2, "0.25", 8)], 2),
        (b"7 0.5 1 9\n8 2\n", [(1, "0.5", 7), (0, "2.0", 8)], 0),  # as many words as two lines of three
        (b"7\t0.5 1 9\n8 2 \n", [(1, "0.5", 7), (0, "2.0", 8)], 0),
        (b"7 0.5 99999999999999999999\n8 1 1\n", [(1, "1.0", 8)], 1),
        (b"7 0.5 1\r\n8 0.25 2\r\n", [(1, "0.5", 7), (2, "0.25", 8)], 0),
        (b"\xff\xfe\0\n8 0.25 2\n", [(2, "0.25", 8)], 1),
    ],
)
def test_each_line_of_a_metric_is_a_point_or_counted_as_lost(content: bytes, rows: list[Any], lost: int) -> None:
    points, gone = history(content)
    assert ([(step, repr(value), time) for step, value, time in points.rows()], gone) == (rows, lost)


TEXT = st.text(st.characters(exclude_characters="\x85\u2028\u2029\ufeff", exclude_categories=["Cs"]), max_size=300)
VALUE = st.one_of(TEXT, st.integers(-(2**60), 2**60), st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
KEY = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc"]), min_size=1, max_size=60)
INNER = st.one_of(VALUE, st.dictionaries(KEY, VALUE, max_size=3), st.lists(VALUE, max_size=3))


@often
@given(facts=st.dictionaries(KEY, INNER, min_size=1, max_size=4))
def test_whatever_mlflow_writes_as_yaml_is_read_as_it_was(facts: dict[str, Any]) -> None:
    written = yaml.dump(facts, default_flow_style=False, allow_unicode=True, encoding="utf-8", Dumper=yaml.SafeDumper)
    assert meta.read(written) == facts


@pytest.mark.parametrize(
    ("hostile", "read"),
    [
        (b"name: !!python/object/apply:os.system ['touch owned']\n", {"name": "!!python/object/apply:os.system ['touch owned']"}),
        (b"a: &x [1]\nb: *x\n", {"a": "&x [1]", "b": "*x"}),
        (b"a: !!binary aGk=\n", {"a": "!!binary aGk="}),
        (b"run_id: {a: b}\n", {"run_id": "{a: b}"}),
        (b"name: !!python/object/apply:os.system\n- touch owned\n", None),
        (b"!!python/object/apply:os.system ['touch owned']\n", None),
        (b"<<: *x\n", {"<<": "*x"}),
        (b"? long\n: b\n", None),
        (b"a: |\n  text\n", None),
        (b"a:\n  b:\n    c:\n      d: 1\n", None),
        (b"a: 'no end\n", None),
        (b'a: "no end\\\n', None),
        (b"just words\n", None),
        (b" a: 1\n", None),
    ],
)
def test_what_only_hostile_yaml_has_is_text_or_refused(hostile: bytes, read: Any) -> None:
    if read is None:
        with pytest.raises(Unreadable, match=r"of its meta\.yaml is nothing that MLflow writes"):
            meta.read(hostile)
    else:
        assert meta.read(hostile) == read


@often
@given(content=st.one_of(st.binary(max_size=400), st.text("ab:'\"\\- \n#|>&*!?[]{}0", max_size=120).map(str.encode)))
def test_no_bytes_break_the_reader_of_meta_yaml(content: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(meta.read(content), dict)


def test_a_megabyte_of_quotes_takes_no_square_of_its_length() -> None:
    quotes = b"a: '" + b"''" * 500_000
    with pytest.raises(Unreadable):
        meta.read(quotes)
    assert meta.read(quotes + b"'\n") == {"a": "'" * 500_000}
    assert len(meta.read(b"".join(b"k%d: 'x\n  y'\n" % number for number in range(20_000)))) == 20_000


# -- folders that others wrote -----------------------------------------------------------------------------------------------


def test_no_link_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("hush")
    place = one_run(tmp_path / "mlruns")
    for kind in ("params", "tags", "artifacts", "metrics"):
        (place / kind / "stolen").symlink_to(secret / "key")
        (place / kind / "folder").symlink_to(secret)
    (place / "inputs" / "stolen").symlink_to(secret)
    (tmp_path / "mlruns" / "1" / ("f" * 32)).symlink_to(place)
    source = open_source(str(tmp_path / "mlruns"))
    heads = list(source.heads(only=frozenset()))
    (head,) = [one for one in heads if isinstance(one, Head)]
    assert [one for one in heads if isinstance(one, NoRun)] == [NoRun("f" * 32, "a link, which is not followed")]
    run = source.load(head)
    assert not {"stolen", "folder", "stolen/key", "folder/key"} & {*run.params, *run.tags, *run.series}
    assert [note for note in run.notes if "stolen" in note] == [
        "input stolen: a link, which is not followed",
        "metric stolen: a link, which is not followed",
        "param stolen: a link, which is not followed",
        "tag stolen: a link, which is not followed",
    ]
    left = {one.path: one.why for one in source.artifacts(head) if isinstance(one, NoArtifact)}
    assert left == dict.fromkeys(["folder", "stolen"], "a link, which is not followed")
    assert "hush" not in repr(run)


@pytest.mark.parametrize("kind", ["params", "tags", "metrics", "artifacts", "inputs"])
def test_a_whole_folder_that_is_a_link_is_not_followed(tmp_path: Path, kind: str) -> None:
    place = one_run(tmp_path / "mlruns")
    elsewhere = shutil.move(place / kind, tmp_path / "elsewhere")
    (place / kind).symlink_to(elsewhere)
    source = open_source(str(tmp_path / "mlruns"))
    (head,) = source.heads(only=frozenset())
    run = source.load(head)
    found = {"params": run.params, "tags": run.tags, "metrics": run.series, "inputs": run.data}
    found["artifacts"] = [one for one in source.artifacts(head) if isinstance(one, Artifact)]
    assert not found[kind]


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "file:///etc",
            "file://{secret}/{run}/artifacts",
            "{secret}/{run}/artifacts",
            "file://{root}/../secret/{run}/artifacts",
        ),
        *(
            "file://{root}/way/{run}/artifacts",
            "s3://bucket/{run}/artifacts",
            "file://{root}%2f..%2fsecret/{run}/artifacts",
            "//x[",
        ),
    ],
)
def test_an_artifact_address_leads_nowhere_outside(tmp_path: Path, uri: str) -> None:
    root, secret = tmp_path / "mlruns", tmp_path / "secret"
    mlruns.write_text(secret / run_id(1) / "artifacts" / "key", "hush")
    place = one_run(root, RUNS[0].but(artifacts={}))
    (root / "way").symlink_to(secret)
    facts = yaml.safe_load((place / "meta.yaml").read_text())
    facts["artifact_uri"] = uri.format(secret=secret, root=root, run=run_id(1))
    mlruns.write_yaml(place / "meta.yaml", facts)
    source = open_source(str(root))
    (head,) = source.heads(only=frozenset())
    found = list(source.artifacts(head))
    assert not [one for one in found if isinstance(one, Artifact)]
    assert all("--artifacts FOLDER" in one.why for one in found if isinstance(one, NoArtifact))


def test_artifacts_are_found_inside_and_after_a_move_and_where_somebody_says(tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    place = one_run(root, RUNS[0].but(artifacts={}))
    mlruns.write_text(root / "store" / run_id(1) / "artifacts" / "a.txt", "a")
    mlruns.write_text(tmp_path / "other" / run_id(1) / "artifacts" / "b.txt", "b")
    facts = yaml.safe_load((place / "meta.yaml").read_text())
    for before, named, wanted in [
        (root, None, ["a.txt"]),
        ("/home/somebody/else/mlruns", None, ["a.txt"]),
        ("/home/somebody/else/mlruns", tmp_path / "other", ["b.txt"]),
    ]:
        mlruns.write_yaml(place / "meta.yaml", {**facts, "artifact_uri": f"file://{before}/store/{run_id(1)}/artifacts"})
        source = open_source(str(root), artifacts=named)
        (head,) = source.heads(only=frozenset())
        assert [one.path for one in source.artifacts(head)] == wanted


def test_names_that_climb_or_are_odd_stay_names(tmp_path: Path) -> None:
    place = one_run(tmp_path / "mlruns")
    for name in ("a b", "..hidden", "x\ny", "ü", "%2e%2e", "a/b/c"):
        mlruns.write_text(place / "params" / name, "1")
    Path(os.fsdecode(bytes(place / "params") + b"/\xff")).write_text("bytes")
    run = load(tmp_path / "mlruns")
    assert {"a b", "..hidden", "x\ny", "ü", "%2e%2e", "a/b/c", "\ufffd"} <= set(run.params)
    json.dumps(run.params).encode()


def test_a_dataset_is_named_by_an_id_and_not_by_a_path(tmp_path: Path) -> None:
    place = one_run(tmp_path / "mlruns")
    mlruns.write_yaml(tmp_path / "meta.yaml", {"name": "outside", "digest": "1"})
    link = {"source_type": "DATASET", "source_id": "../../..", "tags": {}}
    mlruns.write_yaml(place / "inputs" / "evil" / "meta.yaml", link)
    run = load(tmp_path / "mlruns")
    assert "outside" not in [one.name for one in run.data]
    assert run.notes == ("input evil: it names a dataset that cannot be one",)


def test_a_run_that_cannot_be_read_is_named_and_the_others_come(tmp_path: Path) -> None:
    root = mlruns.folder(tmp_path / "mlruns")
    (root / "1" / run_id(1) / "meta.yaml").write_text("status: !!python/object/apply:os.system ['x']\n")
    (root / "1" / run_id(2) / "meta.yaml").write_text("- 1\n")
    (root / "2" / "meta.yaml").write_bytes(b"\xff: '")
    (root / ".trash" / "9").mkdir(parents=True)
    mlruns.write_yaml(root / ".trash" / "9" / "meta.yaml", {"name": "old", "lifecycle_stage": "deleted", "experiment_id": "9"})
    found = list(open_source(str(root)).heads(only=frozenset()))
    assert [one.run_id for one in found if isinstance(one, Head)] == [run_id(4)]
    assert [one for one in found if isinstance(one, NoRun)] == [
        NoRun(run_id(1), "its meta.yaml is another run's"),
        NoRun(run_id(2), "line 1 of its meta.yaml is nothing that MLflow writes"),
        NoRun("2", "its experiment cannot be read: line 1 of its meta.yaml is nothing that MLflow writes"),
        NoRun("old", "its experiment was deleted in MLflow"),
    ]


def test_a_pipe_in_place_of_a_file_does_not_stop_the_import(tmp_path: Path) -> None:
    place = one_run(tmp_path / "mlruns")
    for name in ("params/lr", "metrics/odd", "artifacts/notes.txt"):
        (place / name).unlink()
        os.mkfifo(place / name)
    run = load(tmp_path / "mlruns")
    assert "lr" not in run.params
    assert "odd" not in run.series
    (place / "meta.yaml").unlink()
    os.mkfifo(place / "meta.yaml")
    assert list(open_source(str(tmp_path / "mlruns")).heads(only=frozenset())) == [NoRun(place.name, "it is no file")]


def test_what_nobody_may_open_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = mlruns.folder(tmp_path / "mlruns")
    opened, looked_at = os.open, Path.lstat

    def refuse_open(path: Any, *words: Any) -> Any:
        if str(path).endswith((f"{run_id(1)}/meta.yaml", "/2/meta.yaml")):
            raise PermissionError(13, "Permission denied")
        return opened(path, *words)

    def refuse_look(path: Path) -> Any:
        if path.name == "meta.yaml" and path.parent.name == "2":
            raise PermissionError(13, "Permission denied")
        return looked_at(path)

    monkeypatch.setattr(os, "open", refuse_open)
    monkeypatch.setattr(Path, "lstat", refuse_look)
    found = [one for one in open_source(str(root)).heads(only=frozenset()) if isinstance(one, NoRun)]
    assert found == [
        NoRun(run_id(1), "it cannot be read (Permission denied)"),
        NoRun("2", "its experiment cannot be read: it cannot be read (Permission denied)"),
    ]


def test_folders_with_random_damage_never_break_the_reader(tmp_path: Path) -> None:
    chance = random.Random(4)  # noqa: S311 - damage, not secrets
    for _round in range(60):
        root = tmp_path / "mlruns"
        shutil.rmtree(root, ignore_errors=True)
        mlruns.folder(root)
        written = sorted(path for path in root.rglob("*") if path.is_file())
        for path in chance.sample(written, 6):
            content = bytearray(path.read_bytes())
            for _ in range(chance.randint(1, 8)):
                content[chance.randrange(len(content) + 1) :][:1] = b""
                content.insert(chance.randrange(len(content) + 1), chance.randrange(256))
            path.write_bytes(content[: chance.randint(0, len(content))])
        try:
            source = open_source(str(root))
        except NotMLflow:
            continue
        for head in source.heads(only=frozenset()):
            if isinstance(head, Head):
                source.load(head)
                source.trace(head)
                list(source.artifacts(head))


# -- SQLite files ------------------------------------------------------------------------------------------------------------


def test_a_database_is_not_written_nor_anything_beside_it(tmp_path: Path) -> None:
    path = mlruns.database(tmp_path / "mlflow.db", [RUNS[0].but(artifacts={})])
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = WAL")
    before = path.read_bytes()
    path.chmod(0o444)
    source = open_source(f"sqlite:///{path}")
    (head,) = source.heads(only=frozenset())
    assert isinstance(head, Head)
    assert len(source.load(head).params) == 4
    assert [one.path for one in source.artifacts(head)] == ["*"]  # nobody said where they lie
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["mlflow.db"]


def test_what_a_server_is_writing_is_read_too(tmp_path: Path) -> None:
    path = mlruns.database(tmp_path / "mlflow.db", RUNS[:1])
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("INSERT INTO params VALUES ('late', '1', ?)", (run_id(1),))
        base.commit()
        assert everything(open_source(str(path)))[run_id(1)][1]["late"] == "1"


def test_rows_that_are_no_measurements_are_counted(tmp_path: Path) -> None:
    path = mlruns.database(tmp_path / "mlflow.db", RUNS[:1])
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("INSERT INTO metrics VALUES ('train/loss', 'high', 1, ?, 1, 0)", (run_id(1),))
        base.execute("INSERT INTO metrics VALUES ('train/loss', 1, NULL, ?, 1, 0)", (run_id(1),))
        base.execute("UPDATE params SET value = CAST(x'ff00' AS TEXT) WHERE key = 'lr'")
    _, params, _, curves, _, notes, _ = everything(open_source(str(path)))[run_id(1)]
    assert len(curves["train/loss"]) == 7
    assert notes == ("metric train/loss: 2 rows are no measurement",)
    assert params["lr"] == "\ufffd\0"


def test_a_view_in_place_of_a_table_is_not_asked(tmp_path: Path) -> None:
    path = mlruns.database(tmp_path / "mlflow.db", RUNS[:1])
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("DROP TABLE params")
        base.execute("CREATE VIEW params AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n")
    with pytest.raises(NotMLflow, match="it has no table params"):
        open_source(str(path))


def test_databases_with_random_damage_never_break_the_reader(tmp_path: Path) -> None:
    whole = mlruns.database(tmp_path / "whole.db").read_bytes()
    chance = random.Random(4)  # noqa: S311 - damage, not secrets
    path = tmp_path / "mlflow.db"
    for _round in range(150):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 30)):
            content[chance.randrange(16, len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.choice([len(content), chance.randrange(16, len(content))])])
        try:
            source = open_source(str(path))
            for head in source.heads(only=frozenset()):
                if isinstance(head, Head):
                    source.trace(head)
                    source.load(head)
                    list(source.artifacts(head))
        except (NotMLflow, Unreadable):
            continue


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", b"SQLite format 3\0" + b"\0" * 5000])
def test_what_is_no_source_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "empty").mkdir()
    for name in ("file", "empty", "absent", "a\0b"):
        with pytest.raises(NotMLflow):
            open_source(f"{tmp_path}/{name}")


# -- servers -----------------------------------------------------------------------------------------------------------------


def test_credentials_go_to_the_server_as_mlflow_sends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with mlruns.server() as (address, answers):
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "lovelace")
        list(open_source(address).heads(only=frozenset()))
        assert answers.authorization == "Basic YWRhOmxvdmVsYWNl"
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
        list(open_source(address).heads(only=frozenset()))
        assert answers.authorization == "Bearer t0ken"
    with pytest.raises(NotMLflow, match="MLFLOW_TRACKING_PASSWORD") as refused:
        open_source("http://ada:lovelace@127.0.0.1:1")
    assert "lovelace" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "content", "error", "words"),
    [
        (200, b"<html>", NotMLflow, "is no MLflow server"),
        (200, b"[1]", NotMLflow, "no MLflow server's"),
        (200, b"[" * 100_000, NotMLflow, "is no MLflow server"),
        (302, b"", NotMLflow, "is no MLflow server"),
        (401, b"{}", NotMLflow, "MLFLOW_TRACKING_TOKEN"),
        (500, b'{"message": "broken"}', Unreadable, "answers 500 broken"),
        (200, b'{"experiments": [{"experiment_id": 1}], "next_page_token": "x"}', Unreadable, "again and again"),
    ],
)
def test_a_server_that_answers_otherwise_is_said_to(status: int, content: bytes, error: type, words: str) -> None:
    with mlruns.server() as (address, answers):
        answers.instead["experiments/search"] = (status, content)
        with pytest.raises(error, match=words):
            list(open_source(address).heads(only=frozenset()))


@pytest.mark.parametrize(
    ("rows", "words"),
    [(b'{"experiment_id": "1", "name": "a"}', "same page again and again"), (b"", "20 pages without anything")],
)
def test_a_server_whose_pages_never_end_is_left(rows: bytes, words: str) -> None:
    """Each page with a token that was never given before."""
    with mlruns.server() as (address, answers):
        source = open_source(address)
        object_of, tokens = source._object, itertools.count()

        def endless(answer: Any) -> dict[str, Any]:
            number = next(tokens)
            assert number < 100, "it asks on and on"
            return object_of(answer) | {"next_page_token": f"t{number}"}

        answers.instead["experiments/search"] = (200, b'{"experiments": [%s]}' % rows)
        source._object = endless
        with pytest.raises(Unreadable, match=words):
            list(itertools.islice(source.heads(only=frozenset({"none of these"})), 1_000))
        assert next(tokens) < 30


def test_a_server_that_is_not_there_is_said_to_be_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.importing.mlflow.server.time.sleep", lambda _: None)
    with pytest.raises(Unreachable, match="does not answer: the connection is refused"):
        list(open_source("http://127.0.0.1:9").heads(only=frozenset()))


@pytest.mark.parametrize(
    ("operation", "content"),
    [
        ("runs/search", b'{"runs": [{"info": 1}, 2, {"info": {"run_id": null}}]}'),
        ("runs/search", b'{"runs": {"a": 1}}'),
        ("metrics/get-history", b'{"metrics": [{"value": "much"}, {"value": 1, "step": "x"}, {"value": 1, "step": 1e400}, {}]}'),
        ("artifacts/list", b'{"files": [{"path": "../../x"}, {"path": "a", "is_dir": true}, {"path": 3, "file_size": "-1"}]}'),
    ],
)
def test_strange_answers_are_left_out_and_named(operation: str, content: bytes) -> None:
    with mlruns.server() as (address, answers):
        answers.instead[operation] = (200, content)
        source = open_source(address)
        for head in source.heads(only=frozenset()):
            if isinstance(head, Head):
                assert all(len(points) for points in source.load(head).series.values())
                list(source.artifacts(head))

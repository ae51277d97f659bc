"""Reads an `mlruns` folder, as the file stores of MLflow 1, 2 and 3 write it."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from countersign.importing.mlflow import files, meta
from countersign.importing.mlflow.records import (
    CONTEXT,
    PARENT,
    Artifact,
    Data,
    Experiment,
    Head,
    NoArtifact,
    NoRun,
    NotMLflow,
    Points,
    Run,
    Unreadable,
    digest,
    moment,
    state_of,
)

TEXT = 16 << 20  # bytes of a parameter or tag
HISTORY = 1 << 30  # bytes of one metric
_BESIDES = {"tags", "datasets", "traces", "models", "assessments", "issues"}  # what lies beside an experiment's runs
_ID = re.compile(r"[A-Za-z0-9][\w-]{0,255}\Z")
_NOT_BLANK = bytes(set(range(256)) - set(b" \t\r\n\v\f"))


class Folder:
    def __init__(self, path: Path, *, artifacts: Path | None = None) -> None:
        self.name = str(path)
        self._root = path.resolve()
        if not self._experiments() and (self._root / "mlruns").is_dir():
            self._root = (self._root / "mlruns").resolve()
        if not self._experiments():
            raise NotMLflow(f"{path} is no mlruns folder: nothing in it is an experiment with a meta.yaml.")
        self._roots = [self._root] if artifacts is None else [artifacts.resolve(), self._root]
        self._places: dict[str, tuple[Path, dict[str, Any]]] = {}
        self._data: dict[Path, dict[str, Any]] = {}

    def heads(self, *, only: frozenset[str]) -> Iterator[Head | NoRun]:
        """Every run of the experiments with these names (of all, where none is named)."""
        for folder in self._experiments():
            try:
                facts = _meta(folder)
            except Unreadable as error:
                if not only:
                    yield NoRun(folder.name, f"its experiment cannot be read: {error}")
                continue
            name = str(facts.get("name") or folder.name)
            if only and name not in only:
                continue
            if facts.get("lifecycle_stage") == "deleted":
                yield NoRun(name, "its experiment was deleted in MLflow")
                continue
            tags = _texts(folder / "tags", [])
            experiment = Experiment(str(facts.get("experiment_id") or folder.name), name, tags)
            for entry in files.folders(folder):
                if entry.name not in _BESIDES:
                    yield from self._head(Path(entry.path), experiment, link=entry.is_symlink())

    def _head(self, folder: Path, experiment: Experiment, *, link: bool) -> Iterator[Head | NoRun]:
        if link:
            yield NoRun(folder.name, files.LINK)
            return
        if not files.may_be_file(folder / "meta.yaml"):
            return  # artifacts that were told to lie here
        try:
            facts = _meta(folder)
            run_id = str(facts.get("run_id") or facts.get("run_uuid") or "")
            if not run_id and "model_id" in facts:
                return
            if run_id != folder.name or not _ID.match(run_id):
                raise Unreadable("its meta.yaml is another run's")
            if run_id in self._places:
                raise Unreadable("it is there twice")
            parent = _texts(folder / "tags", [], only=PARENT).get(PARENT, "")
        except Unreadable as error:
            yield NoRun(folder.name, str(error))
            return
        self._places[run_id] = (folder, facts)
        yield Head(
            run_id=run_id,
            experiment=experiment,
            name=str(facts.get("run_name") or facts.get("name") or ""),
            state=state_of(facts.get("status")),
            started=moment(facts.get("start_time")),
            ended=moment(facts.get("end_time")),
            user=str(facts.get("user_id") or ""),
            deleted=facts.get("lifecycle_stage") == "deleted",
            parent=parent,
        )

    def trace(self, head: Head) -> str:
        """Files only grow or are written anew with another size, save the run's own facts, which are few."""
        folder, facts = self._places[head.run_id]
        sizes = sorted((name, entry.stat(follow_symlinks=False).st_size) for name, entry in files.named(str(folder)))
        return digest(["folder", facts, sizes])

    def load(self, head: Head) -> Run:
        folder, _ = self._places[head.run_id]
        notes: list[str] = []
        params, tags = _texts(folder / "params", notes), _texts(folder / "tags", notes)
        series = {}
        for name, entry in files.named(str(folder / "metrics")):
            try:
                if entry.is_symlink():
                    raise Unreadable(files.LINK)
                points, lost = history(files.content(entry.path, most=HISTORY))
            except Unreadable as error:
                notes.append(f"metric {name}: {error}")
                continue
            if lost:
                notes.append(f"metric {name}: {lost:,} {'line is' if lost == 1 else 'lines are'} cut off or no measurement")
            if len(points):
                series[name] = points
        data = tuple(sorted(self._inputs(folder, notes), key=lambda one: (one.name, one.digest, one.context)))
        return Run(head, params, tags, dict(sorted(series.items())), data, tuple(sorted(notes)))

    def artifacts(self, head: Head) -> Iterator[Artifact | NoArtifact]:
        """MLflow makes a folder for them beside the run, even where it was told to keep them elsewhere."""
        folder, facts = self._places[head.run_id]
        uri, beside = str(facts.get("artifact_uri") or ""), folder / "artifacts"
        if beside.is_symlink():
            yield NoArtifact("artifacts", files.LINK)
        elif beside.is_dir():
            yield from files.artifacts_below(beside)
        if uri and not uri.endswith(f"{folder.parent.name}/{folder.name}/artifacts"):
            yield from files.artifacts_of(uri, head, self._roots)

    def models(self) -> list[str]:
        return [entry.name for entry in files.folders(self._root / "models") if not entry.is_symlink()]

    def close(self) -> None:
        pass

    def _experiments(self) -> list[Path]:
        """Those that lie here, and those that were deleted and lie in the trash."""
        found = [*files.folders(self._root), *files.folders(self._root / ".trash")]
        real = [Path(entry.path) for entry in found if not entry.is_symlink() and entry.name not in {".trash", "models"}]
        return [path for path in real if files.may_be_file(path / "meta.yaml")]

    def _inputs(self, folder: Path, notes: list[str]) -> Iterator[Data]:
        for entry in files.folders(folder / "inputs"):
            try:
                if entry.is_symlink():
                    raise Unreadable(files.LINK)
                link = _meta(Path(entry.path))
                if link.get("source_type") != "DATASET":
                    continue
                source = str(link.get("source_id"))
                if not _ID.match(source):
                    raise Unreadable("it names a dataset that cannot be one")
                facts = self._dataset(folder.parent / "datasets" / source)
            except Unreadable as error:
                notes.append(f"input {entry.name}: {error}")
                continue
            tags = link.get("tags")
            text = {key: "" if facts.get(key) is None else str(facts[key]) for key in _DATA}
            context = str((tags if isinstance(tags, dict) else {}).get(CONTEXT) or "")
            yield Data(context=context, **text)

    def _dataset(self, folder: Path) -> dict[str, Any]:
        if folder not in self._data:
            self._data[folder] = _meta(folder)
        return self._data[folder]


_DATA = ("name", "digest", "source_type", "source", "schema", "profile")


def history(data: bytes) -> tuple[Points, int]:
    """The points of a metric's file, and how many of its lines are none (one that was cut off as it was written, for example).

    A line is `time value step`; MLflow 3 adds a dataset's name and digest, MLflow before 1.0 knew no steps. Where every line
    has exactly three columns, which is nearly always, the columns are taken apart at once.
    """
    whole = data.count(b"\n")
    if data.endswith(b"\n") and data.translate(None, _NOT_BLANK) == b"  \n" * whole:
        words = data.split()
        if len(words) == 3 * whole:
            try:
                times, values = array("q", map(int, words[::3])), array("d", map(float, words[1::3]))
                return Points(array("q", map(int, words[2::3])), values, times), 0
            except (ValueError, OverflowError):
                pass  # some line is no measurement: which one, the slow way finds
    *lines, rest = data.split(b"\n")
    points, lost = Points.empty(), int(bool(rest))  # a line without its end may have lost digits of its last number
    for line in lines:
        words = line.split()
        if not words:
            continue
        try:
            if len(words) < 2:
                raise ValueError
            points.add(time=int(words[0]), value=float(words[1]), step=int(words[2]) if len(words) > 2 else 0)
        except (ValueError, OverflowError):
            lost += 1
    return points, lost


def _meta(folder: Path) -> dict[str, Any]:
    if folder.is_symlink() or folder.parent.is_symlink():
        raise Unreadable(files.LINK)
    return meta.read(files.content(str(folder / "meta.yaml"), most=meta.LARGEST))


def _text(path: str) -> str:
    return files.content(path, most=TEXT).decode("utf-8", "replace")


def _texts(folder: Path, notes: list[str], *, only: str = "") -> dict[str, str]:
    """Names and texts of parameters or tags: each is a file."""
    found = {}
    for name, entry in files.named(str(folder)):
        if only and name != only:
            continue
        try:
            if entry.is_symlink():
                raise Unreadable(files.LINK)
            found[name] = _text(entry.path)
        except Unreadable as error:
            notes.append(f"{folder.name[:-1]} {name}: {error}")
    return dict(sorted(found.items()))

"""Files of a folder that others wrote: no link is followed, nothing outside is opened, nothing is read without end."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from countersign.importing.mlflow.records import Artifact, Head, NoArtifact, Unreadable

DEEPEST = 32  # folders within folders
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.I)
LINK = "a link, which is not followed"
NAME_THEM = "name the folder that holds them (or a copy) with --artifacts FOLDER"


def content(path: str, *, most: int) -> bytes:
    """The file's bytes; raises `Unreadable` where it is none, has more than `most` bytes or cannot be read.

    Written for 50,000 small files: three calls of the system for each.
    """
    try:
        file = os.open(path, _FLAGS)
        try:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode):
                raise Unreadable("it is no file")
            if about.st_size > most:
                raise Unreadable(f"it has more than {most >> 20} MiB")
            found = os.read(file, about.st_size + 1)
            while about.st_size < len(found) <= most and (more := os.read(file, 1 << 20)):  # it is being written
                found += more
        finally:
            os.close(file)
    except OSError as error:
        raise Unreadable(f"it cannot be read ({error.strerror})") from error
    return found[:most]


def may_be_file(path: Path) -> bool:
    """Whether there is such a file, or something that only reading can tell of (a folder that nobody may look into)."""
    try:
        return stat.S_IFMT(path.lstat().st_mode) != stat.S_IFDIR
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def beginning(path: Path, size: int) -> bytes:
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        return file.read(size)


def folders(path: Path) -> Iterator[os.DirEntry[str]]:
    """The folders in a folder, by name; links are among them, for the caller to tell of."""
    try:
        entries = [] if path.is_symlink() else sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError:
        return
    yield from (entry for entry in entries if entry.is_symlink() or entry.is_dir(follow_symlinks=False))


def named(folder: str, *, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file below a folder with its name, in which `/` stands for a folder: MLflow keeps the metric `train/loss` so.
    Links come too, for the caller to refuse."""
    if not depth and os.path.islink(folder):  # noqa: PTH114 - 50,000 Path objects would take longer than the files
        return
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            name = prefix + (entry.name if entry.name.isascii() else os.fsencode(entry.name).decode("utf-8", "replace"))
            if entry.is_dir(follow_symlinks=False) and depth < DEEPEST:
                yield from named(entry.path, prefix=name + "/", depth=depth + 1)
            elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                yield name, entry


def artifacts_below(folder: Path) -> Iterator[Artifact | NoArtifact]:
    for name, entry in sorted(named(str(folder)), key=lambda found: found[0]):
        if entry.is_symlink():
            yield NoArtifact(name, LINK)
            continue
        try:
            size = entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue  # it has just gone
        yield Artifact(name, size, partial(_file, Path(entry.path)))


@contextmanager
def _file(path: Path, most: int) -> Iterator[Path]:
    """The file itself, once more asked whether it is one: time has passed since its folder was listed."""
    try:
        found = path.lstat()
    except OSError as error:
        raise Unreadable(f"it cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("it is no file any more")
    if found.st_size > most:
        raise Unreadable(too_large(found.st_size, most))
    yield path


def too_large(size: int, most: int) -> str:
    return f"it has {size / 2**20:,.1f} MiB, and at most {most / 2**20:,.0f} are taken; name another limit with --artifact-limit"


def artifacts_of(uri: str, head: Head, roots: Sequence[Path]) -> Iterator[Artifact | NoArtifact]:
    """The run's artifacts from where its address says, as far as that lies within `roots`; else why there are none."""
    if place := artifact_folder(uri, head, roots):
        yield from artifacts_below(place)
        return
    scheme = uri.partition(":")[0].lower() if _SCHEME.match(uri) else "file"
    if not uri or (scheme == "mlflow-artifacts" and roots):
        return  # none were logged
    if scheme == "mlflow-artifacts":
        yield NoArtifact("*", f"an MLflow server kept its artifacts for it; {NAME_THEM}")
    elif scheme != "file":
        yield NoArtifact("*", f"MLflow kept its artifacts in {scheme[:20]}, which is not read; {NAME_THEM}")
    elif not any(Path("/", *_parts(uri)).is_relative_to(root) for root in roots):
        yield NoArtifact("*", f"its artifacts lie outside of what was given, where nothing is followed; {NAME_THEM}")


def artifact_folder(uri: str, head: Head, roots: Sequence[Path]) -> Path | None:
    """Where this run's artifacts lie within one of `roots`; None where they lie nowhere there.

    The address was written by whoever wrote the source. Only one that ends in RUN/artifacts is looked at, as MLflow writes it,
    and only within `roots`: where it says, or, had the folder been moved here from elsewhere, by its last parts.
    """
    parts = _parts(uri)
    if parts[-2:] != [head.run_id, "artifacts"]:
        return None
    for root in roots:
        places = [Path("/", *parts), root.joinpath(*parts[-3:]), root.joinpath(*parts[-2:])]
        for place in [*places, root / head.experiment.id / head.run_id / "artifacts"]:
            if place.is_relative_to(root) and place.is_dir() and place.resolve() == place:  # no link on the way
                return place
    return None


def _parts(uri: str) -> list[str]:
    """The address's path, for a file's address or path and for what an MLflow server keeps; nothing for other addresses."""
    if _SCHEME.match(uri):
        try:
            found = urlsplit(uri)
        except ValueError:
            return []
        if found.scheme not in {"file", "mlflow-artifacts"}:
            return []
        uri = unquote(found.path)
    parts = [part for part in uri.replace("\\", "/").split("/") if part not in ("", ".")]
    return [] if ".." in parts or any("\0" in part for part in parts) else parts

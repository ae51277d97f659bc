"""What a script names, looked up: a file's digest, the files of a folder, the facts of a training."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from countersign.places import NoPlace, place_of
from countersign.tracking import values
from countersign.transport import JSON, digest_of

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
TRAINING = ("early_stopping", "schedule", "seeds", "libraries", "summary")
SUMMARY = 100_000  # characters
FOLDER = 10_000  # files of a folder


def data(named: str | Path, *, name: str, context: str) -> JSON:
    """The data of this name as a run reports them; `OSError` or `ValueError` where there are none."""
    text = str(named)
    said = {"name": values.plain(name) or Path(text).name, "context": values.plain(context)}
    if _ID.match(text):
        return {**said, "name": values.plain(name), "source_type": "countersign", "source": text}
    file = Path(named)
    if file.suffix == ".dvc":
        try:
            md5 = place_of(text)["md5"]
        except NoPlace as error:
            raise ValueError(str(error)) from error
        stem = values.plain(name) or file.stem
        return {**said, "name": stem, "digest": f"md5:{md5}", "source_type": "dvc", "source": values.plain(text)}
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {text} to take a digest of")
    return {**said, "digest": digest_of(file), "source_type": "local", "source": values.plain(str(file.absolute()))}


def files(path: Path, name: str, warn: Callable[[str], None]) -> Iterator[tuple[str, Path]]:
    """(path in the run, file) of a file, or of every file of a folder; links inside it are left out."""
    if path.is_file():
        yield name or path.name, path
        return
    if not path.is_dir():
        warn(f"There is no file {path}: it is not sent.")
        return
    found = 0
    for folder, inner, names in os.walk(path):
        inner.sort()
        for file in (Path(folder) / one for one in sorted(names)):
            if file.is_file() and not file.is_symlink():
                found += 1
                if found > FOLDER:
                    warn(f"{path} holds more than {FOLDER:,} files: the rest is left out. Send an archive of it.")
                    return
                yield f"{name or path.name}/{file.relative_to(path).as_posix()}", file


def artifact(name: str, file: Path) -> JSON:
    """A line of the spool; whether the file has changed until it is sent can be told from its size and its time."""
    known = file.stat()
    return {"path": name, "file": str(file), "size": known.st_size, "changed": known.st_mtime_ns}


def training(facts: Mapping[str, Any]) -> JSON:
    """As the site takes them; `TypeError` names what it does not know."""
    unknown = sorted(set(facts) - set(TRAINING))
    if unknown:
        raise TypeError(f"{', '.join(unknown)} is no training fact; use {', '.join(TRAINING)}.")
    return {
        key: values.plain(str(value))[:SUMMARY] if key == "summary" else values.parameters(value)
        for key, value in facts.items()
        if value
    }

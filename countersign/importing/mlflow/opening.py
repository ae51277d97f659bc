"""Which reader reads what somebody names as a source."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from countersign.importing.mlflow.files import beginning
from countersign.importing.mlflow.folder import Folder
from countersign.importing.mlflow.records import NotMLflow, Source
from countersign.importing.mlflow.server import Server
from countersign.importing.mlflow.sqlite import Database

_SQLITE = b"SQLite format 3\0"


def open_source(named: str, *, artifacts: Path | None = None) -> Source:
    """The reader of an address (http, https), of a folder or of a SQLite file; the latter two also as MLflow writes their
    addresses (file://, sqlite:///). `artifacts` is a folder that holds the artifacts of a file or folder."""
    if artifacts is not None and not artifacts.is_dir():
        raise NotMLflow(f"There is no folder {artifacts} with artifacts.")
    if named.startswith(("http://", "https://")):
        if artifacts is not None:
            raise NotMLflow("A server is asked for its artifacts itself: leave --artifacts out.")
        return Server(named)
    path = Path(_path(named))
    try:
        if path.is_dir():
            return Folder(path, artifacts=artifacts)
        if path.is_file() and beginning(path, len(_SQLITE)) == _SQLITE:
            return Database(path, artifacts=artifacts)
    except ValueError as error:  # a NUL in it
        raise NotMLflow("The source is no path.") from error
    what = "is neither a folder nor a SQLite file" if path.exists() else "is not there"
    raise NotMLflow(f"{named} {what}. Name an mlruns folder, MLflow's SQLite file, or a server's address (http://…).")


def _path(named: str) -> str:
    if named.startswith("sqlite:///"):
        return named.removeprefix("sqlite:///")
    return unquote(urlsplit(named).path) if named.startswith("file:") else named

"""A file below the one folder that the site was given. No link is followed on the way, so nothing outside can be named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from core.blobs import CHUNK
from core.errors import InvalidInput
from data_registry.locations.unreachable import Unreachable

FIELDS = ("path",)


def check(*, path: str) -> None:
    """Refuse a path that leads out of the folder, or any path where the site was given no folder."""
    if not settings.DATA_FOLDER:
        raise InvalidInput(
            _("This site reads no folder of data: an administrator names one with COUNTERSIGN_DATA_FOLDER."), code="no_such_place"
        )
    parts_of(path)


def read(*, path: str) -> Iterator[bytes]:
    """The file's chunks. Raises Unreachable."""
    if not settings.DATA_FOLDER:
        raise Unreachable(_("This worker was given no folder of data (COUNTERSIGN_DATA_FOLDER)."))
    yield from below(Path(settings.DATA_FOLDER), path)


def words(*, path: str) -> str:
    return path


def parts_of(path: str) -> list[str]:
    """The names on the way to a file; refuses a path that is absolute or leads upwards."""
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or any(part in {"", ".", ".."} for part in parts):
        raise InvalidInput(
            _("Write the path from the folder of data on, such as scans/test.safetensors, without “..”."), code="location_path"
        )
    return parts


def below(root: Path, path: str) -> Iterator[bytes]:
    """The chunks of the file at `path` below `root`, opened name by name, so that a link planted on the way leads nowhere."""
    *folders, name = parts_of(path)
    try:
        held = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for each in folders:
                inner = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=held)
                os.close(held)
                held = inner
            found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=held)
        finally:
            os.close(held)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Unreachable(_("The file %(path)s cannot be read: %(why)s.") % {"path": path, "why": why}) from error
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise Unreachable(_("%(path)s is no plain file.") % {"path": path})
        while chunk := os.read(found, CHUNK):
            yield chunk
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Unreachable(_("The file %(path)s cannot be read: %(why)s.") % {"path": path, "why": why}) from error
    finally:
        os.close(found)

"""A file of a DVC remote, by the md5 in its .dvc file. md5 only finds it; what counts is the sha256 that was registered.

A remote keeps a file under files/md5/<first two digits>/<the others> since DVC 3, and without files/md5 before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from data_registry.locations import folder, s3
from data_registry.locations.unreachable import Unreachable

FIELDS = ("md5",)
_MD5 = re.compile(r"[0-9a-f]{32}")


def check(*, md5: str) -> None:
    """Refuse what is no md5 of a file, or any where the site was given no remote."""
    if md5.endswith(".dir"):
        raise InvalidInput(
            _("This md5 names a whole folder of the DVC remote; name one file, by the md5 of its own .dvc file."),
            code="dvc_folder",
        )
    if not _MD5.fullmatch(md5):
        raise InvalidInput(_("The md5 of a .dvc file is 32 lower-case hexadecimal digits."), code="dvc_md5")
    if not settings.DATA_DVC:
        raise InvalidInput(
            _("This site reads no DVC remote: an administrator names one with COUNTERSIGN_DATA_DVC."), code="no_such_place"
        )


def read(*, md5: str) -> Iterator[bytes]:
    """The file's chunks, from the layout of today or of before. Raises Unreachable."""
    if not settings.DATA_DVC:
        raise Unreachable(_("This worker was given no DVC remote (COUNTERSIGN_DATA_DVC)."))
    if not _MD5.fullmatch(md5):
        raise Unreachable(_("The md5 of a .dvc file is 32 lower-case hexadecimal digits."))
    place = f"{md5[:2]}/{md5[2:]}"
    chunks = _first_of(f"files/md5/{place}", place, md5=md5)
    yield from chunks


def words(*, md5: str) -> str:
    return f"DVC {md5}"


def _first_of(*paths: str, md5: str) -> Iterator[bytes]:
    for path in paths:
        chunks = _chunks(path)
        try:
            first = next(chunks, b"")
        except Unreachable as refusal:
            last = refusal
            continue
        yield first
        yield from chunks
        return
    raise Unreachable(_("The DVC remote does not give the file %(md5)s. %(why)s") % {"md5": md5, "why": last}) from last


def _chunks(path: str) -> Iterator[bytes]:
    remote = str(settings.DATA_DVC)
    if not remote.startswith("s3://"):
        return folder.below(Path(remote), path)
    bucket, _slash, prefix = remote.removeprefix("s3://").partition("/")
    return s3.chunks_of(bucket, "/".join(part for part in (prefix.strip("/"), path) if part))

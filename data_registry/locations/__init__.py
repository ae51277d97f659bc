"""Data that stay where they are: a version names the place, and a worker reads it there, digest first.

    {"kind": "folder", "path": "scans/test.safetensors"}       below the folder that the site was given
    {"kind": "s3", "bucket": "data", "key": "test.parquet"}    in a bucket that the site was given
    {"kind": "dvc", "md5": "<32 hex>"}                         in the DVC remote that the site was given

Which places may be read at all is the administrator's to say, by settings: otherwise a name would open every file of the host.
What was registered is the sha256 of the content; bytes that have another one are refused as changed, whatever their place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from core import blobs
from core.errors import InvalidInput
from data_registry.locations import dvc, folder, s3
from data_registry.locations.unreachable import Unreachable
from data_registry.models import DatasetVersion

__all__ = ["Unreachable", "checked", "local_copy", "words_of"]

KINDS = {"folder": folder, "s3": s3, "dvc": dvc}
NAMES = [(name, name) for name in KINDS]  # the choices of the API, whose description gives them a name of their own


def checked(location: Mapping[str, Any]) -> dict[str, str]:
    """`location` in its own form, if this site may read such a place at all; whether the bytes are there is seen by a worker."""
    kind = KINDS.get(str(location.get("kind")))
    if kind is None:
        raise InvalidInput(
            _("A place of data is a folder, s3 or dvc; “%(kind)s” is none of these.") % {"kind": str(location.get("kind"))[:40]},
            code="location_kind",
        )
    if foreign := set(location) - {"kind", *kind.FIELDS}:
        raise InvalidInput(
            _("This kind of place has no %(foreign)s; it has %(known)s.")
            % {"foreign": ", ".join(sorted(map(str, foreign)))[:100], "known": ", ".join(kind.FIELDS)},
            code="location_field",
        )
    given = {name: location.get(name) for name in kind.FIELDS}
    for name, text in given.items():
        if not isinstance(text, str) or not 1 <= len(text) <= 1000 or not text.isprintable():
            raise InvalidInput(_("Give the place's %(name)s, as a text of one line.") % {"name": name}, code="location_field")
    kind.check(**given)
    return {"kind": str(location["kind"]), **{name: str(text) for name, text in given.items()}}


@contextmanager
def local_copy(version: DatasetVersion, into: Path, name: str) -> Iterator[Path]:
    """A private read-only copy of the version's content in `into`, hashed on the way, wherever the content lies. Raises Missing
    where it is not in the store, and Unreachable, with what to do, where its place cannot be read or holds other bytes."""
    if not version.location:
        with blobs.local_copy(version.digest, into, name) as path:
            yield path
        return
    target = into / name
    try:
        _fetch(version, target)
        target.chmod(0o444)
        yield target
    finally:
        target.unlink(missing_ok=True)


def _fetch(version: DatasetVersion, target: Path) -> None:
    place = {key: text for key, text in version.location.items() if key != "kind"}
    chunks = KINDS[version.location["kind"]].read(**place)
    hasher, size = hashlib.sha256(), 0
    with target.open("xb") as copy:
        for chunk in chunks:
            size += len(chunk)
            if size > (version.size or 0):
                break  # it is longer than what was registered: no need to take the rest
            hasher.update(chunk)
            copy.write(chunk)
    if size != version.size or "sha256:" + hasher.hexdigest() != version.digest:
        raise Unreachable(
            _("%(place)s holds other bytes than were registered for %(data)s. Register the new content as a new version.")
            % {"place": words_of(version.location), "data": version},
            code="content_changed",
        )


def words_of(location: Mapping[str, str]) -> str:
    """The place as people write it."""
    return KINDS[location["kind"]].words(**{key: text for key, text in location.items() if key != "kind"}) if location else ""

"""Content-addressed files behind Django storages: received as a stream, hashed once, never changed.

A blob's name is its digest, so equal bytes are stored once and a path cannot be guessed into another's file: whether a
person may read a blob is asked of the row that names it, never of the digest alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages
from django.utils.translation import gettext as _

from core.errors import InvalidInput, Missing

CHUNK = 1 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Blob:
    digest: str  # "sha256:<64 hex>"
    size: int  # bytes


def _name(digest: str) -> str:
    if not _DIGEST.match(digest):
        raise InvalidInput(_("A digest is written sha256: followed by 64 lower-case hexadecimal digits."))
    hexadecimal = digest.removeprefix("sha256:")
    return f"sha256/{hexadecimal[:2]}/{hexadecimal}"


def receive(chunks: Iterable[bytes], *, limit: int, expected: str | None = None, may_be_empty: bool = False) -> Blob:
    """Store a stream and return its digest and size. Memory stays at one chunk; a stream beyond `limit` bytes, an empty one
    or one that differs from `expected` is refused. Whatever ends this early, a power cut too, leaves nothing behind."""
    incoming = Path(settings.INCOMING_DIR)
    incoming.mkdir(parents=True, exist_ok=True)
    hasher, size = hashlib.sha256(), 0
    with _nameless(incoming) as partial:  # so that nothing can be left of it
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise InvalidInput(f"The file is larger than the limit of {limit:,} bytes.", code="too_large")
            hasher.update(chunk)
            partial.write(chunk)
        if size == 0 and not may_be_empty:
            raise InvalidInput("The file is empty.", code="empty")
        digest = "sha256:" + hasher.hexdigest()
        if expected is not None and expected != digest:
            raise InvalidInput(
                f"The bytes that arrived have the digest {digest}, not the announced {expected}. Send the file again.",
                code="digest_mismatch",
            )
        partial.flush()
        _publish(partial, _name(digest), size)
    return Blob(digest, size)


def _nameless(folder: Path) -> IO[bytes]:
    """An open file without a name, which ends with the process, however that ends."""
    try:
        # As tempfile's own, but without O_EXCL, which would forbid to give it a name later.
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")
    except (AttributeError, OSError):  # another system, or a file system that cannot
        return tempfile.TemporaryFile(dir=folder)


def _publish(partial: IO[bytes], name: str, size: int) -> None:
    """The blob stands under its name, whole, or not at all."""
    store = storages["blobs"]
    if store.exists(name) and store.size(name) == size:
        return
    if not isinstance(store, FileSystemStorage):
        partial.seek(0)
        store.save(name, File(partial, name=name))  # an object store shows an object when it is complete
        return
    os.fsync(partial.fileno())
    os.fchmod(partial.fileno(), store.file_permissions_mode or 0o440)
    target = Path(store.path(name))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}")
    beside.unlink(missing_ok=True)
    try:
        _give_name(partial, beside)
        beside.replace(target)
        with _opened(target.parent) as folder:
            os.fsync(folder)  # the new name survives a power cut
    finally:
        beside.unlink(missing_ok=True)


def _give_name(partial: IO[bytes], target: Path) -> None:
    """The nameless file lies at `target`: linked where the system can, copied where it cannot (another file system)."""
    try:
        with _opened(target.parent) as folder:  # given, because only then Python follows the link that /proc shows
            os.link(f"/proc/self/fd/{partial.fileno()}", target.name, dst_dir_fd=folder)
    except (OSError, NotImplementedError):
        partial.seek(0)
        with target.open("xb") as copy:
            shutil.copyfileobj(partial, copy, CHUNK)
            copy.flush()
            os.fsync(copy.fileno())
            os.fchmod(copy.fileno(), 0o440)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def keep(data: bytes) -> Blob:
    """Store bytes that are already in memory (a chart, a report)."""
    return receive([data], limit=len(data) or 1)


def open_blob(digest: str) -> IO[bytes]:
    """The blob, open for reading."""
    try:
        return storages["blobs"].open(_name(digest))
    except FileNotFoundError as error:
        raise Missing(_("The file is registered but its bytes are not in the store.")) from error


def read(digest: str) -> bytes:
    with open_blob(digest) as blob:
        return blob.read()


def stream(digest: str) -> Iterator[bytes]:
    with open_blob(digest) as blob:
        while chunk := blob.read(CHUNK):
            yield chunk


@contextmanager
def local_copy(digest: str, folder: Path, name: str) -> Iterator[Path]:
    """A private read-only copy in `folder`, hashed again on the way, for a program that needs a path."""
    target = folder / name
    hasher = hashlib.sha256()
    with target.open("xb") as copy:
        for chunk in stream(digest):
            hasher.update(chunk)
            copy.write(chunk)
    if "sha256:" + hasher.hexdigest() != digest:
        target.unlink()
        raise Missing(_("The stored bytes no longer have the digest under which they were registered."), code="blob_damaged")
    target.chmod(0o444)
    try:
        yield target
    finally:
        target.unlink(missing_ok=True)

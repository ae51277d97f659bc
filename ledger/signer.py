"""Signs heads of the log, and remembers outside the database what it signed.

A signer that signs whatever the database says would sign a rewritten log too. This one asks for the proof that the new
head continues the last one it signed, and refuses a fork or a log that has become shorter.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.clock import now, stamp
from core.errors import Unavailable
from core.keyfiles import make_once, sync_folder
from ledger.merkle import is_consistent
from ledger.notes import Head, open_note, read_head, sign, vkey

log = logging.getLogger(__name__)
KEY_FILE = "log-ed25519.pem"
MEMORY_FILE = "latest.note"
HISTORY_FILE = "seals.jsonl"


class SealRefused(Unavailable):
    """The log does not continue what was sealed before. Nothing is signed until a person has looked."""

    code = "seal_refused"
    title = gettext_lazy("The log was not sealed")


def origin() -> str:
    return str(settings.LOG_ORIGIN)


def _make_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if make_once(path, pem):
        log.info("A new key signs the log.", extra={"facts": {"origin": origin()}})


def _key() -> Ed25519PrivateKey:
    path = Path(settings.KEYS_DIR) / KEY_FILE
    if not path.exists():
        if (Path(settings.SEALS_DIR) / MEMORY_FILE).exists():
            raise SealRefused(
                _(
                    "The log's key %(name)s is missing though the log was sealed before. "
                    "Put the folder of keys back from its backup."
                )
                % {"name": path.name}
            )
        _make_key(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SealRefused(_("%(name)s is no Ed25519 key. Put the folder of keys back from its backup.") % {"name": path.name})
    return key


def public_key() -> bytes:
    return _key().public_key().public_bytes_raw()


def verifier_key() -> str:
    """The key by which anybody checks seals, to be pinned: `origin+hash+base64`."""
    return vkey(origin(), public_key())


@contextmanager
def _alone() -> Iterator[Path]:
    """The folder of seals, for one signing process at a time."""
    folder = Path(settings.SEALS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _remembered(folder: Path, public: bytes) -> tuple[Head, str] | None:
    memory = folder / MEMORY_FILE
    if not memory.exists():
        return None
    note = memory.read_text(encoding="utf-8")
    try:
        return read_head(open_note(note, name=origin(), public=public)), note
    except ValueError as error:
        raise SealRefused(
            _(
                "%(memory_file)s in the folder of seals is not signed by this log's key, or the log's origin was changed. "
                "Put back the key, the origin and the folder that belong together."
            )
            % {"memory_file": MEMORY_FILE}
        ) from error


def remembered() -> Head | None:
    """The last head that was signed, as remembered outside the database."""
    folder = Path(settings.SEALS_DIR)
    if not (folder / MEMORY_FILE).exists():
        return None
    found = _remembered(folder, public_key())
    return found[0] if found else None


def seal_head(
    *,
    present: Callable[[], tuple[int, bytes]],
    prove: Callable[[int, int], Sequence[bytes]],
    sealed_before: Callable[[], bool] = lambda: False,
) -> tuple[Head, str]:
    """The log's present head and the signed note over it, remembered and published in the folder of seals.

    `present()` gives size and root; it is asked under the signer's lock, because a head that was read before another
    process sealed a newer one would look like a log that has shrunk. `prove(old, new)` gives the consistency proof between
    two sizes. Raises `SealRefused` for anything that does not continue what was signed, and for a memory that is gone
    (`sealed_before` says that there was one).
    """
    key = _key()
    with _alone() as folder:
        size, root = present()
        before = _remembered(folder, key.public_key().public_bytes_raw())
        if before is None:
            if sealed_before():
                raise SealRefused(
                    _("The folder of seals is empty though this log was sealed before. Put %(memory_file)s back from its backup.")
                    % {"memory_file": MEMORY_FILE}
                )
        else:
            head, note = before
            if size == head.size and root == head.root:
                return head, note
            _demand_continuation(head, size, root, prove)
        head = Head(origin(), size, root)
        note = sign(head.text(), name=origin(), key=key)
        _publish(folder, note, size=size, root=root)
        return head, note


def _demand_continuation(head: Head, size: int, root: bytes, prove: Callable[[int, int], Sequence[bytes]]) -> None:
    if size < head.size:
        log.critical("The log is shorter than its last seal.", extra={"facts": {"sealed": head.size, "now": size}})
        raise SealRefused(
            _(
                "The log holds %(size)s entries, but %(sealed)s were sealed before. Restore the newer database, "
                "or give a new log its own folder of seals and its own origin."
            )
            % {"size": size, "sealed": head.size}
        )
    try:
        continues = is_consistent(head.size, size, head.root, root, prove(head.size, size))
    except (KeyError, ValueError):  # nodes that are gone prove nothing
        continues = False
    if not continues:
        log.critical("The log does not continue its last seal.", extra={"facts": {"sealed": head.size, "now": size}})
        raise SealRefused(
            _(
                "The log's first %(size)s entries are not those that were sealed before. "
                "Run `python manage.py log verify` to find the entry."
            )
            % {"size": head.size}
        )


def _publish(folder: Path, note: str, *, size: int, root: bytes) -> None:
    """First the history, then the memory: a crash between the two repeats a line, and never forgets a signature."""
    with (folder / HISTORY_FILE).open("a", encoding="utf-8") as history:
        history.write(json.dumps({"size": size, "root": root.hex(), "at": stamp(now()), "note": note}) + "\n")
        history.flush()
        os.fsync(history.fileno())
    partial = folder / f".{MEMORY_FILE}"
    with partial.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / MEMORY_FILE)
    sync_folder(folder)

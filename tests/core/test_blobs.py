"""Files by their digest: received as a stream, kept whole or not at all, never changed."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import blobs
from core.errors import InvalidInput, Missing

DATA = b"weights " * 1000
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def stored(data_dir: Path) -> list[Path]:
    return sorted(path for path in (data_dir / "blobs").rglob("*") if path.is_file())


def left(data_dir: Path) -> list[Path]:
    return sorted(path for path in (data_dir / "incoming").rglob("*"))


def test_equal_bytes_are_kept_once_read_only_and_under_their_digest(data_dir: Path) -> None:
    for _ in range(2):
        assert blobs.receive([DATA[:5], DATA[5:]], limit=10_000) == blobs.Blob(DIGEST, len(DATA))
    (file,) = stored(data_dir)
    assert file.name == DIGEST.removeprefix("sha256:")
    assert stat.S_IMODE(file.stat().st_mode) == 0o440
    assert blobs.read(DIGEST) == b"".join(blobs.stream(DIGEST)) == DATA
    assert left(data_dir) == []


def broken() -> Iterator[bytes]:
    yield DATA
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("chunks", "options", "refusal"),
    [
        ([DATA, DATA], {"limit": len(DATA)}, InvalidInput),
        ([], {"limit": 10}, InvalidInput),
        ([DATA], {"limit": 10_000, "expected": "sha256:" + "0" * 64}, InvalidInput),
        (broken(), {"limit": 10_000}, ConnectionResetError),
    ],
)
def test_what_is_refused_or_breaks_off_leaves_nothing(data_dir: Path, chunks: Any, options: Any, refusal: Any) -> None:
    with pytest.raises(refusal):
        blobs.receive(chunks, **options)
    assert (stored(data_dir), left(data_dir)) == ([], [])


def test_a_process_that_is_killed_in_the_middle_leaves_nothing(data_dir: Path) -> None:
    program = (
        "import django, os, signal; django.setup()\n"
        "from core import blobs\n"
        "def chunks():\n"
        "    yield b'x' * 2_000_000\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "    yield b''\n"
        "blobs.receive(chunks(), limit=10_000_000)\n"
    )
    environment = os.environ | {"COUNTERSIGN_DATA": str(data_dir), "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == -9
    assert (stored(data_dir), left(data_dir)) == ([], [])


def test_half_a_blob_that_an_older_crash_left_is_made_whole(data_dir: Path) -> None:
    blobs.receive([DATA], limit=10_000)
    (file,) = stored(data_dir)
    file.unlink()
    file.write_bytes(DATA[:10])
    blobs.receive([DATA], limit=10_000)
    assert blobs.read(DIGEST) == DATA


def test_what_arrived_is_written_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("core.blobs.shutil.copyfileobj")
    blobs.receive([DATA], limit=10_000)
    assert len(stored(data_dir)) == 1


def test_where_a_file_cannot_be_linked_it_is_copied(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    blobs.receive([DATA], limit=10_000)
    (file,) = stored(data_dir)
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (DATA, 0o440)


def test_a_local_copy_is_hashed_again_and_refused_when_the_store_was_changed(data_dir: Path, tmp_path: Path) -> None:
    blobs.receive([DATA], limit=10_000)
    with blobs.local_copy(DIGEST, tmp_path, "copy") as copy:
        assert copy.read_bytes() == DATA
    (file,) = stored(data_dir)
    file.chmod(0o640)
    file.write_bytes(DATA.swapcase())
    with pytest.raises(Missing, match="no longer have the digest"), blobs.local_copy(DIGEST, tmp_path, "copy"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc/passwd", "md5:" + "0" * 64, "sha256:" + "A" * 64])
def test_what_is_no_digest_names_no_file(digest: str) -> None:
    with pytest.raises(InvalidInput):
        blobs.read(digest)

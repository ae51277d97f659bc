"""A large file sent to the real web process: how long it takes, and how much memory the process takes for it."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path

from benchmarks.results import Result, timed
from benchmarks.web import CHUNK, web_process

SIZE = 1 << 30  # bytes
TIMES_SHA256SUM = 4.0  # received, hashed and stored may take so many times what `sha256sum` takes to read it
MEMORY = 64  # MiB by which the process may grow, whatever the size of the file


def measure(folder: Path) -> list[Result]:
    file = make_file(folder / "large.bin", SIZE)
    address, key = _draft_and_key()
    with web_process(folder, os.environ) as web:
        warm = make_file(folder / "small.bin", CHUNK)
        assert web.put(address, warm, key=key)[0] == 200
        web.forget_peak()
        before = web.resident()
        with timed() as ours:
            status, body = web.put(address, file, key=key)
        assert status == 200, body[:300]
        peak, after = web.peak(), web.resident()
    with timed() as plain:
        said = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] in body.decode()
    file.unlink()
    took = f"{SIZE >> 20} MiB received, hashed, stored in {ours.seconds:.2f} s ÷ sha256sum of it in {plain.seconds:.2f} s"
    held = f"{before / 2**20:.0f} MiB before, {peak / 2**20:.0f} peak, {after / 2**20:.0f} after an upload of {SIZE >> 20} MiB"
    return [
        Result("upload_against_sha256sum", ours.seconds / plain.seconds, TIMES_SHA256SUM, "at most", took),
        Result("upload_memory", (peak - before) / 2**20, MEMORY, "at most", f"MiB by which the web process grew: {held}"),
    ]


def make_file(path: Path, size: int) -> Path:
    """`size` bytes that do not repeat within a chunk."""
    block = os.urandom(CHUNK)
    with path.open("wb") as out:
        for number in range(size // CHUNK):
            out.write(number.to_bytes(8, "big") + block[8:])
    return path


def _draft_and_key() -> tuple[str, str]:
    """The address of a draft's checkpoint, and a key that may send it."""
    from accounts.models import Role  # noqa: PLC0415 - models can be imported once Django is set up
    from accounts.services import grant_role, make_key, make_person, make_team  # noqa: PLC0415 - as above
    from core.clock import now  # noqa: PLC0415 - as above
    from ledger.actors import INSTALLER  # noqa: PLC0415 - as above
    from models_registry.services import draft_version, register_model  # noqa: PLC0415 - as above

    team = make_team(by=INSTALLER, name="Bench")
    person = make_person(by=INSTALLER, email="bench@example.org", name="Bench")
    grant_role(person, by=INSTALLER, role=Role.DATA_SCIENTIST, team=team)
    model = register_model(by=person, team=team, name="bench", task="multiclass", risk_tier="low", classes=["a", "b"])
    version = draft_version(model, by=person, card={}, data=[])
    _key, text = make_key(person, by=INSTALLER, name="bench", scopes=["read", "submit"], expires_at=now() + timedelta(days=1))
    return f"/api/v1/versions/{version.pk}/checkpoint/", text

"""Runs one job as whoever starts this file, and prints how it ended: the tests start it as root and as an ordinary user."""

from __future__ import annotations

import json
import sys
from pathlib import Path

order = json.loads(sys.argv[1])
sys.path.insert(0, order["stage"])

from sandbox import Level, Limits, SandboxRefused, run  # noqa: E402 - from the stage, which must be on the path first

try:
    with run(
        "jobs.hostile",
        inputs={name: Path(path) for name, path in order["inputs"].items()},
        job=order["job"],
        limits=Limits(**order["limits"]),
        roots=[Path(order["stage"], "jobs")],
        need=Level[order["need"]],
        canary=Path(order["canary"]) if order["canary"] else None,
        bwrap=order["bwrap"],
        leave_out=order["leave_out"],
        devices=order.get("devices", ()),
    ) as outcome:
        answer = {
            "ended": outcome.ended,
            "sentence": outcome.sentence,
            "level": str(outcome.level),
            "evidence": outcome.evidence,
            "result": outcome.result,
            "files": sorted(path.name for path in outcome.folder.iterdir()),
            "discarded": outcome.discarded,
            "peak_memory": outcome.peak_memory,
            "seconds": outcome.seconds,
            "folder": str(outcome.folder),
            "log": outcome.log,
        }
    answer["folder_left"] = outcome.folder.parent.exists()
except SandboxRefused as refusal:
    answer = {"ended": "refused", "sentence": str(refusal)}
sys.stdout.write(json.dumps(answer))

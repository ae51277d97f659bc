"""The offline verifier, run as a program of its own: it shares no code with the server, so it can disagree with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from audit.trust import trust
from core.errors import Unavailable

SECONDS = 60
MEMORY = 2 << 30  # bytes of address space: a hostile file may ask for all there is
# The verifier parses what strangers send, so it gets limits and neither the settings nor the secrets of the environment.
START = """
import resource, sys
memory, seconds = int(sys.argv.pop(1)), int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
sys.path.insert(0, sys.argv.pop(1))
from countersign.verify.cli import main
raise SystemExit(main())
"""
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Verified:
    """What the verifier said: 0 all holds, 1 something failed, 2 something could not be checked."""

    exit_code: int
    items: list[dict[str, str]]  # {"name", "status", "detail"}

    @property
    def first_failure(self) -> str:
        return next((f"{item['name']}: {item['detail']}" for item in self.items if item["status"] == "failed"), "")


def verify(file: Path, *, seconds: int = SECONDS) -> Verified:
    """What `countersign verify` says of `file` against this site's own keys. Raises `Unavailable` where it says nothing."""
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        trusted = Path(name) / "trust.json"
        trusted.write_text(json.dumps(trust()))
        command = [sys.executable, "-I", "-c", START, str(MEMORY), str(seconds), str(settings.BASE_DIR)]
        try:
            done = subprocess.run(
                [*command, str(file), "--trust", str(trusted), "--json"],
                capture_output=True,
                timeout=seconds,
                check=False,
                cwd=name,
                env={key: os.environ[key] for key in PASSED_ON if key in os.environ},
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                _("The file was not verified within %(seconds)d seconds. Verify it offline.") % {"seconds": seconds}
            ) from error
    try:
        said = json.loads(done.stdout)
        items = [{key: str(item[key]) for key in ("name", "status", "detail")} for item in said["items"]]
        return Verified(int(said["exit_code"]), items)
    except (ValueError, KeyError, TypeError) as error:  # it died: of a limit, most likely
        raise Unavailable(_("The file could not be verified here within its limits. Verify it offline.")) from error

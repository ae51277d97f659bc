"""Fills the template and has the pages made; `Rendered` is the PDF before it is signed."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from audit.attachments import MANIFEST, Attached
from audit.composing import Composition
from audit.printing.tables import sections_of
from audit.trust import trust
from core.components.vocabulary import look_of
from core.errors import Unavailable
from ledger.models import Seal
from ledger.notes import read_head

log = logging.getLogger(__name__)
CHILD = Path(__file__).with_name("child.py")
SECONDS = 300
MEMORY = 4 << 30  # bytes of address space; a report of 5,000 rows took one quarter of it
MOST_ROWS = 500  # printed of one table; beyond, time and memory grow without use, and the attachments have all
# What fonts and the loader need; nothing that could hold a secret.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"),
    *("FONTCONFIG_PATH", "FONTCONFIG_FILE", "XDG_CACHE_HOME", "XDG_DATA_DIRS"),
)


class NotRendered(Unavailable):
    """The pages could not be made; the message says why."""

    code = "not_rendered"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The pages with their attachments, not signed yet."""

    pdf: bytes
    pages: int


def render(composition: Composition, files: dict[str, Attached], *, seal: Seal) -> Rendered:
    """The report as PDF/A-3a. The same content, files and seal give the same bytes."""
    css = finders.find("css/print.css")
    if not css:
        raise NotRendered(_("The style sheet of printed reports is missing from the installation."))
    job = {
        "html": page(composition, files, seal=seal),
        "css": Path(css).read_text(encoding="utf-8"),
        "identifier": composition.digest.removeprefix("sha256:"),
        "written": composition.content["report"]["composed_at"],
        "memory": MEMORY,
        "files": [
            {
                "name": name,
                "data": base64.b64encode(one.data).decode(),
                "about": one.about,
                "relationship": one.relationship,
            }
            for name, one in files.items()
        ],
    }
    return _in_a_process(job)


def _in_a_process(job: dict[str, Any]) -> Rendered:
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(CHILD)],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
    except subprocess.TimeoutExpired as error:
        raise NotRendered(_("The pages were not made within %(seconds)d seconds.") % {"seconds": SECONDS}) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        log.error("The pages of a report were not made.", extra={"facts": {"stderr": said[-20:]}})
        raise NotRendered(_("The pages could not be made: %(why)s") % {"why": said[-1][:300] if said else done.returncode})
    made = json.loads(done.stdout)
    if made["refused"]:
        log.warning("Parts of a report's pages were not loaded.", extra={"facts": {"refused": made["refused"]}})
    return Rendered(base64.b64decode(made["pdf"]), made["pages"])


def page(composition: Composition, files: dict[str, Attached], *, seal: Seal) -> str:
    """The HTML of the report. It says what report.json says; only the pictures and the site's fingerprints come beside it."""
    content = composition.content
    outcome = content["decision"]["outcome"]
    head = read_head(seal.note.partition("\n\n")[0] + "\n")
    with translation.override(settings.LANGUAGE_CODE):
        return render_to_string(
            "print/report.html",
            {
                "c": content,
                "language": settings.LANGUAGE_CODE,
                "tone": look_of("flag" if outcome in {"blocked", "stale"} else "version", outcome).tone,
                "word": look_of("flag" if outcome in {"blocked", "stale"} else "version", outcome).word,
                "files": files,
                "manifest": MANIFEST,
                "sections": {run["id"]: sections_of(run) for run in content["evaluation"]["runs"]},
                "pictures": {name: _picture(one.data) for name, one in files.items() if name.endswith(".svg")},
                "head": head,
                "root": head.root.hex(),
                "trust": trust(),
                "content_digest": composition.digest,
                "most": MOST_ROWS,
            },
        )


def _picture(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()

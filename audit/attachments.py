"""The files inside a report: what programs read and verify. The manifest lists all others."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from audit.composing import Composition
from audit.composing.evaluation import chart_file
from audit.composing.material import Material
from audit.composing.plain import plain
from audit.composing.training import figures_of_run
from core import blobs
from core.canonical import canonical_bytes
from core.charts import draw
from ledger.models import Entry, Seal
from ledger.services import proofs_of

MANIFEST = "manifest.json"
VERIFY = """How to verify this report

  pip install .     # in a checkout of the Countersign repository, from a place that you trust
  countersign verify report.pdf --trust trust.json

trust.json holds the public keys of the site that made this report. Get it another way than the report: from the
site itself ({site}/api/v1/trust/) over a connection that you trust, from the compliance office, or
from an earlier audit. The program needs no account and opens no network connection. It prints each item that it
looked at; the exit code is 0 when all of them hold, 1 when one failed, 2 when something could not be checked.

The files beside this one are the evidence: report.json is what the pages say, log-extract.jsonl the entries of the
log that it stands on, each with its proof under seal.txt, and manifest.json lists every file with its SHA-256.
"""


@dataclass(frozen=True, slots=True)
class Attached:
    """One file of a report."""

    data: bytes
    about: str  # what it is, in a few words
    relationship: str = "Data"  # ISO 32000-2: how it relates to the pages

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def attachments(composition: Composition, *, seal: Seal, composed: UUID) -> dict[str, Attached]:
    """Every attachment by name; `composed` is the event that recorded the content before `seal` was made."""
    content, material = composition.content, composition.material
    card = material.card.content if material.card else {}
    files = {
        "report.json": Attached(composition.bytes, _("The content of this report"), "Source"),
        "seal.txt": Attached(seal.note.encode(), _("The signed head of the log"), "Supplement"),
        "log-extract.jsonl": Attached(extract(composition, seal=seal, composed=composed), _("The log's entries, with proofs")),
        "disclosures.json": Attached(canonical_bytes(composition.disclosures), _("Names and comments, with their salts")),
        "evaluation.json": Attached(canonical_bytes(_evaluation(composition)), _("Every number, with its interval")),
        "card.json": Attached(canonical_bytes(card), _("The model card as it was signed")),
    }
    for run, _verdict in material.runs:
        for chart in run.charts.all():
            files[chart_file(material, run, chart)] = Attached(blobs.read(chart.light_digest), chart.title, "Supplement")
    files |= _curves(material)
    text = VERIFY.format(site=content["report"]["site"])
    files["VERIFY.txt"] = Attached(text.encode(), _("How to verify this report"), "Supplement")
    listed = {name: {"sha256": one.sha256, "size": len(one.data)} for name, one in files.items()}
    manifest = canonical_bytes({"format": "countersign-manifest/1", "files": listed})
    return files | {MANIFEST: Attached(manifest, _("All other files with their size and SHA-256"), "Supplement")}


def _curves(material: Material) -> dict[str, Attached]:
    """The curves of the training as pictures; they are claimed, and say so in their titles."""
    run = material.version.training_run
    figures = figures_of_run(run) if run else {}
    drawn = zip(figures, draw(list(figures.values())), strict=True)
    return {name: Attached(chart.light, chart.title, "Supplement") for name, chart in drawn}


def extract(composition: Composition, *, seal: Seal, composed: UUID) -> bytes:
    """log-extract.jsonl: what the content stands on and the event that fixed it, each proved under `seal`."""
    return b"".join(proved_lines([*(entry.pk for entry in composition.material.entries), composed], seal=seal))


def proved_lines(events: list[UUID], *, seal: Seal) -> list[bytes]:
    """One line for each event in the order of the log: index, exact body, inclusion proof under `seal`."""
    bodies = dict(Entry.objects.filter(pk__in=events).values_list("leaf__index", "body"))
    return [
        json.dumps(
            {
                "index": proof.index,
                "body": bytes(bodies[proof.index]).decode(),
                "proof": [base64.b64encode(node).decode() for node in proof.hashes],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        + b"\n"
        for proof in proofs_of(events, seal=seal)
    ]


def _evaluation(composition: Composition) -> dict[str, Any]:
    """The evaluations with what the pages leave out: all evidence of the sandbox, reference distributions, resources."""
    runs = {str(run.pk): run for run, _verdict in composition.material.runs}
    return {
        "format": "countersign-evaluation/1",
        "runs": [
            one
            | {
                "sandbox_evidence": plain(runs[one["id"]].sandbox),
                "limits": plain(runs[one["id"]].limits),
                "reference": plain(runs[one["id"]].reference),
                "facts": plain(runs[one["id"]].facts),
            }
            for one in composition.content["evaluation"]["runs"]
        ],
    }

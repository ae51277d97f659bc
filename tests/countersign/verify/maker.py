"""Makes small real reports: WeasyPrint renders them, pyHanko signs them, and a tree of their own seals their log.

It is written from docs/reference/report-format.md, shares nothing with the verifier, and can be told to lie.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from weasyprint import HTML, Attachment

from tests.countersign.verify.site_keys_and_log import Keys, Log, inclusion_proof, make_keys, tree_root

VERSION, MODEL, REVIEW, REPORT = (f"0190000{n}-0000-7000-8000-000000000000" for n in range(1, 5))
ALERT, RELEASE = (f"0190000{n}-0000-7000-8000-000000000000" for n in range(5, 7))
SCIENTIST, VALIDATOR, OFFICER, MANAGER = (f"0180000{n}-0000-7000-8000-000000000000" for n in range(1, 5))
CHECKPOINT = "sha256:" + hashlib.sha256(b"weights").hexdigest()
FACTS = "sha256:" + hashlib.sha256(rfc8785.dumps({"z": 9.5})).hexdigest()
PINNED = "sha256:" + hashlib.sha256(b"what was signed").hexdigest()
WRITTEN = datetime(2026, 3, 1, 12, 0, 0)


@dataclass
class Draft:
    """A report before it is rendered: everything in it can still be changed, for better or worse."""

    log: Log
    content: dict[str, Any]
    named: list[int]  # the indexes in the extract
    disclosures: list[dict[str, Any]]
    keys: Keys
    attachments: dict[str, bytes] = field(default_factory=dict)
    composed: str | None = None  # what report.composed says instead of the truth

    def files(self) -> dict[str, bytes]:
        """The attachments, the content recorded and everything sealed."""
        report = rfc8785.dumps(self.content)
        digest = self.composed or "sha256:" + hashlib.sha256(report).hexdigest()
        composed = self.log.record("report.composed", ("report", REPORT), "worker", report=REPORT, content_digest=digest)
        self.log.record("session.opened", ("person", OFFICER), OFFICER)  # the log goes on
        leaves, bodies = self.log.leaves(), self.log.bodies()
        lines = [
            {
                "index": index,
                "body": bodies[index].decode(),
                "proof": [base64.b64encode(each).decode() for each in inclusion_proof(index, leaves)],
            }
            for index in [*self.named, composed]
        ]
        return {
            "report.json": report,
            "seal.txt": self.keys.seal(len(leaves), tree_root(leaves)),
            "log-extract.jsonl": "".join(json.dumps(line) + "\n" for line in lines).encode(),
            "disclosures.json": json.dumps(self.disclosures).encode(),
            "card.json": rfc8785.dumps(self.content["card"]),
            "charts/accuracy.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
            "VERIFY.txt": b"countersign verify report.pdf --trust trust.json\n",
        } | self.attachments


def make_draft(keys: Keys | None = None) -> Draft:
    """The story of one version: submitted, signed, released, seen to drift, suspended."""
    log = Log()
    version, review = ("version", VERSION), ("review", REVIEW)
    log.record("team.made", ("team", "t"), "installer", name="digits")
    log.record("version.drafted", version, SCIENTIST, model=MODEL, number=3)
    log.record("version.checkpoint_received", version, SCIENTIST, digest=CHECKPOINT, size=7)
    log.record("version.submitted", version, SCIENTIST, checkpoint=CHECKPOINT, card=PINNED, data=[], run="", number=3)
    steps = ["validator x1: The policy always asks for it.", "compliance_officer x1: The policy always asks for it."]
    log.record("review.opened", review, SCIENTIST, version_id=VERSION, policy="p", environment="production", steps=steps)
    log.record("version.in_review", version, "worker")
    refused = log.record(
        "attempt.refused", review, SCIENTIST, attempt="sign_off", code="own_submission", reason="You submitted this version."
    )
    signed = [
        _sign(log, VALIDATOR, "validator", "validated", "Vera Lidator"),
        _sign(log, OFFICER, "compliance_officer", "approved", "한 지민"),
    ]
    log.record("review.concluded", review, OFFICER, outcome="approved", digest=PINNED)
    approved = log.record("version.approved", version, OFFICER, review=REVIEW, digest=PINNED)
    live = {"version_id": VERSION, "environment": "production", "checkpoint": CHECKPOINT}
    released = log.record("release.made", version, MANAGER, secret={"reason": ""}, **live)
    alert = log.record(
        "alert.opened",
        ("alert", ALERT),
        "worker",
        version_id=VERSION,
        environment="production",
        rule="mean",
        facts_digest=FACTS,
    )
    suspended = log.record("version.suspended", version, "worker", reason="drift", alert=ALERT)
    named = list(range(1, len(log.events)))
    names = {VALIDATOR: "Vera Lidator", OFFICER: "한 지민"}
    content = {
        "format": "countersign-report/1",
        "report": {"id": REPORT, "title": "Audit report", "composed_at": "2026-03-01T11:00:00.000000Z", "requested_by": OFFICER},
        "model": {"id": MODEL, "name": "digit-reader"},
        "version": {"id": VERSION, "name": "digit-reader v3", "number": 3, "state": "suspended", "checkpoint": CHECKPOINT},
        "decision": {
            "outcome": "suspended",
            "reasons": ["The approval was suspended because it no longer held in production."],
            "environment": "production",
            "as_of": "2026-03-01T11:00:00.000000Z",
        },
        "card": {"overview": "Reads handwritten digits."},
        "provenance": [],
        "pii": [],
        "evaluation": {"accuracy": {"value": 0.9712, "low": 0.95, "high": 0.984, "n": 540}},
        "sign_offs": [
            {
                "event": index,
                "role": log.events[index]["data"]["role"],
                "verdict": "approve",
                "meaning": log.events[index]["data"]["meaning"],
                "digest": PINNED,
                "signed_at": log.at(index),
                "name": names[log.events[index]["actor"]["id"]],
                "person": log.events[index]["actor"]["id"],
                "comment": "Looks right to me.",
            }
            for index in signed
        ],
        "refusals": [{"event": refused, "at": log.at(refused), "attempt": "sign_off", "reason": "You submitted this version."}],
        "releases": [{"event": released, "environment": "production", "reason": ""}],
        "alerts": [{"event": alert, "rule": "mean", "environment": "production", "facts": {"z": 9.5}}],
        "suspension": {"event": suspended, "reason": "drift", "at": log.at(suspended)},
        "timeline": [
            {"event": index, "at": log.at(index), "type": log.events[index]["type"], "sentence": "It happened."}
            for index in (3, *signed, approved, released, alert, suspended)
        ],
        "not_checked": ["Fairness was not evaluated."],
    }
    return Draft(log=log, content=content, named=named, disclosures=log.secrets, keys=keys or make_keys())


def _sign(log: Log, person: str, role: str, meaning: str, name: str) -> int:
    return log.record(
        "sign_off.given",
        ("review", REVIEW),
        person,
        secret={"comment": "Looks right to me.", "name": name},
        version_id=VERSION,
        role=role,
        verdict="approve",
        meaning=meaning,
        digest=PINNED,
        policy=PINNED,
        proof=["password"],
    )


# -- the file --------------------------------------------------------------------------------------------------------------


def manifest_of(files: dict[str, bytes]) -> bytes:
    listed = {name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in files.items()}
    return json.dumps({"format": "countersign-manifest/1", "files": listed}).encode()


def render(files: dict[str, bytes], *, body: str = "<p>e</p>", **options: Any) -> bytes:
    attachments = [
        Attachment(string=data, name=name, description=name, relationship="Data", created=WRITTEN, modified=WRITTEN)
        for name, data in files.items()
    ]
    page = f'<html lang="en"><head><title>Report</title></head><body>{body}</body></html>'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # WeasyPrint 70 leaves its colour profile to the garbage collector
        return HTML(string=page).write_pdf(
            pdf_variant="pdf/a-3a", attachments=attachments, pdf_identifier=b"countersign-test", **options
        )


def sign(pdf: bytes, keys: Keys, *, field_name: str = "Report") -> bytes:
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(keys.certificate.public_bytes(serialization.Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(
            keys.rsa.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        ),
        cert_registry=SimpleCertificateStore(),
    )
    meta = signers.PdfSignatureMetadata(field_name=field_name, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256")
    out = io.BytesIO()
    signers.PdfSigner(meta, signer=signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
    return out.getvalue()


def make_files(
    change: Callable[[Draft], None] | None = None,
    *,
    change_files: Callable[[dict[str, bytes]], None] | None = None,
    keys: Keys | None = None,
    manifest: Callable[[dict[str, bytes]], bytes] = manifest_of,
) -> dict[str, bytes]:
    """The attachments. `change` edits what is said before it is logged, `change_files` the files after sealing."""
    draft = make_draft(keys)
    if change:
        change(draft)
    files = draft.files()
    if change_files:
        change_files(files)
    files["manifest.json"] = manifest(files)
    return files


def make_report(
    change: Callable[[Draft], None] | None = None,
    *,
    keys: Keys | None = None,
    body: str = "<p>e</p>",
    pdf: Any = None,
    **files: Any,
) -> bytes:
    """A signed report; `pdf` are options of WeasyPrint, the rest as in `make_files`."""
    return sign(render(make_files(change, keys=keys, **files), body=body, **(pdf or {})), keys or make_keys())

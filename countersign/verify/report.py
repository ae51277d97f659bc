"""The list of what is looked at in a report, in its fixed order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from countersign.verify.attachments import read_attachments, require_manifest
from countersign.verify.canonical import parse_canonical
from countersign.verify.decision import require_decision
from countersign.verify.disclosures import DISCLOSURES, Disclosed, count_withheld, read_disclosures
from countersign.verify.encoding import digest_of, sha256
from countersign.verify.entries import EXTRACT, Entry, read_entries, require_entries_under
from countersign.verify.note import Seal, parse_seal
from countersign.verify.outcome import Item, NotChecked, Refused, Verification
from countersign.verify.pdf import Document
from countersign.verify.statements import REPORT, Content, read_content, require_statements
from countersign.verify.structure import SignedFile, read_signed_file
from countersign.verify.trust import Trust

SEAL = "seal.txt"
COMPOSED = "report.composed"
LONGEST_DETAIL = 600

T = TypeVar("T")


def verify_report(pdf_bytes: bytes, trust: Trust | None) -> Verification:
    """Everything that can be said about a report without asking anybody; what needs pinned keys needs `trust`."""
    return _Examination(pdf_bytes, trust).verification()


class _Examination:
    """One report being examined. Each step leaves behind what the later ones stand on, or they are not checked."""

    def __init__(self, data: bytes, trust: Trust | None) -> None:
        self.data = data
        self.trust = trust
        self.document: Document | None = None
        self.signed: SignedFile | None = None
        self.signature_holds = False
        self.attachments: dict[str, bytes] | None = None
        self.seal: Seal | None = None
        self.entries: dict[int, Entry] | None = None
        self.content: Content | None = None
        self.disclosed: Disclosed | None = None

    def verification(self) -> Verification:
        steps: list[tuple[str, Callable[[], str]]] = [
            ("file structure", self.file_structure),
            ("signature", self.signature),
            ("signer", self.signer),
            ("attachments", self.attached_files),
            ("log head", self.log_head),
            ("log entries", self.log_entries),
            ("content logged before sealing", self.content_logged),
            ("disclosures", self.disclosures),
            ("statements", self.statements),
            ("decision", self.decision),
        ]
        return Verification([_judge(name, step) for name, step in steps])

    def file_structure(self) -> str:
        self.document = Document.read(self.data)
        self.signed = read_signed_file(self.document)
        return "One signature covers every byte of the file, and its own place holds nothing else."

    def signature(self) -> str:
        signed = _needed(self.signed, "The signature could not be read.")
        signed.cms.require_digest(signed.covered)
        signed.cms.require_valid()
        self.signature_holds = True
        when = f", made on {signed.signed_at} as the signer says" if signed.signed_at else ""
        return f"The file is unchanged since it was signed{when}."

    def signer(self) -> str:
        signed = _needed(self.signed, "The signature could not be read.")
        fingerprint = sha256(signed.cms.certificate).hex()
        if self.trust is None:
            raise NotChecked(
                f"No trust file was given, so anybody may have signed this. The certificate's SHA-256 is {fingerprint}: "
                "compare it with one that you got another way, or give the trust file with --trust."
            )
        if signed.cms.certificate != self.trust.certificate:
            raise Refused(
                f"It was signed with another certificate ({fingerprint}) than the trusted one of {self.trust.site} "
                f"({self.trust.certificate_sha256})."
            )
        if not self.signature_holds:
            raise NotChecked("The certificate is the trusted one, but the signature does not hold, so it says nothing.")
        return f"The trusted certificate of {self.trust.site} ({fingerprint})."

    def attached_files(self) -> str:
        document = _needed(self.document, "The PDF could not be read.")
        self.attachments = read_attachments(document)
        require_manifest(self.attachments)
        return f"The manifest lists exactly the {len(self.attachments) - 1} other attachments, each unchanged."

    def log_head(self) -> str:
        self.seal = seal = parse_seal(self._attachment(SEAL))
        if self.trust is None:
            raise NotChecked(
                f"No trust file was given, so nobody vouches for this log head ({seal.origin}, {seal.size} entries, "
                f"root {seal.root.hex()}); give the trust file with --trust."
            )
        if seal.origin != self.trust.origin:
            raise Refused(f"The seal is of the log {seal.origin}; the trusted one is {self.trust.origin}.")
        seal.require_signature_of(self.trust.log_key)
        return f"{seal.origin}, {seal.size} entries, sealed by the trusted log key; root {seal.root.hex()}."

    def log_entries(self) -> str:
        entries = read_entries(self._attachment(EXTRACT))
        self.entries = entries  # what they say can be looked at even where their proofs fail
        require_entries_under(_needed(self.seal, "The seal could not be read."), entries)
        return f"{len(entries)} entries, each proved to be in the log under the attached seal."

    def content_logged(self) -> str:
        report = self._attachment(REPORT)
        self.content = content = read_content(parse_canonical(report, what=REPORT))
        digest = digest_of(report)
        entries = _needed(self.entries, "The log entries could not be read.")
        for entry in entries.values():
            if entry.type == COMPOSED and entry.is_about("report", content.report) and entry.data.get("content_digest") == digest:
                return f"Entry {entry.index} of {entry.moment} recorded exactly this content."
        raise Refused(f"No entry of the type {COMPOSED} recorded this report with this content ({digest}).")

    def disclosures(self) -> str:
        entries = _needed(self.entries, "The log entries could not be read.")
        self.disclosed = read_disclosures(self._attachment(DISCLOSURES), entries)
        withheld = count_withheld(entries, self.disclosed)
        rest = f"; {withheld} more are withheld or were erased" if withheld else ""
        return f"{len(self.disclosed)} personal values are those that the log is committed to{rest}."

    def statements(self) -> str:
        content = _needed(self.content, f"{REPORT} could not be read.")
        entries = _needed(self.entries, "The log entries could not be read.")
        disclosed = _needed(self.disclosed, "The disclosures could not be read.")
        return require_statements(content, entries, disclosed)

    def decision(self) -> str:
        content = _needed(self.content, f"{REPORT} could not be read.")
        return require_decision(content, _needed(self.entries, "The log entries could not be read."))

    def _attachment(self, name: str) -> bytes:
        attachments = _needed(self.attachments, "The attachments could not be read.")
        if name not in attachments:
            raise Refused(f"The attachment {name} is missing.")
        return attachments[name]


def _needed(value: T | None, why: str) -> T:
    if value is None:
        raise NotChecked(why)
    return value


def _judge(name: str, step: Callable[[], str]) -> Item:
    try:
        return Item(name, "verified", _readable(step()))
    except Refused as refused:
        return Item(name, "failed", _readable(str(refused)))
    except NotChecked as missing:
        return Item(name, "not checked", _readable(str(missing)))
    except Exception as error:  # a hostile file may find what no test did; it must end as a refusal all the same
        return Item(name, "failed", f"This part of the file cannot be read ({type(error).__name__}).")


def _readable(detail: str) -> str:
    """`detail` on one line, without anything that a terminal would obey: parts of it come from the file."""
    line = "".join(sign if sign.isprintable() else "?" for sign in detail)
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"

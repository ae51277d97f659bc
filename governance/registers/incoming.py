"""An incoming register as rows of text: its bytes are interpreted in the sandbox, outside any act."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

import sandbox
from core.canary import canary
from core.errors import InvalidInput, Unavailable

READING = Path(__file__).parent / "reading"
MOST_BYTES = 10 << 20
SECONDS = 30
HELD = 3600  # seconds that a previewed file waits for its confirmation
_LIMITS = sandbox.Limits(wall=SECONDS, cpu=SECONDS, memory=1 << 30, output=64 << 20, result=60 << 20)


@dataclass(frozen=True, slots=True)
class Row:
    line: int  # as a spreadsheet counts: the header is 1
    cells: dict[str, str]
    wrong: str = ""  # one sentence, where a cell holds no text


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of one file, which `digest` names."""

    digest: str
    format: str
    rows: list[Row]
    unknown: list[str] = field(default_factory=list)  # columns that are not read


def read_sheet(chunks: Iterable[bytes], *, name: str, columns: list[str], expected: str | None = None) -> Sheet:
    """The file's rows with those of its columns that the register knows. Raises InvalidInput with what to do about the file."""
    incoming = Path(settings.INCOMING_DIR)
    incoming.mkdir(parents=True, exist_ok=True)
    hasher, size = hashlib.sha256(), 0
    with tempfile.TemporaryDirectory(dir=incoming, prefix="register-") as folder:
        path = Path(folder) / "content"
        with path.open("xb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > MOST_BYTES:
                    sentence = _("The file is larger than %(most)s MB. Split it.") % {"most": MOST_BYTES >> 20}
                    raise InvalidInput(sentence, code="too_large")
                hasher.update(chunk)
                file.write(chunk)
        if size == 0:
            raise InvalidInput(_("The file is empty."), code="empty")
        digest = f"sha256:{hasher.hexdigest()}"
        if expected is not None and expected != digest:
            raise InvalidInput(_("Other bytes arrived than were announced. Send the file again."), code="digest_mismatch")
        path.chmod(0o444)
        return _sheet(_answer(path, name, columns), digest)


def _answer(path: Path, name: str, columns: list[str]) -> dict[str, Any]:
    try:
        with sandbox.run(
            "governance.registers.reading.child",
            inputs={"content": path},
            job={"sheet": name, "columns": columns},
            limits=_LIMITS,
            roots=[READING],
            need=sandbox.Level.L2,
            canary=canary(),
        ) as outcome:
            if outcome.ended == "level":
                raise Unavailable(outcome.sentence)
            if outcome.ended != "finished" or not isinstance(outcome.result, dict):
                sentence = _("The file could not be read within its limits. Save the sheet alone as CSV, or split it.")
                raise InvalidInput(sentence, code="unreadable")
            return outcome.result
    except sandbox.SandboxRefused as refusal:
        raise Unavailable(str(refusal)) from refusal


def _sheet(answer: dict[str, Any], digest: str) -> Sheet:
    if sentence := answer.get("unreadable"):
        raise InvalidInput(str(sentence)[:300], code="unreadable")
    try:
        rows = [Row(int(one["line"]), _texts(one["cells"]), str(one["wrong"])[:300]) for one in answer["rows"]]
        return Sheet(digest, str(answer["format"])[:8], rows, [str(one)[:40] for one in answer["unknown"]])
    except (KeyError, TypeError, ValueError) as error:  # the child is not trusted
        raise InvalidInput(_("The program that read the file gave no usable answer."), code="unreadable") from error


def _texts(cells: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(text) for name, text in cells.items()}


def hold(sheet: Sheet, *, of: Any) -> None:
    """The rows wait, for HELD seconds and for this person alone, to be confirmed; then they are gone."""
    cache.set(_key(sheet.digest, of), asdict(sheet), HELD)


def held(digest: str, *, of: Any) -> Sheet | None:
    found = cache.get(_key(digest, of))
    return Sheet(**found | {"rows": [Row(**one) for one in found["rows"]]}) if found else None


def let_go(digest: str, *, of: Any) -> bool:
    """The rows are held no more; whether they were until now, which of two confirmations at once only one is told."""
    return cache.delete(_key(digest, of))


def _key(digest: str, of: Any) -> str:
    return f"incoming-register:{of.pk}:{digest.removeprefix('sha256:')}"

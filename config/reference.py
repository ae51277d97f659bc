"""The references of settings and of the API, made from what the code itself says; tests demand that they are current."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings as in_force
from django.core.management.base import BaseCommand, CommandParser

from config import settings
from config.description import Field, Operation, Shape, operations
from core.openapi import MEANINGS

SETTINGS_HEAD = """# Settings

Every setting is a variable of the environment. Made from the code by `python manage.py document_settings`; do not edit by hand.

A misspelt `COUNTERSIGN_` variable is refused with the name that was probably meant, and so is a value that cannot be used: each
in one sentence, before anything starts.

| variable | default | meaning |
|---|---|---|
"""
SETTINGS_FOOT = """
## Read elsewhere

| variable | read by | meaning |
|---|---|---|
| `COUNTERSIGN_ADMIN_EMAIL`, `_NAME`, `_PASSWORD` | `make up` | the first administrator, where nobody is there to be asked |
| `COUNTERSIGN_TORCH_INDEX` | `make setup` | index of PyTorch's CPU wheels |
| `COUNTERSIGN_URL`, `COUNTERSIGN_KEY` | SDK and command line | the site, and the key that opens it |
| `COUNTERSIGN_TRUST` | `countersign verify` | trust file, where `--trust` is not given |
"""
API_HEAD = """# API

REST under `/api/v1/`, JSON in and out. Made from the code by `python manage.py document_api`; do not edit by hand.
The site shows the same with every field at `/api/v1/docs/`, and the OpenAPI 3.1 document at `/api/v1/schema/`.

- **Keys.** `Authorization: Bearer cs_…`. A key does what its scopes and its owner's roles allow; it never signs: a signature
  takes the person's password (and second factor) in the body of the request, each time anew.
- **Pages.** Lists answer `{"next", "previous", "results"}`; follow `next` until it is null. `page_size` is 1 to 200 (50 unless
  given).
- **Strictness.** Unknown fields and query parameters are refused, so that a misspelt one is never ignored. JSON is UTF-8, names a
  field once, and holds no zero characters, lone surrogates or numbers beyond 64 bits.
- **Files** are sent as the raw body of a PUT with `Content-Length` (not in chunks); with `X-Content-SHA256: sha256:…` the digest
  is checked.
- **Refusals** are RFC 9457 problem details (`application/problem+json`): `status`, `code` (stable, for programs), `detail` (one
  sentence: what was wrong and what to do), and `errors` by field where the input was not valid. Every code stands at
  `/api/v1/docs/#codes`.
- **Request ids.** Send `X-Request-ID` (8 to 64 letters, digits, `.`, `_`, `-`) or take the one that is answered; it stands in the
  logs of web and workers and in the events of the log.

"""


def settings_reference() -> str:
    rows = [
        f"| `{name}` | {_cell(_default(default))} | {_cell(meaning)} |" for name, (default, meaning) in settings.env.known.items()
    ]
    return SETTINGS_HEAD + "\n".join(rows) + "\n" + SETTINGS_FOOT


def _default(text: str) -> str:
    return "unset" if not text else text if " " in text else f"`{text}`"


def api_reference() -> str:
    groups: dict[str, list[Operation]] = {}
    for one in operations():
        groups.setdefault(one.group, []).append(one)
    parts = [API_HEAD]
    for group, found in sorted(groups.items()):
        parts.append(f"## {group.capitalize()}\n")
        for one in found:
            parts.append(f"### {one.method} {one.address}\n\n{one.text}\n")
            shown = [each for each in one.parameters if each.name not in {"id", "cursor", "page_size"}]
            lines = [f"- `{each.name}` ({_where(one, each)}): {each.type}. {each.meaning}".rstrip() for each in shown]
            lines += [_line(shape) for shape in one.shapes]
            parts.append("\n".join([*lines, f"- Refusals: {', '.join(one.refusals)}"]) + "\n")
    parts.append("## Statuses of refusals\n\n| status | meaning |\n|---|---|")
    parts.append("\n".join(f"| {status} | {_cell(meaning)} |" for status, meaning in MEANINGS.items()) + "\n")
    return "\n".join(parts)


def _where(one: Operation, parameter: Field) -> str:
    return one.places[parameter.name] + (", required" if parameter.required else "")


def _line(shape: Shape) -> str:
    what = "Send" if not shape.status else f"Answer {shape.status}" + (", in `results`" if shape.many else "")
    if not shape.fields:
        return f"- {what}: {f'`{shape.media}`' if shape.media else 'no content'}"
    names = [f"`{each.name}`" + ("" if shape.status or each.required else " (optional)") for each in shape.fields]
    return f"- {what}: {', '.join(names)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


class DocumentCommand(BaseCommand):
    """Writes one reference; `--check` writes nothing and ends with 1 when the file is not current."""

    file = ""
    made_by: Callable[[], str]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is not current")

    def handle(self, *, check: bool, **options: object) -> None:
        path = Path(in_force.BASE_DIR) / "docs" / "reference" / self.file
        text = type(self).made_by()
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            self.stderr.write(f"docs/reference/{self.file} is not current. Run: python manage.py document_{path.stem}")
            raise SystemExit(1)

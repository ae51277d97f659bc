"""The API's own description, made once for each process, and what a reader needs of it: operations, shapes, problem codes."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from core import errors

PACKAGES = (
    *("accounts", "data_registry", "tracking", "models_registry", "evaluations", "governance", "monitoring", "audit", "ledger"),
    "core",
)
REFUSALS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.DomainError)}
_FILLED_IN = re.compile(r"%\(\w+\)[sdr]")


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What is sent or answered: a JSON object with these fields, a list of such, or (without fields) something else."""

    status: str  # "" for what is sent
    media: str
    many: bool = False
    fields: list[Field] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    address: str
    group: str
    summary: str
    text: str
    parameters: list[Field]
    places: dict[str, str]  # parameter -> path, query or header
    shapes: list[Shape]
    refusals: list[str]


@dataclass(frozen=True, slots=True)
class Code:
    """A code of problems, as programs meet it, with one of its sentences."""

    code: str
    status: int
    sentence: str


@functools.cache
def description() -> dict[str, Any]:
    """The OpenAPI document of every operation, whoever asks."""
    return SchemaGenerator().get_schema(request=None, public=True)


def operations() -> Iterator[Operation]:
    """Every operation in the order of addresses."""
    found = description()
    shapes = found["components"]["schemas"]
    for address, methods in found["paths"].items():
        for method, one in methods.items():
            yield _operation(method, address, one, shapes)


def _operation(method: str, address: str, one: dict[str, Any], shapes: dict[str, Any]) -> Operation:
    given = one.get("parameters", [])
    parameters = [
        Field(each["name"], _kind(each["schema"], shapes), each.get("required", False), each.get("description", ""))
        for each in given
    ]
    answers = {status: answer for status, answer in one["responses"].items() if status.startswith("2")}
    found = [_shape("", one["requestBody"], shapes)] if "requestBody" in one else []
    return Operation(
        method=method.upper(),
        address=address,
        group=one["tags"][0],
        summary=one.get("summary", ""),
        text=one.get("description", ""),
        parameters=parameters,
        places={each["name"]: each["in"] for each in given},
        shapes=[*found, *(_shape(status, answer, shapes) for status, answer in answers.items())],
        refusals=sorted(set(one["responses"]) - set(answers)),
    )


def _shape(status: str, part: dict[str, Any], shapes: dict[str, Any]) -> Shape:
    """A page of results is shown by what its rows are."""
    contents: dict[str, Any] = part.get("content", {})
    media = next(iter(contents), "")
    schema = _resolved(contents[media]["schema"] if media else {}, shapes)
    many = "results" in schema.get("properties", {})
    if many:
        schema = _resolved(schema["properties"]["results"].get("items", {}), shapes)
    needed = schema.get("required", [])
    fields = [
        Field(name, _kind(each, shapes), name in needed, each.get("description", ""))
        for name, each in schema.get("properties", {}).items()
    ]
    return Shape(status, media, many, fields)


def _resolved(schema: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    return shapes.get(name, schema)


def _kind(schema: dict[str, Any], shapes: dict[str, Any]) -> str:
    """A type in words: “one of high, low”, “list of number”, “text (uuid) or null”."""
    inner = schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf")
    if inner:
        return " or ".join(dict.fromkeys(_kind(each, shapes) for each in inner))
    schema = _resolved(schema, shapes)
    if "enum" in schema:
        return "one of " + ", ".join(str(each) for each in schema["enum"] if each not in {None, ""})
    kinds = schema.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    words = {"string": "text", "object": "object", "array": "list", "null": "null"}
    named = [str(words.get(kind, kind)) for kind in kinds]
    if "array" in kinds:
        named[kinds.index("array")] = f"list of {_kind(schema.get('items', {}), shapes)}"
    if found := schema.get("format"):
        named[0] += f" ({found})"
    return " or ".join(named)


@functools.cache
def problem_codes() -> list[Code]:
    """Every code that a refusal of this site carries, read from the source, so that none is forgotten."""
    found = {kind.code: Code(kind.code, kind.status, f"{kind.title}.") for kind in REFUSALS.values()}
    for package in PACKAGES:
        for path in sorted((Path(settings.BASE_DIR) / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (code := _code_of(node)):
                    found.setdefault(code.code, code)
    return sorted(found.values(), key=lambda one: (one.status, one.code))


def _code_of(call: ast.Call) -> Code | None:
    """The code, status and sentence of `deny(...)` or of a refusal that is raised; None for any other call."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    given = next((word.value for word in call.keywords if word.arg == "code"), None)
    status = 403 if name == "deny" else REFUSALS[name].status if name in REFUSALS else 0
    if not status or not isinstance(given, ast.Constant) or not call.args:
        return None
    texts = [part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    sentence = max(texts, key=len, default="") or f"{REFUSALS.get(name, errors.NotAllowed).title}."
    return Code(str(given.value), status, _FILLED_IN.sub("…", sentence))

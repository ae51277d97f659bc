"""How the API describes itself: every operation says which problems it may answer with, and in which shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import AllowAny

from core.problems import CONTENT_TYPE

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Why the request was refused, as RFC 9457 problem details: a code for programs, a sentence for people.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Names the kind of problem."},
        "title": {"type": "string", "description": "The kind of problem in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "One sentence: what was wrong and what to do."},
        "errors": {
            "description": "With code invalid_input: for each field its messages, each with message and code.",
            "anyOf": [{"type": "object", "additionalProperties": True}, {"type": "array", "items": {}}],
        },
        "retry_after": {"type": "number", "description": "Seconds after which to try again."},
    },
    "additionalProperties": True,
}
MEANINGS = {
    400: "The request could not be read.",
    401: "No key, or one that opens nothing.",
    403: "Not allowed: the reason is said, such as a role or a key's scope that is missing.",
    404: "It does not exist, or you may not see it.",
    406: "No form that you accept is offered.",
    409: "Not possible in the present state, or somebody was faster.",
    413: "The body is larger than the limit.",
    415: "The body has another media type than this operation reads.",
    422: "The input is not valid: each field is named.",
    429: "Too many attempts; retry_after says when to try again.",
    503: "A part that is needed does not answer.",
}


class Description(AutoSchema):
    """drf-spectacular's description of an operation, with the problems that it may answer with."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        problem = {"content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for status in self._problems(operation):
            operation["responses"].setdefault(str(status), {"description": MEANINGS[status], **problem})
        return operation

    def _problems(self, operation: dict[str, Any]) -> Iterator[int]:
        """What an operation of this shape may answer besides its own responses."""
        places = {parameter["in"] for parameter in operation.get("parameters", [])}
        has_body, writes = "requestBody" in operation, self.method != "GET"
        open_to_all = AllowAny in tuple(self.view.permission_classes)
        if self.view.authentication_classes:
            yield from (401, 403)
        if not open_to_all or "path" in places or "query" in places:
            yield 404
        if has_body:
            yield from (400, 413, 415)
        if writes:
            yield from (409, 429, 503)
        yield from (406, 422)
        yield from getattr(self.view, "also_refuses", ())


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The shape of problems stands among the components; called by drf-spectacular when the description is complete."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    return result

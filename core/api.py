"""What the operations of the API share: one base view, pagination by key, a raw body as a stream."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as NotAKey
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from core.blobs import CHUNK
from core.errors import InvalidInput
from core.keyset import BadMark, Keyset
from core.parsers import AnyBytes

__all__ = ["AnyBytes", "ApiView", "ByKey", "InOrder", "stream_body"]


class ByKey(CursorPagination):
    """Pages follow the primary key (a UUIDv7, so time), not an offset: a long list costs the same on every page."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-pk"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        self.key = queryset.model._meta.pk  # noqa: SLF001 - Django's documented Meta API
        return super().paginate_queryset(queryset, request, view)

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdigit() and len(given) <= 3 and 1 <= int(given) <= self.max_page_size):
            sentence = _("A page has 1 to %(most)s rows.") % {"most": self.max_page_size}
            raise ValidationError({self.page_size_query_param: [sentence]})
        return int(given)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place that an earlier page named; what was not made here is a page that does not exist."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                self.key.to_python(cursor.position)
            except (NotAKey, ValueError, TypeError, OverflowError) as error:
                raise NotFound(self.invalid_cursor_message) from error
        return cursor

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [
            {
                "name": self.cursor_query_param,
                "in": "query",
                "required": False,
                "schema": {"type": "string"},
                "description": "Names a page; take the one that next or previous of another page holds.",
            },
            {
                "name": self.page_size_query_param,
                "in": "query",
                "required": False,
                "schema": size,
                "description": "Rows on a page.",
            },
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": address | {"description": "Address of the page after this one; null on the last."},
                "previous": address | {"description": "Address of the page before this one; null on the first."},
                "results": schema,
            },
        }


class InOrder(ByKey):
    """Pages in any order that a Keyset can say; the same addresses and the same answer as pages by key."""

    def __init__(self, order: Keyset) -> None:
        self._keyset = order

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request, self.base_url = request, request.build_absolute_uri()
        cursor = request.query_params.get(self.cursor_query_param, "")
        backwards, mark = cursor.startswith("-"), cursor.removeprefix("-")
        try:
            self._rows, more = self._keyset.page(queryset, mark=mark, backwards=backwards, size=self.get_page_size(request))
        except BadMark as error:
            raise NotFound(self.invalid_cursor_message) from error
        self.has_previous, self.has_next = (more, True) if backwards else (bool(mark), more)
        return self._rows

    def get_next_link(self) -> str | None:
        return self._link(self._keyset.mark(self._rows[-1])) if self._rows and self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(f"-{self._keyset.mark(self._rows[0])}") if self._rows and self.has_previous else None

    def _link(self, cursor: str) -> str:
        return replace_query_param(self.base_url, self.cursor_query_param, cursor)


class ApiView(APIView):
    """One class for each group of operations; nested `Input` and `Output` say their shape."""

    http_method_names = ("get", "post", "put", "patch", "delete", "head")
    pagination_class: ClassVar[type[ByKey] | None] = ByKey  # under this name the OpenAPI description finds it
    also_refuses: ClassVar[tuple[int, ...]] = ()  # statuses that the description cannot know from an operation's shape
    queries: ClassVar[frozenset[str] | set[str]] = frozenset()  # names that may stand in the query, besides those of pages
    repeated: ClassVar[frozenset[str]] = frozenset()  # those of them that may stand there several times

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A misspelt query parameter is refused: ignored, it would let the gate answer for another environment."""
        super().initial(request, *args, **kwargs)
        known = {*self.queries, ByKey.cursor_query_param, ByKey.page_size_query_param}
        for name, values in request.query_params.lists():
            if name not in known:
                raise ValidationError({name[:100].replace("\x00", ""): [_unknown(name, known)]})
            if len(values) > 1 and name not in self.repeated:
                raise ValidationError({name: [_("Give this once.")]})
            if any("\x00" in value for value in values):
                raise ValidationError({name: [_("A zero character cannot stand here.")]})

    def bind(self, serializer: type[Serializer], request: Request) -> dict[str, Any]:
        """The validated input, or a 422 that names each field, the unknown ones too."""
        bound = serializer(data=request.data, context={"request": request})
        if isinstance(request.data, Mapping):
            known = {name for name, field in bound.fields.items() if not field.read_only}
            if unknown := {name: [_unknown(name, known)] for name in request.data if name not in known}:
                raise ValidationError(unknown)
        bound.is_valid(raise_exception=True)
        return bound.validated_data

    def page(self, queryset: Any, output: type[Serializer], request: Request, *, order: Keyset | None = None) -> Any:
        """One page of `queryset`, by key or in `order`."""
        pages = InOrder(order) if order else ByKey()
        rows = pages.paginate_queryset(queryset, request, view=self)
        return pages.get_paginated_response(output(rows, many=True, context={"request": request}).data)


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name[:100], known, n=1)
    return _("This is not known here. Did you mean %(name)s?") % {"name": near[0]} if near else _("This is not known here.")


def stream_body(request: Request, *, limit: int, may_be_chunked: bool = False) -> Iterator[bytes]:
    """The raw body in chunks, without ever holding it whole. A body announced above `limit` is refused unread; one that
    ends before its announced end (the connection broke) is refused, so that half a file is never taken for a file."""
    raw = request._request  # noqa: SLF001 - DRF would read the whole body; the stream lies on Django's request
    if may_be_chunked and "HTTP_TRANSFER_ENCODING" in raw.META and raw.META.get("wsgi.input_terminated"):
        # The web server itself undoes the chunks and knows their end; how long the file is, whoever stores it counts.
        yield from iter(lambda: raw.META["wsgi.input"].read(CHUNK), b"")
        return
    announced = raw.META.get("CONTENT_LENGTH") or "0"
    if "HTTP_TRANSFER_ENCODING" in raw.META or not announced.isdigit():  # Django would read an empty body
        raise InvalidInput(
            _("Say how long the file is: send it with a Content-Length header, not in chunks."), code="length_required"
        )
    if int(announced) > limit:
        raise InvalidInput(_("The file is larger than the limit of %(limit)s bytes.") % {"limit": f"{limit:,}"}, code="too_large")
    missing = int(announced)
    while chunk := raw.read(CHUNK):
        missing -= len(chunk)
        yield chunk
    if missing > 0:
        raise InvalidInput(
            _("The upload ended %(missing)s bytes before its announced end. Send the file again.") % {"missing": f"{missing:,}"},
            code="incomplete",
        )

"""The registers as files over the API."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import AnyBytes, ApiView, stream_body
from core.errors import InvalidInput
from governance import services
from governance.api.exceptions import STATES
from governance.api.findings import FILTERS, PARAMETERS, narrowed
from governance.downloads import register_file
from governance.models import RequirementException
from governance.registers.incoming import MOST_BYTES, read_sheet
from governance.registers.planning import COLUMNS, TOLD, Plan, plan_of
from governance.registers.tables import EXCEPTIONS, FINDINGS
from governance.registers.writing import CSV, TYPES, XLSX
from governance.serializers import registers as shapes
from models_registry.api import SHA256

AS = OpenApiParameter("as", str, enum=[CSV, XLSX], default=CSV)
BYTES = {(200, kind.partition(";")[0]): OpenApiTypes.BINARY for kind in TYPES.values()}


class FindingsExport(ApiView):
    queries = FILTERS | {"as"}

    @extend_schema(tags=["governance"], parameters=[*PARAMETERS, AS], responses=BYTES, operation_id="findings_export")
    def get(self, request: Request) -> StreamingHttpResponse:
        """The findings that you may see as CSV or XLSX, narrowed as their list; it is recorded that you took them."""
        form, rows = request.query_params.get("as", CSV), narrowed(request)
        filtered = any(request.query_params.get(name) for name in FILTERS)
        parts = services.export_register(FINDINGS, rows, by=request.user, form=form, filtered=filtered)
        return register_file(FINDINGS.name, form, parts)


class ExceptionsExport(ApiView):
    queries = {"state", "as"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("state", str, enum=STATES), AS],
        responses=BYTES,
        operation_id="exceptions_export",
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The exceptions that you may see as CSV or XLSX, narrowed as their list; it is recorded that you took them."""
        form, state = request.query_params.get("as", CSV), request.query_params.get("state", "")
        if state and state not in STATES:
            raise InvalidInput(_("The state is one of %(known)s.") % {"known": ", ".join(STATES)}, code="state")
        rows = RequirementException.objects.visible_to(request.user).with_parts()
        rows = rows.filter(state=state) if state else rows
        parts = services.export_register(EXCEPTIONS, rows, by=request.user, form=form, filtered=bool(state))
        return register_file(EXCEPTIONS.name, form, parts)


class FindingsImport(ApiView):
    parser_classes = [AnyBytes]
    write_scope = "govern"
    queries = {"dry_run", "plan"}

    @extend_schema(
        tags=["governance"],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[
            SHA256,
            OpenApiParameter("dry_run", str, enum=["yes", "no"], default="no", description="`yes`: say what would happen."),
            OpenApiParameter("plan", str, description="The `plan` of the dry run that was looked at; another one is refused."),
        ],
        responses=shapes.ImportOutput,
        operation_id="findings_import",
    )
    def post(self, request: Request) -> Response:
        """Bring findings in from a CSV or XLSX file with the columns of the export, as the raw body: all rows or none."""
        bound = shapes.ImportQuery(data=request.query_params)
        bound.is_valid(raise_exception=True)
        body = stream_body(request, limit=MOST_BYTES)
        sheet = read_sheet(body, name=FINDINGS.name, columns=COLUMNS, expected=request.headers.get("X-Content-SHA256"))
        if bound.validated_data["dry_run"] == "yes":
            return Response(_told(plan_of(sheet, by=request.user), written=False))
        plan = services.import_findings(sheet, by=request.user, expected=bound.validated_data.get("plan"))
        return Response(_told(plan, written=True))


def _told(plan: Plan, *, written: bool) -> dict[str, Any]:
    rows = [
        {
            "row": one.line,
            "outcome": one.outcome,
            "finding": one.finding.pk if one.finding else None,
            "title": one.title,
            "sentence": one.sentence,
        }
        for one in plan.lines
    ]
    unread = [name for name in plan.sheet.unknown if name not in TOLD]
    said = {"file": plan.sheet.digest, "plan": plan.digest, "written": written, "unread": unread, "rows": rows}
    return shapes.ImportOutput(said | plan.counts).data

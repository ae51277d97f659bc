"""The registers as files over the API."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from core.api import ApiView
from core.errors import InvalidInput
from governance import services
from governance.api.exceptions import STATES
from governance.api.findings import FILTERS, PARAMETERS, narrowed
from governance.downloads import register_file
from governance.models import RequirementException
from governance.registers.tables import EXCEPTIONS, FINDINGS
from governance.registers.writing import CSV, TYPES, XLSX

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

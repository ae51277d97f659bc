"""The registers as files to take away: the rows that the page shows with the same address."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.downloads import register_file
from governance.forms.findings import FindingFilter
from governance.models import Finding, RequirementException
from governance.registers.tables import EXCEPTIONS, FINDINGS, Table


@require_GET
def export_findings(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    form = FindingFilter(request.GET, person=request.user)
    rows = form.narrowed(Finding.objects.visible_to(request.user).with_parts())
    return _file(request, FINDINGS, rows, filtered=any(request.GET.get(name) for name in form.fields))


@require_GET
def export_exceptions(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    rows = RequirementException.objects.visible_to(request.user).with_parts()
    state = request.GET.get("state", "")
    known = state in RequirementException.State.values
    return _file(request, EXCEPTIONS, rows.filter(state=state) if known else rows, filtered=known)


def _file(request: HttpRequest, table: Table, rows: QuerySet, *, filtered: bool) -> HttpResponse | StreamingHttpResponse:
    form = request.GET.get("as", "csv")
    try:
        parts = services.export_register(table, rows, by=request.user, form=form, filtered=filtered)
    except DomainError as refusal:  # a link cannot show it itself: the register does
        messages.error(request, str(refusal))
        return see_other(request, reverse(f"governance:{table.name}"))
    return register_file(table.name, form, parts)

"""The registers as files to take away: the rows that the page shows with the same address."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.downloads import register_file
from governance.forms.findings import FindingFilter, ImportForm
from governance.models import Finding, RequirementException
from governance.registers import incoming
from governance.registers.planning import COLUMNS, ORDER, TOLD, plan_of
from governance.registers.tables import EXCEPTIONS, FINDINGS, Table

MOST = 200  # rows of a preview on one page


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


@require_http_methods(["GET", "HEAD", "POST"])
def import_findings(request: HttpRequest) -> HttpResponse:
    """Take a file in, and go to what its rows would do."""
    form = ImportForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                sheet = incoming.read_sheet(form.cleaned_data["file"].chunks(), name=FINDINGS.name, columns=COLUMNS)
            except DomainError as refusal:
                form.add_error("file", str(refusal))
                status = refusal.status
            else:
                incoming.hold(sheet, of=request.user)
                return see_other(request, _preview_of(sheet.digest))
    return render(request, "governance/finding_import.html", {"form": form, "columns": COLUMNS}, status=status)


def _preview_of(digest: str) -> str:
    return reverse("governance:import_preview", args=[digest.removeprefix("sha256:")])


@require_http_methods(["GET", "HEAD", "POST"])
def import_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """What each row of the file would do as everything stands now; and, confirmed, does."""
    sheet = incoming.held(slug, of=request.user)
    # Of two clicks one imports: rows without a reference would else come in twice.
    if sheet is None or (request.method == "POST" and not incoming.let_go(slug, of=request.user)):
        messages.error(request, _("This preview is no longer kept. Bring the file again."))
        return see_other(request, reverse("governance:import_findings"))
    refused, status = "", 200
    if request.method == "POST":
        try:
            done = services.import_findings(sheet, by=request.user, expected=request.POST.get("plan", ""))
        except DomainError as refusal:
            refused, status = str(refusal), refusal.status
            incoming.hold(sheet, of=request.user)
        else:
            said = _("The findings are imported: %(new)s new, %(changed)s changed, %(unchanged)s as they were.")
            messages.success(request, said % done.counts)
            return see_other(request, reverse("governance:findings"))
    plan = plan_of(sheet, by=request.user)
    lines = plan.in_order
    start = _start(request, len(lines))
    context: dict[str, Any] = {
        "plan": plan,
        "refusal": refused,
        "counts": [(name, plan.counts[name]) for name in ORDER],
        "lines": lines[start : start + MOST],
        "first": start + 1,
        "last": min(start + MOST, len(lines)),
        "earlier": max(start - MOST, 0) if start else None,
        "later": start + MOST if start + MOST < len(lines) else None,
        "unread": [name for name in sheet.unknown if name not in TOLD],
    }
    return render(request, "governance/finding_import_preview.html", context, status=status)


def _start(request: HttpRequest, many: int) -> int:
    given = request.GET.get("from", "")
    wanted = int(given) if given.isascii() and given.isdigit() and len(given) <= 5 else 0
    return wanted if wanted < many else 0

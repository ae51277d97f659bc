"""Reports: the list with the form that asks for one, and a report from being made to being fetched."""

from __future__ import annotations

from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from audit import services
from audit.files import pdf_of
from audit.forms import MOST_CHOICES, ReportForm
from audit.models import Report
from audit.trust import trust
from audit.views import reader_of
from audit.visibility import versions_reportable_by
from core.errors import DomainError
from core.pages import render_page_or_fragment, see_other
from core.paging import page_by_key
from models_registry.models import Version

UNDER_WAY = {Report.State.QUEUED, Report.State.RUNNING}


@require_http_methods(["GET", "HEAD", "POST"])
def reports(request: HttpRequest) -> HttpResponse:
    """The reports that the person sees, and the form for the next one."""
    versions = versions_reportable_by(reader_of(request)).order_by("-submitted_at", "-pk")
    form = ReportForm(request.POST or None, versions=versions, initial={"version": request.GET.get("version", "")})
    status = 200
    if request.method == "POST":
        status = 422
        try:
            # Whoever sees the version but may not have it reported is told why, and that is recorded.
            chosen = form.cleaned_data["version"] if form.is_valid() else _named(request)
            if chosen is not None:
                environment = form.cleaned_data.get("environment") or "production"
                return see_other(request, services.request_report(chosen, environment=environment, by=reader_of(request)))
        except DomainError as refusal:
            form.errors.clear()
            form.add_error(None, str(refusal))
            status = refusal.status
    rows = Report.objects.visible_to(reader_of(request)).with_parts()
    choices = list(versions[:MOST_CHOICES])
    form.fields["version"].choices = [(one.pk, str(one)) for one in choices]  # type: ignore[attr-defined]  # a ModelChoiceField
    context = {"page": page_by_key(request, rows), "form": form if choices or request.method == "POST" else None}
    return render(request, "audit/report_list.html", context, status=status)


def _named(request: HttpRequest) -> Version | None:
    """The version that was sent, where the person sees it and the form would not offer it."""
    try:
        key = UUID(request.POST.get("version", ""))
    except ValueError:
        return None
    return Version.objects.visible_to(reader_of(request)).with_parts().filter(pk=key).first()


@require_safe
def report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A report: how far it is, and once it is made what it is and how to verify it."""
    found = _report(request, pk)
    context = {
        "report": found,
        "busy": found.state in UNDER_WAY,
        "words": STEPS.get(found.progress.get("step", ""), _("A worker takes it up in a moment.")),
        "trust": trust() if found.state == Report.State.COMPLETED else None,
        "files": sorted(found.files.items()),
    }
    return render_page_or_fragment(request, "audit/report.html", "state", context)


STEPS = {
    "collecting": gettext_lazy("It reads what happened to the version, in one moment."),
    "recording": gettext_lazy("It writes the content's digest into the log, and has the log sealed."),
    "printing": gettext_lazy("It sets the pages."),
    "signing": gettext_lazy("It signs the file."),
    "verifying": gettext_lazy("It has the file verified before it gives it out."),
}


@require_safe
def report_pdf(request: HttpRequest, pk: UUID) -> HttpResponse | FileResponse:
    """The signed PDF."""
    try:
        return pdf_of(_report(request, pk))
    except DomainError as refusal:
        context = {"title": _("There is no file yet"), "detail": str(refusal)}
        return render(request, "audit/refused.html", context, status=refusal.status)


def _report(request: HttpRequest, pk: UUID) -> Report:
    return get_object_or_404(Report.objects.visible_to(reader_of(request)).with_parts(), pk=pk)

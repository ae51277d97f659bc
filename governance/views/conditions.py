"""Conditions: reported met by their owner, answered by the role that set them, their evidence to download."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.downloads import condition_file
from governance.forms.conditions import AnswerConditionForm, ReportConditionForm
from governance.models import Condition
from governance.permissions import can_answer_condition, can_report_condition
from governance.services.conditions import answer_text
from governance.signed_words import accountability_text
from governance.views.common import session_of, signing_options


def visible_condition(request: HttpRequest, pk: UUID) -> Condition:
    return get_object_or_404(Condition.objects.visible_to(request.user).with_parts(), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say that an own condition is met, and show it."""
    condition = visible_condition(request, pk)
    if not (decision := can_report_condition(request.user, condition)):
        raise PermissionDenied(decision.reason)
    form = ReportConditionForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.report_condition(condition, by=request.user, **form.reported)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("Reported. It waits for an answer of the role that set it."))
                return see_other(request, condition.review)
    return render(request, "governance/condition_report.html", {"condition": condition, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Sign that a condition is met, or say what is missing."""
    condition = visible_condition(request, pk)
    if not (decision := can_answer_condition(request.user, condition)):
        raise PermissionDenied(decision.reason)
    form = AnswerConditionForm(request.POST or None, **signing_options(request))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.answer_condition(condition, by=request.user, session=session_of(request), **form.answer)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("Signed: your answer is on record."))
                return see_other(request, condition.review)
    context = {"condition": condition, "form": form, "text": answer_text(condition, met=True)}
    context |= {"accountability": accountability_text()}
    return render(request, "governance/condition_answer.html", context, status=status)


@require_safe
def evidence(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """What the owner handed in, as a download."""
    condition = visible_condition(request, pk)
    if not condition.evidence_digest:
        raise Http404(_("No file was handed in for this condition."))
    return condition_file(condition)

"""The review of a version's code: commits, differences, comments on lines, outcomes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.code_sets import files_of
from governance.forms.code import CodeCommentForm, CodeOutcomeForm
from governance.models import CodeComment, CodeSet
from governance.permissions.code import can_send_code
from governance.views.code_page import of_set
from models_registry.models import Version
from models_registry.pages import shell, visible_version


@require_safe
def code(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What changed in the code since the version approved last, as its client claims, and what people came to about it."""
    version = visible_version(request, pk)
    return _page(request, version, _asked_set(request.GET.get("code", ""), version))


@require_POST
def comment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A comment on a line, or on all of it."""
    version = visible_version(request, pk)
    form = CodeCommentForm(request.POST)
    code_set = _asked_set(request.POST.get("code", ""), version)
    if code_set is None:
        raise Http404
    if form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if name != "code"}
        try:
            made = services.comment_on_code(code_set, by=request.user, **given)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            return _page(request, version, code_set, comment_form=form, status=refusal.status)
        return see_other(request, _address(version, code_set, made))
    return _page(request, version, code_set, comment_form=form, status=422)


@require_POST
def resolve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A comment is settled."""
    rows = CodeComment.objects.select_related("code_set__version__model__team")
    one = get_object_or_404(rows.filter(code_set__version__in=Version.objects.visible_to(request.user)), pk=pk)
    try:
        services.resolve_comment(one, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return see_other(request, _address(one.code_set.version, one.code_set, one))


@require_POST
def outcome(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the reader came to."""
    version = visible_version(request, pk)
    form = CodeOutcomeForm(request.POST)
    code_set = _asked_set(request.POST.get("code", ""), version)
    if code_set is None:
        raise Http404
    if form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if name != "code"}
        try:
            made = services.record_code_outcome(code_set, by=request.user, **given)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            return _page(request, version, code_set, outcome_form=form, status=refusal.status)
        messages.success(request, _("Recorded: %(verdict)s.") % {"verdict": made.get_verdict_display().lower()})
        return see_other(request, reverse("governance:code", args=[version.pk]))
    return _page(request, version, code_set, outcome_form=form, status=422)


def _asked_set(given: str, version: Version) -> CodeSet | None:
    """The set that is named, else the latest."""
    rows = CodeSet.objects.with_parts().filter(version=version)
    if not given:
        return rows.order_by("-pk").first()
    try:
        return get_object_or_404(rows, pk=UUID(given))
    except ValueError as error:
        raise Http404 from error


def _address(version: Version, code_set: CodeSet, made: CodeComment) -> str:
    page = f"{reverse('governance:code', args=[version.pk])}?code={code_set.pk}"
    if made.path:
        place = next((n for n, one in enumerate(files_of(code_set, made.part)) if one.path == made.path), 0)
        page += f"&part={made.part}&file={place}"
    return f"{page}#comment-{made.pk}"


def _page(
    request: HttpRequest,
    version: Version,
    code_set: CodeSet | None,
    *,
    comment_form: CodeCommentForm | None = None,
    outcome_form: CodeOutcomeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        **shell(version),
        "code_set": code_set,
        "may_send": can_send_code(request.user, version),
        "command": f"countersign send-code {version.model.name}:{version.number}",
    }
    if code_set is not None:
        code_set.version = version
        context |= of_set(request, code_set, comment_form, outcome_form)
    return render(request, "governance/code.html", context, status=status)

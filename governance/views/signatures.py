"""A signature's record to take along, and a signature taken back; a version taken back by whoever submitted it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.downloads import record_file
from governance.forms.signing import WithdrawSignatureForm
from governance.models import SignOff
from governance.permissions import can_withdraw_signature
from governance.signed_words import accountability_text, withdrawal_text
from governance.views.common import session_of, signing_options
from models_registry.models import Version
from models_registry.pages import visible_version
from models_registry.permissions import can_withdraw


def visible_signature(request: HttpRequest, pk: UUID) -> SignOff:
    return get_object_or_404(SignOff.objects.visible_to(request.user).with_parts(), pk=pk)


@require_safe
def signature_record(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The record of one signature, to be verified alone."""
    signed = visible_signature(request, pk)
    if signed.envelope is None:
        raise Http404(_("This signature was given before signatures had records; it stands in the log."))
    return record_file(signed)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_signature(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the own signature back while its step is open."""
    signed = visible_signature(request, pk)
    if not (decision := can_withdraw_signature(request.user, signed)):
        raise PermissionDenied(decision.reason)
    form = WithdrawSignatureForm(request.POST or None, **signing_options(request))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given = {name: value for name, value in form.cleaned_data.items() if name != "accept"}
            try:
                services.withdraw_signature(signed, by=request.user, session=session_of(request), **given)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("Your signature is taken back. It stays on record and no longer counts."))
                return see_other(request, signed.review)
    context = {"form": form, "signed": signed, "review": signed.review, "text": withdrawal_text(signed)}
    context |= {"accountability": accountability_text()}
    return render(request, "governance/signature_withdraw.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_version(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a version back before it is decided."""
    version = visible_version(request, pk)
    if not (decision := can_withdraw(request.user, version)):
        raise PermissionDenied(decision.reason)
    if request.method != "POST":
        return render(request, "governance/version_withdraw.html", {"version": version})
    try:
        services.withdraw(version, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("%(version)s is withdrawn.") % {"version": version})
    return see_other(request, Version.objects.get(pk=version.pk))

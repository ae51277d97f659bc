"""The pages of webhooks: which there are, a new one, and one with what came of its deliveries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Role
from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from governance import services
from governance.forms.webhooks import WebhookForm
from governance.models import Webhook
from governance.webhooks.signing import HEADER


@require_safe
def webhook_list(request: HttpRequest) -> HttpResponse:
    """The webhooks that the person manages."""
    _refuse_others(request)
    rows = Webhook.objects.visible_to(request.user).select_related("team", "made_by")
    return render(request, "governance/webhook_list.html", {"page": page_by_key(request, rows)})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_new(request: HttpRequest) -> HttpResponse:
    """A new one; its secret is shown on the answer to the form, and never again."""
    _refuse_others(request)
    form = WebhookForm(request.POST or None, person=request.user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made, secret = services.make_webhook(by=request.user, **form.cleaned_data)
            except DomainError as refusal:
                form.add_error("url" if refusal.code == "url" else None, str(refusal))
                status = refusal.status
            else:
                shown = {"webhook": made, "secret": secret, "header": HEADER}
                return render(request, "governance/webhook_made.html", shown, status=201)
    return render(request, "governance/webhook_new.html", {"form": form}, status=status)


@require_safe
def webhook_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One webhook, and its attempts, newest first."""
    webhook = _visible(request, pk)
    page = page_by_key(request, webhook.deliveries.all())
    kinds = [label for value, label in Webhook.Kind.choices if value in webhook.kinds]
    names = dict(Webhook.Kind.choices) | {"test": _("Test")}
    rows = [(delivery, names.get(delivery.kind, delivery.kind)) for delivery in page]
    return render(request, "governance/webhook.html", {"webhook": webhook, "page": page, "rows": rows, "kinds": kinds})


@require_POST
def webhook_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a test sent."""
    return _do(request, pk, services.test_webhook, _("A test is on its way: load this page again in a moment."))


@require_POST
def webhook_stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Tell the address nothing any more."""
    return _do(request, pk, services.stop_webhook, _("Stopped."))


@require_POST
def webhook_start(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Tell the address again, from now on."""
    return _do(request, pk, services.start_webhook, _("Started: it is told of what happens from now on."))


def inbox(request: HttpRequest) -> list[dict[str, Any]]:
    """The section of the inbox that tells of webhooks that stopped because they kept failing."""
    failing = Webhook.objects.visible_to(request.user).filter(state=Webhook.State.STOPPED, failing_since__isnull=False)
    rows = list(failing.select_related("team")[:10])
    return [{"title": _("Webhooks that stopped"), "template": "governance/inbox_webhooks.html", "rows": rows}] if rows else []


def _do(request: HttpRequest, pk: UUID, deed: Callable[..., None], done: str) -> HttpResponse:
    webhook = _visible(request, pk)
    try:
        deed(webhook, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return see_other(request, webhook)


def _visible(request: HttpRequest, pk: UUID) -> Webhook:
    return get_object_or_404(Webhook.objects.visible_to(request.user).select_related("team", "made_by"), pk=pk)


def _refuse_others(request: HttpRequest) -> None:
    if not (request.user.holds_anywhere(Role.RISK_MANAGER) or request.user.holds_anywhere(Role.ADMINISTRATOR)):
        raise PermissionDenied(_("Risk managers and administrators say who is told. Ask one of them."))

"""Which mails a person gets."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from governance.forms.mail import MailForm
from governance.services.mail import choose_mails, chosen


@require_http_methods(["GET", "HEAD", "POST"])
def mail_settings(request: HttpRequest) -> HttpResponse:
    """Their own choice; the inbox shows all of it whatever they choose."""
    form = MailForm(request.POST if request.method == "POST" else None, initial={"kinds": chosen(request.user)})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            choose_mails(by=request.user, kinds=form.cleaned_data["kinds"])
            messages.success(request, _("Your choice is kept."))
            return redirect("governance:mail_settings")
    context = {"form": form, "mails": settings.MAILS, "address": request.user.email}
    return render(request, "governance/mail_settings.html", context, status=status)

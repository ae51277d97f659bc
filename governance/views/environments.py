"""Environments: which there are, how strictly each asks, and who changes that."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from governance import services
from governance.forms.environments import MODES, EnvironmentForm, ModeForm
from governance.forms.proving import ProvenForm
from governance.models import Environment, Release
from governance.permissions import can_rule_environments
from governance.views.deeds import Deed, deed_page


@require_safe
def environments(request: HttpRequest) -> HttpResponse:
    """Every environment with its mode, what the mode means, and how many models are live there as far as this person sees."""
    live: dict[str, int] = {}
    for slug in Release.objects.visible_to(request.user).live().order_by().values_list("environment", flat=True):
        live[slug] = live.get(slug, 0) + 1
    rows = [{"environment": one, "means": MODES[one.mode], "live": live.get(one.slug, 0)} for one in Environment.objects.all()]
    context = {"rows": rows, "may": can_rule_environments(request.user)}
    return render(request, "governance/environments.html", context)


def _trail() -> list[tuple[str, str]]:
    return [(_("Environments"), reverse("governance:environments"))]


@require_http_methods(["GET", "HEAD", "POST"])
def make_environment(request: HttpRequest) -> HttpResponse:
    """An environment of the site's own."""
    deed = Deed(
        title=_("Make an environment"),
        button=_("Make it"),
        icon="plus",
        allowed=can_rule_environments(request.user),
        trail=_trail(),
        means=[
            _("One version of each model is live in an environment at a time, and the alias of its short name follows it."),
            _("A version is submitted for an environment that its policy allows: publish a policy that names the new one."),
        ],
    )
    return deed_page(
        request,
        deed,
        EnvironmentForm,
        lambda given: services.make_environment(by=request.user, **given),
        done=lambda made: (_("%(environment)s is there.") % {"environment": made}, reverse("governance:environments")),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def environment_mode(request: HttpRequest, slug: str) -> HttpResponse:
    """How strictly releases to the environment ask for an approval."""
    environment = get_object_or_404(Environment, pk=slug)
    deed = Deed(
        title=_("How strict is %(environment)s?") % {"environment": environment},
        button=_("Change the mode"),
        icon="sliders-horizontal",
        allowed=can_rule_environments(request.user),
        trail=_trail(),
        means=[
            _("It is asked with the next release; what is live stays live, and its page says how its approval stands."),
            _("In every mode the gate allows only what is approved and live: a release without approval is never allowed by it."),
        ],
        grave=True,
        options={"initial": {"mode": environment.mode}},
    )
    return _decide(request, deed, ModeForm, lambda given: services.change_mode(environment, by=request.user, **given))


@require_http_methods(["GET", "HEAD", "POST"])
def retire_environment(request: HttpRequest, slug: str) -> HttpResponse:
    """Nothing is released to the environment any more."""
    environment = get_object_or_404(Environment, pk=slug)
    deed = Deed(
        title=_("Retire %(environment)s") % {"environment": environment},
        button=_("Retire it"),
        icon="archive",
        allowed=can_rule_environments(request.user),
        trail=_trail(),
        means=[_("Nothing is released there any more, and its short name is not given again. What was live there stays known.")],
        grave=True,
    )
    return _decide(request, deed, ProvenForm, lambda given: services.retire_environment(environment, by=request.user, **given))


def _decide(request: HttpRequest, deed: Deed, form: type[ProvenForm], do: Any) -> HttpResponse:
    return deed_page(request, deed, form, do, done=lambda _made: (_("Recorded."), reverse("governance:environments")))

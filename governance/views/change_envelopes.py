"""The change envelopes of a model: the list, a new one, one with its limits, its signatures and what was decided by it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Person
from core.decisions import deny
from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from governance import environments, services
from governance.change_envelopes.body import metrics_for
from governance.change_envelopes.ending import how_it_ended
from governance.change_envelopes.limits import MET, standing_limits, used
from governance.change_envelopes.measuring import live_in
from governance.change_envelopes.words import limits_in_words, name_of, text_of
from governance.forms.change_envelopes import ChangeEnvelopeForm, EnvelopeSigningForm
from governance.forms.proving import ProvenForm, ReasonForm
from governance.models import ChangeEnvelope, EnvelopeDecision, Release
from governance.permissions.change_envelopes import (
    can_draft_envelope,
    can_revoke_envelope,
    can_sign_envelope,
    can_withdraw_envelope,
    roles_to_sign_envelope,
)
from governance.signed_words import accountability_text
from governance.views.common import signing_options
from governance.views.deeds import Deed, deed_page
from models_registry.models import RegisteredModel

MOST_DECISIONS = 50  # on the page; the API has all


def _model(request: HttpRequest, pk: UUID) -> RegisteredModel:
    return get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team"), pk=pk)


def _envelope(request: HttpRequest, pk: UUID) -> ChangeEnvelope:
    return get_object_or_404(ChangeEnvelope.objects.visible_to(request.user).with_parts(), pk=pk)


@require_safe
def of_model(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All envelopes of a model, the newest first."""
    model = _model(request, pk)
    page = page_by_key(request, ChangeEnvelope.objects.filter(model=model).with_parts())
    context = {"model": model, "page": page, "may_draft": bool(can_draft_envelope(request.user, model))}
    return render(request, "governance/change_envelope_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Draft an envelope around the version that is live."""
    model = _model(request, pk)
    allowed, metrics = can_draft_envelope(request.user, model), metrics_for(model.task)
    if allowed and not metrics:
        allowed = deny(_("Models of this task are not compared row by row, so there is no change envelope for them."))
    all_of_them = reverse("governance:change_envelopes", args=[pk])
    deed = Deed(
        title=_("Draft a change envelope"),
        button=_("Draft it"),
        icon="file-pen",
        allowed=allowed,
        trail=[(model.name, model.get_absolute_url()), (_("Change envelopes"), all_of_them)],
        means=[
            _("People sign once what may change by itself. A retrained version within all limits is then released."),
            _("It always keeps architecture, code, lock file and test sets, and validated data without new personal data."),
            _("It always has verified numbers and meets everything that the policy asks for."),
            _("A version that passes a limit is reviewed as ever, and its page says which limit it passed."),
        ],
        options={"environments": environments.choices(), "metrics": metrics, "initial": _where_live(model)},
    )
    return deed_page(
        request,
        deed,
        ChangeEnvelopeForm,
        lambda given: services.draft_envelope(live_in(model, given["environment"]), by=request.user, **given),
        done=lambda made: (_("Drafted. It allows nothing before it is signed."), made),
    )


def _where_live(model: RegisteredModel) -> dict[str, str]:
    """The environment that is chosen beforehand: where the model was released last and is live."""
    live = Release.objects.live().filter(version__model=model).order_by("-released_at").values_list("environment", flat=True)
    return {"environment": live[0]} if live else {}


@require_safe
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One envelope: its limits in words, who signed it, what was decided by it."""
    envelope = _envelope(request, pk)
    return render(request, "governance/change_envelope_detail.html", _context(request, envelope))


def _context(request: HttpRequest, envelope: ChangeEnvelope, form: EnvelopeSigningForm | None = None) -> dict[str, Any]:
    roles = roles_to_sign_envelope(request.user, envelope)
    chosen = request.GET.get("as", "")
    role = chosen if chosen in roles else (roles[0] if roles else "")
    steps = list(envelope.steps.all())
    if form is None and role:
        initial = {"role": role, "seen": envelope.digest}
        form = EnvelopeSigningForm(initial=initial, **signing_options(request))
    signed = list(envelope.signatures.all())
    people = Person.objects.in_bulk([one.person for one in signed])
    state = ChangeEnvelope.State
    against = [one.sentence for one in standing_limits(envelope) if one.outcome != MET] if envelope.state == state.ACTIVE else []
    decisions = list(EnvelopeDecision.objects.filter(envelope=envelope).select_related("version__model")[:MOST_DECISIONS])
    return {
        "envelope": envelope,
        "words": limits_in_words(envelope),
        "used": used(envelope),
        "against": against,
        "ended": how_it_ended(envelope) if envelope.state in {state.WITHDRAWN, state.REVOKED} else None,
        "form": form,
        "text": next((text_of(envelope, step) for step in steps if step.role == role), ""),
        "accountability": accountability_text(),
        "why_not": "" if role else _why_not(request, envelope),
        "steps": [
            {"step": step, "given": [(one, people.get(one.person)) for one in signed if one.role == step.role]} for step in steps
        ],
        "decisions": [(one, [(name_of(limit["name"]), limit) for limit in one.limits]) for one in decisions],
        "may_withdraw": envelope.state == envelope.State.PROPOSED and bool(can_withdraw_envelope(request.user, envelope)),
        "may_revoke": envelope.state == envelope.State.ACTIVE and bool(can_revoke_envelope(request.user, envelope)),
    }


def _why_not(request: HttpRequest, envelope: ChangeEnvelope) -> str:
    """The reason that the person most likely asks for: about a role that they hold, else about any."""
    if envelope.state != ChangeEnvelope.State.PROPOSED:
        return ""
    if envelope.has_run_out:
        return _("The date on which it expires has passed. Draft another one.")
    steps = [step for step in envelope.steps.all() if step.applies]
    held = [step for step in steps if request.user.holds(step.role, envelope.model.team)]
    for step in [*held, *steps]:
        decision = can_sign_envelope(request.user, envelope, step.role)
        if not decision:
            return decision.reason
    return ""


@require_POST
def sign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Sign the limits that the page showed."""
    envelope = _envelope(request, pk)
    form = EnvelopeSigningForm(request.POST, **signing_options(request))
    status = 422
    if form.is_valid():
        try:
            services.sign_envelope(envelope, by=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, _("Signed and recorded."))
            return see_other(request, envelope)
    return render(
        request, "governance/change_envelope_detail.html", _context(request, _envelope(request, pk), form), status=status
    )


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a draft back."""
    envelope = _envelope(request, pk)
    allowed = can_withdraw_envelope(request.user, envelope)
    if envelope.state != ChangeEnvelope.State.PROPOSED and request.method != "POST":
        allowed = deny(_("This change envelope is %(state)s.") % {"state": envelope.get_state_display().lower()})
    deed = Deed(
        title=_("Withdraw %(envelope)s") % {"envelope": envelope},
        button=_("Withdraw it"),
        icon="undo-2",
        allowed=allowed,
        trail=_trail(envelope),
        means=[_("Nobody signs it any more. What was signed stays on record.")],
    )
    return deed_page(
        request,
        deed,
        ReasonForm,
        lambda given: services.withdraw_envelope(envelope, by=request.user, **given),
        done=lambda ended: (_("Withdrawn."), ended),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End an envelope before its time."""
    envelope = _envelope(request, pk)
    allowed = can_revoke_envelope(request.user, envelope)
    if envelope.state != ChangeEnvelope.State.ACTIVE and request.method != "POST":
        allowed = deny(_("This change envelope is %(state)s.") % {"state": envelope.get_state_display().lower()})
    deed = Deed(
        title=_("Revoke %(envelope)s") % {"envelope": envelope},
        button=_("Revoke it"),
        icon="ban",
        allowed=allowed,
        trail=_trail(envelope),
        means=[
            _("Nothing more is released under it, from this moment."),
            _("What was released under it stays live; to take a version back, suspend it or roll back."),
        ],
        grave=True,
    )
    return deed_page(
        request,
        deed,
        ProvenForm,
        lambda given: services.revoke_envelope(envelope, by=request.user, **given),
        done=lambda ended: (_("Revoked."), ended),
    )


def _trail(envelope: ChangeEnvelope) -> list[tuple[str, str]]:
    return [(envelope.model.name, envelope.model.get_absolute_url()), (str(envelope), envelope.get_absolute_url())]

"""The pages of policies: what is asked for now, one policy, the editor of a draft, its dry run, and putting it in force."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from core.pages import see_other
from governance import environments, policies, policy_lines, services
from governance.documents import Document
from governance.documents.as_yaml import loaded, written
from governance.documents.checking import checked
from governance.dry_run import dry_run
from governance.forms.policies import PolicyForms, PublishForm, YamlForm
from governance.models import Policy, label_of
from governance.permissions.policies import can_publish, can_write_policies
from governance.policy_words import signatures_of, suites_of
from models_registry.models import RiskTier

MOST = 200


def _policy(request: HttpRequest, pk: UUID) -> Policy:
    return get_object_or_404(Policy.objects.visible_to(request.user), pk=pk)


def _writers_only(request: HttpRequest) -> None:
    if not (decision := can_write_policies(request.user)):
        raise PermissionDenied(decision.reason)


@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """What each risk tier asks for now in each environment: who signs, and task by task what is measured and what blocks."""
    published = list(Policy.objects.published().order_by("-published_at", "-number", "-pk"))
    rows: dict[tuple[RiskTier, UUID], dict[str, Any]] = {}
    gaps = []
    for tier in RiskTier:
        for environment in environments.names():
            covering = [one for one in published if one.document.covers.include(tier, environment)]
            if not covering:
                gaps.append((tier.label, label_of(environment)))
                continue
            policy = covering[0]
            row = rows.setdefault((tier, policy.pk), {"tier": tier, "policy": policy, "environments": [], "instead_of": set()})
            row["environments"].append(label_of(environment))
            row["instead_of"] |= {one.name for one in covering[1:] if one.name != policy.name}
    for row in rows.values():
        row |= {
            "suites": suites_of(row["policy"]),
            "signatures": signatures_of(row["policy"]),
            "requirements": policy_lines.requirements(row["policy"].document),
            "instead_of": ", ".join(sorted(row["instead_of"])),
            "name": f"policy-{row['tier'].value}",
        }
    drafts = Policy.objects.visible_to(request.user).filter(state=Policy.State.DRAFT).order_by("-changed_at")[:MOST]
    context = {"policies": list(rows.values()), "gaps": gaps, "drafts": drafts, "may_write": can_write_policies(request.user)}
    return render(request, "governance/policy_list.html", context)


@require_safe
def policy_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One policy: who signs, what is measured, what must be there, how long it holds, and its numbers."""
    return _detail(request, _policy(request, pk))


def _detail(request: HttpRequest, policy: Policy, form: PublishForm | None = None, *, status: int = 200) -> HttpResponse:
    document = policy.document
    numbers = list(Policy.objects.numbered(policy.name)[:MOST])
    is_draft = policy.state == Policy.State.DRAFT
    decision = can_publish(request.user, policy) if is_draft else None
    if form is None and decision:
        form = PublishForm(initial={"seen": policy.digest}, second_factor=is_mfa_enabled(request.user))
    context = {
        "policy": policy,
        "document": document,
        "covers": policy_lines.covers(document),
        "signatures": policy_lines.signatures(document),
        "requirements": policy_lines.requirements(document),
        "duration": policy_lines.duration(document),
        "suites": suites_of(policy),
        "numbers": numbers,
        "is_draft": is_draft,
        "in_force": _where_in_force(policy),
        "may_write": can_write_policies(request.user),
        "publish": decision,
        "form": form,
        "before": _before(policy),
    }
    return render(request, "governance/policy_detail.html", context, status=status)


def _where_in_force(policy: Policy) -> list[str]:
    """The pairs for which a submission made now is judged by this policy, in words."""
    if policy.state != Policy.State.PUBLISHED:
        return []
    covers = policy.document.covers
    pairs = [(tier, environment) for tier in covers.tiers for environment in covers.environments]
    words = {pair: f"{RiskTier(pair[0]).label}, {label_of(pair[1]).lower()}" for pair in pairs}
    return [words[pair] for pair in pairs if Policy.objects.in_force(*pair) == policy]


def _before(policy: Policy) -> Policy | None:
    """What it is compared with: the number before it, or for a draft the latest."""
    rows = Policy.objects.numbered(policy.name)
    return (rows.filter(number__lt=policy.number) if policy.number else rows).first()


@require_safe
def changes(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What changed between this policy and the number before it, in words."""
    policy = _policy(request, pk)
    before = _before(policy)
    found = policy_lines.changes(before.document, policy.document) if before else []
    return render(request, "governance/policy_changes.html", {"policy": policy, "before": before, "changes": found})


@require_safe
def dry_run_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which approvals and live releases would fall out under this policy, and why."""
    policy = _policy(request, pk)
    _writers_only(request)
    found = dry_run(policy.document)
    context = {"policy": policy, "run": found, "falling": found.falling[:MOST], "unclear": found.unclear[:MOST], "most": MOST}
    return render(request, "governance/policy_dry_run.html", context)


@require_http_methods(["GET", "POST"])
def draft(request: HttpRequest) -> HttpResponse:
    """A new draft: of the next number of a policy (`?from=`), or of the one for high risk as it is installed."""
    _writers_only(request)
    source = request.GET.get("from", "")
    rows = Policy.objects.visible_to(request.user)
    begun = get_object_or_404(rows, pk=_uuid(source)) if source else None
    document = begun.document if begun else checked(policies.starting_body(RiskTier.HIGH) | {"name": "new-policy"})
    return _edit(request, None, document)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a draft says, as fields or as YAML; what is refused comes back with the reason and all that was typed."""
    policy = _policy(request, pk)
    _writers_only(request)
    return _edit(request, policy, policy.document)


def _edit(request: HttpRequest, policy: Policy | None, document: Document) -> HttpResponse:
    as_yaml = request.GET.get("as") == "yaml"
    seen = policy.digest if policy else ""
    data = request.POST if request.method == "POST" else None
    form: Any = (
        YamlForm(data, initial={"yaml": written(document), "seen": seen}) if as_yaml else PolicyForms(document, data, seen=seen)
    )
    refusal, status = "", 200
    if data is not None:
        status = 422
        if form.is_valid():
            try:
                body = loaded(form.cleaned_data["yaml"]) if as_yaml else form.body()
                was_seen = form.cleaned_data["seen"] if as_yaml else form.seen
                kept = (
                    services.revise_policy(policy, by=request.user, body=body, seen=was_seen)
                    if policy
                    else services.draft_policy(by=request.user, body=body)
                )
            except DomainError as refused:
                refusal, status = str(refused), refused.status
            else:
                messages.success(request, _("The draft is kept. It is in force once somebody else publishes it."))
                return see_other(request, kept)
    context = {"policy": policy, "form": form, "as_yaml": as_yaml, "refusal": refusal, "from": request.GET.get("from", "")}
    return render(request, "governance/policy_edit.html", context, status=status)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404(_("There is no such policy.")) from error


@require_POST
def publish(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a draft in force; whatever is refused comes back with the reason and what was typed, the password excepted."""
    policy = _policy(request, pk)
    form = PublishForm(request.POST, second_factor=is_mfa_enabled(request.user))
    status = 422
    if form.is_valid():
        try:
            policy = services.publish_policy(policy, by=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, _("%(policy)s is in force for new submissions.") % {"policy": policy})
            return see_other(request, policy)
    return _detail(request, _policy(request, pk), form, status=status)


@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a draft back; what it said is kept."""
    policy = _policy(request, pk)
    try:
        services.withdraw_policy(policy, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The draft is withdrawn. What it said can still be read."))
    return see_other(request, policy)


@require_safe
def as_yaml(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The document as a file of YAML."""
    policy = _policy(request, pk)
    name = f"{policy.name}-{policy.number or 'draft'}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(written(policy.document), content_type="application/yaml; charset=utf-8", headers=headers)


@require_safe
def envelope(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The signed statement of its publication as a file."""
    policy = _policy(request, pk)
    if policy.envelope is None:
        raise Http404(_("Nobody signed %(policy)s: it is a draft, or came with the software.") % {"policy": policy})
    headers = {"Content-Disposition": f'attachment; filename="{policy.name}-{policy.number}.json"'}
    return JsonResponse(policy.envelope, headers=headers)

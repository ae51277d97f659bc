"""Settings: one's own keys, and for administrators people, teams and roles."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.forms import ROLE_WORDS, EraseForm, KeyForm, PersonForm, RoleForm, TeamForm
from accounts.models import ApiKey, Membership, Person, Role, Team
from accounts.permissions import can_administer, can_deactivate, can_erase, can_list_people
from accounts.visibility import keys_visible_to, teams_listed_for
from core.clock import now
from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key

WORDS_OF_A_PASSWORD = 20  # bytes of the first password, which is handed over and replaced at once
MOST_KEYS = 200  # of one's own, the newest


def _for_administrators(request: HttpRequest) -> None:
    decision = can_list_people(request.user)
    if not decision:
        raise PermissionDenied(decision.reason)


def _try(form: Any, deed: Callable[[], Any]) -> tuple[Any, int]:
    """What the deed made, or None with the status of its refusal, which then stands at its field on the form."""
    if not form.is_valid():
        return None, 422
    try:
        return deed(), 200
    except DomainError as refusal:
        field = refusal.facts.get("field")
        form.add_error(field if field in form.fields else None, str(refusal))
        return None, refusal.status


# -- keys ------------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """One's own keys; a new one's text is on the page that answers its making, and never again."""
    form = KeyForm(request.POST or None)
    made, text, status = None, "", 200
    if request.method == "POST":
        found, status = _try(form, lambda: services.make_key(request.user, by=request.user, **form.wanted))
        if found:
            made, text = found
            form = KeyForm()
    rows = list(ApiKey.objects.filter(person=request.user).order_by("-created_at", "-pk")[:MOST_KEYS])
    context = {"form": form, "keys": [(key, _standing(key)) for key in rows], "made": made, "text": text}
    return render(request, "accounts/keys.html", context, status=status)


def _standing(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at <= now() else "active"


@require_POST
def revoke_key(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The key opens nothing any more."""
    key = get_object_or_404(keys_visible_to(request.user), pk=pk)
    return _done(request, lambda: services.revoke_key(key, by=request.user), _("The key is revoked."), _back_of(key, request))


def _back_of(key: ApiKey, request: HttpRequest) -> str:
    own = key.person_id == request.user.pk
    return reverse("settings:keys") if own else reverse("settings:person", args=[key.person_id])


def _done(request: HttpRequest, deed: Callable[[], Any], said: str, where: str) -> HttpResponse:
    """One button: do it, or say on the page that it stands on why not."""
    try:
        deed()
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return see_other(request, where)


# -- people ----------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with their roles, found by name or address; a new person's first password is shown once."""
    _for_administrators(request)
    form = PersonForm(request.POST or None)
    made, password, status = None, "", 200
    if request.method == "POST":
        password = secrets.token_urlsafe(WORDS_OF_A_PASSWORD)
        made, status = _try(form, lambda: services.make_person(by=request.user, password=password, **form.cleaned_data))
        if made:
            form = PersonForm()
    asked = request.GET.get("q", "").strip()[:200]
    rows = Person.objects.visible_to(request.user).filter(erased_at=None)
    if asked:
        rows = rows.filter(Q(name__icontains=asked) | Q(email__icontains=asked))
    page = page_by_key(request, rows.prefetch_related(Prefetch("memberships", Membership.objects.select_related("team"))))
    context = {"page": page, "form": form, "made": made, "password": password, "asked": asked}
    context["may_make"] = can_administer(request.user)
    return render(request, "accounts/people.html", context, status=status)


def _person(request: HttpRequest, pk: UUID) -> Person:
    _for_administrators(request)
    return get_object_or_404(Person.objects.visible_to(request.user), pk=pk)


@require_safe
def person(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One person: their roles and keys, and what an administrator may change."""
    return _show(request, _person(request, pk))


def _show(
    request: HttpRequest, who: Person, *, role: RoleForm | None = None, erase: EraseForm | None = None, status: int = 200
) -> HttpResponse:
    held = list(who.memberships.select_related("team").order_by("role", "team__name"))
    context = {
        "person": who,
        "held": held,
        "role_form": role or _role_form(request),
        "role_words": [(Role(name).label, words) for name, words in ROLE_WORDS.items()],
        "keys": [(key, _standing(key)) for key in keys_visible_to(request.user).filter(person=who).order_by("-created_at")[:20]],
        "may_deactivate": can_deactivate(request.user, who),
        "may_erase": can_erase(request.user, who),
        "erase_form": erase or EraseForm(person=who, auto_id="erase_%s"),
    }
    return render(request, "accounts/person.html", context, status=status)


def _role_form(request: HttpRequest, data: Any = None) -> RoleForm:
    teams = [team for team in teams_listed_for(request.user).order_by("name") if can_administer(request.user, team)]
    if can_administer(request.user):
        teams = list(Team.objects.order_by("name"))
    return RoleForm(data, teams=teams, everywhere=bool(can_administer(request.user)), auto_id="role_%s")


@require_POST
def grant_role(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The person holds a further role."""
    who = _person(request, pk)
    form = _role_form(request, request.POST)
    held, status = _try(form, lambda: services.grant_role(who, by=request.user, **form.cleaned_data))
    if held is None:
        return _show(request, who, role=form, status=status)
    messages.success(request, _("%(person)s is %(role)s now.") % {"person": who, "role": held})
    return see_other(request, reverse("settings:person", args=[who.pk]))


@require_POST
def revoke_role(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The person no longer holds one of their roles; the row that is meant comes with the form."""
    who = _person(request, pk)
    try:
        held = get_object_or_404(who.memberships.select_related("team"), pk=UUID(request.POST.get("held", "")))
    except ValueError:
        messages.error(request, _("Choose which role to take away."))
        return see_other(request, reverse("settings:person", args=[who.pk]))
    return _done(
        request,
        lambda: services.revoke_role(who, by=request.user, role=held.role, team=held.team),
        _("The role was taken away: %(role)s.") % {"role": held},
        reverse("settings:person", args=[who.pk]),
    )


@require_POST
def deactivate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The person can no longer sign in or act."""
    who = _person(request, pk)
    said = _("%(person)s can no longer sign in, and their keys open nothing.") % {"person": who}
    where = reverse("settings:person", args=[who.pk])
    return _done(request, lambda: services.deactivate_person(who, by=request.user), said, where)


@require_POST
def erase(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Nothing is left of the person but a pseudonym."""
    who = _person(request, pk)
    form = EraseForm(request.POST, person=who, auto_id="erase_%s")
    _nothing, status = _try(form, lambda: services.erase_person(who, by=request.user))
    if status != 200:
        return _show(request, who, erase=form, status=status)
    messages.success(request, _("The person was erased. What they signed stays, under a pseudonym."))
    return see_other(request, reverse("settings:people"))


# -- teams -----------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def teams(request: HttpRequest) -> HttpResponse:
    """The teams with how many people each has; who is in one stands on the people's pages."""
    _for_administrators(request)
    form = TeamForm(request.POST or None)
    status = 200
    if request.method == "POST":
        made, status = _try(form, lambda: services.make_team(by=request.user, **form.cleaned_data))
        if made:
            messages.success(request, _("Team %(team)s made. Give people roles in it on their pages.") % {"team": made})
            return see_other(request, reverse("settings:teams"))
    active = Count("memberships__person", filter=Q(memberships__person__is_active=True), distinct=True)
    rows = Team.objects.all() if can_administer(request.user) else teams_listed_for(request.user)
    context = {"page": page_by_key(request, rows.annotate(people=active)), "form": form}
    context["may_make"] = can_administer(request.user)
    return render(request, "accounts/teams.html", context, status=status)

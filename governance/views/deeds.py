"""Pages on which one thing is done: what it means, who may do it, its form, and what was refused beside what was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

from core.decisions import Decision
from core.errors import DomainError
from core.pages import see_other
from governance.forms.proving import ProvenForm, ReasonForm

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that may be done: its words, whether this person may, and where the way back leads."""

    title: Words
    button: Words
    icon: str
    allowed: Decision
    trail: Sequence[tuple[Words, str]]  # crumbs: word and address
    means: Sequence[Words] = ()  # what follows from it, a sentence each
    grave: bool = False
    signs: str = ""  # the words that are signed with it, where it is signed
    outdated: bool = False  # whether other words were read than those that stand now
    options: Mapping[str, Any] = field(default_factory=dict)  # of the form

    @property
    def way_back(self) -> str:
        """The page from which people come here: the last crumb."""
        return self.trail[-1][1] if self.trail else ""


def deed_page(
    request: HttpRequest,
    deed: Deed,
    form_class: type[ReasonForm],
    do: Callable[[dict[str, Any]], Any],
    *,
    done: Callable[[Any], tuple[Words, Any]],
) -> HttpResponse:
    """The form for those who may, the reason for everybody else; after the deed, the page and the word that `done` gives."""
    options = dict(deed.options)
    if issubclass(form_class, ProvenForm):
        options["second_factor"] = is_mfa_enabled(request.user)
    form = form_class(request.POST if request.method == "POST" else None, **options)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                result = do(form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                said, where = done(result)
                messages.success(request, str(said))
                return see_other(request, where)
    context = {"deed": deed, "form": form, "proves": issubclass(form_class, ProvenForm)}
    return render(request, "governance/deed.html", context, status=status)

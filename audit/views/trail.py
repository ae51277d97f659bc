"""The audit trail: whether the log holds, what happened, each entry with its proof, and entries to take away."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit import services
from audit.forms import TrailForm
from audit.models import IntegrityCheck
from audit.permissions import can_check_log, can_export
from audit.subjects import names_of
from audit.trail import entries_for, exported, fields_of, filtered, lines
from audit.views import reader_of
from core import clock
from core.errors import DomainError, Missing
from core.pages import see_other
from core.paging import page_by_key
from ledger.models import Entry, Tree
from ledger.services import Proof, latest_seal, proof_of


@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """What happened, the newest first, narrowed by what stands in the address."""
    form = TrailForm(request.GET, reader=reader_of(request))
    wanted = _wanted(form)
    page = page_by_key(request, filtered(entries_for(reader_of(request)), wanted), key="index")
    context = {
        "form": form,
        "page": page,
        "lines": lines(page.rows),
        "chips": _chips(request, form, wanted),
        "may_export": bool(can_export(reader_of(request))),
        "query": _filters(request.GET).urlencode(),
        **integrity(request),
    }
    return render(request, "audit/trail.html", context)


def integrity(request: HttpRequest) -> dict[str, Any]:
    """Whether the log holds, as far as it was recomputed and sealed."""
    last = IntegrityCheck.objects.exclude(state__in=_UNDER_WAY).order_by("-queued_at").first()
    return {
        "check": last,
        "checking": IntegrityCheck.objects.filter(state__in=_UNDER_WAY).exists(),
        "may_check": bool(can_check_log(reader_of(request))),
        "seal": latest_seal(),
        "size": Tree.objects.values_list("size", flat=True).first() or 0,
    }


_UNDER_WAY = [IntegrityCheck.State.QUEUED, IntegrityCheck.State.RUNNING]


def _wanted(form: TrailForm) -> dict[str, Any]:
    """The filters that can be read; a wrong one is as good as none."""
    form.is_valid()
    return {name: value for name, value in form.cleaned_data.items() if value}


def _filters(given: QueryDict) -> QueryDict:
    """The part of the address that filters, without the place in the list."""
    kept = given.copy()
    for name in set(kept) - set(TrailForm.base_fields):
        kept.pop(name)
    for name in [name for name in kept if not kept[name]]:
        kept.pop(name)
    return kept


def _chips(request: HttpRequest, form: TrailForm, wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each filter in force, with the address in which it is taken away."""
    chips = []
    for name, value in wanted.items():
        rest = _filters(request.GET)
        rest.pop(name, None)
        label = form.fields[name].label or _("About")
        chips.append({"label": str(label), "value": _shown(request, form, name, value), "href": f"?{rest.urlencode()}"})
    return chips


def _shown(request: HttpRequest, form: TrailForm, name: str, value: Any) -> str:
    if name == "about":
        kind, key = value
        seen = entries_for(reader_of(request)).filter(subject_type=kind, subject_id=key).exists()
        named = names_of([value]).get(value) if seen else None  # whoever sees nothing of it does not learn its name either
        return named.label if named else value[1]
    choices = getattr(form.fields[name], "choices", []) if name in {"actor", "type"} else []
    flat = [pair for key, label in choices for pair in (label if isinstance(label, list) else [(key, label)])]
    return str(dict(flat).get(value, value))


@require_safe
def entry(request: HttpRequest, index: int) -> HttpResponse:
    """One entry: in one sentence, what was recorded, its neighbours, and its place in the log with the proof."""
    found = _entry(request, index)
    seen = entries_for(reader_of(request))
    proof = _proof(found)
    line = lines([found])[0]
    context = {
        "entry": found,
        "line": line,
        "index": index,
        "fields": fields_of(found, reader=reader_of(request)),
        "body": found.content(),
        "raw": bytes(found.body).decode(),
        "before": _neighbour(seen.filter(leaf__index__lt=index).order_by("-leaf__index")),
        "after": _neighbour(seen.filter(leaf__index__gt=index).order_by("leaf__index")),
        "proof": proof,
        "hashes": [base64.b64encode(node).decode() for node in proof.hashes] if proof else [],
    }
    return render(request, "audit/entry.html", context)


def _entry(request: HttpRequest, index: int) -> Entry:
    return get_object_or_404(entries_for(reader_of(request)), leaf__index=index)


def _neighbour(rows: Any) -> Any:
    found = rows.first()
    return lines([found])[0] if found else None


def _proof(found: Entry) -> Proof | None:
    try:
        return proof_of(found.pk)
    except Missing:
        return None


@require_safe
def proof(request: HttpRequest, index: int) -> HttpResponse:
    """The proof of one entry as a C2SP tlog-proof file."""
    found = _proof(_entry(request, index))
    if found is None:
        return render(
            request, "audit/refused.html", _refusal(_("The entry is not under a seal yet. Ask again in a moment.")), status=404
        )
    answer = HttpResponse(found.text(), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="entry-{index}.tlog-proof"'
    return answer


@require_safe
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The filtered entries with their proofs as JSON lines, for auditors."""
    decision = can_export(reader_of(request))
    if not decision:
        return render(request, "audit/refused.html", _refusal(decision.reason), status=403)
    seal = latest_seal()
    if seal is None:
        return render(request, "audit/refused.html", _refusal(_("The log has no seal yet. Ask again in a moment.")), status=404)
    form = TrailForm(request.GET, reader=reader_of(request))
    entries = filtered(entries_for(reader_of(request)), _wanted(form))
    parts = exported(entries, seal=seal, filters={name: str(value) for name, value in _filters(request.GET).items()})
    answer = StreamingHttpResponse(parts, content_type="application/jsonl")
    answer["Content-Disposition"] = f'attachment; filename="trail-{clock.now():%Y%m%d-%H%M%S}.jsonl"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
def check_log(request: HttpRequest) -> HttpResponse:
    """Have the whole log recomputed by a worker."""
    try:
        services.request_check(by=reader_of(request))
    except DomainError as refusal:
        return render(request, "audit/refused.html", _refusal(str(refusal)), status=refusal.status)
    messages.info(request, _("A worker recomputes the whole log. The result appears here."))
    return see_other(request, reverse("audit:trail"))


def _refusal(detail: str) -> dict[str, str]:
    return {"title": _("That is not possible"), "detail": detail}

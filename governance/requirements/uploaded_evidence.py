"""That people brought the files that the policy names, and that these are valid today:
{"kind": "uploaded_evidence", "evidence": ["dpia", "ethics_approval"]}."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from governance.material import Material
from governance.models import Evidence
from governance.models.evidence import KIND, kind_words
from governance.requirements import Answer, Outcome, Question, demands_of
from governance.requirements.parameters import only

NAME = "uploaded_evidence"


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    only(demand, "evidence")
    given = demand.get("evidence")
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and KIND.match(one) for one in given):
        raise InvalidInput(
            _(
                "A requirement of the kind uploaded_evidence names at least one kind of file under “evidence”, each of 2 to 40 "
                "lower-case letters, digits and underscores, such as dpia."
            ),
            code="requirement_parameter",
        )
    return {**demand, "evidence": list(dict.fromkeys(given))}


def words(demand: Mapping[str, Any]) -> str:
    return _("A file that is valid today, of each: %(kinds)s.") % {"kinds": ", ".join(map(kind_words, demand["evidence"]))}


def answer(question: Question) -> list[Answer]:
    wanted = question.demand["evidence"]
    rows = Evidence.objects.current().about(question.version).filter(kind__in=wanted).select_related("owner")
    held: dict[str, list[Evidence]] = {}
    for one in rows:
        held.setdefault(one.kind, []).append(one)
    page = reverse("governance:evidence", args=[question.version.model_id])
    today = clock.today()
    return [_of(kind, held.get(kind, []), today, page) for kind in wanted]


def _of(kind: str, files: list[Evidence], today: date, page: str) -> Answer:
    words: dict[str, Any] = {"kind": kind_words(kind)}
    if any(one.is_valid_on(today) for one in files):
        ends = [one.valid_until for one in files if one.is_valid_on(today)]
        if None in ends:
            return Answer(Outcome.MET, _("%(kind)s: it was uploaded and is valid.") % words, kind, page)
        words["day"] = date_format(max(end for end in ends if end), "j M Y")
        return Answer(Outcome.MET, _("%(kind)s: it was uploaded and is valid until %(day)s.") % words, kind, page)
    if not files:
        return Answer(Outcome.NOT_MET, _("%(kind)s: no file was uploaded. Bring it on the model's page.") % words, kind, page)
    over = [one.valid_until for one in files if one.valid_until and one.valid_until < today]
    if over:
        words["day"] = date_format(max(over), "j M Y")
        return Answer(Outcome.NOT_MET, _("%(kind)s: the file ran out on %(day)s. Bring a newer one.") % words, kind, page)
    words["day"] = date_format(min(one.valid_from for one in files), "j M Y")
    return Answer(Outcome.NOT_MET, _("%(kind)s: the file counts only from %(day)s on.") % words, kind, page)


def pinned(material: Material) -> list[list[str]]:
    """The files that the policy asks for, by kind and digest: what is signed rests on exactly these."""
    wanted = {kind for demand in demands_of(material.policy) if demand.get("kind") == NAME for kind in demand.get("evidence", [])}
    if not wanted:
        return []
    rows = Evidence.objects.current().about(material.version).filter(kind__in=wanted)
    return sorted([kind, digest] for kind, digest in rows.values_list("kind", "digest"))

"""That no grave finding is open about the version, its model or its data: asked under every policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from governance.material import Material
from governance.models import Finding
from governance.models.finding import at_least
from governance.requirements import Answer, Outcome, Question
from governance.requirements.parameters import only


def answer(question: Question) -> list[Answer]:
    """Each finding that is not closed and is as grave as the policy says; an accepted one too, since an exception excuses it."""
    grave = at_least(question.demand.get("blocks", Finding.Severity.CRITICAL))
    rows = [row for row in question.material.findings if row.severity in grave and row.state != Finding.State.CLOSED]
    found = [Answer(Outcome.NOT_MET, _sentence(row), str(row.pk), row.get_absolute_url()) for row in rows]
    return found or [Answer(Outcome.MET, _("No finding that blocks is open."))]


def _sentence(row: Finding) -> str:
    """Without its title: the sentence goes into the log with the gate's answers, where nobody could erase it."""
    facts = {
        "severity": row.get_severity_display().lower(),
        "when": date_format(row.raised_at.date(), "j M Y"),
        "due": date_format(row.due_on, "j M Y"),
    }
    if row.model_id is None:
        return _("A %(severity)s finding about its data is open: raised on %(when)s, due on %(due)s.") % facts
    if row.version_id is None:
        return _("A %(severity)s finding about the model is open: raised on %(when)s, due on %(due)s.") % facts
    return _("A %(severity)s finding about it is open: raised on %(when)s, due on %(due)s.") % facts


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    """The severity from which findings block; critical ones always do."""
    only(demand, "blocks")
    if demand.get("blocks", Finding.Severity.CRITICAL) not in Finding.Severity.values:
        raise InvalidInput(
            _("“blocks” is the severity from which findings block: %(known)s.") % {"known": ", ".join(Finding.Severity.values)},
            code="policy_findings",
        )
    return demand


def words(demand: Mapping[str, Any]) -> str:
    least = Finding.Severity(demand.get("blocks", Finding.Severity.CRITICAL))
    grave = [str(Finding.Severity(one).label).lower() for one in Finding.Severity.values if one in at_least(least)]
    said = _("No finding about it, its model or its data is open whose severity is: %(severities)s.")
    return said % {"severities": get_text_list(grave, _("or"))}


def pinned(material: Material) -> list[list[str]]:
    """Every finding about the version, its model and its data, by digest of how it stands."""
    return sorted(row.pinned for row in material.findings)

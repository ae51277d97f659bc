"""Conditions as pages show them: on the review, and in the inbox of whoever has to do something about one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import Membership, Person, Role
from governance.models import Condition, Review
from governance.models.condition import ConditionQuerySet
from governance.permissions import can_answer_condition, can_report_condition
from models_registry.models import Version
from models_registry.parts import Part

MOST = 50  # rows of the inbox


def conditions_part(person: Person, review: Review) -> dict[str, Any]:
    """The register of one review, with what `person` may do about each."""
    rows = Condition.objects.filter(review=review).with_parts().prefetch_related("answers")
    return {
        "conditions": [
            {
                "condition": one,
                "may_report": bool(can_report_condition(person, one)),
                "may_answer": bool(can_answer_condition(person, one)),
            }
            for one in rows
        ]
    }


def of_version(request: HttpRequest, version: Version) -> list[Part]:
    """The conditions under which the version is approved, on its own page too: whoever relies on it reads them there."""
    if version.state != Version.State.APPROVED_WITH_CONDITIONS:
        return []
    reviews = version.reviews.filter(conditions__isnull=False).distinct().order_by("-opened_at")
    person: Any = request.user
    return [Part("body", "governance/part_conditions.html", conditions_part(person, review)) for review in reviews[:1]]


def possible_owners(review: Review, *, but: Iterable[Person]) -> QuerySet[Person]:
    """Who may be given a condition: active people who see the model, whoever signs or is signed for excepted."""
    there = Q(memberships__team=review.version.model.team_id) | Q(memberships__team=None)
    seen = (
        Person.objects.active()
        .filter(there)
        .exclude(memberships__role=Role.ADMINISTRATOR)
        .exclude(pk__in=[one.pk for one in but])
    )
    return seen.distinct().order_by("name", "pk")


def waiting_conditions(person: Person) -> ConditionQuerySet:
    """What waits for `person`: own conditions still to be met, and reports that they may answer (`can_answer_condition`)."""
    rows = Condition.objects.visible_to(person).filter(review__version__state=Version.State.APPROVED_WITH_CONDITIONS)
    held = Membership.objects.filter(person=person, role=OuterRef("role"))
    there = held.filter(Q(team=None) | Q(team=OuterRef("review__version__model__team")))
    barred = Q(owner=person) | Q(review__version__model__owner=person) | Q(review__contributors__contains=[person.pk])
    answerable = Q(Exists(there), state=Condition.State.REPORTED) & ~barred
    if person.holds_anywhere(Role.ADMINISTRATOR):
        answerable = Q(pk__in=[])
    return rows.filter(Q(state=Condition.State.OPEN, owner=person) | answerable).order_by("due", "number")


def inbox_part(request: HttpRequest) -> list[dict[str, Any]]:
    """The section of the inbox: each condition with the way on."""
    person: Any = request.user
    rows = list(waiting_conditions(person).with_parts()[:MOST])
    if not rows:
        return []
    return [{"title": _("Conditions that wait for you"), "template": "governance/inbox_conditions.html", "rows": rows}]

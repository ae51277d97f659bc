"""A review's discussion as people read it, and the questions that wait for somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.models import Person, Role
from governance.forms.discussing import AnswerForm, MessageForm
from governance.models import Message, Review
from governance.models.discussion import MessageQuerySet
from governance.permissions.code import can_answer, can_ask, can_comment

MOST = 50  # questions in one section of the inbox
MOST_SHOWN = 500  # entries of a discussion on its page; the API has all


@dataclass(slots=True)
class Said:
    """One entry with its corrections (the last one is what counts) and its answers."""

    message: Message
    corrections: list[Message] = field(default_factory=list)
    answers: list[Said] = field(default_factory=list)
    answer_form: AnswerForm | None = None

    @property
    def current(self) -> Message:
        return self.corrections[-1] if self.corrections else self.message

    @property
    def earlier(self) -> list[Message]:
        return [self.message, *self.corrections][:-1]


def thread_of(messages: Iterable[Message]) -> list[Said]:
    """The entries in their order, answers beneath their questions, each with its corrections."""
    every = list(messages)
    said = {one.pk: Said(one) for one in every if one.corrects_id is None}
    found: dict[UUID, Said] = dict(said)
    for one in every:
        if one.corrects_id is not None and (original := found.get(one.corrects_id)) is not None:
            original.corrections.append(one)
            found[one.pk] = original  # a correction of a correction belongs to the same entry
    for entry in said.values():
        if entry.message.answers_id in said:
            said[entry.message.answers_id].answers.append(entry)
    return [entry for entry in said.values() if entry.message.answers_id not in said]


def discussion(
    request: HttpRequest, review: Review, form: MessageForm | AnswerForm | None = None, on: UUID | None = None
) -> dict[str, Any]:
    """The context of the discussion's part of the review page. `form` comes back with what was refused, about `on` if given."""
    person: Any = request.user
    rows = list(Message.objects.with_texts().filter(review=review)[:MOST_SHOWN])
    thread = thread_of(rows)
    may = can_comment(person, review.version.model)
    for entry in thread:
        entry.message.review = review
        if entry.message.kind == Message.Kind.QUESTION and can_answer(person, entry.message):
            entry.answer_form = form if on == entry.message.pk and isinstance(form, AnswerForm) else AnswerForm()
    new = form if on is None else None
    return {
        "review": review,
        "thread": thread,
        "open": [entry for entry in thread if entry.message.kind == Message.Kind.QUESTION and entry.message.answered_at is None],
        "form": (new or MessageForm(addressees=addressees(review, person) if can_ask(person, review) else [])) if may else None,
        "why_not": may.reason,
    }


def addressees(review: Review, person: Any) -> list[tuple[str, Any]]:
    """Whom a question may be put to: the roles, and the other people with a role in the team."""
    team = review.version.model.team
    people = Person.objects.active().filter(memberships__team=team).exclude(pk=person.pk).distinct().order_by("name")
    others = Person.objects.active().filter(memberships__team=None, memberships__role__in=_roles()).exclude(pk=person.pk)
    named = {one.pk: one for one in [*people, *others.distinct().order_by("name")]}
    roles = [(f"role:{role}", Role(role).label) for role in _roles()]
    return [*roles, *((f"person:{pk}", str(one)) for pk, one in named.items())]


def _roles() -> list[str]:
    return [role for role in Role.values if role != Role.ADMINISTRATOR]


def waiting_on(person: Person) -> MessageQuerySet:
    """The open questions of others that this person may answer."""
    return Message.objects.answerable_by(person).exclude(author=person)


def inbox(request: HttpRequest) -> list[dict[str, Any]]:
    """The questions that wait for the person, and those of theirs that wait for somebody else."""
    person: Any = request.user
    mine = waiting_on(person).with_texts().order_by("pk")[: MOST + 1]
    asked = Message.objects.open_questions().filter(author=person, review__in=Review.objects.visible_to(person))
    sections = []
    for name, rows in (("to_me", list(mine)), ("by_me", list(asked.with_texts().order_by("pk")[: MOST + 1]))):
        if rows:
            sections.append(
                {
                    "template": "governance/part_questions.html",
                    "to_me": name == "to_me",
                    "rows": rows[:MOST],
                    "more": len(rows) > MOST,
                    "most": MOST,
                }
            )
    return sections

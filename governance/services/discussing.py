"""Talking about a review: comments, questions to a role or a person, answers, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from core import clock
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import events
from governance.models import Message, Review
from governance.permissions.code import can_answer, can_ask, can_comment
from ledger.acts import act
from ledger.events import Private

if TYPE_CHECKING:
    from accounts.models import Person


def say(review: Review, *, by: Person, text: str, corrects: Message | None = None) -> Message:
    """A comment stands on the review; with `corrects`, in place of an own earlier entry, which stays to be read."""
    words = _words(text)
    with act(by, attempt="comment", on=review) as this:
        can_comment(by, review.version.model).enforce()
        if corrects is not None and corrects.review_id != review.pk:
            raise InvalidInput(_("The entry to correct belongs to another review."), code="corrects")
        if corrects is not None and corrects.author_id != by.pk:
            raise NotAllowed(_("Only its writer corrects an entry."), code="not_yours")
        made = Message(review=review, kind=Message.Kind.COMMENT, author=by, corrects=corrects, posted_at=clock.now())
        fact = events.ReviewMessagePosted(
            message=str(made.pk), corrects=str(corrects.pk) if corrects else "", text=Private(words)
        )
        made.event = this.record(fact, on=review)
        made.save(force_insert=True)
    return made


def ask(review: Review, *, by: Person, text: str, role: str = "", person: Person | None = None) -> Message:
    """A question waits in the inbox of the asked person, or of everybody who holds the asked role, until it is answered."""
    words = _words(text)
    if bool(role) == bool(person):
        raise InvalidInput(_("Put the question to a role or to a person: one of the two."), code="asked")
    with act(by, attempt="ask", on=review) as this:
        review = Review.objects.locked().select_related("version__model__team").get(pk=review.pk)
        if review.state != Review.State.OPEN:
            raise WrongState(can_ask(by, review).reason, code="review_closed")
        can_ask(by, review).enforce()
        if role and role not in set(Role.values) - {Role.ADMINISTRATOR}:
            raise InvalidInput(_("This role takes no part in reviews."), code="asked")
        if person is not None and (person.pk == by.pk or not can_comment(person, review.version.model)):
            raise InvalidInput(_("Ask somebody else who holds a role in this team."), code="asked")
        made = Message(
            review=review, kind=Message.Kind.QUESTION, author=by, asked_role=role, asked_person=person, posted_at=clock.now()
        )
        fact = events.ReviewQuestionAsked(
            message=str(made.pk), role=role, person=str(person.pk) if person else "", text=Private(words)
        )
        made.event = this.record(fact, on=review)
        made.save(force_insert=True)
    return made


def answer(question: Message, *, by: Person, text: str) -> Message:
    """The question is answered and waits for nobody any more."""
    words = _words(text)
    with act(by, attempt="answer", on=question.review) as this:
        rows = Message.objects.select_for_update(of=("self",)).select_related("review__version__model__team")
        question = rows.get(pk=question.pk)
        if question.answered_at is not None:
            raise WrongState(_("This question was answered meanwhile; write a comment instead."), code="answered")
        can_answer(by, question).enforce()
        made = Message(review=question.review, kind=Message.Kind.ANSWER, author=by, answers=question, posted_at=clock.now())
        fact = events.ReviewQuestionAnswered(message=str(made.pk), question=str(question.pk), text=Private(words))
        made.event = this.record(fact, on=question.review)
        made.save(force_insert=True)
        question.answered_at = clock.now()
        question.save(update_fields=["answered_at"])
    return made


def _words(text: str) -> str:
    if not text.strip():
        raise InvalidInput(_("Write what you want to say."), code="text_missing")
    return text.strip()

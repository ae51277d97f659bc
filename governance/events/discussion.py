"""Past facts about what was said on a review."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("review_message.posted", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewMessagePosted(Event):
    """A person commented on the review, or corrected an own entry by a new one."""

    says = _("Comment on the review")
    look = ("message-square", "idle")

    message: str
    corrects: str
    text: Private = Private("")


@event("review_question.asked", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewQuestionAsked(Event):
    """A person asked a role or a person; the question is open until it is answered."""

    says = _("Question asked on the review")
    look = ("message-circle-question-mark", "info")

    message: str
    role: str
    person: str  # pseudonym
    text: Private = Private("")


@event("review_question.answered", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewQuestionAnswered(Event):
    """A question on the review was answered, by whom it was put to or by who asked it."""

    says = _("Question on the review answered")
    look = ("message-square-reply", "ok")

    message: str
    question: str
    text: Private = Private("")

"""What people say to one another about a review: comments, questions, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from core.ids import uuid7
from governance.models.code import private
from governance.models.review import Review

if TYPE_CHECKING:
    from accounts.models import Person


class MessageQuerySet(models.QuerySet["Message"]):
    def with_texts(self) -> MessageQuerySet:
        return self.select_related("author", "asked_person", "review__version__model").annotate(text=private("text"))

    def open_questions(self) -> MessageQuerySet:
        return self.filter(kind=Message.Kind.QUESTION, answered_at=None)

    def answerable_by(self, person: Person) -> MessageQuerySet:
        """The open questions that `person` may answer: the list form of `can_answer`."""
        if not person.is_active:
            return self.none()
        asked = Membership.objects.filter(person=person, role=OuterRef("asked_role")).filter(
            Q(team=None) | Q(team=OuterRef("review__version__model__team"))
        )
        to_me = Q(author=person) | Q(asked_person=person) | Q(Exists(asked))
        return self.open_questions().filter(to_me, review__in=Review.objects.visible_to(person))


class Message(models.Model):
    """One contribution to a review's discussion. Nothing is changed or deleted: a correction is a new entry."""

    class Kind(models.TextChoices):
        COMMENT = "comment", _("Comment")
        QUESTION = "question", _("Question")
        ANSWER = "answer", _("Answer")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_role = models.CharField(max_length=32, choices=Role.choices, blank=True)
    asked_person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    answers = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="given_answers")
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="corrections")
    event = models.UUIDField()  # the log's event; its private part holds the text
    posted_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="question")
                | Q(asked_person=None, asked_role__gt="")
                | Q(asked_person__isnull=False, asked_role=""),
                name="question_is_addressed_to_one",
            )
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

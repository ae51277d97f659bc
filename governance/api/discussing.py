"""A review's discussion over REST."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from core.api import ApiView
from core.errors import InvalidInput
from governance import services
from governance.models import Message, Review
from governance.serializers import discussing as shapes


class Messages(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.MessageOutput(many=True), operation_id="messages_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """What was said on the review, newest first."""
        review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
        return self.page(Message.objects.with_texts().filter(review=review), shapes.MessageOutput, request)

    @extend_schema(
        tags=["governance"], request=shapes.MessageInput, responses={201: shapes.MessageOutput}, operation_id="messages_post"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Comment on the review; with role or person, ask; with corrects, correct an entry of your own."""
        review = get_object_or_404(Review.objects.visible_to(request.user).with_parts(), pk=pk)
        given = self.bind(shapes.MessageInput, request)
        role, person, corrects = (given.get(name) for name in ("role", "person", "corrects"))
        if corrects and (role or person):
            raise InvalidInput(_("An entry either asks or corrects; a corrected question is asked anew."), code="corrects")
        if role or person:
            asked = get_object_or_404(Person.objects.visible_to(request.user), pk=person) if person else None
            said = services.ask(review, by=request.user, text=given["text"], role=role or "", person=asked)
        else:
            earlier = get_object_or_404(Message.objects.filter(review=review), pk=corrects) if corrects else None
            said = services.say(review, by=request.user, text=given["text"], corrects=earlier)
        return Response(_shown(said), status=201)


def _shown(said: Message) -> object:
    return shapes.MessageOutput(Message.objects.with_texts().get(pk=said.pk)).data


class Answers(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=shapes.AnswerInput, responses={201: shapes.MessageOutput}, operation_id="messages_answer"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Answer a question that was put to you or your role, or that you asked."""
        rows = Message.objects.filter(kind=Message.Kind.QUESTION, review__in=Review.objects.visible_to(request.user))
        question = get_object_or_404(rows.select_related("review__version__model__team"), pk=pk)
        said = services.answer(question, by=request.user, **self.bind(shapes.AnswerInput, request))
        return Response(_shown(said), status=201)

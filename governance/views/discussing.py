"""What is said on a review: comments, questions, answers."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from accounts.models import Person
from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.discussing import addressees, discussion
from governance.forms.discussing import AnswerForm, MessageForm
from governance.models import Message, Review
from governance.permissions.code import can_ask


@require_POST
def post(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A comment, or a question where somebody is asked; what is refused comes back with what was typed."""
    review = get_object_or_404(Review.objects.visible_to(request.user).with_parts(), pk=pk)
    offered = addressees(review, request.user) if can_ask(request.user, review) else []
    form, status = MessageForm(request.POST, addressees=offered), 422
    if form.is_valid():
        role, person = form.asked
        text = form.cleaned_data["text"]
        try:
            if role or person:
                asked = Person.objects.filter(pk=person).first() if person else None
                said = services.ask(review, by=request.user, text=text, role=role, person=asked)
            else:
                said = services.say(review, by=request.user, text=text)
            return see_other(request, f"{review.get_absolute_url()}#message-{said.pk}")
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
    return _again(request, review, form, None, status)


@require_POST
def answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The answer to a question."""
    rows = Message.objects.filter(kind=Message.Kind.QUESTION, review__in=Review.objects.visible_to(request.user))
    question = get_object_or_404(rows.select_related("review__version__model__team"), pk=pk)
    form, status = AnswerForm(request.POST), 422
    if form.is_valid():
        try:
            said = services.answer(question, by=request.user, text=form.cleaned_data["text"])
            return see_other(request, f"{question.review.get_absolute_url()}#message-{said.pk}")
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
    return _again(request, question.review, form, question.pk, status)


def _again(request: HttpRequest, review: Review, form: MessageForm | AnswerForm, on: UUID | None, status: int) -> HttpResponse:
    """The discussion alone, with the refusal above what was typed."""
    talk = discussion(request, review, form, on)
    offered = talk["form"] is form or any(entry.answer_form is form for entry in talk["thread"])
    context = {"review": review, "version": review.version, "talk": talk, "refused": None if offered else form}
    return render(request, "governance/discussion.html", context, status=status)

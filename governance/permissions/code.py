"""Who may send, read, judge and discuss: pure answers with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from core.decisions import Decision, allow, deny
from governance.models import CodeComment, CodeSet, Message, Review
from governance.permissions import contributors
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from accounts.models import Person

REVIEWERS = (Role.VALIDATOR, Role.DATA_SCIENTIST)


def can_send_code(person: Person, version: Version) -> Decision:
    if person.holds(Role.DATA_SCIENTIST, version.model.team):
        return allow()
    return deny(_("Only a data scientist of this team sends the code of its versions."), code="wrong_role")


def can_review_code(person: Person, code_set: CodeSet) -> Decision:
    """Whether `person` may record an outcome about this code."""
    version = code_set.version
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they review no code."), code="administrator")
    if not any(person.holds(role, version.model.team) for role in REVIEWERS):
        return deny(_("Only a validator or a data scientist of this team reviews its code."), code="wrong_role")
    if str(person.pk) in contributors(version):
        return deny(_("You contributed to this version, so someone else must review its code."), code="own_work")
    if code_set.commits.filter(person=person.pk).exists():
        return deny(_("You wrote commits of this code, so someone else must review it."), code="own_work")
    return allow()


def can_comment(person: Person, model: RegisteredModel) -> Decision:
    """Whether `person` may say something about the model's code or reviews."""
    if person.roles_in(model.team) - {Role.ADMINISTRATOR.value} and person.is_active:
        return allow()
    return deny(_("Only people with a role in this team take part in the discussion."), code="wrong_role")


def can_resolve(person: Person, comment: CodeComment) -> Decision:
    """The one who made a comment settles it, or another reviewer; never those whose work it is about."""
    if comment.author_id == person.pk or can_review_code(person, comment.code_set):
        return allow()
    return deny(_("Whoever made the comment, or another reviewer, resolves it."), code="wrong_person")


def can_ask(person: Person, review: Review) -> Decision:
    if review.state != Review.State.OPEN:
        return deny(_("This review has ended, so nothing more is asked on it; comments remain possible."), code="review_closed")
    return can_comment(person, review.version.model)


def can_answer(person: Person, question: Message) -> Decision:
    """Whether `person` may answer now; the list form is `Message.objects.answerable_by`."""
    if question.kind != Message.Kind.QUESTION or question.answered_at is not None:
        return deny(_("This is no open question; write a comment instead."), code="not_open")
    team = question.review.version.model.team
    if person.is_active and person.pk in {question.asked_person_id, question.author_id}:
        return allow()
    if question.asked_role and person.holds(question.asked_role, team):
        return allow()
    return deny(_("This question waits for somebody else; write a comment instead."), code="not_asked")

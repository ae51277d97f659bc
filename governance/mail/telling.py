"""Which entries of the log people are mailed of, whom, and in which words. No name but the addressee's is ever in a mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Person
from governance.holding import holders_of
from governance.looking_anew import notice_of
from governance.mail import delegations
from governance.models import Release, Review, label_of
from governance.models.mail import MailKind, MailWish
from governance.models.review import TOLD_OF_NEW_REVIEWS
from ledger.models import Entry

TYPES = (
    *("version.in_review", "version.reopened", "sign_off.given"),
    *delegations.TYPES,
    *("review.fell_overdue", "approval.ends_soon", "review.concluded", "approval.expired"),
    "approval.looked_at_anew",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it is sent. `about` is what makes it the same mail when it is found again."""

    person: Person
    kind: MailKind
    about: str
    subject: str
    says: str
    path: str

    @property
    def text(self) -> str:
        site = settings.SITE_URL
        return "\n\n".join(
            [
                _("Hello %(name)s,") % {"name": self.person.name or _("there")},
                self.says,
                f"{site}{self.path}",
                _("The page asks you to sign in; nothing can be decided from this mail."),
                _("Which mails you get is yours to choose: %(address)s")
                % {"address": site + reverse("governance:mail_settings")},
            ]
        )


def letters_of(entry: Entry) -> list[Letter]:
    """The mails that this entry gives rise to, to people who may see what it is about and want to be told."""
    if entry.type in delegations.TYPES:
        return _of_delegation(entry)
    review = _review_of(entry)
    if review is None:
        return []
    told = [_told(entry, review)]
    if entry.type == "approval.looked_at_anew":  # no entry of the version says that this review waits: it is approved all along
        told.append(_assigned(review))
    path = review.get_absolute_url()
    letters = []
    for kind, people, subject, says in told:
        about = str(review.pk) if kind == MailKind.ASSIGNMENT else str(entry.pk)
        letters += [Letter(one, kind, about, subject, says, path) for one in _wanting(people, kind, review)]
    return letters


def _of_delegation(entry: Entry) -> list[Letter]:
    told = delegations.told_of(entry)
    if told is None:
        return []
    row, person, kind, subject, says = told
    return [Letter(one, kind, str(entry.pk), subject, says, row.get_absolute_url()) for one in _wishing([person], kind)]


def _review_of(entry: Entry) -> Review | None:
    rows = Review.objects.with_parts().select_related("version__model__owner")
    if entry.subject_type == Review.ledger_label:
        return rows.filter(pk=UUID(entry.subject_id)).first()
    return rows.open().filter(version=UUID(entry.subject_id)).first()


def _told(entry: Entry, review: Review) -> tuple[MailKind, Iterable[Person], str, str]:
    words = {"version": str(review.version), "environment": label_of(review.environment).lower()}
    if entry.type == "review.fell_overdue":
        people = Person.objects.with_role(review.escalated_to, review.version.model.team) if review.escalated_to else []
        says = _("The review of %(version)s for %(environment)s is overdue and was put before you.")
        return MailKind.ESCALATION, people, _("%(version)s: a review is overdue") % words, says % words
    if entry.type == "approval.ends_soon":
        words["day"] = f"{review.valid_until:%Y-%m-%d}" if review.valid_until else ""
        says = _("The approval of %(version)s for %(environment)s ends on %(day)s (UTC).") + " "
        if Release.objects.live().filter(version=review.version, environment=review.environment).exists():
            says += _("A review of what is live is opened beside it by itself; see that it is signed in time.")
        else:
            says += _("Have it reviewed again in time.")
        return MailKind.REMINDER, _behind(review), _("%(version)s: an approval soon ends") % words, says % words
    if entry.type == "approval.looked_at_anew":
        says = _("The approval of %(version)s for %(environment)s is looked at anew.")
        if review.state == Review.State.OPEN:
            says += f" {notice_of(review)}"
        return MailKind.REMINDER, _concerned(review), _("%(version)s is reviewed anew") % words, says % words
    if entry.type == "approval.expired":
        says = _("The approval of %(version)s for %(environment)s ran out. What was live under it was ended.")
        return MailKind.DECISION, _behind(review), _("%(version)s: an approval ran out") % words, says % words
    if entry.type == "review.concluded":
        words["outcome"] = _outcome(review)
        says = _("The review of %(version)s for %(environment)s is decided: %(outcome)s.")
        return MailKind.DECISION, _behind(review), _("%(version)s: decided") % words, says % words
    return _assigned(review)


def _assigned(review: Review) -> tuple[MailKind, Iterable[Person], str, str]:
    """To those whose signature the review waits for."""
    words = {"version": str(review.version), "environment": label_of(review.environment).lower()}
    says = _("%(version)s waits for your signature for %(environment)s.")
    if review.due_at:
        words["day"] = f"{review.due_at:%Y-%m-%d}"
        says = _("%(version)s waits for your signature for %(environment)s. It is due on %(day)s (UTC).")
    asked = holders_of([review]).get(review.pk, []) if review.state == Review.State.OPEN else []
    people = [person for holder in asked for person in holder.people]
    return MailKind.ASSIGNMENT, people, _("%(version)s waits for your signature") % words, says % words


def _outcome(review: Review) -> str:
    words = {
        "approved": _("approved"),
        "approved_with_conditions": _("approved with conditions"),
        "changes_requested": _("changes requested"),
        "rejected": _("rejected"),
    }
    return words.get(review.outcome, _("ended"))


def _behind(review: Review) -> list[Person]:
    """Who submitted it, who owns the model, who signed, and on whose behalf: what comes of it concerns them."""
    signed = review.sign_offs.standing().values_list("person", "on_behalf_of")
    keys = {review.version.submitted_by_id, review.version.model.owner_id, *(one for both in signed for one in both)}
    return list(Person.objects.active().filter(pk__in=[key for key in keys if key]).order_by("pk"))


def _concerned(review: Review) -> list[Person]:
    """Who owns the model, and the officers and risk managers of its team."""
    team, owner = review.version.model.team, review.version.model.owner_id
    found = {one.pk: one for role in TOLD_OF_NEW_REVIEWS for one in Person.objects.with_role(role, team)}
    return [*Person.objects.active().filter(pk=owner).exclude(pk__in=found), *found.values()]


def _wanting(people: Iterable[Person], kind: MailKind, review: Review) -> list[Person]:
    return [one for one in _wishing(people, kind) if Review.objects.visible_to(one).filter(pk=review.pk).exists()]


def _wishing(people: Iterable[Person], kind: MailKind) -> list[Person]:
    among = {one.pk: one for one in people if one.is_active and one.email}
    wishes = dict(MailWish.objects.filter(person__in=among).values_list("person", "kinds"))
    return [one for key, one in among.items() if kind in wishes.get(key, MailKind.values)]

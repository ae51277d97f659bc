"""One run of a policy over one version: its steps and the signatures on them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from accounts.visibility import teams_visible_to
from core import clock
from core.ids import uuid7
from governance.models.delegation import Delegation
from governance.models.environment import PRODUCTION, EnvironmentField
from governance.models.policy import Policy

if TYPE_CHECKING:
    from accounts.models import Person
    from models_registry.models import Version


TOLD_OF_NEW_REVIEWS = (Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER, Role.RISK_MANAGER)


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, person: Person) -> ReviewQuerySet:
        return self.filter(version__model__team__in=teams_visible_to(person))

    def open(self) -> ReviewQuerySet:
        return self.filter(state=Review.State.OPEN)

    def latest_of(self, version: Version) -> Review | None:
        """The newest review of `version` that was not withdrawn, for whichever environment."""
        rows = self.filter(version=version).exclude(state=Review.State.WITHDRAWN).select_related("policy", "version__model__team")
        return rows.order_by("-opened_at", "-pk").first()

    def overdue(self) -> ReviewQuerySet:
        """Open ones past the day by which their policy wants them decided."""
        return self.open().filter(due_at__lte=clock.now())

    def approving(self) -> ReviewQuerySet:
        """Concluded ones that approved, with conditions or without."""
        return self.filter(state=Review.State.CONCLUDED, outcome__startswith="approved")

    def beside_approvals(self) -> ReviewQuerySet:
        """Open ones that look anew at an approval which may hold meanwhile."""
        return self.open().filter(renews__isnull=False)

    def beside_for(self, person: Person) -> ReviewQuerySet:
        """Those that an owner of the model, or an officer or risk manager of its team, has to know of."""
        held = Membership.objects.filter(person=person, role__in=TOLD_OF_NEW_REVIEWS).filter(
            Q(team=None) | Q(team=OuterRef("version__model__team"))
        )
        return self.beside_approvals().filter(Q(version__model__owner=person) | Exists(held))

    def escalated_to(self, person: Person) -> ReviewQuerySet:
        """Overdue ones that were put before a role which `person` holds."""
        held = Membership.objects.filter(person=person, role=OuterRef("escalated_to")).filter(
            Q(team=None) | Q(team=OuterRef("version__model__team"))
        )
        return self.overdue().exclude(escalated_to="").filter(Exists(held))

    def ending_for(self, person: Person) -> ReviewQuerySet:
        """Approvals that soon run out, of models that `person` owns or that they signed; none that was renewed."""
        later = Review.objects.filter(
            version=OuterRef("version"), environment=OuterRef("environment"), opened_at__gt=OuterRef("opened_at")
        ).exclude(state=Review.State.WITHDRAWN)
        signed = SignOff.objects.standing().filter(review=OuterRef("pk")).of(person.pk)
        theirs = Q(version__model__owner=person) | Exists(signed)
        return self.approving().filter(theirs, reminded_at__isnull=False, valid_until__gt=clock.now()).exclude(Exists(later))

    def signable_by(self, person: Person) -> ReviewQuerySet:
        """Open reviews that wait for a signature which `person` may give: the list form of `can_sign_off`."""
        if not person.is_active or person.holds_anywhere(Role.ADMINISTRATOR):
            return self.none()
        mine = Membership.objects.filter(person=person, role=OuterRef("role")).filter(
            Q(team=None) | Q(team=OuterRef("review__version__model__team"))
        )
        mine_there = mine.filter(team=OuterRef("review__version__model__team"))
        beside = SignOff.objects.standing().filter(
            review=OuterRef("review"), role=OuterRef("role"), digest=OuterRef("review__digest"), verdict__in=APPROVING
        )
        same_team = Q(Exists(mine_there), Exists(beside.exclude(team=None))) | Q(
            ~Exists(mine_there), Exists(beside.filter(team=None))
        )
        earlier = Step.objects.waiting().filter(review=OuterRef("review"), order__lt=OuterRef("order"))
        held = Q(Exists(mine)) & ~(Q(distinct_teams=True) & same_team)
        lent = _lent_to(person)
        lent_apart = lent.filter(_of_a_team_of_its_own(person))
        by_delegation = Q(Exists(lent), distinct_teams=False) | Q(Exists(lent_apart), distinct_teams=True)
        my_steps = Step.objects.waiting().filter(held | by_delegation, ~Exists(earlier), review=OuterRef("pk"))
        signed = SignOff.objects.standing().filter(review=OuterRef("pk"), digest=OuterRef("digest")).of(person.pk)
        rows = self.open().filter(Exists(my_steps), ~Exists(signed))
        rows = rows.exclude(contributors__contains=[person.pk]).exclude(version__model__owner=person)
        return rows.exclude(policy__authors__contains=[person.pk], policy__authors_sign_from__gt=clock.now())

    def locked(self) -> ReviewQuerySet:
        """For decisions that count rows: two signatures cannot both find the quorum one short."""
        return self.select_for_update(of=("self",))

    def with_parts(self) -> ReviewQuerySet:
        return self.select_related(
            "version__model__team", "version__submitted_by", "version__created_by", "version__inspection", "policy", "opened_by"
        )


def _lent_to(person: Person) -> models.QuerySet[Delegation]:
    """Beside a step: the delegations by which `person` may give its signature, but for the rule of different teams. The list form
    of what `can_sign_off` asks of the delegator."""
    step_team = OuterRef(OuterRef("review__version__model__team"))
    here = Q(team=None) | Q(team=step_team)
    delegator = Membership.objects.filter(person=OuterRef("delegator"))
    holds = delegator.filter(here, role=OuterRef("role"))
    sees = Membership.objects.filter(here, person=person).exclude(role=Role.ADMINISTRATOR)
    own_work = Review.objects.filter(pk=OuterRef(OuterRef("review"))).filter(
        Q(contributors__contains=[OuterRef("delegator")])
        | Q(version__model__owner=OuterRef("delegator"))
        | Q(policy__authors__contains=[OuterRef("delegator")], policy__authors_sign_from__gt=clock.now())
    )
    signed = SignOff.objects.standing().filter(review=OuterRef(OuterRef("review")), digest=OuterRef(OuterRef("review__digest")))
    theirs = signed.filter(Q(person=OuterRef("delegator")) | Q(on_behalf_of=OuterRef("delegator")))
    rows = Delegation.objects.in_force().filter(delegate=person, role=OuterRef("role"), delegator__is_active=True)
    rows = rows.filter(Q(team=None) | Q(team=OuterRef("review__version__model__team")))
    administers = Exists(delegator.filter(role=Role.ADMINISTRATOR))
    return rows.filter(Exists(holds), Exists(sees), ~administers, ~Exists(own_work), ~Exists(theirs))


def _of_a_team_of_its_own(person: Person) -> Q:
    """Of a delegation beside a step that asks for different teams: both people are of one side, of which nobody signed."""
    team = OuterRef(OuterRef("review__version__model__team"))
    delegator = Exists(Membership.objects.filter(person=OuterRef("delegator"), role=OuterRef("role"), team=team))
    delegate = Exists(Membership.objects.filter(person=person, team=team).exclude(role=Role.ADMINISTRATOR))
    beside = (
        SignOff.objects.standing()
        .approving()
        .filter(review=OuterRef(OuterRef("review")), role=OuterRef("role"), digest=OuterRef(OuterRef("review__digest")))
    )
    inside = Q(delegator, delegate, ~Exists(beside.exclude(team=None)))
    return inside | Q(~delegator, ~delegate, ~Exists(beside.filter(team=None)))


class Review(models.Model):
    """One run of a policy over one version."""

    ledger_label = "review"

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CONCLUDED = "concluded", _("Concluded")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")

    class Cause(models.TextChoices):
        """Why an approval is looked at anew while it still holds."""

        PERIODIC = "periodic", _("The approval soon ends")
        RISK_TIER = "risk_tier", _("The model has a higher risk tier")
        POLICY = "policy", _("A stricter policy is in force")
        FINDING = "finding", _("A grave finding was raised")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="reviews")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="reviews")
    environment = EnvironmentField(default=PRODUCTION)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=24, blank=True)  # approved, changes_requested, rejected
    digest = models.CharField(max_length=71)  # of what stood pinned when it was last refreshed: for lists; gates compute it anew
    contributors = ArrayField(
        models.UUIDField(), default=list
    )  # pseudonyms of those who made it or went ahead with it: no signers
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_opened")
    opened_at = models.DateTimeField()
    concluded_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # by when the policy wants it decided; none where it says nothing of it
    escalated_at = models.DateTimeField(null=True)  # when it was put before others, because it was overdue
    escalated_to = models.CharField(max_length=32, choices=Role.choices, blank=True)  # who these are
    valid_until = models.DateTimeField(null=True)  # until when the approval that it gave holds; none without end
    remind_at = models.DateTimeField(null=True)  # from when people are reminded of that end
    reminded_at = models.DateTimeField(null=True)  # when they were
    # Of a review that goes on beside an approval: which one, why, and until when that one holds at most meanwhile.
    renews = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="renewals")
    cause = models.CharField(max_length=12, choices=Cause.choices, blank=True)
    earlier_holds_until = models.DateTimeField(null=True)
    held_against = models.UUIDField(null=True)  # the policy in force later against which its approval was held last

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["version"], condition=Q(state="open"), name="one_open_review_for_a_version"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "concluded", "withdrawn", "expired"]), name="review_state_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="open"), name="review_due"),
            models.Index(fields=["valid_until"], condition=Q(state="concluded"), name="review_valid_until"),
            models.Index(fields=["valid_until"], condition=Q(state="concluded", reminded_at__isnull=False), name="review_ending"),
            models.Index(fields=["-concluded_at"], condition=~Q(state="open"), name="review_decided"),
        ]

    def __str__(self) -> str:
        return _("Review of %(version)s") % {"version": self.version}

    def get_absolute_url(self) -> str:
        return reverse("governance:review", args=[self.pk])

    @property
    def is_overdue(self) -> bool:
        return self.state == Review.State.OPEN and self.due_at is not None and self.due_at <= clock.now()


class StepQuerySet(models.QuerySet["Step"]):
    def waiting(self) -> StepQuerySet:
        """Steps that apply and whose quorum is not yet reached on the digest that stands."""
        given = (
            SignOff.objects.filter(
                review=OuterRef("review"),
                role=OuterRef("role"),
                digest=OuterRef("review__digest"),
                verdict__in=APPROVING,
                withdrawal=None,
            )
            .order_by()
            .values("review")
            .annotate(people=Count("person", distinct=True))
            .values("people")
        )
        return self.filter(applies=True).annotate(given=Coalesce(given, 0)).filter(given__lt=F("quorum"))


class Step(models.Model):
    """One requirement of the policy as it applies to this review: whose signature, how many, in which order."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="steps")
    order = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=32, choices=Role.choices)
    meaning = models.CharField(max_length=24)
    quorum = models.PositiveSmallIntegerField()
    applies = models.BooleanField()
    because = models.CharField(max_length=300)  # why it applies, or why not
    distinct_teams = models.BooleanField(default=False)  # its signers hold the role through different teams; see SignOff.team

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["order", "pk"]
        constraints = [models.UniqueConstraint(fields=["review", "role"], name="one_step_of_a_role_in_a_review")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} × {self.quorum}"


class SignOffQuerySet(models.QuerySet["SignOff"]):
    def visible_to(self, person: Person) -> SignOffQuerySet:
        return self.filter(review__version__model__team__in=teams_visible_to(person))

    def with_parts(self) -> SignOffQuerySet:
        return self.select_related("withdrawal", "review__version__model__team", "review__policy")

    def standing(self) -> SignOffQuerySet:
        """Those that their signers did not take back."""
        return self.filter(withdrawal=None)

    def approving(self) -> SignOffQuerySet:
        return self.filter(verdict__in=APPROVING)

    def of(self, *people: UUID) -> SignOffQuerySet:
        """Those that one of `people` gave, or that were given on their behalf: either way it is their one signature."""
        return self.filter(Q(person__in=people) | Q(on_behalf_of__in=people))


class SignOff(models.Model):
    """One person's verdict on exactly what the review pinned at that moment. The database refuses any change."""

    ledger_label = "sign_off"

    class Verdict(models.TextChoices):
        APPROVE = "approve", _("Approve")
        APPROVE_WITH_CONDITIONS = "approve_with_conditions", _("Approve with conditions")
        REQUEST_CHANGES = "request_changes", _("Request changes")
        REJECT = "reject", _("Reject")

    class Meaning(models.TextChoices):
        VALIDATED = "validated", _("Validated independently")
        PRIVACY_REVIEWED = "privacy_reviewed", _("Reviewed for data protection")
        APPROVED = "approved", _("Approved for use under the policy")
        APPROVED_WITH_CONDITIONS = "approved_with_conditions", _("Approved under conditions")
        CONDITION_MET = "condition_met", _("Acknowledged that a condition is met")
        WITHDRAWN = "withdrawn", _("Own signature withdrawn")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")
        REJECTED = "rejected", _("Rejected")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="sign_offs")
    person = models.UUIDField(db_index=True)  # pseudonym: no foreign key, so that a person can be erased and the row stays
    role = models.CharField(max_length=32, choices=Role.choices)
    on_behalf_of = models.UUIDField(null=True, db_index=True)  # pseudonym of the delegator, where it was given by delegation
    delegation = models.ForeignKey(Delegation, null=True, on_delete=models.PROTECT, related_name="sign_offs")
    team = models.UUIDField(null=True)  # through which the role is held: the model's team, or (None) everywhere
    verdict = models.CharField(max_length=24, choices=Verdict.choices)
    meaning = models.CharField(max_length=24, choices=Meaning.choices)
    digest = models.CharField(max_length=71)  # of the statement that was signed; see governance.pins
    statement = models.JSONField()  # what was pinned, by digest: checkpoint, card, data, evaluations, policy
    proof = models.JSONField()  # {"methods": ["password", "totp"], "at": "..."}
    signed_at = models.DateTimeField()
    event = models.UUIDField()  # the log's event; its private part holds the comment and the name as signed
    envelope = models.JSONField(null=True)  # DSSE, see governance.signature_records; None: given before there were records
    after = models.PositiveSmallIntegerField(default=0)  # how many signatures on this digest the person took back before

    objects = SignOffQuerySet.as_manager()

    class Meta:
        ordering = ["signed_at"]
        constraints = [
            models.UniqueConstraint(fields=["review", "person", "digest", "after"], name="one_signature_of_a_person_on_a_digest"),
            models.CheckConstraint(
                condition=Q(on_behalf_of=None, delegation=None) | Q(on_behalf_of__isnull=False, delegation__isnull=False),
                name="sign_off_names_delegator_and_delegation",
            ),
            models.CheckConstraint(
                condition=Q(on_behalf_of=None) | ~Q(on_behalf_of=F("person")), name="sign_off_on_behalf_of_somebody_else"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.get_verdict_display()}"

    @property
    def is_withdrawn(self) -> bool:
        return hasattr(self, "withdrawal")


APPROVING = frozenset({SignOff.Verdict.APPROVE, SignOff.Verdict.APPROVE_WITH_CONDITIONS})


class SignOffWithdrawal(models.Model):
    """A signer took their own signature back before its step closed. The signature stays; this row is the new record."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sign_off = models.OneToOneField(SignOff, on_delete=models.PROTECT, related_name="withdrawal")
    withdrawn_at = models.DateTimeField()
    event = models.UUIDField()
    envelope = models.JSONField()

    def __str__(self) -> str:
        return f"{self.sign_off} ({self.withdrawn_at:%Y-%m-%d})"

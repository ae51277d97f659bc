"""Who may decide: pure answers with their reasons. The page, the API and the service ask the same functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import prefetch_related_objects
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership, Role
from core.decisions import Decision, allow, deny
from governance.models import Condition, Delegation, Evidence, Policy, Review, RiskAssessment, SignOff, Step
from governance.permissions.delegations import can_use
from ledger.models import Entry
from models_registry.descent import lines_of
from models_registry.models import ModelCard, RegisteredModel, Version
from tracking.models import LoggedModel

if TYPE_CHECKING:
    from accounts.models import Person, Team

# Events whose actors made a version what it is.
HANDIWORK = {
    *("version.drafted", "version.described", "version.checkpoint_received", "version.data_linked", "version.data_unlinked"),
    *("version.submitted", "card.revised", "code_set.received"),
}


def contributors(version: Version) -> set[str]:
    """Pseudonyms of those whose own work this version is: who made or submitted it, wrote its card or recorded its run, and
    whoever else laid hands on it by the log, such as by sending its checkpoint into somebody else's draft. Where its files were
    taken over from a logged model, or its bytes from another version, those who made these."""
    return contributors_of([version])[version.pk]


def contributors_of(versions: Iterable[Version]) -> dict[UUID, set[str]]:
    """The contributors of each version by its key, in a number of queries that does not grow with the versions."""
    lines = lines_of(versions)
    made = _makers({one.pk: one for line in lines.values() for one in line}.values())
    return {pk: set().union(*(made[one.pk] for one in line)) for pk, line in lines.items()}


def _makers(versions: Collection[Version]) -> dict[UUID, set[str]]:
    """Who made each of these versions itself, whatever it was cloned from."""
    prefetch_related_objects(list(versions), "training_run")
    logged = {one.pk: UUID(named.removeprefix("m-")) for one in versions if (named := one.source.get("model"))}
    models = LoggedModel.objects.in_bulk(set(logged.values())) if logged else {}
    people: dict[UUID, set[UUID | None]] = {one.pk: {one.created_by_id, one.submitted_by_id} for one in versions}
    for one in versions:
        for source in (one.training_run, models.get(logged.get(one.pk))):
            if source is not None:
                people[one.pk] |= {source.created_by_id, *source.reporters}
    for version, author in ModelCard.objects.filter(version__in=people).values_list("version", "author"):
        people[version].add(author)
    found = {pk: {str(person) for person in some if person is not None} for pk, some in people.items()}
    hands = Entry.objects.filter(subject_type=Version.ledger_label, subject_id__in=[str(pk) for pk in people])
    hands = hands.filter(actor_kind="person", type__in=HANDIWORK)
    for subject, actor in hands.values_list("subject_id", "actor_id").distinct():
        found[UUID(subject)].add(actor)
    return found


def can_submit(person: Person, version: Version) -> Decision:
    if person.holds(Role.DATA_SCIENTIST, version.model.team):
        return allow()
    return deny(_("Only a data scientist of this team submits its versions."), code="wrong_role")


def can_revise_card(person: Person, version: Version) -> Decision:
    if person.holds(Role.DATA_SCIENTIST, version.model.team):
        return allow()
    return deny(_("Only a data scientist of this team writes the card of its versions."), code="wrong_role")


def can_sign_off(person: Person, review: Review, role: str, delegation: Delegation | None = None) -> Decision:
    """Whether `person` may give the signature of `role` now, for themselves or by a delegation; the list form is
    `Review.objects.signable_by`. By a delegation, what bars either of the two people bars the signature."""
    may = _is_impartial(person, review)
    if may and delegation is None:
        may = can_sign_under(person, review.policy, role, review.version.model)
    elif may and delegation is not None:
        may = _can_stand_in(person, delegation, review, role)
    if not may:
        return may
    step = review.steps.filter(role=role).first()
    if step is None or not step.applies:
        return deny(
            _("This review asks for no signature of the role %(role)s.") % {"role": Role(role).label.lower()}, code="not_required"
        )
    may = _has_not_signed(person, review)
    if may and delegation is not None:
        may = _as_told_to_delegate(_has_not_signed(delegation.delegator, review))
    return may and _is_the_turn_of(person, step, review, delegation)


def _is_impartial(person: Person, review: Review) -> Decision:
    """What bars a person from every signature of the review, whichever their roles."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they sign nothing."), code="administrator")
    if review.renews_id is not None and person.pk == review.version.model.owner_id:  # in whose name it was opened
        return deny(_("You own this model, so someone else must sign its versions off."), code="own_model")
    if person.pk in {review.version.submitted_by_id, review.opened_by_id}:
        return deny(_("You submitted this version, so someone else must sign it off."), code="own_submission")
    if person.pk in review.contributors or str(person.pk) in contributors(review.version):
        if review.version.emergencies.filter(person=person.pk).exists():
            return deny(_("You released this version in an emergency, so someone else must judge it."), code="own_emergency")
        return deny(_("You contributed to this version, so someone else must sign it off."), code="own_work")
    if person.pk == review.version.model.owner_id:
        return deny(_("You own this model, so someone else must sign its versions off."), code="own_model")
    return allow()


def _can_stand_in(person: Person, delegation: Delegation, review: Review, role: str) -> Decision:
    """Whether the delegation counts for this signature, and its delegator might give it themselves."""
    model = review.version.model
    may = _may_sign_under(person, review.policy) and can_use(person, delegation, role, model)
    if not may:
        return may
    delegator = delegation.delegator
    theirs = _is_impartial(delegator, review) and can_sign_under(delegator, review.policy, role, model)
    return _as_told_to_delegate(theirs)


def _as_told_to_delegate(theirs: Decision) -> Decision:
    """What the delegator would be told, told to the delegate."""
    if theirs:
        return theirs
    said = _("The person for whom you would sign could not sign it either, and would be told: “%(reason)s”")
    return deny(said % {"reason": theirs.reason}, code=f"delegator_{theirs.code}")


def _has_not_signed(person: Person, review: Review) -> Decision:
    """Nobody signs twice: not under their own name, nor by somebody who signs on their behalf."""
    mine = review.sign_offs.standing().of(person.pk).filter(digest=review.digest)
    given = mine.values_list("person", flat=True).first()
    if given is None:
        return allow()
    if given == person.pk:
        said = _("You have already signed this version as it stands; one person gives one signature.")
    else:
        said = _("Somebody has already signed this version on your behalf; one person gives one signature.")
    return deny(said, code="already_signed")


def _is_the_turn_of(person: Person, step: Step, review: Review, delegation: Delegation | None) -> Decision:
    """Whether the step waits for a signature, and for one from where this one comes."""
    waiting = list(Step.objects.waiting().filter(review=review))
    if step.pk not in {other.pk for other in waiting}:
        return deny(_("Enough people have already signed for this role."), code="quorum_reached")
    earlier = [other.get_role_display().lower() for other in waiting if other.order < step.order]
    if earlier:
        sentence = ngettext(
            "First the signature of the %(roles)s is needed.", "First the signatures of %(roles)s are needed.", len(earlier)
        )
        return deny(sentence % {"roles": get_text_list(earlier, _("and"))}, code="too_early")
    if not step.distinct_teams:
        return allow()
    holder = person if delegation is None else delegation.delegator
    if delegation is not None and _is_of_team(person, review) != _holds_there(holder, step, review):
        return deny(
            _("This step asks for different teams, and the person for whom you would sign stands in another than you."),
            code="other_team",
        )
    if _is_beside_own_team(holder, step, review):
        return deny(
            _("Somebody who holds this role through the same team as you has signed; this step asks for different teams."),
            code="same_team",
        )
    return allow()


def can_sign_under(person: Person, policy: Policy, role: str, model: RegisteredModel) -> Decision:
    """Whether `person` may give any signature of this role under the policy: for reviews and for change envelopes."""
    may = _may_sign_under(person, policy)
    if may and not person.holds(role, model.team):
        return deny(_("You do not hold the role %(role)s in this team.") % {"role": Role(role).label.lower()}, code="wrong_role")
    return may


def _may_sign_under(person: Person, policy: Policy) -> Decision:
    if policy.bars(person):
        days = policy.document.separation.policy_author_days
        return deny(
            ngettext(
                "You wrote or published the policy, so for %(days)d day someone else must sign under it.",
                "You wrote or published the policy, so for %(days)d days someone else must sign under it.",
                days,
            )
            % {"days": days},
            code="policy_author",
        )
    return allow()


def _is_beside_own_team(person: Person, step: Step, review: Review) -> bool:
    """Whether a signature of this step was given through the team through which `person` would sign. A role held everywhere
    is one team of its own, and counts only where the person does not hold it in the model's team as well."""
    beside = review.sign_offs.standing().approving().filter(role=step.role, digest=review.digest)
    return beside.filter(team__isnull=not _holds_there(person, step, review)).exists()


def _holds_there(person: Person, step: Step, review: Review) -> bool:
    return Membership.objects.filter(person=person, role=step.role, team=review.version.model.team_id).exists()


def _is_of_team(person: Person, review: Review) -> bool:
    """Whether a delegate belongs to the model's team, in whichever role: the role that they sign in is not their own."""
    there = Membership.objects.filter(person=person, team=review.version.model.team_id)
    return there.exclude(role=Role.ADMINISTRATOR).exists()


def can_withdraw_signature(person: Person, signed: SignOff) -> Decision:
    """Whether `person` may take this signature back: their own, until its step closes. A step closes with the first signature
    of a later step, which was given in reliance on it, and at the latest with the review."""
    if signed.person != person.pk:
        return deny(_("Only the person who gave a signature takes it back."), code="not_yours")
    if signed.is_withdrawn:
        return deny(_("You have already taken this signature back."), code="already_withdrawn")
    review = signed.review
    if review.state != Review.State.OPEN or review.digest != signed.digest:
        return deny(_("The review has gone on since this signature, so it stays on record as it was given."), code="step_closed")
    orders = dict(review.steps.values_list("role", "order"))
    later = [role for role, order in orders.items() if order > orders[signed.role]]
    if review.sign_offs.standing().filter(role__in=later, digest=review.digest).exists():
        return deny(_("Somebody has signed after you in reliance on it, so this step is closed."), code="step_closed")
    return allow()


def can_report_condition(person: Person, condition: Condition) -> Decision:
    if condition.owner_id != person.pk:
        return deny(_("Only the owner of a condition reports it met."), code="not_owner")
    if condition.review.version.state != Version.State.APPROVED_WITH_CONDITIONS:
        return deny(_("The approval that stood under this condition is not in force."), code="not_in_force")
    if condition.state == Condition.State.REPORTED:
        return deny(_("It is reported met already and waits for an answer."), code="already_reported")
    if condition.state != Condition.State.OPEN:
        return deny(_("This condition is settled."), code="settled")
    return allow()


def can_answer_condition(person: Person, condition: Condition) -> Decision:
    """Whether `person` may say that the condition is met, or not: the role that set it, and never its owner."""
    role, version = Role(condition.role), condition.review.version
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they sign nothing."), code="administrator")
    if condition.owner_id == person.pk:
        return deny(_("You own this condition, so someone else says whether it is met."), code="own_condition")
    if not person.holds(role, version.model.team):
        return deny(
            _("Only the %(role)s, who set this condition, says whether it is met.") % {"role": role.label.lower()},
            code="wrong_role",
        )
    if person.pk == version.model.owner_id or str(person.pk) in contributors(version):
        return deny(_("This version is your own work, so someone else says whether its conditions are met."), code="own_work")
    if condition.state != Condition.State.REPORTED:
        return deny(_("Its owner has not reported it met, or it is settled."), code="not_reported")
    if version.state != Version.State.APPROVED_WITH_CONDITIONS:
        return deny(_("The approval that stood under this condition is not in force."), code="not_in_force")
    return allow()


@dataclass(frozen=True, slots=True)
class Capacity:
    """A role in which somebody may sign now: their own, or by a delegation."""

    role: str
    delegation: Delegation | None = None

    @property
    def delegation_key(self) -> str:
        return str(self.delegation.pk) if self.delegation else ""

    @property
    def label(self) -> str:
        """As the page says it after “as”."""
        role = str(Role(self.role).label).lower()
        if self.delegation is None:
            return role
        return _("%(role)s, on behalf of %(name)s") % {"role": role, "name": self.delegation.delegator}


def capacities(person: Person, review: Review) -> list[Capacity]:
    """In which roles, and on whose behalf, `person` may sign this review now; their own roles come first."""
    lent = list(Delegation.objects.in_force().filter(delegate=person).with_parts())
    steps = [step.role for step in review.steps.all() if step.applies]
    asked = [Capacity(role) for role in steps]
    asked += [Capacity(role, one) for role in steps for one in lent if one.role == role]
    return [one for one in asked if can_sign_off(person, review, one.role, one.delegation)]


def can_release(person: Person, model: RegisteredModel) -> Decision:
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they release nothing."), code="administrator")
    if not person.holds(Role.RISK_MANAGER, model.team):
        return deny(_("Only a risk manager of this team releases its models and rolls them back."), code="wrong_role")
    return allow()


def can_release_version(person: Person, version: Version) -> Decision:
    decision = can_release(person, version.model)
    if decision and str(person.pk) in contributors(version):
        return deny(_("You contributed to this version, so someone else must release it."), code="own_work")
    return decision


STOPPERS = {Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER, Role.RISK_MANAGER}


def can_suspend(person: Person, version: Version) -> Decision:
    """Whoever answers for a model may stop it, also their own work: stopping is never the dangerous side."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they suspend nothing."), code="administrator")
    if any(person.holds(role, version.model.team) for role in STOPPERS):
        return allow()
    return deny(_("Only an officer or a risk manager of this team suspends its versions."), code="wrong_role")


def can_retire(person: Person, version: Version) -> Decision:
    if person.holds(Role.RISK_MANAGER, version.model.team) and not person.holds_anywhere(Role.ADMINISTRATOR):
        return allow()
    return deny(_("Only a risk manager of this team retires its versions."), code="wrong_role")


def can_rule_environments(person: Person) -> Decision:
    """Environments stand above all teams, so whoever rules them holds the role everywhere. Administrators hand out roles and
    must not be able to loosen, by themselves, what those roles are for."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they do not decide how strict an environment is."), code="administrator")
    if not person.holds(Role.RISK_MANAGER):
        return deny(_("Only a risk manager for all teams makes environments and decides how strict they are."), code="wrong_role")
    return allow()


def policy_allows(policy: Policy, environment: str) -> Decision:
    if environment in policy.document.covers.environments:
        return allow()
    return deny(
        _("The policy %(policy)s does not allow a release to %(environment)s.") % {"policy": policy, "environment": environment}
    )


# Whoever builds, weighs or answers for a model brings the papers that belong to it.
BRINGERS = frozenset(
    {Role.DATA_SCIENTIST, Role.VALIDATOR, Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER, Role.RISK_MANAGER}
)
KEEPERS_OF_PAPERS = frozenset({Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER, Role.RISK_MANAGER})


def can_upload_evidence(person: Person, model: RegisteredModel) -> Decision:
    if any(person.holds(role, model.team) for role in BRINGERS):
        return allow()
    return deny(_("Only those who build, validate or answer for this team's models bring files as evidence."), code="wrong_role")


def can_withdraw_evidence(person: Person, evidence: Evidence) -> Decision:
    mine = person.pk in {evidence.owner_id, evidence.uploaded_by_id} and can_upload_evidence(person, evidence.model)
    if mine or any(person.holds(role, evidence.model.team) for role in KEEPERS_OF_PAPERS):
        return allow()
    return deny(
        _("Only its owner, whoever brought it, or an officer or risk manager of the team withdraws a file."), code="not_yours"
    )


def can_manage_webhooks(person: Person, team: Team | None) -> Decision:
    """Whether `person` may have an address outside told of what happens in `team`, or everywhere; its list form is
    `Webhook.objects.visible_to`. Risk managers answer for what runs, administrators for keys and connections."""
    if person.holds_anywhere(Role.ADMINISTRATOR) or person.holds(Role.RISK_MANAGER, team):
        return allow()
    if team is None:
        sentence = _("Only an administrator, or a risk manager of the whole site, has every team's events sent out.")
        return deny(sentence, code="wrong_role")
    return deny(_("Only a risk manager of this team, or an administrator, has its events sent out."), code="wrong_role")


def can_assess(person: Person, model: RegisteredModel) -> Decision:
    if person.holds(Role.DATA_SCIENTIST, model.team) or person.holds(Role.RISK_MANAGER, model.team):
        return allow()
    return deny(_("Only a data scientist or risk manager of this team assesses the risk of its models."), code="wrong_role")


def can_activate_assessment(person: Person, assessment: RiskAssessment) -> Decision:
    team = assessment.model.team
    if not (person.holds(Role.RISK_MANAGER, team) or person.holds(Role.COMPLIANCE_OFFICER, team)):
        return deny(
            _("Only a risk manager or compliance officer of this team puts a risk assessment into force."), code="wrong_role"
        )
    if person.pk == assessment.author_id:
        return deny(_("You made this assessment, so somebody else must put it into force."), code="own_work")
    return allow()

"""Handing a version in, revising its card, and taking it back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from core import clock
from core.errors import DomainError, InvalidInput, WrongState
from evaluations.services import cancel_runs_of
from governance import lifecycle
from governance.criteria import criteria_of
from governance.models import PRODUCTION, Review
from governance.permissions import can_revise_card, can_submit
from governance.pins import construction_digest, run_digest
from governance.policies import in_force
from governance.reviewing import open_review, refresh
from governance.services.standing import reopen_within
from governance.services.suspending import revoke_within
from ledger.acts import Act, act
from models_registry import events as version_events
from models_registry import lifecycle as versions
from models_registry import services as registry
from models_registry.jobs import ask_for_inspection
from models_registry.models import ModelCard, RegisteredModel, Version
from tracking.models import TrainingRun
from tracking.services import fix_run

if TYPE_CHECKING:
    from accounts.models import Person


def submit(version: Version, *, by: Person, environment: str = PRODUCTION) -> Review:
    """The version is handed in: its parts are fixed, the policy in force is pinned, a review is open, the bytes are inspected."""
    with act(by, attempt="submit", on=version) as this:
        version = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=version.pk)
        can_submit(by, version).enforce()
        if version.training_run is not None:  # what is reported meanwhile waits: what is judged is what is fixed
            version.training_run = TrainingRun.objects.select_for_update().get(pk=version.training_run.pk)
        if version.state != Version.State.DRAFT:
            raise WrongState(_("%(version)s was already submitted.") % {"version": version}, code="already_submitted")
        if gaps := registry.submission_gaps(version):
            raise InvalidInput(
                _("%(version)s cannot be submitted yet. %(gaps)s") % {"version": version, "gaps": " ".join(gaps)},
                code="incomplete",
                gaps=gaps,
            )
        policy = in_force(version.model.risk_tier, environment)
        criteria_of(policy, version.model.task)  # refuses a task of which the policy says nothing
        if version.training_run is not None:
            fix_run(version.training_run, within=this)  # before its digest is asked for
        card = version.card
        fact = version_events.VersionSubmitted(
            checkpoint=version.checkpoint_digest,
            card=card.digest if card else "",
            data=sorted(f"{link.use}:{link.dataset_version.digest}" for link in version.data.select_related("dataset_version")),
            run=run_digest(version),
            construction=construction_digest(version),
            number=version.number,
        )
        versions.submit(version, fact, within=this, submitted_by=by, submitted_at=clock.now())
        ask_for_inspection(version, within=this)
        return open_review(version, policy=policy, environment=environment, by=by, within=this)


def submit_at_once(
    model: RegisteredModel,
    *,
    by: Person,
    checkpoint: Iterable[bytes],
    checkpoint_name: str,
    environment: str,
    **draft: Any,
) -> Version:
    """The version is drafted (`draft` as for `models_registry.services.draft_version`), has its checkpoint, and is submitted.

    A refusal takes the draft back: on a page nobody could go on with it, and the next attempt makes a new one.
    """
    version = registry.draft_version(model, by=by, **draft)
    try:
        version = registry.receive_checkpoint(version, checkpoint, name=checkpoint_name, by=by)
        submit(version, by=by, environment=environment)
    except DomainError:
        withdraw(version, by=by)
        raise
    return version


def finish_draft(
    version: Version, *, by: Person, checkpoint: Iterable[bytes] | None, checkpoint_name: str, environment: str, **said: Any
) -> Version:
    """The draft says what is `said` (as for `models_registry.services.describe_draft`), has these bytes where some are given,
    and is submitted. Where that is refused, the draft keeps what was said."""
    if checkpoint is not None:
        version = registry.receive_checkpoint(version, checkpoint, name=checkpoint_name, by=by)
    version = registry.describe_draft(version, by=by, **said)
    submit(version, by=by, environment=environment)
    return version


def revise_card(version: Version, content: dict[str, str], *, by: Person) -> ModelCard:
    """The card has a new revision. Signatures over the earlier one are stale; a decided version goes back to its reviewers."""
    with act(by, attempt="revise_card", on=version) as this:
        version = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=version.pk)
        can_revise_card(by, version).enforce()
        state = Version.State(version.state)
        if state in {Version.State.REJECTED, Version.State.WITHDRAWN, Version.State.RETIRED}:
            raise WrongState(
                _("%(version)s is closed, so its card is, too. Make a new version.") % {"version": version}, code="closed"
            )
        card = registry.write_card(version, content, by=by, within=this)
        review = Review.objects.open().locked().filter(version=version).first()
        if review is not None:
            refresh(review, contributor=by, within=this)
            if state in Version.APPROVED:  # it no longer stands: the review beside it becomes the one that decides
                versions.reopen(version, within=this)
        elif state != Version.State.DRAFT:
            _reopen(version, by=by, within=this)
    return card


def _reopen(version: Version, *, by: Person, within: Act) -> None:
    """A decided version whose card changed is in review again, under the policy that is in force now."""
    earlier = version.reviews.order_by("-opened_at").first()
    environment = earlier.environment if earlier else PRODUCTION
    reopen_within(version, environment=environment, by=by, within=within)


def withdraw(version: Version, *, by: Person) -> None:
    """The version is taken back by the person who made or submitted it; its review ends and waiting runs are called off."""
    with act(by, attempt="withdraw", on=version) as this:
        registry.withdraw(version, by=by, within=this)
        cancel_runs_of(version, within=this)
        if review := Review.objects.open().locked().filter(version=version).first():
            lifecycle.withdraw(review, within=this)
        revoke_within(version, reason="withdrawal", within=this)

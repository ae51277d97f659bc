"""What people change of a model that exists: what was left open, its description, its name while nothing was submitted, tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.canonical import sha256_of
from core.errors import InvalidInput, NotAllowed, WrongState
from ledger.acts import Act, act
from models_registry import events
from models_registry.models import RegisteredModel, RiskTier, Task, Version
from models_registry.permissions import can_draft, can_edit, can_rename
from models_registry.services import require_name, withdraw, write_card
from models_registry.tags import checked_tags

if TYPE_CHECKING:
    from accounts.models import Person


def state(
    model: RegisteredModel, *, by: Person, task: str = "", risk_tier: str = "", classes: Iterable[str] = ()
) -> RegisteredModel:
    """The model's task and risk tier are stated where they were open. What is stated stays: people signed under it."""
    named = list(classes)
    require_known(task=task, risk_tier=risk_tier)
    with act(by, attempt="state_model", on=model) as this:
        can_draft(by, model).enforce()
        model = RegisteredModel.objects.select_for_update(of=("self",)).select_related("team").get(pk=model.pk)
        for label, stated, given in ((_("task"), model.task, task), (_("risk tier"), model.risk_tier, risk_tier)):
            if stated and given and stated != given:
                raise WrongState(
                    _("The %(what)s of %(model)s is stated: %(held)s. Register another model for %(given)s.")
                    % {"what": label, "model": model.name, "held": stated, "given": given},
                    code="already_stated",
                )
        if named and model.classes and model.classes != named:
            raise WrongState(_("The classes of %(model)s are stated already.") % {"model": model.name}, code="already_stated")
        held = model.task, model.risk_tier, model.classes
        model.task, model.risk_tier = model.task or task, model.risk_tier or risk_tier
        model.classes = model.classes or named
        if held == (model.task, model.risk_tier, model.classes):
            return model
        model.save(update_fields=["task", "risk_tier", "classes"])
        this.record(events.ModelStated(task=model.task, risk_tier=model.risk_tier, classes=len(model.classes)), on=model)
    return model


def assess_tier(model: RegisteredModel, tier: str, *, assessment: str, within: Act) -> None:
    """The model has the tier that this assessment of its risk came to."""
    former = model.risk_tier
    model.risk_tier = tier
    model.save(update_fields=["risk_tier"])
    within.record(events.ModelTierAssessed(tier=tier, former=former, assessment=assessment), on=model)


def require_known(*, task: str, risk_tier: str) -> None:
    """Both are words that the policies know, or left open."""
    if task not in {"", *Task.values} or risk_tier not in {"", *RiskTier.values}:
        known = {"tasks": ", ".join(Task.values), "tiers": ", ".join(RiskTier.values)}
        raise InvalidInput(_("The task is one of %(tasks)s; the risk tier is one of %(tiers)s.") % known, code="unknown_choice")


def describe(model: RegisteredModel, *, by: Person, description: str) -> RegisteredModel:
    """The model is described by this text."""
    with act(by, attempt="describe_model", on=model) as this:
        can_draft(by, model).enforce()
        model.description = description
        model.save(update_fields=["description"])
        this.record(events.ModelDescribed(description_digest=sha256_of(description)), on=model)
    return model


def rename(model: RegisteredModel, *, by: Person, name: str) -> RegisteredModel:
    """The model has this name; its former one is free."""
    require_name(name)
    with act(by, attempt="rename_model", on=model) as this:
        model = RegisteredModel.objects.select_for_update(of=("self",)).select_related("team").get(pk=model.pk)
        can_rename(by, model).enforce()
        former, model.name = model.name, name
        try:
            with transaction.atomic():
                model.save(update_fields=["name"])
        except IntegrityError as error:
            raise WrongState(
                _("The team %(team)s already has a model named %(name)s.") % {"team": model.team.name, "name": name},
                code="name_taken",
            ) from error
        this.record(events.ModelRenamed(former=former, name=name), on=model)
    return model


def write_tags(thing: RegisteredModel | Version, tags: dict[str, str | None], *, by: Person) -> None:
    """The model or version has these tags beside its others; None takes one away."""
    with act(by, attempt="write_tags", on=thing) as this:
        can_draft(by, thing if isinstance(thing, RegisteredModel) else thing.model).enforce()
        held = type(thing)._base_manager.select_for_update(of=("self",)).get(pk=thing.pk)  # noqa: SLF001 - Django's documented name
        changed = {name: value for name, value in tags.items() if held.tags.get(name) != value}
        held.tags = thing.tags = checked_tags(
            {name: value for name, value in {**held.tags, **changed}.items() if value is not None}
        )
        held.save(update_fields=["tags"])
        for name, value in changed.items():
            this.record(events.Tagged(tag=name, value_digest="" if value is None else sha256_of(value)), on=thing)


def write_overview(version: Version, *, by: Person, overview: str) -> Version:
    """The draft's card says this in its overview; that of a submitted version is revised on its page, before its reviewers."""
    with act(by, attempt="write_overview", on=version) as this:
        can_edit(by, version).enforce()
        version = Version.objects.select_for_update(of=("self",)).select_related("model__team", "created_by").get(pk=version.pk)
        if version.state != Version.State.DRAFT:
            raise WrongState(
                _("%(version)s was submitted, so its card is revised where its reviewers see it: %(page)s")
                % {"version": version, "page": f"{settings.SITE_URL}{version.get_absolute_url()}"},
                code="already_submitted",
            )
        former = version.card.content if version.card else {}
        content = {
            **{name: text for name, text in former.items() if name != "overview"},
            **({"overview": overview} if overview else {}),
        }
        if content != former:
            write_card(version, content, by=by, within=this)
    return version


def withdraw_draft(version: Version, *, by: Person) -> None:
    """The draft is taken back; one that was submitted is withdrawn on its page, where its review ends with it."""
    with act(by, attempt="withdraw", on=version) as this:
        version = Version.objects.select_for_update(of=("self",)).select_related("model__team").get(pk=version.pk)
        if version.state != Version.State.DRAFT:
            raise NotAllowed(
                _("%(version)s is no draft any more, and what was submitted is not deleted. Withdraw it on its page: %(page)s")
                % {"version": version, "page": f"{settings.SITE_URL}{version.get_absolute_url()}"},
                code="already_submitted",
            )
        withdraw(version, by=by, within=this)

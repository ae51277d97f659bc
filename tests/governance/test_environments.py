"""Environments are rows: who makes them, how strictly each asks, and what that means for a release and for the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from core.errors import InvalidInput, NotAllowed, WrongState
from governance import gate, services
from governance.environments import install
from governance.models import Environment, Release, label_of
from ledger.models import Entry
from models_registry.models import ModelAlias, Version
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db
PROOF = {"reason": "The board asked for it.", "password": PASSWORD}


@pytest.fixture
def ruler(make_person: Callable[..., Any]) -> Any:
    """A risk manager for all teams."""
    return make_person("Romy Ruler", ("risk_manager", None))


def mode_of(slug: str, mode: str, ruler: Any) -> None:
    services.change_mode(Environment.objects.get(pk=slug), by=ruler, mode=mode, **PROOF)


def fresh(version: Any) -> Version:
    return Version.objects.with_parts().get(pk=version.pk)


def test_every_site_has_staging_and_production_which_prevent() -> None:
    install()
    assert list(Environment.objects.values_list("slug", "mode")) == [("staging", "prevent"), ("production", "prevent")]
    assert (label_of("production"), label_of("nowhere")) == ("Production", "nowhere")
    assert Entry.objects.filter(type="environment.made").count() == 2


def test_a_risk_manager_for_all_teams_makes_an_environment(ruler: Any, story: Any) -> None:
    made = services.make_environment(by=ruler, slug="canary-eu", name="Canary in Europe", mode="record", **PROOF)
    assert (made.slug, label_of("canary-eu")) == ("canary-eu", "Canary in Europe")
    assert story() == ["environment.made"]
    data = Entry.objects.get(subject_id="canary-eu").data
    assert data["mode"] == "record" and "commitment" in data["name"] and "board" not in str(data)


def test_neither_administrators_nor_risk_managers_of_one_team_rule_environments(
    admin: Any, risk_manager: Any, make_person: Any, story: Any
) -> None:
    both = make_person("Both", ("risk_manager", None), ("administrator", None))
    for person, why in ((admin, "Administrators"), (risk_manager, "for all teams"), (both, "Administrators")):
        with pytest.raises(NotAllowed, match=why):
            services.make_environment(by=person, slug="own", name="Own", mode="record", **PROOF)
        with pytest.raises(NotAllowed, match=why):
            mode_of("production", "record", person)
        with pytest.raises(NotAllowed, match=why):
            services.retire_environment(Environment.objects.get(pk="staging"), by=person, **PROOF)
    assert set(story()) == {"attempt.refused"} and Environment.objects.filter(mode="prevent").count() == 2


def test_a_mode_changes_only_with_a_reason_and_with_proof(ruler: Any) -> None:
    environment = Environment.objects.get(pk="production")
    with pytest.raises(NotAllowed):
        services.change_mode(environment, by=ruler, mode="record", reason="It is agreed.", password="wrong")
    with pytest.raises(InvalidInput, match="Say why"):
        services.change_mode(environment, by=ruler, mode="record", reason=" ", password=PASSWORD)
    with pytest.raises(WrongState, match="already prevent"):
        services.change_mode(environment, by=ruler, mode="prevent", **PROOF)
    assert Environment.objects.get(pk="production").mode == "prevent"


@pytest.mark.parametrize("slug", ["", "Upper", "1st", "a b", "v3", "latest", "a" * 33, "a/b", "é"])
def test_a_short_name_that_could_be_taken_for_something_else_is_refused(ruler: Any, slug: str) -> None:
    with pytest.raises(InvalidInput, match="short name"):
        services.make_environment(by=ruler, slug=slug, name="Own", mode="warn", **PROOF)


def test_a_short_name_is_given_once_and_is_no_alias_of_a_team(ruler: Any, scientist: Any, make_approved: Any) -> None:
    version = make_approved()
    ModelAlias.objects.create(model=version.model, name="champion", version=version, set_by=scientist, set_at="2026-01-01T00:00Z")
    for slug, why in (("champion", "alias"), ("production", "is or was")):
        with pytest.raises(WrongState, match=why):
            services.make_environment(by=ruler, slug=slug, name="Own", mode="warn", **PROOF)


def test_where_the_environment_prevents_nothing_goes_live_without_approval(make_review: Any, risk_manager: Any) -> None:
    version = make_review().version
    with pytest.raises(WrongState, match="is missing"):
        services.release(version, environment="production", by=risk_manager)
    assert not Release.objects.exists()


def test_where_it_warns_the_release_carries_every_reason_and_the_gate_still_says_no(
    make_review: Any, risk_manager: Any, ruler: Any, story: Any
) -> None:
    version = make_review().version
    mode_of("production", "warn", ruler)
    made = services.release(version, environment="production", by=risk_manager)
    assert made.mode == "warn" and any("validator is missing" in one for one in made.against)
    assert story()[-2:] == ["release.made", "release.went_unapproved"]
    answer = gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager)
    assert not answer.allowed and answer.reasons == made.against


def test_an_approved_version_has_nothing_against_it_where_the_environment_warns(
    make_approved: Any, risk_manager: Any, ruler: Any, story: Any
) -> None:
    version = make_approved()
    mode_of("production", "warn", ruler)
    assert services.release(version, environment="production", by=risk_manager).against == []
    assert story()[-1] == "release.made"
    assert gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager).allowed


def test_where_it_records_nobody_asks_and_the_release_says_so(
    make_review: Any, risk_manager: Any, ruler: Any, story: Any
) -> None:
    version = make_review().version
    mode_of("staging", "record", ruler)
    made = services.release(version, environment="staging", by=risk_manager)
    assert (made.mode, made.against) == ("record", [])
    assert story()[-2:] == ["release.made", "release.went_unapproved"]
    assert not gate.answer(version.checkpoint_digest, "staging", asked_by=risk_manager).allowed


@pytest.mark.parametrize("state", ["draft", "submitted", "rejected", "withdrawn", "suspended", "retired"])
@pytest.mark.parametrize("mode", ["warn", "record"])
def test_no_mode_releases_what_was_refused_taken_back_or_never_inspected(
    make_review: Any, risk_manager: Any, ruler: Any, state: str, mode: str
) -> None:
    version = make_review().version
    mode_of("production", mode, ruler)
    Version.objects.filter(pk=version.pk).update(state=state)
    with pytest.raises(WrongState, match="Only versions whose checkpoint was accepted"):
        services.release(fresh(version), environment="production", by=risk_manager)


@pytest.mark.parametrize("mode", ["warn", "record"])
def test_in_no_mode_a_contributor_releases_their_own_work(
    make_review: Any, make_person: Any, team: Any, ruler: Any, mode: str
) -> None:
    both = make_person("Both", ("data_scientist", team), ("risk_manager", team))
    version = make_review(by=both).version
    mode_of("production", mode, ruler)
    with pytest.raises(NotAllowed, match="You contributed"):
        services.release(version, environment="production", by=both)


def test_an_environment_where_something_is_live_is_not_retired_and_one_of_every_site_never(
    make_approved: Any, risk_manager: Any, ruler: Any, story: Any
) -> None:
    made = services.make_environment(by=ruler, slug="edge", name="Edge", mode="record", **PROOF)
    version = make_approved()
    live = services.release(version, environment="edge", by=risk_manager)
    with pytest.raises(WrongState, match="are live in Edge: 1"):
        services.retire_environment(made, by=ruler, **PROOF)
    with pytest.raises(WrongState, match="belongs to every site"):
        services.retire_environment(Environment.objects.get(pk="staging"), by=ruler, **PROOF)
    Release.objects.filter(pk=live.pk).update(state="revoked")
    services.retire_environment(made, by=ruler, **PROOF)
    assert story()[-1] == "environment.retired"
    with pytest.raises(InvalidInput, match="one of staging, production"):
        services.release(version, environment="edge", by=risk_manager)
    with pytest.raises(WrongState, match="is retired"):
        services.change_mode(made, by=ruler, mode="warn", **PROOF)


def test_the_alias_of_an_own_environment_follows_what_is_live_there(
    make_approved: Any, risk_manager: Any, scientist: Any, ruler: Any
) -> None:
    from models_registry.aliases import aliases_of, can_set_alias, version_of  # noqa: PLC0415 - the registry's own question

    services.make_environment(by=ruler, slug="edge", name="Edge", mode="record", **PROOF)
    version = make_approved()
    assert not can_set_alias(scientist, version.model, "Edge")
    services.release(version, environment="edge", by=risk_manager)
    assert version_of(version.model, "edge") == version
    assert aliases_of([version.model])[version.model_id] == {"edge": version.number}


def test_the_page_says_every_mode_and_offers_changes_to_those_who_may(client_of: Any, ruler: Any, scientist: Any) -> None:
    page = client_of(scientist).get(reverse("governance:environments")).content.decode()
    assert "Production" in page and "is not released" in page and "for all teams" in page
    assert reverse("governance:environment_mode", args=["production"]) not in page
    ruling = client_of(ruler)
    assert (
        reverse("governance:environment_mode", args=["production"])
        in ruling.get(reverse("governance:environments")).content.decode()
    )
    url = reverse("governance:environment_mode", args=["production"])
    refused = ruling.post(url, {"mode": "record", "reason": "Because.", "password": "wrong"})
    assert refused.status_code == 403 and "Because." in refused.content.decode()
    assert ruling.post(url, {"mode": "record", **PROOF}).status_code == 303
    assert Environment.objects.get(pk="production").mode == "record"
    assert "not yours to do" in client_of(scientist).get(url).content.decode()


def test_the_api_refuses_an_environment_that_there_is_not_and_names_those_there_are(
    api_of: Any, make_approved: Any, risk_manager: Any
) -> None:
    api = api_of(risk_manager)
    refused = api.post(reverse("api-releases"), {"version": str(make_approved().pk), "environment": "moon"})
    assert refused.status_code == 422 and "staging, production" in refused.content.decode()
    assert [one["slug"] for one in api.get(reverse("api-environments")).json()["results"]] == ["staging", "production"]

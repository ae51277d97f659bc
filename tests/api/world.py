"""A site with real content: one of everything that an address can name, made through the services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

SAFETENSORS = b"\x02\0\0\0\0\0\0\0{}"  # a header of two letters, and no tensor
RISK_FACTORS = ("harm", "autonomy", "reversal", "reach", "vulnerable", "data", "explanation", "misuse")
ASSESSED: dict[str, Any] = {
    "levels": dict.fromkeys(RISK_FACTORS, 1),
    "reasons": dict.fromkeys((*RISK_FACTORS, "annex_iii", "kr_high_impact"), "Because."),
}
PEOPLE = ("scientist", "other_scientist", "validator", "officer", "dpo", "risk_manager", "auditor", "admin", "stranger")
ROLE_OF = {
    "scientist": "data_scientist",
    "other_scientist": "data_scientist",
    "validator": "validator",
    "officer": "compliance_officer",
    "dpo": "data_protection_officer",
    "risk_manager": "risk_manager",
    "auditor": "auditor",
    "admin": "administrator",
    "stranger": "",
}


@dataclass
class World:
    """Rows by what they are, and who is there by their name in the cast."""

    people: dict[str, Any]
    team: Any
    rows: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return self.rows[name]


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    team: Any,
    make_data: Callable[..., Any],
    make_draft: Callable[..., Any],
    make_review: Callable[..., Any],
    make_approved: Callable[..., Any],
) -> World:
    """Two released versions (the second live), one ready for release, one to sign, a draft; data, run, alert, report."""
    from accounts.models import Membership  # noqa: PLC0415 - plug-ins load before the settings do
    from accounts.services import make_key  # noqa: PLC0415 - plug-ins load before the settings do
    from audit.services import request_report  # noqa: PLC0415 - as above
    from core import blobs  # noqa: PLC0415 - as above
    from core.clock import now  # noqa: PLC0415 - as above
    from data_registry import services as data  # noqa: PLC0415 - as above
    from evaluations.models import EvaluationRun  # noqa: PLC0415 - as above
    from evaluations.services import repeat_run  # noqa: PLC0415 - as above
    from governance import services as governance  # noqa: PLC0415 - as above
    from governance.models import Environment  # noqa: PLC0415 - as above
    from ledger.services import sequence_and_seal  # noqa: PLC0415 - as above
    from models_registry.services import register_model  # noqa: PLC0415 - as above
    from monitoring import services as monitoring  # noqa: PLC0415 - as above
    from tests.plugins_versions import PASSWORD, PROVENANCE  # noqa: PLC0415 - as above
    from tracking.services import end_run, keep_artifact, record_run, start_run  # noqa: PLC0415 - as above

    people = {name: request.getfixturevalue(name) for name in PEOPLE}
    world = World(people, team)
    rows, scientist, risk_manager = world.rows, people["scientist"], people["risk_manager"]
    Membership.objects.create(person=risk_manager, role="risk_manager", team=None)  # environments stand above all teams
    rows["environment"] = Environment.objects.create(slug="canary", name="Canary", mode="warn")
    rows["data"] = make_data()
    rows["labels"] = make_data("labels")
    rows["dataset"] = rows["data"].dataset
    rows["draft_data"] = data.draft_version(rows["dataset"], by=scientist, provenance=PROVENANCE, format="other")
    data.receive_content(rows["draft_data"], by=scientist, chunks=[b"rows to come"])
    curve = {"name": "loss", "unit": "", "steps": [1, 2], "values": [0.9, 0.4]}
    rows["run"] = record_run(team, by=scientist, name="training", params={"epochs": 3}, code={}, environment={}, series=[curve])
    rows["open_run"] = start_run(team, by=scientist, name="going on", series=[curve])
    rows["ended_run"] = start_run(team, by=scientist, name="the best one", series=[curve])
    keep_artifact(rows["ended_run"], by=scientist, path="model.safetensors", chunks=[SAFETENSORS])
    rows["ended_run"] = end_run(rows["ended_run"], by=scientist, state="finished")
    rows["artifact"] = keep_artifact(rows["open_run"], by=scientist, path="log.txt", chunks=[b"begun"])
    rows["experiment"] = rows["open_run"].experiment
    rows["early"] = make_approved(data=rows["data"])
    governance.release(rows["early"], environment="production", by=risk_manager)
    code = {"repository": "https://git.example.org/digits", "commit": 40 * "4", "tree": 40 * "a", "dirty": False}
    locked = {"lock_digest": "sha256:" + 64 * "b"}
    trained = record_run(team, by=scientist, name="final training", code=code, environment=locked)
    rows["live"] = make_approved(data=rows["data"], run=trained)
    governance.release(rows["live"], environment="production", by=risk_manager)
    rows["ready"] = make_approved(data=rows["data"])
    rows["model"] = rows["live"].model
    rows["assessment"] = governance.assess_risk(rows["model"], by=scientist, **ASSESSED)
    rows["evidence"] = governance.upload_evidence(
        rows["model"], [b"an assessment"], by=people["dpo"], kind="dpia", file_name="dpia.pdf", title="Assessment of 2026"
    )
    rows["unstated"] = register_model(by=scientist, team=team, name="unstated", task="", risk_tier="")
    rows["review"] = make_review(data=rows["data"])
    rows["waiting"] = rows["review"].version
    rows["code"] = governance.receive_code(rows["waiting"], by=scientist, commit=40 * "4", tree=40 * "a", diff="")
    rows["code_comment"] = governance.comment_on_code(rows["code"], by=people["validator"], text="And the seed?")
    rows["code_outcome"] = governance.record_code_outcome(
        rows["code"], by=people["other_scientist"], verdict="approved", reason="Read."
    )
    rows["question"] = governance.ask(rows["review"], by=people["validator"], text="Which camera?", role="compliance_officer")
    rows["review"].refresh_from_db()
    rows["conditional"] = _conditional(people, make_review(data=rows["data"]), request.getfixturevalue("sign"))
    rows["condition"], rows["reported"] = rows["conditional"].reviews.get().conditions.order_by("number")
    signed = request.getfixturevalue("sign")(make_review(data=rows["data"]), "validator")
    rows["signature"] = signed
    rows["draft"] = make_draft(model=rows["model"], data=rows["data"])
    found = {"severity": "low", "source": "review", "due_on": date(2027, 1, 31), "owner": scientist, "by": people["validator"]}
    rows["finding"] = governance.raise_finding(rows["draft"], title="Zeros become ones", **found)
    rows["mended"] = governance.raise_finding(rows["draft"], title="Ones become zeros", **found)
    governance.finding_is_mended(rows["mended"], by=scientist, done="Trained on more ones.")
    rows["blocked"] = make_review(data=rows["data"]).version
    for name in ("exception", "standing"):
        grave = governance.raise_finding(rows["blocked"], title="Grave", **found | {"severity": "critical"})
        asked = {"environment": "production", "kind": "findings", "subject": str(grave.pk), "expires_on": now().date()}
        asked |= {"reason": "No time.", "control": "A person looks.", "by": people["validator"]}
        rows[name] = governance.request_exception(rows["blocked"], **asked)
    governance.approve_exception(rows["standing"], by=risk_manager, password=PASSWORD)
    rows["delegation"] = _delegation(people, team)
    rows["evaluation"] = EvaluationRun.objects.filter(version=rows["live"]).first()
    kept = blobs.keep(b"answers to every row")
    EvaluationRun.objects.filter(pk=rows["evaluation"].pk).update(predictions_digest=kept.digest, predictions_size=kept.size)
    earlier = EvaluationRun.objects.get(version=rows["early"])
    rows["waiting_run"] = repeat_run(earlier, by=people["validator"])
    rows["key"], rows["key_text"] = make_key(
        scientist, by=scientist, name="CI", scopes=["read"], expires_at=now() + timedelta(days=9)
    )
    sums = [400 * share for share in (0.34, 0.33, 0.33)]
    monitoring.receive_observations(
        rows["live"],
        environment="production",
        n=400,
        sums=sums,
        sums_of_squares=[one * one / 400 for one in sums],
        predicted=[400, 0, 0],
        by=scientist,
    )
    rows["alert"] = _alert(rows["live"])
    for name in ("webhook", "stopped_webhook"):
        told = {"url": "https://93.184.216.34/hooks", "kinds": ["suspended", "gate_changed"]}
        rows[name], _secret = governance.make_webhook(team=team, by=risk_manager, **told)
    governance.stop_webhook(rows["stopped_webhook"], by=risk_manager)
    rows["delivery"] = _delivery(rows["webhook"])
    rows["resampling"] = _folds(rows["live"], scientist)
    rows["report"] = request_report(rows["live"], environment="production", by=people["auditor"])
    sequence_and_seal()
    rows["change_envelope"], rows["active_envelope"] = _change_envelopes(world)
    rows["policy_draft"] = _policy_draft(request, world)
    return world


def _delegation(people: dict[str, Any], team: Any) -> Any:
    """The validator's, offered to the auditor."""
    from core.clock import today  # noqa: PLC0415 - plug-ins load before the settings do
    from governance import services  # noqa: PLC0415 - as above
    from tests.plugins_versions import PASSWORD  # noqa: PLC0415 - as above

    said = {"starts_on": today(), "ends_on": today() + timedelta(days=6), "reason": "On leave.", "password": PASSWORD}
    return services.offer_delegation(people["auditor"], by=people["validator"], role="validator", team=team, **said)


def _change_envelopes(world: World) -> list[Any]:
    """One that waits for its signatures, and one that is in force."""
    from core.clock import now  # noqa: PLC0415 - plug-ins load before the settings do
    from governance import services  # noqa: PLC0415 - as above
    from tests.plugins_versions import PASSWORD  # noqa: PLC0415 - as above

    people = world.people
    limits = {"metric": "accuracy", "margin": 0.01, "churn": 0.05, "releases": 4, "days": 90, "environment": "production"}
    made = [
        services.draft_envelope(world.live, by=people["risk_manager"], expires_at=now() + timedelta(days=99), **limits)
        for _number in range(2)
    ]
    for role, name in (("validator", "validator"), ("compliance_officer", "officer")):
        services.sign_envelope(made[1], by=people[name], role=role, seen=made[1].digest, password=PASSWORD)
    made[1].refresh_from_db()
    return made


def _policy_draft(request: pytest.FixtureRequest, world: World) -> Any:
    """A policy that somebody else drafted, which the officer and the risk manager, who hold for the whole site, may publish."""
    from accounts.models import Membership  # noqa: PLC0415 - plug-ins load before the settings do
    from governance import policies, services  # noqa: PLC0415 - as above

    for name in ("officer", "risk_manager"):
        Membership.objects.get_or_create(person=world.people[name], role=ROLE_OF[name], team=None)
        world.people[name].forget_roles()
    drafter = request.getfixturevalue("make_person")("Dora Drafter", ("compliance_officer", None))
    return services.draft_policy(by=drafter, body=policies.starting_body("high") | {"name": "drafted"})


def _conditional(people: dict[str, Any], review: Any, sign: Callable[..., Any]) -> Any:
    """A version approved under two conditions of the scientist's, the second reported met."""
    from datetime import date  # noqa: PLC0415 - plug-ins load before the settings do

    from governance import services  # noqa: PLC0415 - as above
    from governance.services.conditions import Wanted  # noqa: PLC0415 - as above

    due = date.today() + timedelta(days=20)
    wanted = [Wanted(f"Look at it {number}.", people["scientist"], due) for number in (1, 2)]
    sign(review, "validator", "approve_with_conditions", conditions=wanted)
    sign(review, "compliance_officer")
    second = review.conditions.get(number=2)
    services.report_condition(second, by=people["scientist"], report="Done.", evidence=[b"seen"], evidence_name="seen.txt")
    review.version.refresh_from_db()
    return review.version


def _folds(version: Any, scientist: Any) -> Any:
    """A set of three folds of the version, each with a checkpoint, ready to be submitted."""
    from evaluations.resampling import services  # noqa: PLC0415 - as above
    from tests.resampling.conftest import kfold  # noqa: PLC0415 - as above

    made = services.begin(version, [kfold(version)], by=scientist)
    for number in (1, 2, 3):
        services.receive_checkpoint(made, number, [f"weights of fold {number}".encode()], name="fold", by=scientist)
    return made


def _delivery(webhook: Any) -> Any:
    """One attempt that was answered."""
    from core.clock import now  # noqa: PLC0415 - as above
    from core.ids import uuid7  # noqa: PLC0415 - as above

    facts = {"kind": "suspended", "attempt": 1, "outcome": "delivered", "status": 200, "milliseconds": 12}
    return webhook.deliveries.create(event=uuid7(), at=now(), **facts)


def _alert(version: Any) -> Any:
    """An open alert that has not taken the approval back, so that everything else stays possible."""
    from core.clock import now  # noqa: PLC0415 - as above
    from monitoring.models import Alert  # noqa: PLC0415 - as above

    return Alert.objects.create(
        version=version,
        environment="production",
        rule="prediction_distribution",
        sentence="It drifts.",
        facts={},
        opened_at=now(),
    )

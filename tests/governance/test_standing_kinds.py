"""The kinds of requirement about the card, the data and monitoring: never met where something is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.clock import now
from core.errors import InvalidInput
from data_registry import services as data_services
from data_registry.models import Profile
from evaluations.models import EvaluationRun
from governance import policies
from governance.approvals import approval_of
from governance.material import Material
from governance.models import Policy
from governance.requirements import Answer, Question, kinds
from governance.requirements.evaluations import verdicts_of
from governance.requirements.gravest import gravest_first
from ledger.actors import INSTALLER
from tests.plugins_versions import CARD

pytestmark = pytest.mark.django_db
Ask = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def ask() -> Ask:
    """`ask(version, "card_sections", sections=[...])`: outcome and sentence of each answer."""

    def one(version: Any, kind: str, **demand: Any) -> list[tuple[str, str]]:
        found = kinds.get(kind)
        assert found is not None
        policy = policies.in_force(version.model.risk_tier)
        checked = found.check({"kind": kind, **demand})
        answers = found.answer(Question(version, policy, "production", verdicts_of(Material(version, policy)), checked))
        return [(answer.outcome.value, answer.sentence) for answer in answers]

    return one


@pytest.mark.parametrize(
    ("kind", "demand", "says"),
    [
        ("card_sections", {}, "at least one"),
        ("card_sections", {"sections": []}, "at least one"),
        ("card_sections", {"sections": ["poetry"]}, "poetry"),
        ("card_sections", {"sections": ["contact"], "section": 1}, "section"),
        ("provenance", {"fields": ["use.licence"]}, "use.license"),
        ("provenance", {"fields": [3]}, "at least one"),
        ("pii_states", {"categories": ["health"]}, "takes nothing"),
        ("data_validation", {"rows": 3}, "takes nothing"),
        ("monitoring_plan", {"plan": "x"}, "takes nothing"),
    ],
)
def test_parameters_that_nobody_could_read_are_refused_with_what_is_known(kind: str, demand: Any, says: str) -> None:
    found = kinds.get(kind)
    assert found is not None
    with pytest.raises(InvalidInput, match=says):
        found.check({"kind": kind, **demand})


def test_a_card_field_that_says_nothing_is_not_met(make_draft: Any, ask: Ask) -> None:
    version = make_draft(card=CARD | {"contact": "[More information needed]", "licence": "MIT"})
    assert ask(version, "card_sections", sections=["contact", "licence", "metrics"]) == [
        ("not_met", "The card says nothing under “Measures”: revise it."),
        ("not_met", "The card says nothing under “Contact”: revise it."),
    ]
    assert ask(version, "card_sections", sections=["licence"]) == [("met", "The card says something under: Licence.")]


def test_provenance_is_asked_of_every_dataset_version_used(make_draft: Any, ask: Ask) -> None:
    version = make_draft()
    found = ask(version, "provenance", fields=["use.license", "use.consents"])
    assert [outcome for outcome, _said in found] == ["not_met", "not_met"], "training data and test data alike"
    assert all("does not say: Consents." in said for _outcome, said in found)
    assert [outcome for outcome, _said in ask(version, "provenance", fields=["use.license"])] == ["met", "met"]
    version.data.all().delete()
    assert ask(version, "provenance", fields=["use.license"])[0][0] == "not_assessed"


def test_data_of_which_nobody_said_what_is_personal_are_not_assessed(make_draft: Any, make_data: Any, ask: Ask) -> None:
    make_data("digits-train", assessed=False)
    assert {outcome for outcome, _said in ask(make_draft(data=make_data(assessed=False)), "pii_states")} == {"not_assessed"}


def found_by_scan(data: Any, category: str, column: str = "notes") -> None:
    from data_registry.models import PiiFinding  # noqa: PLC0415 - only this makes a row

    PiiFinding.objects.create(
        dataset_version=data, column=column, category=category, present="yes", basis="scanned", evaluated_by="patterns",
        matched=2, scanned=9, created_at=now(),
    )  # fmt: skip


@pytest.fixture
def looked_at(make_draft: Any, make_data: Any, scientist: Any) -> Any:
    """A draft of which all that is open is what the test adds to its test data."""
    data = make_data()
    version = make_draft(data=data)
    for link in version.data.all():
        data_services.record_finding(link.dataset_version, by=scientist, category="contact", present="no")
    return version, data


def test_what_a_scan_found_is_open_until_a_person_says_so(looked_at: Any, ask: Ask, scientist: Any) -> None:
    version, data = looked_at
    assert ask(version, "pii_states") == [("met", "No personal data are known in the data or in what they came from.")]
    found_by_scan(data, "contact")
    [(outcome, said)] = ask(version, "pii_states")
    assert outcome == "not_met" and "nobody has said yet" in said
    data_services.record_finding(data, by=scientist, category="contact", present="unknown", column="notes")
    assert [outcome for outcome, _said in ask(version, "pii_states")] == ["not_met"], "not knowing decides nothing"
    data_services.record_finding(data, by=scientist, category="contact", present="yes", column="notes")
    assert [outcome for outcome, _said in ask(version, "pii_states")] == ["met"]


@pytest.mark.parametrize("category", ["health", "government_id", "criminal_record"])
def test_special_categories_are_decided_by_a_data_protection_officer_alone(
    looked_at: Any, ask: Ask, scientist: Any, dpo: Any, category: str
) -> None:
    version, data = looked_at
    data_services.record_finding(data, by=scientist, category=category, present="yes")
    [(outcome, said)] = ask(version, "pii_states")
    assert outcome == "not_met" and "legal basis" in said
    data_services.record_finding(data, by=dpo, category=category, present="yes", note="Consent, form 7.", review=True)
    assert [outcome for outcome, _said in ask(version, "pii_states")] == ["met"]


def test_what_may_be_there_is_open(looked_at: Any, ask: Ask, scientist: Any) -> None:
    version, data = looked_at
    data_services.record_finding(data, by=scientist, category="location", present="unknown")
    [(outcome, said)] = ask(version, "pii_states")
    assert outcome == "not_met" and "not known" in said


def profiled(data: Any, **fields: Any) -> None:
    facts = {"format": "csv", "rows": 2, "columns": [{"name": "email"}]}
    Profile.objects.update_or_create(
        dataset_version=data, defaults={"queued_at": now(), "state": "completed", "facts": facts} | fields
    )


def test_data_that_no_worker_read_are_never_valid(make_draft: Any, make_data: Any, ask: Ask) -> None:
    data = make_data()
    version = make_draft(data=data)
    version.data.filter(use="training").delete()
    for fields in (
        None,
        {"state": "queued"},
        {"state": "errored", "error": "x"},
        {"not_checked": [{"code": "no_reader"}]},
    ):
        if fields is not None:
            profiled(data, **fields)
        assert [outcome for outcome, _said in ask(version, "data_validation")] == ["not_assessed"], fields
    profiled(data, not_checked=[])
    assert [outcome for outcome, _said in ask(version, "data_validation")] == ["met"]


def test_each_rule_that_the_data_break_is_an_answer_of_its_own(make_draft: Any, make_data: Any, ask: Ask, scientist: Any) -> None:
    from data_registry.models import DatasetVersion  # noqa: PLC0415 - only this test alters a row

    data = make_data()
    version = make_draft(data=data)
    version.data.filter(use="training").delete()
    profiled(data, not_checked=[{"code": "uneven_rows", "rows": 1}, {"code": "meaning"}])
    declared = DatasetVersion.objects.get(pk=data.pk)
    declared.rows, declared.columns = 3, [{"name": "email"}, {"name": "100%"}]
    from governance.requirements.data_validation import _flaws  # noqa: PLC0415 - the database fixes registered versions

    assert [rule for rule, _said in _flaws(declared, data.__class__.objects.get(pk=data.pk).profile)] == [
        "rows",
        "columns",
        "uneven_rows",
    ]
    [(outcome, said)] = ask(version, "data_validation")
    assert outcome == "not_met" and "more or fewer cells" in said


def test_a_monitoring_plan_is_stated_and_has_something_to_compare_with(make_review: Any, ask: Ask) -> None:
    version = make_review(card=CARD | {"monitoring": "Weekly, by the team."}).version
    assert [outcome for outcome, _said in ask(version, "monitoring_plan")] == ["met", "met"]
    EvaluationRun.objects.filter(version=version).update(reference={})
    assert [outcome for outcome, _said in ask(version, "monitoring_plan")] == ["met", "not_assessed"]


def test_a_card_without_a_plan_and_a_version_without_numbers_meet_nothing(make_draft: Any, ask: Ask) -> None:
    version = make_draft(card={key: text for key, text in CARD.items() if key != "monitoring"})
    assert [outcome for outcome, _said in ask(version, "monitoring_plan")] == ["not_met", "not_assessed"]


def test_the_gravest_answers_stand_first() -> None:
    from governance.requirements import Outcome  # noqa: PLC0415 - beside its use

    mixed = [Answer(one, one.value) for one in (Outcome.MET, Outcome.EXCEPTED, Outcome.NOT_ASSESSED, Outcome.NOT_MET)]
    assert [answer.sentence for answer in gravest_first(mixed)] == ["not_met", "not_assessed", "excepted", "met"]


@pytest.fixture
def demanding() -> Callable[..., Policy]:
    """`demanding({"kind": ...})`: the policy in force for high risk demands this too."""

    def publish(*demands: dict[str, Any], tier: str = "high") -> Policy:
        body = policies.starting_body(tier) | {"requirements": list(demands), "name": f"demanding-{tier}"}
        return policies.publish(by=INSTALLER, body=body)

    return publish


def test_what_a_policy_names_blocks_and_is_told_on_every_edge(
    demanding: Any, make_review: Any, officer: Any, client_of: Any, api_of: Any
) -> None:
    demanding({"kind": "card_sections", "sections": ["contact"]}, {"kind": "provenance", "fields": ["use.license"]})
    review = make_review()
    approval = approval_of(review.version, "production")
    said = "The card says nothing under “Contact”: revise it."
    assert said in approval.evidence_reasons
    told = api_of(officer).get(f"/api/v1/versions/{review.version_id}/approval/").json()["requirements"]
    assert told[0]["sentence"] == said and told[0]["outcome"] == "not_met" and told[0]["title"] == "Model card"
    assert [one["outcome"] for one in told] == sorted(
        (one["outcome"] for one in told), key=["not_met", "not_assessed", "excepted", "met"].index
    )
    for address in (review.get_absolute_url(), review.version.get_absolute_url()):
        page = client_of(officer).get(address).content.decode()
        listed = page[page.index("What the policy asks") :]
        assert listed.index("says nothing under “Contact”") < listed.index("The inspection accepted the checkpoint.")
        assert f'href="{review.version.data.first().dataset_version.get_absolute_url()}"' in listed

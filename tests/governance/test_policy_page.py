"""The page of policies: what each tier asks for now, with what blocks and what only informs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from governance import policies
from governance.models import Policy
from ledger.actors import INSTALLER
from tests.conftest import PASSWORD
from tests.governance.earlier import earlier_body

pytestmark = pytest.mark.django_db


def test_everybody_reads_what_each_tier_asks_for(stranger: Any, client_of: Any) -> None:
    page = client_of(stranger).get("/policies/").content.decode()
    assert page.index("minimal-risk 1") < page.index("limited-risk 1") < page.index("high-risk 1")
    assert "Accuracy, at least 95" in page and "Recall" in page
    assert "Compliance officer" in page and "where personal data reach the version" in page
    assert "How good the answers are" in page, "what a check measures, in the engine's own words"


def test_a_check_without_a_threshold_informs_and_one_with_blocks(stranger: Any, client_of: Any) -> None:
    body = copy.deepcopy(policies.starting_body("low"))
    one = body["evaluations"]["suites"]["multiclass"] | {"checks": [{"name": "performance", "top_k": [5]}, {"name": "resources"}]}
    body["evaluations"]["suites"] = {"multiclass": one}
    policies.publish(by=INSTALLER, body=body | {"name": "mine"})
    page = client_of(stranger).get("/policies/").content.decode()
    low = page[page.index("policy-low") : page.index("policy-medium")]
    assert "mine 1" in low and "minimal-risk 1" not in low
    assert low.count("Blocks</") + low.count("Informs</") >= 2 and "top_k = [5]" in low


def test_a_policy_of_the_earlier_shape_is_shown_with_its_one_suite(stranger: Any, client_of: Any) -> None:
    line = {"check": "performance", "metric": "accuracy", "label": "", "bound": "lower", "minimum": 0.5}
    old = {
        **earlier_body("high"),
        "suite": {"name": "classification", "checks": [{"name": "performance"}, {"name": "gone"}]},
    }
    del old["suites"]
    Policy.objects.create(
        name="old", number=1, risk_tier="high", body=old | {"thresholds": [line]}, digest="sha256:" + "0" * 64,
        state="published", published_at="2099-01-01T00:00:00Z",
    )  # fmt: skip
    page = client_of(stranger).get("/policies/").content.decode()
    assert "Every task" in page and "This version does not have this check" in page


@pytest.fixture
def writer(make_person: Any) -> Any:
    return make_person("Wanda Writer", ("compliance_officer", None))


@pytest.fixture
def publisher(make_person: Any) -> Any:
    return make_person("Piet Publisher", ("risk_manager", None))


def typed(page: Any) -> dict[str, Any]:
    """What a browser would send from the form of the page as it stands."""
    form = page.context["form"]
    sent: dict[str, Any] = {}
    rows = [form.main, *form.steps, *form.limits, *form.requirements]
    for one in [*rows, form.steps.management_form, form.limits.management_form, form.requirements.management_form]:
        for field in one:
            value = field.value()
            if value is not None and value is not False and value != []:
                sent[field.html_name] = value
    return sent


def test_a_policy_edited_as_fields_and_kept_unchanged_says_what_it_said(client_of: Any, writer: Any) -> None:
    client = client_of(writer)
    source = policies.in_force("high")
    page = client.get(f"/policies/new/?from={source.pk}")
    assert page.status_code == 200
    answer = client.post(f"/policies/new/?from={source.pk}", typed(page))
    assert answer.status_code == 303
    draft = Policy.objects.get(state="draft")
    assert draft.body["steps"] == sorted(source.body["steps"], key=draft.body["steps"].index)
    assert draft.body | {"steps": 0} == source.body | {"steps": 0}


def test_what_is_refused_keeps_all_that_was_typed(client_of: Any, writer: Any) -> None:
    client = client_of(writer)
    sent = typed(client.get("/policies/new/")) | {"title": "Mine", "requirements-0-kind": "card_sections"}
    answer = client.post("/policies/new/", sent | {"requirements-0-parameters": "sections: [poetry]"})
    assert answer.status_code == 422 and "poetry" in answer.context["refusal"]
    assert 'value="Mine"' in answer.content.decode() and "sections: [poetry]" in answer.content.decode()
    answer = client.post("/policies/new/", sent | {"valid_days": "soon"})
    assert answer.status_code == 422 and not Policy.objects.filter(state="draft").exists()
    answer = client.post("/policies/new/?as=yaml", {"yaml": "title: [unclosed"})
    assert answer.status_code == 422 and "title: [unclosed" in answer.content.decode()


def test_from_draft_to_publication_on_the_pages(client_of: Any, writer: Any, publisher: Any, stranger: Any) -> None:
    mine, theirs = client_of(writer), client_of(publisher)
    sent = typed(mine.get(f"/policies/new/?from={policies.in_force('low').pk}")) | {"valid_days": "90"}
    address = mine.post("/policies/new/", sent)["Location"]
    assert client_of(stranger).get(address).status_code == 404
    assert "You drafted or edited it" in mine.get(address).content.decode()
    assert (
        "Nothing would fall out" in mine.get(address + "dry-run/").content.decode()
        or b"no approved" in mine.get(address + "dry-run/").content
    )
    changed = mine.get(address + "changes/").content.decode()
    assert "365 days" in changed and "90 days" in changed
    form = {"reason": "Shorter.", "seen": Policy.objects.get(state="draft").digest}
    wrong = theirs.post(address + "publish/", form | {"password": "not it"})
    assert wrong.status_code in {403, 422} and "Shorter." in wrong.content.decode()
    assert theirs.post(address + "publish/", form | {"password": PASSWORD}).status_code == 303
    page = client_of(stranger).get(address).content.decode()
    assert "In force for new submissions" in page and "Signed statement" in page
    assert client_of(stranger).get(address + "publication.json").json()["signatures"]
    assert b"valid_days: 90" in client_of(stranger).get(address + "document.yaml").content


def test_the_list_names_pairs_that_nothing_covers_and_what_counts_of_two(client_of: Any, stranger: Any) -> None:
    body = policies.starting_body("high")
    staging = {"tiers": ["high"], "environments": ["staging"]}
    policies.publish(by=INSTALLER, body=body | {"name": "labs", "title": "Labs", "covers": staging})
    page = client_of(stranger).get("/policies/").content.decode()
    assert "Published after high-risk, so it is the one that counts." in page
    policies.publish(
        by=INSTALLER, body=policies.starting_body("low") | {"covers": {"tiers": ["low"], "environments": ["staging"]}}
    )
    Policy.objects.exclude(name="labs").filter(state="draft").delete()
    assert "Not everything is covered" not in page

"""From a version back to its cause: what changed between two versions, and what is not known of it."""

from __future__ import annotations

from typing import Any

import pytest

from data_registry import services
from governance.causes.sections import approved_before, sections_of
from governance.models import CodeSet
from governance.services import receive_code
from models_registry.models import Inspection, Version
from tests.conftest import TOP_BAR
from tests.plugins_versions import ACCEPTED, PROVENANCE, measured, metric
from tracking.services import record_run

pytestmark = pytest.mark.django_db
CODE = {"repository": "https://github.com/vision/digits", "branch": "main", "dirty": False}


@pytest.fixture
def two(make_approved: Any, make_review: Any, make_data: Any, team: Any, scientist: Any) -> tuple[Version, Version]:
    """An approved version and its successor in review: another commit, rate, package, test set, weights and accuracy."""
    first = make_approved(data=make_data())
    second = make_review(data=make_data(), result=measured(accuracy=(0.99, 0.98, 0.995))).version

    def run(number: int, rate: float, torch: str) -> Any:
        code = CODE | {"commit": 40 * str(number)}
        environment = {"python": "3.11.7", "packages": [f"torch=={torch}", "numpy==2.4.6"]}
        params = {"lr": rate, "epochs": 3}
        return record_run(team, by=scientist, name=f"run {number}", params=params, code=code, environment=environment)

    for version, trained in ((first, run(1, 0.1, "2.12.0")), (second, run(2, 0.01, "2.13.0"))):
        Version.objects.filter(pk=version.pk).update(training_run=trained)
    return tuple(Version.objects.with_parts().get(pk=one.pk) for one in (first, second))  # type: ignore[return-value]  # two


def told(before: Version, after: Version) -> dict[str, dict[str, tuple[str, str, str]]]:
    return {
        section.name: {item["label"]: (item["kind"], item["before"], item["after"]) for item in section.items}
        for section in sections_of(before, after)
    }


def notes(before: Version, after: Version, name: str) -> str:
    return " ".join(next(section.notes for section in sections_of(before, after) if section.name == name))


def test_each_cause_is_told_and_what_is_equal_is_not(two: tuple[Version, Version]) -> None:
    before, after = two
    found = told(before, after)
    assert found["code"] == {"Commit": ("changed", 40 * "1", 40 * "2")}
    assert found["parameters"] == {"lr": ("changed", "0.1", "0.01")}
    assert found["environment"] == {"torch": ("changed", "2.12.0", "2.13.0")}
    assert list(found["data"]) == ["Tested on"]
    kind, one, other = found["data"]["Tested on"]
    assert (kind, "digits v1" in one, "digits v2" in other) == ("changed", True, True)
    assert found["weights"]["Checkpoint"][0] == "changed"


def test_results_stand_with_their_intervals_and_their_data(two: tuple[Version, Version]) -> None:
    before, after = two
    found = told(before, after)["results"]
    assert {label for label in found if label.startswith("Accuracy")} == {"Accuracy on digits v1", "Accuracy on digits v2"}
    kind, _before, figure = found["Accuracy on digits v2"]
    assert kind == "added"
    assert "99" in figure and "600 rows" in figure


def test_the_commits_between_are_linked_where_the_host_is_known(two: tuple[Version, Version]) -> None:
    code = sections_of(*two)[0]
    assert f"https://github.com/vision/digits/compare/{40 * '1'}...{40 * '2'}" in [address for _words, address in code.links]


def test_which_tensors_changed_is_told_only_of_the_version_they_were_compared_with(two: tuple[Version, Version]) -> None:
    before, after = two
    difference = {
        "previous": {"id": str(before.pk), "number": before.number},
        "same": 3, "changed": [{"name": "head.weight", "relative": 0.25, "norm": 1.0}],
        "added": [{"name": "extra", "shape": [2, 3]}],
        "removed": [], "counts": {"changed": 1, "added": 1, "removed": 0, "reshaped": 0},
    }  # fmt: skip
    Inspection.objects.filter(version=after).update(facts=ACCEPTED["facts"] | {"difference": difference})
    after = Version.objects.with_parts().get(pk=after.pk)
    weights = told(before, after)["weights"]
    assert weights["extra"] == ("added", "", "2×3")
    assert "head.weight" in weights
    assert "3 are the same, 1 changed" in notes(before, after, "weights")
    other = {**difference, "previous": {"id": str(after.pk), "number": 7}}
    Inspection.objects.filter(version=after).update(facts=ACCEPTED["facts"] | {"difference": other})
    after = Version.objects.with_parts().get(pk=after.pk)
    assert "compared it with v7" in notes(before, after, "weights")
    assert list(told(before, after)["weights"]) == ["Checkpoint"]


def test_what_is_not_known_is_said(make_approved: Any, make_draft: Any) -> None:
    before = make_approved()
    after = Version.objects.with_parts().get(pk=make_draft().pk)
    for name in ("code", "parameters", "environment"):
        assert f"{after} names no training run" in notes(before, after, name)
    assert "no inspection compared the two" in notes(before, after, "weights")
    assert f"Nothing of {after} has been measured." in notes(before, after, "results")


def test_it_begins_with_the_version_approved_last_before(make_approved: Any, make_review: Any) -> None:
    first = make_approved()
    assert approved_before(first) is None
    make_review()
    last = make_review().version
    assert approved_before(last) == first


def test_the_page_shows_it_and_a_first_version_says_so(
    two: tuple[Version, Version], client_of: Any, auditor: Any, stranger: Any, make_model: Any, make_draft: Any
) -> None:
    before, after = two
    client = client_of(auditor)
    page = client.get(f"/versions/{after.pk}/changes/").content.decode()
    for words in ("0.01", 40 * "2", "2.13.0", "digits v2", "as claimed", "as recorded here", f"v{before.number}"):
        assert words in page
    assert "0.01" in client.get(f"/versions/{after.pk}/changes/?since={before.pk}").content.decode()
    assert "Nothing to compare with" in client.get(f"/versions/{before.pk}/changes/").content.decode()
    assert client_of(stranger).get(f"/versions/{after.pk}/changes/").status_code == 404
    other = make_draft(model=make_model("another"))
    for wrong in (other.pk, "nonsense", "\x00", "00000000-0000-7000-8000-000000000000"):
        assert client.get(f"/versions/{after.pk}/changes/", {"since": wrong}).status_code == 404


def test_the_api_says_the_same(two: tuple[Version, Version], api_of: Any, auditor: Any, make_model: Any, make_draft: Any) -> None:
    before, after = two
    api = api_of(auditor)
    answer = api.get(f"/api/v1/versions/{after.pk}/changes/")
    assert (answer.status_code, answer.json()["since"]) == (200, str(before.pk))
    sections = {one["name"]: one for one in answer.json()["sections"]}
    assert list(sections) == ["code", "data", "parameters", "environment", "weights", "results"]
    assert sections["parameters"]["items"] == [{"kind": "changed", "label": "lr", "before": "0.1", "after": "0.01"}]
    assert [sections[name]["claimed"] for name in sections] == [True, False, True, True, False, False]
    assert api.get(f"/api/v1/versions/{before.pk}/changes/").status_code == 404
    assert api.get(f"/api/v1/versions/{after.pk}/changes/?since=nonsense").status_code == 422
    other = make_draft(model=make_model("another"))
    assert api.get(f"/api/v1/versions/{after.pk}/changes/?since={other.pk}").status_code == 404


def test_the_page_asks_the_database_a_bounded_number_of_times(
    two: tuple[Version, Version], client_of: Any, auditor: Any, django_assert_max_num_queries: Any
) -> None:
    client = client_of(auditor)
    with django_assert_max_num_queries(13 + TOP_BAR):
        assert client.get(f"/versions/{two[1].pk}/changes/").status_code == 200


def test_versions_of_a_dataset_with_the_same_bytes_are_one_test_set(
    make_approved: Any, make_review: Any, make_data: Any, scientist: Any
) -> None:
    data = make_data()
    draft = services.draft_version(data.dataset, by=scientist, provenance=PROVENANCE, format="other", columns=())
    services.receive_content(draft, by=scientist, chunks=[b"rows1"])
    again = services.register_version(draft, by=scientist)
    assert (again.digest, str(again)) == (data.digest, "digits v2")
    first = make_approved(data=data)
    second = make_review(data=again, result=measured(accuracy=(0.99, 0.98, 0.995))).version
    found = told(*(Version.objects.with_parts().get(pk=one.pk) for one in (first, second)))
    kind, before, after = found["results"]["Accuracy on digits v1 = digits v2"]
    assert kind == "changed" and before != after and "99" in after
    assert list(found["data"]) == ["Tested on: the same bytes, under another number"]


def test_figures_without_a_threshold_are_folded(
    make_approved: Any, make_review: Any, make_data: Any, client_of: Any, auditor: Any
) -> None:
    before = make_approved(data=make_data())
    result = measured(accuracy=(0.99, 0.98, 0.995))
    unjudged = metric("macro_f1", 0.92, 0.91, 0.93, n=600)
    after = make_review(data=make_data(), result=result | {"metrics": [*result["metrics"], unjudged]}).version
    results = next(section for section in sections_of(before, after) if section.name == "results")
    judged, others = [item["label"] for item in results.shown], [item["label"] for item in results.folded]
    by_policy = ("Accuracy", "Expected calibration error")
    assert judged == [f"{name} on digits {data}" for data in ("v1", "v2") for name in by_policy]
    assert others == ["Macro F1 on digits v2"]
    page = client_of(auditor).get(f"/versions/{after.pk}/changes/").content.decode()
    before_fold, fold = page.split("1 figure without a threshold</summary>")
    assert judged[0] in before_fold and judged[0] not in fold
    assert others[0] in fold and others[0] not in before_fold


def test_the_commits_that_were_sent_are_told_and_lead_to_their_differences(
    make_approved: Any, make_review: Any, scientist: Any
) -> None:
    first, second = make_approved(), make_review().version
    named = [{"commit": 40 * "2", "at": "2026-05-04T10:00:00Z", "author": "Kim", "subject": "Lower the rate"}]
    sent = receive_code(second, by=scientist, commit=40 * "2", tree=40 * "a", diff="", commits=named)
    code = sections_of(first, Version.objects.with_parts().get(pk=second.pk))[0]
    assert code.links[-1][1] == sent.get_absolute_url() and code.items == []
    CodeSet.objects.filter(pk=sent.pk).update(base_version=first)
    code = sections_of(first, Version.objects.with_parts().get(pk=second.pk))[0]
    assert [(one["kind"], one["label"], one["after"]) for one in code.items] == [("added", 12 * "2", "Lower the rate")]

"""The code of a version: what is received, who reads it, what outcomes count, and what makes them stale."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.services import erase_person
from core import clock
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import services
from governance.approvals import approval_of
from governance.code_sets import latest_code, pinned_code
from governance.material import Material
from governance.models import CodeComment, CodeCommit, CodeOutcome, CodeSet, Review, SignOff
from governance.requirements import Outcome, Question
from governance.requirements.code_review import answer, check
from ledger.models import Event, PrivateValue
from ledger.services import fsck, sequence_and_seal
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD
from tracking.services import record_run

pytestmark = pytest.mark.django_db
ONE, TWO, TREE = 40 * "1", 40 * "2", 40 * "a"
DIFF = """diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,3 +1,3 @@ def train
 import torch
-rate = 0.1
+rate = 0.01
 epochs = 3
"""
COMMITS = [
    {
        "commit": TWO,
        "at": "2026-05-04T10:00:00Z",
        "author": "Sora",
        "email": "Sora.Scientist@example.org",
        "subject": "Lower rate",
    },
    {"commit": 40 * "3", "at": "2026-05-03T10:00:00Z", "author": "Kim Outside", "email": "kim@elsewhere.org", "subject": "Start"},
]
APPROVE = {"verdict": "approved", "reason": "Read all of it."}


@pytest.fixture
def send(scientist: Any) -> Any:
    def one(version: Any, **more: Any) -> CodeSet:
        return services.receive_code(version, by=more.pop("by", scientist), **{"commit": TWO, "tree": TREE, "diff": DIFF} | more)

    return one


def asked(version: Any, reviewers: int = 1) -> Outcome:
    version = Version.objects.with_parts().get(pk=version.pk)
    policy = Review.objects.get(version=version).policy
    (found,) = answer(Question(version, policy, "production", [], {"kind": "code_review", "reviewers": reviewers}))
    return found.outcome


def test_code_is_received_with_its_digest_and_told_as_an_event(make_draft: Any, send: Any, story: Any) -> None:
    draft = make_draft()
    before = len(story())
    sent = send(draft, commits=COMMITS, commits_total=5, left_out=[{"path": "model.bin", "why": "binary"}])
    assert (sent.files, sent.added, sent.removed, sent.commits_total, sent.left_out_total) == (1, 1, 1, 5, 1)
    assert sent.digest.startswith("sha256:") and latest_code(draft) == sent
    assert story()[before:] == ["code_set.received"]
    assert send(draft, commits=COMMITS, commits_total=5, left_out=[{"path": "model.bin", "why": "binary"}]) == sent
    assert story()[before:] == ["code_set.received"]


def test_no_name_of_an_author_stands_in_the_log_and_no_address_is_kept(make_draft: Any, send: Any, scientist: Any) -> None:
    sent = send(make_draft(), commits=COMMITS)
    mine, other = sent.commits.all()
    assert (mine.person, mine.author, mine.subject) == (scientist.pk, "", "Lower rate")
    assert (other.person, other.author) == (None, "Kim Outside")
    recorded = bytes(Event.objects.get(type="code_set.received").body).decode()
    assert "Kim" not in recorded and "Lower rate" not in recorded and "@" not in recorded


def test_only_a_data_scientist_of_the_team_sends_code(make_draft: Any, send: Any, validator: Any) -> None:
    with pytest.raises(NotAllowed, match="data scientist of this team"):
        send(make_draft(), by=validator)
    assert Event.objects.get(type="attempt.refused").data["attempt"] == "send_code"
    assert not CodeSet.objects.exists()


def test_code_that_is_not_that_of_the_training_run_is_refused(make_draft: Any, send: Any, scientist: Any, team: Any) -> None:
    draft = make_draft()
    run = record_run(team, by=scientist, name="a", params={}, code={"commit": ONE, "dirty": False}, environment={})
    Version.objects.filter(pk=draft.pk).update(training_run=run)
    with pytest.raises(InvalidInput, match="another commit, 111111111111"):
        send(draft)
    assert send(draft, commit=ONE).commit == ONE


def test_the_base_is_the_commit_of_the_version_approved_last_or_nothing(
    make_review: Any, make_draft: Any, send: Any, sign: Any
) -> None:
    first = make_review()
    send(first.version, commit=ONE)
    sign(first, "validator")
    sign(first, "compliance_officer")
    second = make_draft()
    with pytest.raises(InvalidInput, match="approved last"):
        send(second, base=40 * "9")
    assert send(second, base=ONE).base_version_id == first.version_id
    assert send(second, base="").base_version is None


def test_code_of_a_decided_version_stays_as_it_was(make_approved: Any, send: Any) -> None:
    with pytest.raises(WrongState, match="stay as they were"):
        send(make_approved())


def test_whoever_sends_code_contributed_and_does_not_sign(make_review: Any, send: Any, make_person: Any, team: Any) -> None:
    both = make_person("Two Hats", ("data_scientist", team), ("validator", team))
    review = make_review()
    send(review.version, by=both)
    with pytest.raises(NotAllowed, match="You contributed"):
        services.sign_off(review, by=both, role="validator", verdict="approve", password=PASSWORD, seen="sha256:shown")


def test_what_is_no_diff_is_refused_with_its_line(make_draft: Any, send: Any) -> None:
    with pytest.raises(InvalidInput, match="Line 1 is not"):
        send(make_draft(), diff="hello\n")


def test_a_reviewer_who_did_not_contribute_records_an_outcome(make_review: Any, send: Any, validator: Any, story: Any) -> None:
    review = make_review()
    sent = send(review.version)
    before = len(story())
    made = services.record_code_outcome(sent, by=validator, **APPROVE)
    assert (made.verdict, made.digest, made.person) == ("approved", sent.digest, validator.pk)
    assert story()[before:] == ["code_review.recorded", "review.pins_changed"]
    assert asked(review.version) == Outcome.MET
    assert asked(review.version, reviewers=2) == Outcome.NOT_ASSESSED


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("scientist", "You contributed"),
        ("officer", "Only a validator or a data scientist"),
        ("admin", "Administrators"),
        ("stranger", "Only a validator"),
    ],
)
def test_who_may_not_review_code(make_review: Any, send: Any, who: str, sentence: str, request: Any) -> None:
    sent = send(make_review().version)
    with pytest.raises(NotAllowed, match=sentence):
        services.record_code_outcome(sent, by=request.getfixturevalue(who), **APPROVE)
    assert not CodeOutcome.objects.exists()
    assert Event.objects.filter(type="attempt.refused").count() == 1


def test_the_author_of_a_commit_does_not_review_it(make_review: Any, send: Any, other_scientist: Any) -> None:
    mine = [COMMITS[0] | {"email": other_scientist.email}]
    sent = send(make_review().version, commits=mine)
    with pytest.raises(NotAllowed, match="You wrote commits"):
        services.record_code_outcome(sent, by=other_scientist, **APPROVE)


def test_other_code_makes_an_outcome_stale(make_review: Any, send: Any, validator: Any) -> None:
    review = make_review()
    sent = send(review.version)
    services.record_code_outcome(sent, by=validator, **APPROVE)
    send(review.version, diff=DIFF.replace("0.01", "0.02"))
    assert asked(review.version) == Outcome.NOT_ASSESSED
    with pytest.raises(WrongState, match="Other code was sent"):
        services.record_code_outcome(sent, by=validator, **APPROVE)


def test_the_last_word_of_each_person_counts_and_one_request_for_changes_is_enough(
    make_review: Any, send: Any, validator: Any, other_scientist: Any
) -> None:
    review = make_review()
    sent = send(review.version)
    services.record_code_outcome(sent, by=validator, **APPROVE)
    services.record_code_outcome(sent, by=validator, **APPROVE)
    assert asked(review.version, reviewers=2) == Outcome.NOT_ASSESSED  # one person is one reviewer
    services.record_code_outcome(sent, by=other_scientist, verdict="changes_requested", reason="The seed is missing.")
    assert asked(review.version) == Outcome.NOT_MET
    services.record_code_outcome(sent, by=other_scientist, **APPROVE)
    assert asked(review.version, reviewers=2) == Outcome.MET


def test_an_outcome_of_somebody_who_contributed_afterwards_does_not_count(
    make_review: Any, send: Any, other_scientist: Any
) -> None:
    review = make_review()
    services.record_code_outcome(send(review.version), by=other_scientist, **APPROVE)
    assert asked(review.version) == Outcome.MET
    services.revise_card(review.version, CARD | {"contact": "Mailbox"}, by=other_scientist)
    assert asked(review.version) == Outcome.NOT_ASSESSED


def test_without_code_the_requirement_is_never_met(make_review: Any) -> None:
    assert asked(make_review().version) == Outcome.NOT_ASSESSED


def test_code_and_outcomes_are_part_of_what_is_signed(make_review: Any, send: Any, sign: Any, validator: Any) -> None:
    review = make_review()
    sent = send(review.version)
    sign(review, "validator")
    assert not approval_of(review.version, "production").stale
    services.record_code_outcome(sent, by=validator, **APPROVE)
    ((_signed, changed),) = approval_of(review.version, "production").stale
    assert changed == ["code"]
    assert Review.objects.get(pk=review.pk).digest == approval_of(review.version, "production").digest


def test_a_version_without_code_says_nothing_of_it_in_what_is_signed(make_review: Any, sign: Any) -> None:
    review = make_review()
    sign(review, "validator")
    assert "code" not in SignOff.objects.get().statement
    assert pinned_code(Material(review.version, review.policy)) == {}


def test_a_hosted_review_needs_address_reviewer_and_day(make_review: Any, send: Any, validator: Any, frozen_clock: Any) -> None:
    sent = send(make_review().version)
    hosted = {"url": "https://github.com/a/b/pull/3", "reviewer": "Kim", "hosted_on": clock.now().date()}
    for wrong, sentence in (
        ({"reviewer": ""}, "give all"),
        ({"url": "javascript:alert(1)"}, "begins with https"),
        ({"url": "https://user:word@host/x"}, "no password"),
        ({"url": "https://[::1"}, "begins with https"),
        ({"hosted_on": clock.now().date() + timedelta(days=1)}, "future"),
    ):
        with pytest.raises(InvalidInput, match=sentence):
            services.record_code_outcome(sent, by=validator, **APPROVE, **hosted | wrong)
    services.record_code_outcome(sent, by=validator, **APPROVE, **hosted)
    found = CodeOutcome.objects.with_texts().get()
    assert (found.url, found.reviewer, found.reason) == (hosted["url"], "Kim", "Read all of it.")


def test_an_outcome_has_a_reason(make_review: Any, send: Any, validator: Any) -> None:
    with pytest.raises(InvalidInput, match="Say what you looked at"):
        services.record_code_outcome(send(make_review().version), by=validator, verdict="approved", reason=" ")


def test_a_comment_stands_on_a_line_that_is_shown(make_draft: Any, send: Any, officer: Any, story: Any) -> None:
    sent = send(make_draft())
    before = len(story())
    place = {"part": "changes", "path": "train.py", "side": "new", "line": 2}
    made = services.comment_on_code(sent, by=officer, text="Why so low?", **place)
    assert CodeComment.objects.with_texts().get(pk=made.pk).text == "Why so low?"
    assert story()[before:] == ["code_comment.made"]
    for wrong in ({"line": 9}, {"path": "other.py"}, {"side": "up"}, {"part": "patch"}, {"line": None}):
        with pytest.raises(InvalidInput, match="no such line"):
            services.comment_on_code(sent, by=officer, text="?", **place | wrong)


def test_the_contributor_does_not_resolve_a_reviewers_comment(
    make_draft: Any, send: Any, validator: Any, scientist: Any, story: Any
) -> None:
    made = services.comment_on_code(send(make_draft()), by=validator, text="Seed?")
    with pytest.raises(NotAllowed, match="another reviewer"):
        services.resolve_comment(made, by=scientist)
    before = len(story())
    services.resolve_comment(made, by=validator)
    assert story()[before:] == ["code_comment.resolved"]
    with pytest.raises(WrongState, match="resolved already"):
        services.resolve_comment(made, by=validator)


def test_words_about_code_go_with_the_person_and_the_log_holds(
    make_review: Any, send: Any, validator: Any, scientist: Any, admin: Any
) -> None:
    sent = send(make_review().version, commits=COMMITS)
    services.comment_on_code(sent, by=validator, text="Ask Kim about the camera.")
    services.record_code_outcome(sent, by=validator, verdict="approved", reason="Kim showed me.")
    erase_person(validator, by=admin)
    assert not PrivateValue.objects.filter(value__contains="Kim").exists()
    assert CodeComment.objects.with_texts().get().text is None
    assert CodeOutcome.objects.get().verdict == "approved"
    erase_person(scientist, by=admin)
    assert set(CodeCommit.objects.values_list("author", "subject")) == {("", "")}
    sequence_and_seal()
    assert fsck().holds


@pytest.mark.parametrize("demand", [{"reviewers": 0}, {"reviewers": 10}, {"reviewers": True}, {"reviewers": "1"}, {"people": 2}])
def test_a_policy_says_how_many_reviewers(demand: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="how many people"):
        check({"kind": "code_review"} | demand)
    assert check({"kind": "code_review"}) == {"kind": "code_review", "reviewers": 1}

"""What is said on a review: who may, whom a question waits for, and that nothing is changed or lost."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.services import erase_person
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import services
from governance.discussing import thread_of, waiting_on
from governance.models import Message, Review
from governance.permissions.code import can_answer
from ledger.models import Event, PrivateValue
from ledger.services import fsck, sequence_and_seal
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_whoever_holds_a_role_in_the_team_may_comment(make_review: Any, auditor: Any, scientist: Any, story: Any) -> None:
    review = make_review()
    before = len(story())
    for person in (auditor, scientist):
        services.say(review, by=person, text=" Which camera? ")
    assert [one.text for one in Message.objects.with_texts()] == ["Which camera?"] * 2
    assert story()[before:] == ["review_message.posted"] * 2
    assert "camera" not in bytes(Event.objects.filter(type="review_message.posted")[0].body).decode()


@pytest.mark.parametrize("who", ["admin", "stranger"])
def test_without_a_role_in_the_team_nobody_comments(make_review: Any, who: str, request: Any) -> None:
    review = make_review()
    with pytest.raises(NotAllowed, match="Only people with a role"):
        services.say(review, by=request.getfixturevalue(who), text="Hello")
    assert not Message.objects.exists()
    assert Event.objects.get(type="attempt.refused").data["attempt"] == "comment"


def test_a_question_waits_for_the_role_until_it_is_answered(
    make_review: Any, validator: Any, officer: Any, scientist: Any, story: Any
) -> None:
    review = make_review()
    before = len(story())
    asked = services.ask(review, by=validator, text="Which camera?", role="compliance_officer")
    assert list(waiting_on(officer)) == [asked] and not waiting_on(scientist).exists() and not waiting_on(validator).exists()
    with pytest.raises(NotAllowed, match="waits for somebody else"):
        services.answer(asked, by=scientist, text="The old one.")
    services.answer(asked, by=officer, text="The old one.")
    assert not waiting_on(officer).exists()
    with pytest.raises(WrongState, match="answered meanwhile"):
        services.answer(asked, by=officer, text="Again.")
    assert [one for one in story()[before:] if one != "attempt.refused"] == ["review_question.asked", "review_question.answered"]


def test_a_question_to_a_person_waits_for_that_person_alone(
    make_review: Any, validator: Any, officer: Any, make_person: Any, team: Any
) -> None:
    other = make_person("Other Officer", ("compliance_officer", team))
    services.ask(make_review(), by=validator, text="Which camera?", person=officer)
    assert waiting_on(officer).count() == 1 and not waiting_on(other).exists()


def test_the_list_of_questions_agrees_with_the_permission(
    make_review: Any, validator: Any, officer: Any, dpo: Any, scientist: Any, auditor: Any, stranger: Any, admin: Any
) -> None:
    review = make_review()
    services.ask(review, by=validator, text="1", role="compliance_officer")
    services.ask(review, by=officer, text="2", person=scientist)
    services.ask(review, by=scientist, text="3", role="data_protection_officer")
    done = services.ask(review, by=scientist, text="4", person=officer)
    services.answer(done, by=officer, text="Yes.")
    for person in (validator, officer, dpo, scientist, auditor, stranger, admin):
        listed = set(Message.objects.answerable_by(person).values_list("pk", flat=True))
        assert listed == {one.pk for one in Message.objects.all() if can_answer(person, one)}, person


def test_a_question_is_put_to_one_role_or_one_colleague(make_review: Any, validator: Any, officer: Any, stranger: Any) -> None:
    review = make_review()
    for wrong in (
        {},
        {"role": "auditor", "person": officer},
        {"role": "administrator"},
        {"person": stranger},
        {"person": validator},
    ):
        with pytest.raises(InvalidInput):
            services.ask(review, by=validator, text="?", **wrong)
    assert not Message.objects.exists()


def test_an_ended_review_takes_comments_and_answers_but_no_questions(
    make_review: Any, validator: Any, officer: Any, sign: Any
) -> None:
    review = make_review()
    asked = services.ask(review, by=validator, text="Which camera?", role="compliance_officer")
    sign(review, "validator", "reject")
    services.say(review, by=validator, text="Rejected for the camera.")
    services.answer(asked, by=officer, text="The old one.")
    with pytest.raises(WrongState, match="has ended"):
        services.ask(review, by=validator, text="Why?", role="auditor")


def test_a_correction_is_a_new_entry_by_its_writer_and_both_stay(make_review: Any, validator: Any, officer: Any) -> None:
    review = make_review()
    first = services.say(review, by=validator, text="Seed is 3.")
    with pytest.raises(NotAllowed, match="Only its writer"):
        services.say(review, by=officer, text="Seed is 4.", corrects=first)
    second = services.say(review, by=validator, text="Seed is 4.", corrects=first)
    services.say(review, by=validator, text="Seed is 5.", corrects=second)
    (entry,) = thread_of(Message.objects.with_texts())
    assert entry.current.text == "Seed is 5." and [one.text for one in entry.earlier] == ["Seed is 3.", "Seed is 4."]


def test_an_open_question_does_not_hold_up_the_decision(make_review: Any, validator: Any, sign: Any) -> None:
    review = make_review()
    services.ask(review, by=validator, text="Which camera?", role="compliance_officer")
    sign(review, "validator")
    sign(review, "compliance_officer")
    assert Review.objects.get(pk=review.pk).outcome == "approved"


def test_words_go_with_the_person_and_the_log_holds(make_review: Any, validator: Any, admin: Any) -> None:
    services.say(make_review(), by=validator, text="Ask Kim.")
    erase_person(validator, by=admin)
    assert not PrivateValue.objects.filter(value__contains="Kim").exists()
    assert Message.objects.with_texts().get().text is None
    sequence_and_seal()
    assert fsck().holds


def test_the_page_shows_the_thread_and_what_is_open_beside_the_decision(
    make_review: Any, validator: Any, officer: Any, client_of: Any
) -> None:
    review = make_review()
    client = client_of(validator)
    asked = client.post(f"/reviews/{review.pk}/messages/", {"text": "Which camera?", "to": "role:compliance_officer"})
    assert asked.status_code == 303, asked.content
    page = client_of(officer).get(f"/reviews/{review.pk}/").content.decode()
    assert "1 question on this review is open" in page and "Which camera?" in page
    inbox = client_of(officer).get("/").content.decode()
    assert "Questions to you" in inbox and "Which camera?" in inbox
    assert "Questions you asked" in client.get("/").content.decode()
    question = Message.objects.get()
    answered = client_of(officer).post(f"/messages/{question.pk}/answer/", {"text": "The old one."})
    assert answered.status_code == 303
    again = client_of(officer).post(f"/messages/{question.pk}/answer/", {"text": "It was the other one."})
    assert again.status_code == 409 and "It was the other one." in again.content.decode()
    empty = client.post(f"/reviews/{review.pk}/messages/", {"text": " ", "to": ""})
    assert empty.status_code == 422
    assert "question on this review is open" not in client.get(f"/reviews/{review.pk}/").content.decode()


def test_the_api_asks_answers_and_corrects(make_review: Any, validator: Any, officer: Any, api_of: Any) -> None:
    review = make_review()
    mine, theirs = api_of(validator, "read", "govern"), api_of(officer, "read", "govern")
    said = mine.post(f"/api/v1/reviews/{review.pk}/messages/", {"text": "A"}, format="json").json()
    corrected = mine.post(f"/api/v1/reviews/{review.pk}/messages/", {"text": "B", "corrects": said["id"]}, format="json")
    assert (corrected.status_code, corrected.json()["corrects"]) == (201, said["id"])
    asked = mine.post(f"/api/v1/reviews/{review.pk}/messages/", {"text": "?", "person": str(officer.pk)}, format="json").json()
    answered = theirs.post(f"/api/v1/messages/{asked['id']}/answers/", {"text": "!"}, format="json")
    assert (answered.status_code, answered.json()["answers"], PASSWORD in str(answered.json())) == (201, asked["id"], False)
    listed = mine.get(f"/api/v1/reviews/{review.pk}/messages/").json()["results"]
    assert [one["text"] for one in listed] == ["!", "?", "B", "A"]

"""Mails: who is told of what, once, in words that name nobody else and lead to a page that asks to sign in."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.urls import reverse

from governance import tasks
from governance.mail.sending import mail_what_happened
from governance.models import Mail, MailPlace
from governance.models.mail import MailKind
from governance.services.mail import choose_mails, chosen
from ledger.sequencer import sequence

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailed(settings: Any) -> Callable[[], list[tuple[str, str]]]:
    """What was mailed since the last call: (address, subject) of each."""
    settings.MAILS = True
    settings.SITE_URL = "https://countersign.example.org"
    mail_what_happened()

    def tell() -> list[tuple[str, str]]:
        sequence()
        mail.outbox.clear()
        mail_what_happened()
        return [(one.to[0], one.subject.partition(": ")[2] or one.subject) for one in mail.outbox]

    return tell


def _to(told: list[tuple[str, str]]) -> list[str]:
    return sorted(address for address, _subject in told)


def test_whoever_is_to_sign_next_is_asked_once(
    make_review: Any, sign: Any, mailed: Any, validator: Any, officer: Any, scientist: Any
) -> None:
    review = make_review()
    assert _to(mailed()) == [validator.email]
    assert mailed() == []
    sign(review, "validator")
    assert _to(mailed()) == [officer.email]
    sign(review, "compliance_officer")
    assert _to(mailed()) == sorted([scientist.email, validator.email, officer.email])


def test_a_mail_names_nobody_else_and_leads_to_a_page_that_asks_to_sign_in(
    make_review: Any, mailed: Any, validator: Any, scientist: Any, officer: Any, client: Any
) -> None:
    review = make_review()
    mailed()
    (letter,) = mail.outbox
    text = letter.subject + letter.body
    assert f"https://countersign.example.org{review.get_absolute_url()}" in letter.body
    assert validator.name in letter.body
    assert scientist.name not in text
    assert officer.name not in text
    assert scientist.email not in text
    assert client.get(review.get_absolute_url()).status_code == 302


def test_overdue_reviews_and_ends_that_come_near_are_mailed_once(
    make_review: Any, sign: Any, mailed: Any, frozen_clock: Any, risk_manager: Any, validator: Any, officer: Any, scientist: Any
) -> None:
    review = make_review()
    mailed()
    frozen_clock.set(review.due_at)
    tasks.fall_due()
    told = mailed()
    assert _to(told) == [risk_manager.email]
    assert told[0][1] == "a review is overdue"
    assert mailed() == []
    sign(review, "validator")
    sign(review, "compliance_officer")
    mailed()
    review.refresh_from_db()
    frozen_clock.set(review.remind_at)
    tasks.fall_due()
    told = mailed()
    assert {subject for _address, subject in told} == {"an approval soon ends"}
    assert _to(told) == sorted([scientist.email, validator.email, officer.email])


def test_what_a_person_does_not_want_is_not_sent(make_review: Any, mailed: Any, validator: Any, story: Any) -> None:
    assert chosen(validator) == ["assignment", "reminder", "escalation", "decision"]
    choose_mails(by=validator, kinds=["decision"])
    assert "mail.chosen" in story()
    make_review()
    assert mailed() == []


def test_who_is_gone_or_sees_it_no_more_gets_no_mail(make_review: Any, mailed: Any, validator: Any) -> None:
    make_review()
    validator.is_active = False
    validator.save()
    assert mailed() == []


def test_a_mail_that_was_written_down_is_never_sent_twice(make_review: Any, mailed: Any, validator: Any) -> None:
    """As after a crash between writing down and moving on: the place in the log still stands before the entry."""
    place = MailPlace.objects.get().cursor
    make_review()
    assert len(mailed()) == 1
    MailPlace.objects.update(cursor=place)
    assert mailed() == []
    assert Mail.objects.filter(person=validator.pk).count() == 1


@pytest.mark.parametrize(
    ("failure", "again"),
    [
        (ConnectionRefusedError(), True),
        (smtplib.SMTPResponseException(421, b"busy"), True),
        (smtplib.SMTPResponseException(554, b"no"), False),
        (smtplib.SMTPRecipientsRefused({}), False),
    ],
)
def test_a_server_that_cannot_be_reached_is_asked_again_and_one_that_refuses_is_not(
    failure: Exception, again: bool, make_review: Any, mailed: Any, monkeypatch: pytest.MonkeyPatch, validator: Any
) -> None:
    def fail(_message: EmailMessage) -> int:
        raise failure

    make_review()
    with monkeypatch.context() as patched:
        patched.setattr(EmailMessage, "send", fail)
        assert mailed() == []
    assert _to(mailed()) == ([validator.email] if again else [])


def test_where_no_mail_server_is_set_nothing_is_sent_and_nothing_is_made_up_for_later(
    make_review: Any, mailed: Any, settings: Any, validator: Any
) -> None:
    assert validator.is_active
    settings.MAILS = False
    make_review()
    assert mailed() == []
    settings.MAILS = True
    assert mailed() == []


def test_the_page_keeps_the_choice(client_of: Any, stranger: Any) -> None:
    client = client_of(stranger)
    address = reverse("governance:mail_settings")
    assert "This site sends no mails" in client.get(address).content.decode()
    assert client.post(address, {"kinds": ["reminder"]}).status_code == 302
    assert chosen(stranger) == ["reminder"]
    assert client.post(address, {}).status_code == 302
    assert chosen(stranger) == []
    assert client.post(address, {"kinds": ["everything"]}).status_code == 422


def test_the_api_keeps_the_choice(api_of: Any, stranger: Any) -> None:
    client, address = api_of(stranger), reverse("api-my-mails")
    assert client.get(address).json() == {"kinds": MailKind.values, "sends": False}
    assert client.put(address, {"kinds": ["reminder"]}, format="json").json() == {"kinds": ["reminder"], "sends": False}
    assert chosen(stranger) == ["reminder"]
    assert client.put(address, {"kinds": ["everything"]}, format="json").status_code == 422
    assert client.put(address, {}, format="json").status_code == 422
    assert chosen(stranger) == ["reminder"]

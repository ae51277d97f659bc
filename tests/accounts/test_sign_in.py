"""Signing in and out, second factors and passwords through the real pages; each becomes an act."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.middleware import ReadersZone
from accounts.services import ProofFailed, prove
from ledger.models import Event
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def sign_in(client, person, password=PASSWORD, email=""):
    return client.post(LOGIN, {"login": email or person.email, "password": password})


def test_a_person_signs_in_with_the_address_in_any_case(validator, client, story):
    answer = sign_in(client, validator, email=validator.email.upper())
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(validator.pk)
    assert story() == ["session.opened"]
    assert b'"methods":["password"]' in bytes(Event.objects.about(validator).get().body)


def test_signing_out_takes_a_post(validator, client_of, story):
    client = client_of(validator)
    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session
    assert story() == ["session.closed"]


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(validator, story):
    answers = []
    for email in (validator.email, "nobody@example.org"):
        client = Client()
        answer = client.post(LOGIN, {"login": email, "password": "wrong"})
        answers.append((answer.status_code, answer.context["form"].errors.as_json()))
        assert "_auth_user_id" not in client.session
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert story() == ["sign_in.failed"]  # the second of the minute is counted, not written


def test_an_unknown_address_costs_the_same_work_as_a_wrong_password(validator, settings, monkeypatch):
    """Both hash once, which takes nearly all of the time; without it an address would be found by the clock."""
    settings.ACCOUNT_RATE_LIMITS = False
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda hasher, *of: hashed.append(of) or encode(hasher, *of))
    Client().post(LOGIN, {"login": validator.email, "password": "wrong"})
    assert len(hashed) == 1
    Client().post(LOGIN, {"login": "nobody@example.org", "password": "wrong"})
    assert len(hashed) == 2


def test_failed_sign_ins_are_counted_for_each_source_and_minute(validator, settings, frozen_clock, story):
    settings.ACCOUNT_RATE_LIMITS = False
    for _attempt in range(12):
        sign_in(Client(), validator, password="wrong")
    assert story() == ["sign_in.failed"] * 2
    sign_in(Client(REMOTE_ADDR="192.0.2.7"), validator, password="wrong")
    assert story() == ["sign_in.failed"] * 3
    bodies = [bytes(event.body).decode() for event in Event.objects.filter(type="sign_in.failed").in_order()]
    assert ['"in_this_minute":10' in body for body in bodies] == [False, True, False]
    assert all(str(validator.pk) in body for body in bodies)
    assert not any("192.0.2.7" in body or validator.email in body for body in bodies)


def test_sign_in_is_limited_by_address_and_account(validator):
    for _attempt in range(5):
        sign_in(Client(), validator, password="wrong")
    client = Client()
    sign_in(client, validator)  # the right password, too late
    assert "_auth_user_id" not in client.session


def test_who_is_deactivated_does_not_come_in(validator, client, client_of, story):
    signed_in = client_of(validator)
    validator.is_active = False
    validator.save()
    sign_in(client, validator)
    assert "_auth_user_id" not in client.session
    assert signed_in.get("/accounts/password/change/").status_code == 302  # the open session is nobody's


def test_nobody_makes_an_account_or_resets_a_password_from_outside(db):
    for name in ("account_signup", "account_reset_password", "account_email"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    assert Client().get("/accounts/signup/").status_code in {302, 404}


@pytest.mark.django_db(transaction=True)
def test_a_second_factor_is_enrolled_asked_for_and_removed(validator, authenticators, story):
    client = Client()
    sign_in(client, validator)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 302  # the password is asked for anew
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
    secret = client.session["mfa.totp.secret"]
    client.post("/accounts/2fa/totp/activate/", {"code": authenticators.code(secret)})
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert sorted(story()) == ["second_factor.enrolled"] * 2 + ["session.opened"]

    other = Client()
    answer = sign_in(other, validator)
    assert answer["Location"].startswith("/accounts/2fa/authenticate/")
    assert "_auth_user_id" not in other.session
    other.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert story()[-1] == "sign_in.failed"
    other.post("/accounts/2fa/authenticate/", {"code": authenticators.code(secret)})
    assert "_auth_user_id" in other.session
    assert b'"methods":["password","totp"]' in bytes(Event.objects.in_order().last().body)

    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert story()[-2:] == ["second_factor.removed"] * 2
    bodies = b"".join(bytes(event.body) for event in Event.objects.all())
    assert secret.encode() not in bodies
    assert prove(validator, password=PASSWORD).methods == ("password",)


def test_a_code_that_signed_in_does_not_sign(validator, client, authenticators):
    authenticators.enrol(validator)
    code = authenticators.code()
    sign_in(client, validator)
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert "_auth_user_id" in client.session
    with pytest.raises(ProofFailed, match="not right"):
        prove(validator, password=PASSWORD, code=code)


def test_a_changed_password_is_in_the_story(validator, client_of, story):
    client = client_of(validator)
    new = "battery staple correct horse"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    validator.refresh_from_db()
    assert validator.check_password(new)
    assert story() == ["password.changed"]


def test_times_are_shown_in_the_readers_zone(make_person, client_of, rf):
    request = rf.get("/")
    request.user = make_person("Seo", time_zone="Asia/Seoul")
    seen = []
    ReadersZone(lambda _request: seen.append(timezone.get_current_timezone_name()))(request)
    assert seen == ["Asia/Seoul"]
    assert timezone.get_current_timezone_name() == "UTC"


def test_second_factors_lie_encrypted_in_the_database(validator, authenticators, settings):
    settings.MFA_ADAPTER = "accounts.adapter.SecondFactors"
    authenticators.enrol(validator)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert authenticators.SECRET not in kept
    assert not any(code in kept for code in authenticators.recovery_codes(validator))
    assert prove(validator, password=PASSWORD, code=authenticators.code()).methods == ("password", "totp")

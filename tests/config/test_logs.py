"""Logs: one JSON object a line, with the request's id, and never what was sent to prove who somebody is."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from core.logs import OneJsonObject, request_id
from tests.plugins_versions import PASSWORD


def written(record: logging.LogRecord) -> dict[str, Any]:
    line = OneJsonObject().format(record)
    assert "\n" not in line
    return json.loads(line)


def record(message: str, *args: Any, **more: Any) -> logging.LogRecord:
    return logging.LogRecord("a.logger", logging.WARNING, __file__, 1, message, args, more.get("exc_info"))


def test_a_line_is_one_object_whatever_it_says() -> None:
    line = written(record("a %s\nwith “signs” and \x1b[2J", "message"))
    assert (line["level"], line["logger"], line["message"]) == ("warning", "a.logger", "a message\nwith “signs” and \x1b[2J")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])
    assert "request_id" not in line


def test_an_exception_stands_in_its_line() -> None:
    try:
        raise RuntimeError("it broke")
    except RuntimeError as error:
        found = record("failed", exc_info=(type(error), error, error.__traceback__))
    assert "RuntimeError: it broke" in written(found)["exception"]


def test_a_line_that_cannot_be_formatted_is_still_one_object() -> None:
    assert written(record("%d apples", "no"))["message"] == "%d apples"


def test_lines_carry_the_request_that_caused_them() -> None:
    token = request_id.set("the-request-1")
    assert written(record("x"))["request_id"] == "the-request-1"
    request_id.reset(token)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("offered", "taken"),
    [("from-my-proxy_1.2", True), ("short", False), ("x" * 65, False), ('with "quotes" in it', False), ("", False)],
)
def test_a_harmless_request_id_is_taken_and_any_other_replaced(client_of: Any, caplog: Any, offered: str, taken: bool) -> None:
    with caplog.at_level(logging.INFO):
        answer = client_of().get("/healthz", headers={"X-Request-ID": offered})
    assert (answer["X-Request-ID"] == offered) is taken
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer["X-Request-ID"])
    (line,) = [each for each in caplog.records if each.name == "countersign.requests"]
    assert line.facts.items() >= {"method": "GET", "path": "/healthz", "status": 200}.items()


@pytest.mark.django_db
def test_what_proves_who_somebody_is_is_never_logged(
    client_of: Any,
    api_of: Any,
    key_of: Any,
    scientist: Any,
    validator: Any,
    make_review: Any,
    make_person: Any,
    caplog: Any,
    capfd: Any,
) -> None:
    """Passwords, keys, codes, cookies and queries, in requests that succeed, are refused and fail."""
    review = make_review()
    key = key_of(validator)
    wrong_key = "cs_" + "0" * 12 + "_" + "W" * 43
    url = reverse("api-sign-offs", args=[review.pk])
    body = {"role": "validator", "verdict": "approve", "comment": "private-comment", "seen": review.digest}
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        api = api_of(None)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        assert api.post(url, body | {"password": "wrong-hunter2", "code": "987654"}).status_code in {403, 422}
        assert api.post(url, body | {"password": PASSWORD}).status_code == 201
        assert api.post(url, "{" + '"password": "broken-hunter2"', content_type="application/json").status_code == 400
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {wrong_key}")
        assert api.get("/api/v1/me/?token=query-hunter2").status_code == 401
        browser = client_of()
        sign_in = {"login": scientist.email, "password": PASSWORD}
        browser.post(reverse("account_login"), sign_in | {"password": "page-hunter2"})
        assert browser.post(reverse("account_login"), sign_in).status_code == 302
        session = browser.cookies["sessionid"].value
    lines = [OneJsonObject().format(each) for each in caplog.records]
    said = "\n".join([*lines, *capfd.readouterr()])
    assert len([line for line in lines if '"message": "request"' in line]) >= 6
    secrets = [PASSWORD, "hunter2", "987654", key, key.rsplit("_", 1)[1], wrong_key, session, "private-comment"]
    assert [secret for secret in secrets if secret in said] == []


def test_every_logger_of_the_site_writes_such_lines() -> None:
    handlers = settings.LOGGING["handlers"].values()
    assert [handler["formatter"] for handler in handlers] == ["json"]
    assert settings.LOGGING["formatters"]["json"]["()"] == "core.logs.OneJsonObject"

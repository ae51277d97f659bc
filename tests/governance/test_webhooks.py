"""Webhooks: who may make one, which addresses are refused, what is delivered, and what happens when nobody answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Team
from core import clock
from core.errors import InvalidInput, NotAllowed
from governance import gate, services
from governance.models import Delivery, Webhook
from governance.permissions import can_manage_webhooks
from governance.webhooks import addresses, delivering, kinds, sending
from governance.webhooks.signing import secret_of
from ledger.actors import CLOCK
from ledger.services import sequence_and_seal
from models_registry.models import Version

pytestmark = pytest.mark.django_db
SOON = timedelta(days=3650)  # past every wait


class Receiver:
    """A real server on this machine, which answers as it is told and keeps what it was sent."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers = 204
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.answers)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.got]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    made = Receiver()
    settings.WEBHOOK_HOSTS = [f"127.0.0.1:{made.server.server_address[1]}"]
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def hook_to(receiver: Receiver, team: Any, by: Any, *told_of: str) -> tuple[Webhook, str]:
    return services.make_webhook(team=team, url=receiver.url, kinds=told_of or list(Webhook.Kind.values), by=by)


def deliver() -> None:
    sequence_and_seal()
    delivering.deliver_what_waits()


# -- who ------------------------------------------------------------------------------------------------------------------


def test_who_manages_webhooks_agrees_with_the_list(
    receiver: Receiver, team: Any, scientist: Any, officer: Any, auditor: Any, risk_manager: Any, admin: Any, stranger: Any
) -> None:
    other = Team.objects.create(slug="other", name="Other")
    made = [hook_to(receiver, where, admin)[0] for where in (team, other, None)]
    for person in (scientist, officer, auditor, risk_manager, admin, stranger):
        seen = set(Webhook.objects.visible_to(person))
        assert seen == {one for one in made if can_manage_webhooks(person, one.team)}, person
    assert Webhook.objects.visible_to(admin).count() == 3


def test_others_are_refused_with_the_reason_and_it_is_recorded(receiver: Receiver, team: Any, scientist: Any) -> None:
    with pytest.raises(NotAllowed, match="Only a risk manager of this team"):
        hook_to(receiver, team, scientist)
    assert not Webhook.objects.exists()


def test_making_stopping_and_starting_are_events_without_the_address(
    receiver: Receiver, team: Any, risk_manager: Any, story: Any
) -> None:
    before = len(story())
    hook, secret = hook_to(receiver, team, risk_manager)
    services.stop_webhook(hook, by=risk_manager)
    services.start_webhook(hook, by=risk_manager)
    assert story()[before:] == ["webhook.made", "webhook.stopped", "webhook.started"]
    assert (hook.state, secret) == ("active", secret_of(hook.pk))


def test_the_database_holds_no_secret(receiver: Receiver, team: Any, risk_manager: Any) -> None:
    hook, secret = hook_to(receiver, team, risk_manager)
    row = Webhook.objects.filter(pk=hook.pk).values().get()
    assert secret not in str(row)
    assert hook_to(receiver, team, risk_manager)[1] != secret


# -- where ----------------------------------------------------------------------------------------------------------------

INSIDE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "0", "0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "192.0.0.192", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:8.8.8.8]",
    "[::127.0.0.1]",
    "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[2001::1]", "[2001:db8::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(InvalidInput):
        addresses.resolved(f"https://{host}/")


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/", "ftp://93.184.216.34/", "https://", "https:///x", "//93.184.216.34/", "https://a b/",
        "https://é.example/",
        "https://name:word@93.184.216.34/", "https://name@93.184.216.34/", "https://93.184.216.34:99999/",
        "https://93.184.216.34/#x",
        "https://93.184.216.34\\@127.0.0.1/", "https://93.184.216.34/\r\nHost: x", "file:///etc/passwd", "", "https://[::1",
        "x" * 501,
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        addresses.readable(url)


def test_one_inner_address_among_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(InvalidInput, match="private network"):
        addresses.resolved("https://deploy.example.org/")


def test_a_name_that_changes_its_mind_is_not_asked_twice(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was checked: another look-up would be another answer."""
    asked: list[str] = []
    target = addresses.resolved(receiver.url)

    def once(*_: Any) -> Any:
        asked.append("resolved")
        return target

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("looked up again")

    monkeypatch.setattr(sending, "resolved", once)
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda where, **more: (asked.append(where[0]), real(where, **more))[1])
    assert sending.send("http://deploy.example.org/", b"{}", {}).delivered
    assert asked == ["resolved", "127.0.0.1"]


def test_what_leads_inside_later_is_refused_at_the_delivery(
    receiver: Receiver, team: Any, risk_manager: Any, settings: Any
) -> None:
    hook, _secret = hook_to(receiver, team, risk_manager)
    settings.WEBHOOK_HOSTS = []
    delivering.deliver_test(hook)
    assert receiver.got == []
    assert "Use https://" in hook.deliveries.get().error


# -- what -----------------------------------------------------------------------------------------------------------------


def test_what_happens_to_a_version_is_delivered_in_order_signed_and_once(
    receiver: Receiver, team: Any, risk_manager: Any, make_approved: Any
) -> None:
    version = make_approved()
    sequence_and_seal()
    hook, secret = hook_to(receiver, team, risk_manager)
    services.release(version, environment="production", by=risk_manager)
    gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager)
    services.suspend(Version.objects.get(pk=version.pk), reason="drift", by=CLOCK)
    deliver()
    deliver()
    assert [one["kind"] for one in receiver.told] == [
        "release_made", "gate_changed", "suspended", "release_ended", "approval_expired",
    ]  # fmt: skip
    assert {one["version"]["checkpoint"] for one in receiver.told} == {version.checkpoint_digest}
    headers, body = receiver.got[0]
    moment, mac = (part.split("=", 1)[1] for part in headers["Countersign-Signature"].split(","))
    assert hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest() == mac
    assert headers["Countersign-Delivery"] == receiver.told[0]["id"]
    assert set(hook.deliveries.values_list("outcome", "status", "attempt")) == {("delivered", 204, 1)}


def test_a_team_is_told_of_its_own_versions_and_of_the_kinds_it_chose(
    receiver: Receiver, team: Any, admin: Any, risk_manager: Any, make_approved: Any
) -> None:
    version = make_approved()
    sequence_and_seal()
    other = Team.objects.create(slug="other", name="Other")
    hook_to(receiver, other, admin)
    hook_to(receiver, team, admin, "suspended")
    services.release(version, environment="production", by=risk_manager)
    deliver()
    assert receiver.told == []


def test_words_and_names_of_people_stay_here(receiver: Receiver, team: Any, risk_manager: Any, make_approved: Any) -> None:
    first, second = make_approved(), make_approved()
    services.release(first, environment="production", by=risk_manager)
    services.release(second, environment="production", by=risk_manager)
    sequence_and_seal()
    hook_to(receiver, team, risk_manager)
    services.roll_back(first.model, environment="production", by=risk_manager, reason="Mr Kim said so.")
    deliver()
    sent = json.dumps(receiver.told)
    assert "commitment" not in sent
    for word in ("Mr Kim", str(risk_manager.pk), risk_manager.email):
        assert word not in sent


def test_every_kind_is_told_of_something() -> None:
    assert {*kinds.OF_TYPE.values(), Webhook.Kind.APPROVAL_EXPIRED} == set(Webhook.Kind)


# -- when nobody answers --------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(receiver: Receiver, team: Any, risk_manager: Any, make_approved: Any) -> Webhook:
    """A webhook with one thing to be told, whose receiver fails."""
    version = make_approved()
    sequence_and_seal()
    hook, _secret = hook_to(receiver, team, risk_manager, "release_made")
    receiver.answers = 500
    services.release(version, environment="production", by=risk_manager)
    return hook


def test_what_failed_is_tried_again_after_the_wait_and_not_before(receiver: Receiver, waiting: Webhook) -> None:
    deliver()
    deliver()
    assert len(receiver.got) == 1
    waiting.refresh_from_db()
    receiver.answers = 200
    with clock.frozen(waiting.next_at):
        deliver()
    assert list(waiting.deliveries.order_by("pk").values_list("attempt", "outcome", "status")) == [
        (1, "failed", 500),
        (2, "delivered", 200),
    ]
    waiting.refresh_from_db()
    assert (waiting.attempts, waiting.failing_since) == (0, None)


def test_the_wait_doubles_up_to_an_hour_and_half_of_it_is_chance() -> None:
    for attempt, whole in ((1, 10), (2, 20), (5, 160), (9, 2560), (10, 3600), (40, 3600)):
        assert whole / 2 <= delivering.wait_before(attempt).total_seconds() <= whole
    assert len({delivering.wait_before(5) for _ in range(20)}) > 1


def test_an_entry_is_given_up_after_the_last_attempt(receiver: Receiver, waiting: Webhook) -> None:
    Webhook.objects.filter(pk=waiting.pk).update(failing_since=None)
    for _ in range(delivering.MOST_ATTEMPTS + 1):
        waiting.refresh_from_db()
        with clock.frozen(max(waiting.next_at, clock.now())):
            deliver()
    outcomes = list(waiting.deliveries.order_by("pk").values_list("outcome", flat=True))
    assert outcomes == ["failed"] * (delivering.MOST_ATTEMPTS - 1) + ["given_up"]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("active", 0)


def test_after_a_day_without_success_it_stops_and_the_inbox_says_so(
    receiver: Receiver, waiting: Webhook, story: Any, client: Any, risk_manager: Any, scientist: Any
) -> None:
    deliver()
    with clock.frozen(clock.now() + timedelta(days=1, minutes=1)):
        deliver()
    waiting.refresh_from_db()
    assert (waiting.state, story()[-1]) == ("stopped", "webhook.stopped")
    for person, told in ((risk_manager, True), (scientist, False)):
        client.force_login(person)
        assert (receiver.url in client.get(reverse("governance:inbox")).content.decode()) == told


def test_a_redirect_is_not_followed(receiver: Receiver, team: Any, risk_manager: Any) -> None:
    hook, _secret = hook_to(receiver, team, risk_manager)
    receiver.answers, receiver.headers = 302, {"Location": receiver.url + "/elsewhere"}
    delivering.deliver_test(hook)
    assert len(receiver.got) == 1
    assert "not followed" in hook.deliveries.get().error


def test_a_receiver_that_never_ends_holds_no_worker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ALTOGETHER", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.WEBHOOK_HOSTS = ["127.0.0.1"]
        sent = sending.send(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {})
    assert (sent.status, sent.error) == (None, "It did not answer in time.")


def test_two_workers_deliver_an_entry_once(receiver: Receiver, waiting: Webhook) -> None:
    sequence_and_seal()
    Webhook.objects.filter(pk=waiting.pk).update(leased_until=clock.now() + timedelta(minutes=1))
    delivering.deliver_what_waits()
    assert receiver.got == []


def test_attempts_are_forgotten_after_thirty_days(receiver: Receiver, team: Any, risk_manager: Any) -> None:
    hook, _secret = hook_to(receiver, team, risk_manager)
    delivering.deliver_test(hook)
    with clock.frozen(clock.now() + timedelta(days=31)):
        delivering.deliver_what_waits()
    assert not Delivery.objects.exists()


# -- pages ----------------------------------------------------------------------------------------------------------------


def test_the_secret_is_shown_once_on_the_page(receiver: Receiver, team: Any, risk_manager: Any, client: Any) -> None:
    client.force_login(risk_manager)
    given = {"url": receiver.url, "team": str(team.pk), "kinds": ["suspended"]}
    made = client.post(reverse("governance:webhook_new"), given)
    hook = Webhook.objects.get()
    assert (made.status_code, secret_of(hook.pk) in made.content.decode()) == (201, True)
    assert "no-store" in made.headers["Cache-Control"]
    for page in (hook.get_absolute_url(), reverse("governance:webhooks")):
        assert secret_of(hook.pk) not in client.get(page).content.decode()


def test_an_address_that_is_refused_stays_typed_with_the_reason(team: Any, risk_manager: Any, client: Any) -> None:
    client.force_login(risk_manager)
    given = {"url": "https://10.0.0.1/hooks", "team": str(team.pk), "kinds": ["suspended"]}
    said = client.post(reverse("governance:webhook_new"), given)
    text = said.content.decode()
    assert (said.status_code, "private network" in text, "https://10.0.0.1/hooks" in text) == (422, True, True)

"""What all tests share: the fixed cast, a data folder and a cache for each test, a clock that stands still, closed sockets."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_socket
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from accounts.keyhash import digest_of
from accounts.models import ApiKey, Membership, Person, Team
from core.clock import frozen, now

# The ledger's `story`, versions to sign and real clients come from plugins beside this file; the servers from one that
# pyproject.toml names.
pytest_plugins = ["tests.plugins_ledger", "tests.plugins_versions", "tests.plugins_clients"]

PASSWORD = "correct horse battery staple"
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
TOP_BAR = 8  # queries of the counters that the top bar of every page sums
ALL_SCOPES = ["read", "submit", "observe", "govern", "administer"]


def pytest_configure(config: pytest.Config) -> None:
    """A cast of nine signs in thousands of times: in tests a password costs microseconds, not a tenth of a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """No test leaves the machine: only PostgreSQL, Redis, the test's own server and unix sockets can be reached."""
    if item.get_closest_marker("enable_socket") is None:
        redis = urlsplit(settings.REDIS_URL).hostname  # PostgreSQL is reached by libpq, which Python's sockets do not bind
        pytest_socket.socket_allow_hosts(LOOPBACK + ([redis] if redis else []), allow_unix_socket=True)


# -- places and time -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own: blobs, keys and seals of one test are never seen by another."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("COUNTERSIGN_DATA", str(folder))  # for programs that the test starts
    settings.DATA_DIR = folder
    settings.INCOMING_DIR = folder / "incoming"
    settings.KEYS_DIR = folder / "keys"
    settings.SEALS_DIR = folder / "seals"
    stored = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": folder / "blobs", "file_permissions_mode": 0o440, "base_url": None},
    }
    settings.DATA_FOLDER = str(folder / "in-place")
    settings.STATIC_ROOT = folder / "static"  # whitenoise warns where there is no such folder
    settings.STATIC_ROOT.mkdir()
    settings.STORAGES = settings.STORAGES | {"default": stored, "blobs": stored}
    return folder


@pytest.fixture(autouse=True)
def own_cache(settings: Any) -> None:
    """Counters and rate limits of one test never reach another: each has its own prefix in the real Redis."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"KEY_PREFIX": uuid.uuid4().hex}}


class StandingClock:
    """`core.clock` held at one moment, until the test moves it."""

    def __init__(self, moment: datetime) -> None:
        self._held = ExitStack()
        self.set(moment)

    def set(self, moment: datetime) -> None:
        self._held.close()
        self.now = moment
        self._held.enter_context(frozen(moment))

    def advance(self, **by: float) -> datetime:
        self.set(self.now + timedelta(**by))
        return self.now

    def release(self) -> None:
        self._held.close()


@pytest.fixture
def frozen_clock() -> Iterator[StandingClock]:
    """`frozen_clock.advance(minutes=15)` moves the house's clock; it begins at the next second, after what was made before it."""
    clock = StandingClock(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1))
    yield clock
    clock.release()


# -- the cast ------------------------------------------------------------------------------------------------------------
# Its rows are written directly, not through the services: a test's story begins with what the test does.


@pytest.fixture
def make_team(db: None) -> Callable[..., Any]:
    def make(slug: str, name: str = "") -> Any:
        return Team.objects.create(slug=slug, name=name or slug.replace("-", " ").capitalize())

    return make


@pytest.fixture
def make_person(db: None) -> Callable[..., Any]:
    """`make_person("Ada", ("validator", team), ("auditor", None))`: a person with roles in teams or (None) everywhere, who has
    accepted what every signer accepts before the first signature unless `accepted=False`."""
    from governance.models import Accountability  # noqa: PLC0415 - plug-ins load before the settings do
    from governance.signed_words import ACCOUNTABILITY_VERSION  # noqa: PLC0415 - as above

    def make(
        name: str, *roles: tuple[str, Any], email: str = "", password: str = PASSWORD, accepted: bool = True, **fields: Any
    ) -> Any:
        person = Person(name=name, email=email or f"{name.lower().replace(' ', '.')}@example.org", **fields)
        person.set_password(password or None)
        person.save()
        Membership.objects.bulk_create(Membership(person=person, role=role, team=team) for role, team in roles)
        if accepted:
            Accountability.objects.create(
                person=person.pk, text_version=ACCOUNTABILITY_VERSION, accepted_at=now(), event=uuid.uuid4()
            )
        return person

    return make


@pytest.fixture
def team(make_team: Callable[..., Any]) -> Any:
    return make_team("vision", "Vision")


@pytest.fixture
def scientist(make_person: Callable[..., Any], team: Any) -> Any:
    """Submits."""
    return make_person("Sora Scientist", ("data_scientist", team))


@pytest.fixture
def other_scientist(make_person: Callable[..., Any], team: Any) -> Any:
    return make_person("Otto Scientist", ("data_scientist", team))


@pytest.fixture
def validator(make_person: Callable[..., Any], team: Any) -> Any:
    return make_person("Vera Validator", ("validator", team))


@pytest.fixture
def officer(make_person: Callable[..., Any], team: Any) -> Any:
    """Compliance."""
    return make_person("Carla Officer", ("compliance_officer", team))


@pytest.fixture
def dpo(make_person: Callable[..., Any]) -> Any:
    """Data protection, for the whole house."""
    return make_person("Dana Protection", ("data_protection_officer", None))


@pytest.fixture
def risk_manager(make_person: Callable[..., Any], team: Any) -> Any:
    return make_person("Rui Risk", ("risk_manager", team))


@pytest.fixture
def auditor(make_person: Callable[..., Any]) -> Any:
    return make_person("Aki Auditor", ("auditor", None))


@pytest.fixture
def admin(make_person: Callable[..., Any]) -> Any:
    """People, teams and keys; signs nothing and sees no model."""
    return make_person("Ada Admin", ("administrator", None))


@pytest.fixture
def stranger(make_person: Callable[..., Any]) -> Any:
    """Signs in and has no access to anything."""
    return make_person("Sam Stranger")


# -- how the cast comes in -----------------------------------------------------------------------------------------------


@pytest.fixture
def client_of() -> Callable[..., Any]:
    """`client_of(person)`: a browser's client that is already signed in (without a sign-in in the story)."""

    def sign_in(person: Any = None, **options: Any) -> Any:
        client = Client(**options)
        if person is not None:
            session = client.session
            session[SESSION_KEY] = str(person.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
            session[HASH_SESSION_KEY] = person.get_session_auth_hash()
            session.save()
        return client

    return sign_in


@pytest.fixture
def key_of(db: None) -> Callable[..., str]:
    """`key_of(person, "read", "submit")`: the text of a real key; without scopes it has all of them."""

    def make(person: Any, *scopes: str) -> str:
        prefix, secret = uuid.uuid4().hex[:12], (uuid.uuid4().hex + uuid.uuid4().hex)[:43]
        ApiKey.objects.create(
            person=person,
            name="test",
            prefix=prefix,
            secret_hash=digest_of(secret),
            scopes=list(scopes or ALL_SCOPES),
            expires_at=now() + timedelta(days=30),
        )
        return f"cs_{prefix}_{secret}"

    return make


@pytest.fixture
def api_of(key_of: Callable[..., str]) -> Callable[..., Any]:
    """`api_of(person, *scopes)`: a client of the REST API that speaks JSON and carries a real key; `api_of(None)` none."""

    def connect(person: Any = None, *scopes: str) -> Any:
        client = APIClient()
        client.default_format = "json"
        if person is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_of(person, *scopes)}")
        return client

    return connect


class Authenticators:
    """Everybody's authenticator apps, in a half minute that stands still until the test moves on."""

    SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

    def __init__(self) -> None:
        self.step = 59_000_000

    def steps(self) -> Iterator[int]:
        return iter([self.step])

    def enrol(self, person: Any) -> None:
        """`person` has this authenticator as a second factor, and recovery codes."""
        totp.TOTP.activate(person, self.SECRET)
        RecoveryCodes.activate(person)

    def code(self, secret: str = SECRET) -> str:
        """What the app shows now; it works once."""
        return totp.format_hotp_value(totp.hotp_value(secret, self.step))

    def next_code(self) -> str:
        self.step += 1
        return self.code()

    def recovery_codes(self, person: Any) -> list[str]:
        held = Authenticator.objects.get(user=person, type=Authenticator.Type.RECOVERY_CODES)
        return RecoveryCodes(held).get_unused_codes()


@pytest.fixture
def authenticators(monkeypatch: pytest.MonkeyPatch) -> Authenticators:
    """`authenticators.enrol(person)`, then `authenticators.code()`: TOTP without a test that fails when a half minute ends."""
    apps = Authenticators()
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", apps.steps)
    return apps


@pytest.fixture
def race(transactional_db: None) -> Callable[..., list[Any]]:
    """`race(f, g, ...)`: all at the same moment, each on a database connection of its own; what each returned or raised."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        together = threading.Barrier(len(functions))

        def one(function: Callable[[], Any]) -> Any:
            try:
                together.wait(timeout=30)
                return function()
            except Exception as error:  # what was raised is what the test asks for
                return error
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(one, functions))

    return run

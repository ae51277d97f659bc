"""Settings from the environment: each wrong value is one sentence that names its variable and says what to write."""

from __future__ import annotations

import importlib
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as in_force
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from config.environment import Environment
from config.reference import api_reference, settings_reference

ROOT = Path(__file__).resolve().parents[2]


def loaded(monkeypatch: pytest.MonkeyPatch, **values: str) -> Any:
    """The settings as they are read with these variables."""
    for name in [name for name in os.environ if name.startswith("COUNTERSIGN_") and name != "COUNTERSIGN_DATA"]:
        monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("config.settings")
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    found: dict[str, Any] = {"__file__": module.__file__, "__name__": "settings_read_anew"}
    exec(compile(source, "config/settings.py", "exec"), found)  # noqa: S102 - the project's own file, without touching the live one
    return found


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("COUNTERSIGN_DEBUG", "maybe", "COUNTERSIGN_DEBUG is 'maybe'; write yes or no."),
        ("COUNTERSIGN_UPLOAD_LIMIT", "many", "write a whole number of at least 1."),
        ("COUNTERSIGN_UPLOAD_LIMIT", "0", "write a whole number of at least 1."),
        ("COUNTERSIGN_UPLOAD_LIMIT", "²", "write a whole number of at least 1."),
        ("COUNTERSIGN_PROXIES", "-1", "write a whole number of at least 0."),
        ("COUNTERSIGN_LOG_LEVEL", "loud", "write DEBUG, INFO, WARNING or ERROR."),
        ("COUNTERSIGN_SITE_URL", "countersign.example.org", "write an address such as https://"),
        ("COUNTERSIGN_SITE_URL", "https://x.example.org/below", "write an address such as https://"),
        ("COUNTERSIGN_SITE_URL", "https://x:port", "write an address such as https://"),
        ("COUNTERSIGN_LOG_ORIGIN", "two words", "write a name without spaces"),
        ("COUNTERSIGN_BLOBS", "gs://bucket", "write s3://bucket/prefix, or a folder."),
        ("COUNTERSIGN_BLOBS", "s3://", "write s3://bucket/prefix, or a folder."),
        ("DATABASE_URL", "mysql://x/y", "Countersign runs on PostgreSQL: set DATABASE_URL"),
        ("DATABASE_URL", "postgresql://me:hunter2@host:port/x", "DATABASE_URL cannot be read"),
        ("DATABASE_URL", "postgresql://me:hunter2@host/", "DATABASE_URL names no database"),
        ("REDIS_URL", "http://host", "REDIS_URL cannot be used; write redis://host:6379/0"),
        ("REDIS_URL", "redis://:hunter2@host/number", "REDIS_URL cannot be used"),
        ("COUNTERSIGN_UPLOAD_LIMITS", "5", "is not a setting of Countersign. Did you mean COUNTERSIGN_UPLOAD_LIMIT?"),
        ("COUNTERSIGN_SITEURL", "x", "is not a setting of Countersign. Did you mean COUNTERSIGN_SITE_URL?"),
        ("COUNTERSIGN_XYZZY", "x", "COUNTERSIGN_XYZZY is not a setting of Countersign."),
    ],
)
def test_what_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        loaded(monkeypatch, **{name: value})
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_what_is_given_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(
        monkeypatch,
        COUNTERSIGN_SITE_URL="https://countersign.example.org/",
        COUNTERSIGN_HOSTS=" a.example.org , b.example.org,",
        COUNTERSIGN_BLOBS="s3://bucket/below/it",
        COUNTERSIGN_LOG_LEVEL="debug",
        COUNTERSIGN_PROXIES="2",
        REDIS_URL="unix:///run/redis.sock?db=3",
        DATABASE_URL="postgresql://me@db.example.org/countersign?sslmode=require",
    )
    assert (found["SITE_URL"], found["SECURE"], found["SESSION_COOKIE_SECURE"]) == ("https://countersign.example.org", True, True)
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://countersign.example.org"]
    assert found["ALLOWED_HOSTS"] == ["a.example.org", "b.example.org"]
    assert found["STORAGES"]["blobs"]["OPTIONS"] == {"bucket_name": "bucket", "location": "below/it", "file_overwrite": False}
    assert found["CACHES"]["default"]["LOCATION"] == "unix:///run/redis.sock?db=3"
    assert found["CELERY_BROKER_URL"] == "redis+socket:///run/redis.sock?virtual_host=3"
    assert found["ALLAUTH_TRUSTED_PROXY_COUNT"] == 2
    assert found["LOGGING"]["root"]["level"] == "DEBUG"
    assert found["DATABASES"]["default"]["OPTIONS"] == {"connect_timeout": 5, "sslmode": "require"}


def test_second_factors_are_the_houses_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch)
    assert (found["MFA_ADAPTER"], found["MFA_TOTP_ISSUER"]) == ("accounts.adapter.SecondFactors", "Countersign")
    assert (found["ALLAUTH_TRUSTED_PROXY_COUNT"], found["DEBUG"]) == (0, False)


def test_a_wrong_setting_stops_a_command_with_its_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "COUNTERSIGN_DATA": str(tmp_path), "COUNTERSIGN_SEEL_SECONDS": "2"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Did you mean COUNTERSIGN_SEAL_SECONDS?" in done.stderr.splitlines()[-1]


# -- the secret ----------------------------------------------------------------------------------------------------------


def secret(folder: Path, **values: str) -> str:
    return Environment(values).secret("SECRET", file=folder / "deep" / "secret_key", help="signs")


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = secret(tmp_path)
    file = tmp_path / "deep" / "secret_key"
    assert len(made) >= 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret(tmp_path) == made
    assert secret(tmp_path, SECRET="given") == "given"
    assert [path.name for path in file.parent.iterdir()] == ["secret_key"]


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda _, folder=folder: secret(folder), range(8)))
        assert len(found) == 1
        assert len(found.pop()) >= 64


@pytest.mark.parametrize(("content", "mode", "says"), [("", 0o600, "is empty"), ("known to all", 0o644, "chmod 600")])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, content: str, mode: int, says: str) -> None:
    file = tmp_path / "deep" / "secret_key"
    file.parent.mkdir()
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(ImproperlyConfigured, match=says) as refusal:
        secret(tmp_path)
    assert "known to all" not in str(refusal.value)


def test_a_data_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file where the folder should be")
    with pytest.raises(ImproperlyConfigured, match="Set COUNTERSIGN_DATA to a folder that you may write to"):
        secret(tmp_path)


# -- the references ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "made"), [("settings.md", settings_reference), ("api.md", api_reference)])
def test_a_published_reference_is_current(file: str, made: Any) -> None:
    published = (Path(in_force.BASE_DIR) / "docs" / "reference" / file).read_text(encoding="utf-8")
    assert published == made(), f"python manage.py document_{file.removesuffix('.md')}"


def test_every_setting_that_is_read_is_in_the_reference_and_explained() -> None:
    source = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    for name in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source):
        assert f"| `{name}` |" in settings_reference()
    assert str(ROOT) not in settings_reference(), "a path of this machine says nothing elsewhere"


def test_the_command_writes_the_reference_and_notices_an_old_one(settings: Any, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    with pytest.raises(SystemExit):
        call_command("document_settings", check=True)
    call_command("document_settings")
    call_command("document_settings", check=True)
    assert (tmp_path / "docs/reference/settings.md").read_text() == settings_reference()


def test_the_address_of_a_mail_server_is_read_and_a_wrong_one_never_shows_its_password() -> None:
    def read(given: str) -> dict[str, object]:
        return Environment({"X": given}).mail("X", help="")

    assert read("")["sends"] is False
    assert read("console:")["backend"] == "console"
    found = read("smtp://ann:p%40ss@mail.example.org")
    assert (found["host"], found["port"], found["user"], found["password"]) == ("mail.example.org", 587, "ann", "p@ss")
    assert (found["starttls"], found["tls"]) == (True, False)
    assert read("smtps://mail.example.org")["tls"] is True
    assert read("smtp-plain://relay:2525")["starttls"] is False
    for wrong in ("mail.example.org", "http://ann:secret@host", "smtp://", "smtp://ann:secret@host:no", "smtp://h/secret"):
        with pytest.raises(ImproperlyConfigured) as refusal:
            read(wrong)
        assert "secret" not in str(refusal.value)

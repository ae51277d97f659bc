"""`countersign gate` against the real site, and offline with what the site gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.trust import trust
from core import clock
from governance import services as governance
from ledger.actors import CLOCK
from models_registry.models import Version
from tests.countersign.conftest import Said

Command = Callable[..., Said]

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(make_approved: Any, risk_manager: Any) -> Any:
    version = make_approved(content=b"weights of the live one")
    governance.release(version, environment="production", by=risk_manager)
    return version


@pytest.fixture
def kept(live: Any, scientist: Any, signed_in: Any, command: Command, machine: Path) -> Any:
    """An attestation and the site's trust file lie in the folder, beside the checkpoint."""
    signed_in(scientist)
    (machine / "model.safetensors").write_bytes(b"weights of the live one")
    (machine / "trust.json").write_text(json.dumps(trust()))
    said = command("gate", "model.safetensors", "--env", "production", "--save", "attestation.json")
    assert (said.code, "Its attestation is in attestation.json." in said.out) == (0, True)
    return machine


def offline(command: Command, what: str = "model.safetensors", *more: str) -> Any:
    return command("gate", "--offline", "attestation.json", "--trust", "trust.json", what, *more)


def test_what_was_saved_allows_the_same_bytes_offline(
    kept: Path, live: Any, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", "http://127.0.0.1:1")  # nobody answers there
    said = offline(command)
    assert (said.code, said.out.startswith("Allowed: ")) == (0, True)
    assert "which may be off by 60 s" in " ".join(said.out.split())
    said = offline(command, live.checkpoint_digest, "--json")
    assert (said.code, said.json["allowed"], said.json["clock_skew"]) == (0, True, 60)


def test_other_bytes_another_environment_and_another_version_are_not_allowed(kept: Path, command: Command) -> None:
    (kept / "other").write_bytes(b"others")
    assert offline(command, "other").code == 1
    assert offline(command, "model.safetensors", "--env", "staging").code == 1
    said = offline(command, "model.safetensors", "--resource", "http://127.0.0.1:8000/versions/1/")
    assert (said.code, "not for http://127.0.0.1:8000/versions/1/" in said.out) == (1, True)


def test_what_the_site_took_back_is_not_allowed_offline(kept: Path, live: Any, command: Command) -> None:
    governance.suspend(Version.objects.get(pk=live.pk), reason="drift", by=CLOCK)
    from governance.models import Attestation  # noqa: PLC0415 - models load with the settings

    last = Attestation.objects.latest_of(live.pk, "production")
    assert last is not None
    (kept / "attestation.json").write_text(json.dumps(last.envelope))
    said = offline(command)
    assert (said.code, "revoked" in said.out) == (1, True)


def test_what_ran_out_is_not_allowed_offline(live: Any, scientist: Any, signed_in: Any, command: Command, machine: Path) -> None:
    (machine / "trust.json").write_text(json.dumps(trust()))
    signed_in(scientist)
    with clock.frozen(clock.now() - timedelta(hours=5)):
        governance_gate_answer(live, scientist, machine)
    said = offline(command, live.checkpoint_digest)
    assert (said.code, "It ran out at" in said.out) == (1, True)


def governance_gate_answer(version: Any, person: Any, machine: Path) -> None:
    from governance import gate  # noqa: PLC0415 - as above

    given = gate.answer(version.checkpoint_digest, "production", asked_by=person)
    assert given.attestation is not None
    (machine / "attestation.json").write_text(json.dumps(given.attestation.envelope))


def test_what_cannot_be_checked_ends_with_2(kept: Path, command: Command) -> None:
    assert command("gate", "--offline", "absent.json", "--trust", "trust.json", "model.safetensors").code == 2
    assert command("gate", "--offline", "attestation.json", "--trust", "absent.json", "model.safetensors").code == 2
    older = {name: value for name, value in trust().items() if name != "attestation_key"}
    (kept / "trust.json").write_text(json.dumps(older))
    said = offline(command)
    assert (said.code, "pins no attestation_key" in said.err) == (2, True)


def test_keys_of_another_site_are_refused(kept: Path, command: Command) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only this test makes keys
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

    form = serialization.PublicFormat.SubjectPublicKeyInfo
    other = Ed25519PrivateKey.generate().public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    (kept / "trust.json").write_text(json.dumps(trust() | {"attestation_key": other}))
    said = offline(command)
    assert (said.code, "not signed with the attestation key" in said.out) == (1, True)


def test_wrong_use_is_told(kept: Path, command: Command) -> None:
    assert command("gate", "model.safetensors", "--offline", "attestation.json", "--save", "x").code == 64
    assert command("gate", "model.safetensors", "--trust", "trust.json").code == 64
    assert offline(command, "model.safetensors", "--clock-skew", "99999").code == 64
    assert command("gate", "absent").code == 64


def test_nothing_is_saved_where_nothing_is_allowed(
    live: Any, scientist: Any, signed_in: Any, command: Command, machine: Path
) -> None:
    signed_in(scientist)
    assert command("gate", live.checkpoint_digest, "--env", "staging", "--save", "attestation.json").code == 1
    assert list(machine.iterdir()) == []

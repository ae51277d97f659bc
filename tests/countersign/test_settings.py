"""Where a login is kept, and what is refused before it is used."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from countersign.settings import NotSignedIn, OtherKeys, Settings, folder, known_trust, load, save, site_address, trust_file_of

TRUST = {
    "format": "countersign-trust/1",
    "site": "A site",
    "origin": "o",
    "log_key": "o+1+a",
    "report_certificate_sha256": "f" * 64,
}
SITE = "https://countersign.example.org"


def test_a_login_is_kept_for_its_owner_alone(machine: Path) -> None:
    save(Settings(SITE, "cs_key"), trust=TRUST)
    for file in (folder() / "login.json", trust_file_of(SITE)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert load() == Settings(SITE, "cs_key")
    assert json.loads(trust_file_of(SITE).read_text()) == TRUST


def test_a_file_that_was_left_half_written_for_all_to_read_is_not_reused(machine: Path) -> None:
    folder().mkdir(parents=True)
    (folder() / "login.part").write_text("")
    (folder() / "login.part").chmod(0o644)
    save(Settings(SITE, "cs_key"), trust=TRUST)
    assert stat.S_IMODE((folder() / "login.json").stat().st_mode) == 0o600


def test_the_environment_stands_above_what_is_saved(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(Settings(SITE, "cs_saved"), trust=TRUST)
    monkeypatch.setenv("COUNTERSIGN_KEY", "cs_of_ci\n")
    assert load() == Settings(SITE, "cs_of_ci")
    monkeypatch.setenv("COUNTERSIGN_URL", "https://other.example.org/")
    assert load() == Settings("https://other.example.org", "cs_of_ci")


def test_a_saved_key_is_never_sent_to_another_site(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(Settings(SITE, "cs_saved"), trust=TRUST)
    monkeypatch.setenv("COUNTERSIGN_URL", "https://other.example.org")
    with pytest.raises(NotSignedIn, match=r"No key for https://other\.example\.org"):
        load()


@pytest.mark.parametrize("key", ["cs_with space", "cs_with\nline", "cs_schlüssel"])
def test_what_cannot_be_a_key_is_not_sent_and_not_repeated(machine: Path, key: str) -> None:
    with pytest.raises(NotSignedIn) as refusal:
        load(url=SITE, key=key)
    assert "cs_" not in str(refusal.value)


def test_settings_do_not_show_their_key() -> None:
    assert "cs_secret" not in repr(Settings(SITE, "cs_secret"))


@pytest.mark.parametrize(
    "address", ["ftp://x", "example.org", "https://", "https://me:pass@example.org", "https://x:port", "https://x/?a=b"]
)
def test_what_is_no_address_of_a_site_is_refused(address: str) -> None:
    with pytest.raises(NotSignedIn, match="no address"):
        site_address(address)


def test_a_login_that_cannot_be_read_is_a_sentence(machine: Path) -> None:
    folder().mkdir(parents=True)
    (folder() / "login.json").write_text("{")
    with pytest.raises(NotSignedIn, match="cannot be read"):
        load()


def test_other_keys_of_a_known_site_are_refused_and_nothing_is_changed(machine: Path) -> None:
    save(Settings(SITE, "cs_one"), trust=TRUST)
    save(Settings(SITE, "cs_two"), trust=TRUST | {"site": "A site by another name"})
    with pytest.raises(OtherKeys, match="other keys"):
        save(Settings(SITE, "cs_three"), trust=TRUST | {"log_key": "o+1+b"})
    assert load().key == "cs_two"
    assert json.loads(trust_file_of(SITE).read_text()) == TRUST


def test_two_sites_never_share_a_trust_file(machine: Path) -> None:
    addresses = ["https://a/b", "https://a_b", "https://a:1", "https://a.1", "https://a%2Fb"]
    assert len({trust_file_of(address) for address in addresses}) == len(addresses)


def test_trust_is_that_of_the_site_in_use(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert known_trust() is None
    save(Settings(SITE, "cs_key"), trust=TRUST)
    assert known_trust() == trust_file_of(SITE)
    monkeypatch.setenv("COUNTERSIGN_URL", "https://other.example.org")
    assert known_trust() is None
    monkeypatch.setenv("COUNTERSIGN_TRUST", "elsewhere.json")
    assert known_trust() == Path("elsewhere.json")

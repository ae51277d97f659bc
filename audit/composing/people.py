"""Who signed what, and who was refused what: every one of them, also those that no longer count."""

from __future__ import annotations

from typing import Any

from audit.composing.material import Material
from audit.wording import WITHHELD, role_word, system_word
from core.clock import stamp
from governance.models import APPROVING, SignOff
from governance.pins import changed_since, word_of
from ledger.models import Entry
from ledger.sentences import sentence_of


def sign_offs(material: Material) -> list[dict[str, Any]]:
    """The signatures in the order in which they were given."""
    return [_sign_off(material, entry) for entry in material.of_type("sign_off.given")]


def _sign_off(material: Material, entry: Entry) -> dict[str, Any]:
    data = entry.data
    row = material.sign_offs.get(entry.pk)
    name, comment = material.disclosed(entry, "name"), material.disclosed(entry, "comment")
    standing, changed = _standing(material, row, data)
    return {
        "event": entry.leaf.index,
        "record": entry.digest,
        "role": data["role"],
        "role_words": role_word(data["role"]),
        "verdict": data["verdict"],
        "verdict_words": str(SignOff.Verdict(data["verdict"]).label),
        "meaning": data["meaning"],
        "meaning_words": str(SignOff.Meaning(data["meaning"]).label),
        "digest": data["digest"],
        "policy": data["policy"],
        "proof": data["proof"],
        "signed_at": stamp(entry.at),
        **_recorded(data),
        **_on_behalf(material, entry),
        "person": entry.actor_id,
        "name": WITHHELD if name is None else name,
        "comment": WITHHELD if comment is None else comment,
        "standing": standing,
        "changed": changed,
    }


def _recorded(data: dict[str, Any]) -> dict[str, Any]:
    """What names the signature's own record; signatures given before there were records have none."""
    return {name: data[name] for name in ("signature", "local_offset", "conditions") if name in data}


def _on_behalf(material: Material, entry: Entry) -> dict[str, Any]:
    """For whom it was signed and by which delegation, where somebody signed on behalf of another."""
    if not entry.data.get("on_behalf_of"):
        return {}
    name = material.disclosed(entry, "delegator")
    told = {place: entry.data[place] for place in ("on_behalf_of", "delegation")}
    return told | {"on_behalf_of_name": WITHHELD if name is None else name}


def _standing(material: Material, row: SignOff | None, data: dict[str, Any]) -> tuple[str, list[str]]:
    """Whether the signature counts for what stands today; if not, what has changed since."""
    if data["verdict"] not in APPROVING:
        return "against", []
    if row is not None and row.is_withdrawn:
        return "withdrawn", []
    if material.approval.digest and data["digest"] == material.approval.digest:
        return "counts", []
    if row is None or not material.approval.statement:
        return "earlier", []
    return "stale", [word_of(key) for key in changed_since(row.statement, material.approval.statement)]


def refusals(material: Material) -> list[dict[str, Any]]:
    """What was refused: attempts of people, and bytes."""
    return [_refusal(material, entry) for entry in material.entries if entry.type.endswith(".refused")]


def _refusal(material: Material, entry: Entry) -> dict[str, Any]:
    data = entry.data
    told: dict[str, Any] = {"event": entry.leaf.index, "type": entry.type, "at": stamp(entry.at), "sentence": sentence_of(entry)}
    told |= {name: data[name] for name in ("attempt", "code", "reason", "found", "format") if name in data}
    return told | who(material, entry)


def timeline(material: Material) -> list[dict[str, Any]]:
    """Every entry that the report stands on, in the order of the log."""
    names = {str(one.pk): str(one) for one in material.data}
    return [
        {
            "event": entry.leaf.index,
            "at": stamp(entry.at),
            "type": entry.type,
            # A sentence that was recorded stands as it was recorded: the verifier holds the two together.
            "sentence": entry.data.get("sentence") or _about(names, entry) + sentence_of(entry),
        }
        | who(material, entry)
        for entry in material.entries
    ]


def _about(names: dict[str, str], entry: Entry) -> str:
    """The dataset version that an entry is about; what is about the version itself needs no name here."""
    return f"{names[entry.subject_id]}: " if entry.subject_id in names else ""


def who(material: Material, entry: Entry) -> dict[str, Any]:
    """The actor: a person by pseudonym and by the name that is known now, or the part of Countersign."""
    if entry.actor_kind != "person":
        return {"person": entry.actor_id, "actor": system_word(entry.actor_id)}
    signed = material.disclosed(entry, "name") if entry.type == "sign_off.given" else None
    known = material.name_of(entry.actor_id)
    return {"person": entry.actor_id, "actor": signed or known}


def named(material: Material, pseudonym: Any) -> dict[str, str]:
    """A person as the facts of a report name one."""
    return {"person": str(pseudonym), "name": material.name_of(pseudonym)}

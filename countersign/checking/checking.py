"""The points that a submission under a policy would stumble over, each in one sentence with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from countersign.capturing import code_facts
from countersign.checking.planning import rows_to_settle
from countersign.checking.recognising import Recognised, recognise
from countersign.client import JSON, Client
from countersign.submitting import USES
from countersign.transport import digest_of

PLANNED = {
    "accuracy": "rows",
    "top_k_accuracy": "rows",
    "recall": "rows of the class",
    "precision": "rows predicted as the class",
}
UNSAID = "[more information needed]"
PROVENANCE = (  # the elements without which no dataset version is registered, by their names in the standard
    *("source.title", "source.issuer", "provenance.origin-geography", "provenance.date"),
    *("provenance.generation-method", "provenance.format", "use.intended-purpose", "use.license"),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One thing: `code` is stable for programs; `sentence` says what is missing and `remedy` what to do."""

    code: str
    sentence: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()


@dataclass
class Found:
    """What blocks (`missing`) and what does not but should be known (`notes`), for one file under one policy."""

    file: str
    sha256: str
    says: str
    policy: JSON
    missing: list[Point] = field(default_factory=list)
    notes: list[Point] = field(default_factory=list)

    def as_json(self) -> JSON:
        return {
            "file": self.file,
            "sha256": self.sha256,
            "format": self.says,
            "policy": {key: self.policy[key] for key in ("name", "number", "digest", "tiers")},
            "missing": [asdict(point) for point in self.missing],
            "notes": [asdict(point) for point in self.notes],
        }


def check(
    file: Path,
    *,
    policy: str,
    model: str | None = None,
    data: Mapping[str, Sequence[str]] | None = None,
    card: Mapping[str, str] | None = None,
    architecture: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Mapping[str, Any]] | None = None,
    environment: str = "production",
    client: Client | None = None,
) -> Found:
    """What the policy (NAME, or NAME:NUMBER) would find missing if `file` were submitted so; nothing is sent but questions.

    `model` is the registered model that it is to be a version of, `data` maps a use to ids of dataset versions;
    `provenance` holds, by a name to call it, what will be said of data that are not registered yet.
    """
    site = client or Client()
    rules = site.policy(policy)
    recognised = recognise(file)
    found = Found(str(file), digest_of(file), recognised.says, rules)
    _file(found, recognised, architecture)
    known = site.model(model) if model else None
    _model(found, known, environment)
    _card(found, card, site.card_fields())
    versions = {use: [site.dataset_version(one) for one in (data or {}).get(use, ())] for use in USES}
    _data(found, versions)
    for name, given in (provenance or {}).items():
        _provenance(found, name, given)
    if known:
        _thresholds(found, known, versions["testing"])
    _code(found)
    return found


def _file(found: Found, recognised: Recognised, architecture: Mapping[str, Any] | None) -> None:
    if recognised.kind == "unusable":
        found.missing.append(Point("format", f"The file is {recognised.says}, which cannot be measured.", recognised.remedy))
        return
    if recognised.names_code:
        names = ", ".join(recognised.names_code[:5])
        found.notes.append(
            Point("code", f"The file names code ({names}): at best its tensors are taken over.", recognised.remedy)
        )
    if recognised.kind == "weights" and not architecture:
        sentence = "The file holds weights alone, and no architecture is given to put them into."
        found.missing.append(Point("architecture", sentence, "Give --architecture FILE, or hand in an exported program (.pt2)."))
    if recognised.kind == "program":
        level = found.policy["document"]["evaluations"]["sandbox"].get("programs", "L2")
        found.notes.append(Point("sandbox", f"A program is measured in a sandbox of level {level} or better only."))


def _model(found: Found, model: JSON | None, environment: str) -> None:
    allowed = found.policy["environments"]
    if environment not in allowed:
        sentence = f"The policy does not allow the environment {environment}; it allows {', '.join(allowed) or 'none'}."
        found.missing.append(Point("environment", sentence, "Name another with --environment."))
    if model is None:
        sentence = "No model is named, so neither its risk tier nor the thresholds for its task were looked at."
        found.notes.append(Point("model", sentence, "Name it with --model."))
        return
    if model["risk_tier"] not in found.policy["tiers"]:
        tiers = " and ".join(found.policy["tiers"])
        sentence = f"{model['name']} has the risk tier {model['risk_tier']}, and this policy is for {tiers}."
        found.missing.append(Point("tier", sentence, "Check against the policy of its tier."))
    if model["task"] in {"multiclass", "binary", "multilabel"} and not model["classes"]:
        found.missing.append(Point("classes", f"{model['name']} names no classes.", "Register a model that names them in order."))


def _card(found: Found, card: Mapping[str, str] | None, fields: Sequence[JSON]) -> None:
    if card is None:
        asked = ", ".join(str(one["key"]) for one in fields if one["required"])
        found.missing.append(Point("card", "No card is given.", f"Give --card FILE with a text for each of {asked}."))
        return
    for one in fields:
        text = card.get(one["key"], "")
        if one["required"] and (not isinstance(text, str) or text.strip().lower() in {"", UNSAID}):
            found.missing.append(Point("card", f"The card says nothing under “{one['key']}”.", str(one["asks"])))
    for key in sorted(set(card) - {one["key"] for one in fields}):
        known = ", ".join(str(one["key"]) for one in fields)
        found.missing.append(Point("card", f"The card has a field that is not known: {key}.", f"Known are {known}."))


def _data(found: Found, versions: Mapping[str, Sequence[JSON]]) -> None:
    for use in ("training", "testing"):
        if not versions[use]:
            sentence = f"No dataset version is named for {use}."
            found.missing.append(Point(use, sentence, f"Register it and name it with --{use} ID."))
    learned = {
        one["digest"]: one["name"] for use in ("training", "validation", "stopping") for one in versions[use] if one["digest"]
    }
    for one in versions["testing"]:
        if one["digest"] in learned:
            sentence = f"{one['name']} holds the very bytes that the model learned from, so it tests nothing."
            found.missing.append(Point("leakage", sentence, "Hold rows out with countersign split and register them."))
    for one in {each["id"]: each for use in USES for each in versions[use]}.values():
        _dataset(found, one)


def _provenance(found: Found, name: str, given: Mapping[str, Any]) -> None:
    """Of data that are still to be registered: the elements without which they would be refused."""
    for path in PROVENANCE:
        group, element = path.split(".")
        part = given.get(group)
        if not isinstance(part, Mapping) or part.get(element) in (None, "", [], {}):
            found.missing.append(Point("provenance", f"{name} does not say {path}.", "The site registers no data without it."))


def _dataset(found: Found, one: JSON) -> None:
    if one["state"] != "registered":
        found.missing.append(Point("draft", f"{one['name']} is still a draft.", "Register it before a version names it."))
    pii = one.get("pii") or {}
    reviewed = any(rule.get("when") == "pii" for rule in found.policy["document"]["steps"])
    if pii.get("present"):
        paths = "; ".join(str(flag["path"]) for flag in pii["present"][:3])
        signs = " The policy then asks for the data protection officer's signature." if reviewed else ""
        found.notes.append(Point("pii", f"Personal data reach {one['name']}: {paths}.{signs}"))
    for flag in pii.get("unknown", []):
        sentence = f"Whether {flag['path']} holds personal data ({flag['category']}) is not known."
        found.missing.append(Point("pii_unknown", sentence, "Look, and record a finding on the dataset version."))
    for name in pii.get("not_assessed", []):
        sentence = f"Nobody has said whether {name} holds personal data, and no scan has ended."
        found.missing.append(Point("pii_not_assessed", sentence, "Wait for its scan, or record a finding."))


def _thresholds(found: Found, model: JSON, testing: Sequence[JSON]) -> None:
    suites = found.policy["document"]["evaluations"]["suites"]
    criteria = suites.get(model["task"]) or suites.get("*")  # earlier policies have one suite for all tasks
    if not criteria:
        sentence = f"The policy has no suite for the task {model['task']}, so nothing could pass."
        found.missing.append(Point("suite", sentence, "An administrator adds one, or another policy is meant."))
        return
    for line in criteria["thresholds"]:
        if line["metric"] not in PLANNED or "minimum" not in line or not 0 < line["minimum"] < 1:
            continue
        for data in testing:
            _rows(found, line, data, classes=len(model["classes"]) if line.get("label") else 1)
    others = sorted({line["metric"] for line in criteria["thresholds"] if line["metric"] not in PLANNED})
    if others:
        sentence = f"For {', '.join(others)} the rows needed depend on how the rows scatter; they are not planned for here."
        found.notes.append(Point("not_planned", sentence))


def _rows(found: Found, line: Mapping[str, Any], data: JSON, *, classes: int) -> None:
    """What the hold-out's size leaves possible: `least` rows without any mistake, `likely` with half of what is allowed."""
    limit = float(line["minimum"])
    least, likely = rows_to_settle(1.0, limit), rows_to_settle((1 + limit) / 2, limit)
    what = f"{line['metric'].replace('_', ' ')}{' of every class' if line.get('label') == '*' else ''} of at least {limit:.4g}"
    unit = PLANNED[line["metric"]]
    plan = f"{least:,} {unit} show it without any mistake, about {likely:,} at {(1 + limit) / 2:.4g}"
    rows = data.get("rows")
    if not rows:
        sentence = f"How many rows {data['name']} has is not declared; for {what}, {plan}."
        found.notes.append(Point("rows_unknown", sentence, "Declare its rows when you register it."))
        return
    has = rows // max(1, classes)
    each = f" (some {has:,} for each of {classes:,} classes)" if classes > 1 else ""
    sentence = f"{data['name']} has {rows:,} rows{each}; for {what}, {plan}."
    if least is not None and has < least:
        found.missing.append(Point("rows", f"{sentence} It cannot pass.", f"Hold out at least {least * max(1, classes):,} rows."))
    elif likely is not None and has < likely:
        found.notes.append(
            Point("rows_tight", f"{sentence} It may stay inconclusive.", f"Hold out {likely * max(1, classes):,} rows.")
        )


def _code(found: Found) -> None:
    code = code_facts()
    if not code:
        sentence = "This folder is no git checkout, so no commit would be recorded."
        found.notes.append(Point("commit", sentence, "Run the command in the checkout that trained."))
    elif code["dirty"]:
        found.notes.append(
            Point("dirty", "The checkout has changes that are not committed.", "Commit them, so that the code can be found.")
        )

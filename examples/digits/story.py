"""`python -m examples.digits.story --cast FILE --out DIR`: the story, step by step, through the public REST API.

A version is submitted, inspected, measured, signed, released, watched, suspended and rolled back; an auditor takes away a
report and verifies it. Each step checks what the site answers, so that the story is a test as well as a tour.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from countersign import Refused, submit
from examples.digits import cards, data, risk, training
from examples.digits.cast import Cast, Member, read

MODEL = "digit-reader"
PATIENCE = 180  # seconds that the scheduled check may take


class WentWrong(Exception):
    """The site did something else than the story tells."""


@dataclass
class Story:
    """What the steps hand on to one another."""

    cast: Cast
    out: Path
    digits: data.Digits = field(default_factory=data.load)
    ids: dict[str, str] = field(default_factory=dict)
    models: dict[str, training.Trained] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def tell(self, sentence: str) -> None:
        print(f"  {time.monotonic() - self.began:5.1f} s  {sentence}", flush=True)

    def expect(self, holds: bool, sentence: str) -> None:
        """Tell what happened, or stop."""
        if not holds:
            raise WentWrong(f"Not so: {sentence}")
        self.tell(sentence)


def refusal_of(deed: Callable[[], Any]) -> Refused:
    """The refusal that the deed meets; that it is not refused stops the story."""
    try:
        deed()
    except Refused as refused:
        return refused
    raise WentWrong("Something that must be refused was allowed.")


# -- 1. data, code, models: what the data scientist brings ----------------------------------------------------------------


def register_data(story: Story) -> None:
    """The splits as dataset versions; those of the second labelling are linked to the table of annotators."""
    scientist, files = story.cast["data_scientist"].client, story.out / "files"
    files.mkdir(exist_ok=True)
    digits = story.digits
    train = data.save(digits.train_images, digits.train_digits, files / "digits-train.safetensors")
    test = data.save(digits.test_images, digits.test_digits, files / "digits-hold-out.safetensors")
    glance = data.save(digits.test_images[: data.GLANCE], digits.test_digits[: data.GLANCE], files / "digits-glance.safetensors")

    def register(name: str, file: Path, title: str, **more: Any) -> str:
        known = story.ids.get(f"dataset {name}") or scientist.register_dataset(team=story.cast.team, name=name)["id"]
        story.ids[f"dataset {name}"] = known
        described = {"format": "safetensors", "provenance": data.provenance(title)} | more
        return str(scientist.register_data(known, file, **described)["id"])

    ids = story.ids
    ids["train v1"] = register("digits-train", train, "Optical recognition of handwritten digits, training part")
    ids["test v1"] = register("digits-hold-out", test, "Optical recognition of handwritten digits, held-out part")
    ids["train v2"] = register("digits-train", train, "The same digits, labelled anew by our annotators")
    ids["test v2"] = register("digits-hold-out", test, "The same held-out digits, labelled anew by our annotators")
    ids["glance"] = register("digits-glance", glance, "Forty-five of the held-out digits")
    columns = [
        {"name": "annotator", "dtype": "text"},
        {"name": "email", "dtype": "text", "category": "contact", "present": "yes"},
    ]
    people = data.annotators(files / "annotators.csv")
    title = "Who labelled the digits"
    described = {"format": "csv", "columns": columns, "provenance": data.annotators_provenance(title)}
    ids["annotators"] = register("annotators", people, title, **described)
    for part in ("train v2", "test v2"):
        scientist.link_data(ids[part], kind="labelled_by", to=ids["annotators"])
    for part in ("train v1", "test v1", "train v2", "test v2", "glance"):
        said = {"category": "direct_identifier", "present": "no", "note": "Single digits; nobody can be told from them."}
        scientist.post(f"dataset-versions/{ids[part]}/findings/", said)
    story.tell("The digits are registered with their provenance; the second labelling is linked to the table of annotators.")


def train_models(story: Story) -> None:
    """An early version, the one of the story, and one that looks better on paper."""
    story.models["early"] = training.train(story.digits, epochs=6, seed=1)
    story.models["main"] = training.train(story.digits, epochs=20, seed=2)
    story.models["paper"] = training.train(story.digits, epochs=24, seed=3, smoothing=0.05)
    story.tell("Three small networks are trained on the spot.")


def hand_in(story: Story, which: str, *, training_data: str, testing: str, note: str, file: Path | None = None) -> dict[str, Any]:
    """A version with its card, data, curves, code facts and dependency list; returns it once the workers are done."""
    scientist = story.cast["data_scientist"].client
    trained = story.models[which]
    if file is None:
        file = story.out / "files" / f"{which}.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in trained.model.state_dict().items()}, file)
    done = submit(
        file,
        model_name=MODEL,
        data={"training": story.ids[training_data], "testing": story.ids[testing]},
        card=cards.CARD,
        architecture=training.ARCHITECTURE,
        curves=trained.curves,
        params={"optimiser": "adam", "epochs": len(trained.curves["train/loss"]), "batch": 64},
        note=note,
        client=scientist,
    )
    scientist.wait(done.id)
    return scientist.get(f"versions/{done.id}/")


def sign(story: Story, version: str, role: str, *, verdict: str = "approve", comment: str = "") -> dict[str, Any]:
    """One signature, with the digest that was seen and fresh credentials."""
    member: Member = story.cast[role]
    approval = member.client.approval(version)
    return member.client.sign_off(
        approval["review"],
        role=role,
        verdict=verdict,
        password=member.password,
        comment=comment,
        seen=approval["digest"],
        accept=True,
    )


def roles_asked(story: Story, version: str) -> list[str]:
    approval = story.cast["auditor"].client.approval(version)
    return [step["role"] for step in approval["steps"] if step["applies"]]


def assess_risk(story: Story) -> None:
    """The data scientist answers the method's questions; the risk manager puts the assessment into force."""
    scientist, manager = story.cast["data_scientist"].client, story.cast["risk_manager"].client
    made = scientist.post(f"models/{story.ids['model']}/risk-assessments/", risk.ANSWERS)
    active = manager.post(f"risk-assessments/{made['id']}/activation/")
    story.expect(
        active["tier"] == "high", "The model's risk is assessed, and the risk manager puts the assessment into force: high."
    )


# -- the steps -------------------------------------------------------------------------------------------------------------


def early_version(story: Story) -> None:
    """An earlier version, trained on the first labelling, is approved and live: something to go back to."""
    scientist = story.cast["data_scientist"].client
    facts = {"team": story.cast.team, "name": MODEL, "task": "multiclass", "risk_tier": "high", "classes": data.CLASSES}
    story.ids["model"] = scientist.register_model(**facts, description="Reads handwritten digits from scanned forms.")["id"]
    assess_risk(story)
    version = hand_in(story, "early", training_data="train v1", testing="test v1", note="First version")
    story.ids["early"] = version["id"]
    asked = roles_asked(story, version["id"])
    story.expect(
        asked == ["validator", "compliance_officer"],
        f"{version['name']} is measured; without personal data no privacy review is asked for.",
    )
    for role in asked:
        sign(story, version["id"], role, comment="Read the checks and the card.")
    story.cast["risk_manager"].client.release(version["id"])
    story.expect(allowed(story, version), f"{version['name']} is signed, released, and the gate lets it through.")


def hostile_version(story: Story) -> None:
    """A pickle that would run a command is refused before anything is loaded."""
    marker = story.out / "files" / "the-command-ran"
    file = training.hostile_twin(story.models["main"].model, story.out / "files" / "hostile.pt", marker=marker)
    version = hand_in(story, "main", training_data="train v2", testing="test v2", note="From a download", file=file)
    found = version["inspection"]
    story.expect(
        found["verdict"] == "refused" and version["state"] == "rejected", f"{version['name']}: {found['reasons'][0]['sentence']}"
    )
    story.expect(not marker.exists(), "Nothing of it ran.")


def main_version(story: Story) -> None:
    """The version of the story: inspected in the sandbox, measured, signed by three people, one of them twice."""
    version = hand_in(story, "main", training_data="train v2", testing="test v2", note="Trained longer, on the second labelling")
    story.ids["main"] = version["id"]
    level = version["inspection"]["sandbox"]["level"]
    story.expect(level in {"L2", "L3"}, f"{version['name']} was inspected in the sandbox at level {level}.")
    story.expect(
        roles_asked(story, version["id"]) == ["validator", "data_protection_officer", "compliance_officer"],
        "Because annotators' e-mail addresses reach it, the data protection officer is asked as well.",
    )
    shown = story.cast["auditor"].client.approval(version["id"])
    own = story.cast["data_scientist"]
    refused = refusal_of(
        lambda: own.client.sign_off(
            shown["review"], role="validator", verdict="approve", password=own.password, seen=shown["digest"]
        )
    )
    story.expect(refused.code == "own_submission", f"The submitter's own signature is refused: {refused.detail}")
    sign(story, version["id"], "validator", comment="The hold-out is disjoint from the training data.")
    own.client.revise_card(version["id"], cards.REVISED)
    steps = story.cast["auditor"].client.approval(version["id"])["steps"]
    stale = next(step["stale"] for step in steps if step["role"] == "validator")
    story.expect(bool(stale) and "card" in stale[0]["changed"], "The card is revised, so the validator's signature is stale.")
    for role in ("validator", "data_protection_officer", "compliance_officer"):
        sign(story, version["id"], role, comment="Read what changed in the card.")
    story.expect(
        story.cast["auditor"].client.approval(version["id"])["holds"],
        "Validator, data protection and compliance officer have signed.",
    )
    story.cast["risk_manager"].client.release(version["id"])
    story.expect(allowed(story, version), f"{version['name']} is released to production, and the gate lets it through.")


def paper_version(story: Story) -> None:
    """Better on paper: every one of 45 images right. The bound says that 45 images show too little."""
    version = hand_in(story, "paper", training_data="train v2", testing="glance", note="Perfect on the images we looked at")
    approval = story.cast["auditor"].client.approval(version["id"])
    open_checks = [check for run in approval["evaluations"] for check in run["checks"] if check["outcome"] != "passed"]
    story.expect(bool(open_checks), f"{version['name']} stays blocked: {open_checks[0]['sentence'] if open_checks else ''}")
    refused = refusal_of(lambda: sign(story, version["id"], "validator"))
    story.expect(refused.code == "blocked", "Its approval is refused until that is settled.")


def allowed(story: Story, version: dict[str, Any]) -> bool:
    return bool(story.cast["risk_manager"].client.gate(version["checkpoint_digest"])["allowed"])


def production(story: Story) -> None:
    """Observations arrive: as they are, then rotated and darkened. The scheduled check takes the approval back."""
    client = story.cast["data_scientist"].client
    version = client.get(f"versions/{story.ids['main']}/")
    model = story.models["main"].model
    client.observe(version["id"], training.probabilities(model, story.digits.test_images))
    checked = until(lambda: [one for one in client.every("observations/") if one["checked_at"]], "the first scheduled check")
    story.expect(not checked[0]["outcome"]["fired"], f"Observations as they are: {checked[0]['outcome']['sentence']}")
    client.observe(version["id"], training.probabilities(model, data.rotated_and_darkened(story.digits.test_images)))
    alerts = until(client.alerts, "the alert")
    story.expect(bool(alerts), f"Rotated and darkened: {alerts[0]['sentence']}")
    now = client.get(f"versions/{version['id']}/")
    story.expect(
        now["state"] == "suspended" and not allowed(story, version), "The approval is suspended and the gate answers no."
    )
    story.cast["risk_manager"].client.roll_back(story.ids["model"], reason="The camera hangs askew since this morning.")
    early = client.get(f"versions/{story.ids['early']}/")
    story.expect(allowed(story, early), f"The risk manager rolled back in one step: {early['name']} is live again.")


def until(look: Callable[[], Any], what: str) -> Any:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise WentWrong(f"{what} did not come within {PATIENCE} seconds.")
        time.sleep(0.5)
    return found


def report(story: Story) -> None:
    """The auditor takes a report away and verifies it offline; a changed byte and a missing trust file are noticed."""
    auditor = story.cast["auditor"].client
    target, trust = story.out / "report.pdf", story.out / "trust.json"
    trust.write_text(json.dumps(auditor.trust(), indent=1))
    asked = auditor.make_report(story.ids["main"])
    made = auditor.fetch_report(asked["id"], target)
    story.tell(f"The auditor's report is made and signed: {target} ({made['pages']} pages).")
    story.expect(verify(target, trust) == 0, "`countersign verify` finds every item in order.")
    story.expect(verify(target, None) == 2, "Without the site's keys it says that the signer is not checked.")
    spoilt = story.out / "files" / "spoilt.pdf"
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    spoilt.write_bytes(content)
    story.expect(verify(spoilt, trust) == 1, "With one changed byte it fails.")


def verify(file: Path, trust: Path | None) -> int:
    command = [sys.executable, "-m", "countersign.verify", str(file), *(["--trust", str(trust)] if trust else []), "--json"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


STEPS = [register_data, train_models, early_version, hostile_version, main_version, paper_version, production, report]


def main() -> int:
    """Play every step; returns 0, or 1 at the first that goes otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cast", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the workers need the cores
    story = Story(read(args.cast), args.out)
    for step in STEPS:
        try:
            step(story)
        except (Refused, WentWrong) as error:
            print(f"  The story stops at {step.__name__}: {error}", file=sys.stderr)
            return 1
    story.tell("That is the story.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

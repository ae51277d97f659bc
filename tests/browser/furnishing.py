"""A second model with one of everything that governance knows, so that each of its pages has something to show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

from tests.browser.site import Site

NAME = "form-sorter"
HANDED_IN = ("approved", "conditional", "emergency", "withdrawn")  # its versions, in their order
CODE = {"repository": "https://git.example.org/digits/form-sorter", "dirty": False}
LOCKED = {"python": "3.12.4", "lock_digest": "sha256:" + 64 * "b"}
DIFF = """diff --git a/train.py b/train.py
index 1111111..2222222 100644
--- a/train.py
+++ b/train.py
@@ -1,3 +1,4 @@
 import torch
-SEED = 1
+SEED = 2
+SMOOTHING = 0.05  # so that it doubts what it has not seen often
 def main() -> None:
diff --git a/README.md b/README.md
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/README.md
@@ -0,0 +1,3 @@
+# form-sorter
+
+Sorts forms by the digits that people wrote into their boxes.
"""


def in_days(number: int) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).date().isoformat()


class Furnisher:
    """Who does what; each `furnish_...` leaves the ids that the pages' addresses name in `known`."""

    def __init__(self, site: Site, story: Any) -> None:
        self.site, self.story, self.known = site, story, site.known
        self.people = {role: story.cast[role].client.me()["id"] for role in site.cast}

    def client(self, role: str) -> Any:
        return self.story.cast[role].client

    def password(self, role: str) -> str:
        return str(self.story.cast[role].password)

    def sign(self, version: str, role: str, **more: Any) -> Any:
        client = self.client(role)
        approval = client.approval(version)
        given = {"role": role, "verdict": "approve", "comment": "Read it.", "password": self.password(role)}
        return client.sign_off(approval["review"], seen=approval["digest"], accept=True, **given | more)

    # -- versions ----------------------------------------------------------------------------------------------------------

    def hand_in(self, which: str, *, letter: str, note: str, environment: str = "production") -> str:
        """A version with its code facts, its code sent for review, submitted and waiting for the worker."""
        from examples.digits import cards, training  # noqa: PLC0415 - it brings torch

        scientist = self.client("data_scientist")
        code = CODE | {"commit": 40 * letter, "tree": 40 * "a"}
        curves = [{"name": "train/loss", "steps": [1, 2, 3], "values": [1.9, 0.7, 0.2]}]
        facts = {"team": self.site.team, "name": f"{NAME} {letter}", "params": {"epochs": 20, "seed": letter}, "series": curves}
        run = scientist.record_run(**facts, code=code, environment=LOCKED)
        data = [{"use": f"{name}ing", "dataset_version": self.known[name]} for name in ("train", "test")]
        told = {"card": cards.CARD, "data": data, "run": run["id"], "architecture": training.ARCHITECTURE, "note": note}
        version = str(scientist.draft_version(self.known["second_model"], **told)["id"])
        scientist.send_checkpoint(version, self.known["files"] / f"{which}.safetensors")
        commit = {"commit": code["commit"], "at": "2026-09-01T09:30:00Z", "author": "Sora Lee", "subject": "Smooth the labels"}
        wanted = scientist.code(version)["wanted"]
        sent = {"commit": code["commit"], "tree": code["tree"], "base": wanted["base"], "diff": DIFF, "commits": [commit]}
        scientist.send_code(version, **sent, commits_total=1)
        scientist.submit(version, environment=environment)
        self.known[f"run_{letter}"] = run["id"]
        return version

    def furnish_versions(self) -> None:
        """Handed in: one to approve, one to approve under conditions, one for an emergency, one to withdraw; and a draft."""
        from examples.digits import data, risk  # noqa: PLC0415 - it brings torch

        scientist, known = self.client("data_scientist"), self.known
        facts = {"team": self.site.team, "name": NAME, "task": "multiclass", "risk_tier": "high", "classes": data.CLASSES}
        known["second_model"] = scientist.register_model(**facts, description="Sorts forms by the digits on them.")["id"]
        made = scientist.post(f"models/{known['second_model']}/risk-assessments/", risk.ANSWERS)
        self.client("risk_manager").post(f"risk-assessments/{made['id']}/activation/")
        graver = risk.ANSWERS | {"levels": risk.ANSWERS["levels"] | {"harm": 3}}
        known["assessment_active"] = made["id"]
        known["assessment_open"] = scientist.post(f"models/{known['second_model']}/risk-assessments/", graver)["id"]
        known["unstated_model"] = self.registered_by_mlflow("letter-reader")
        notes = ("The first that sorts", "Doubts what it saw seldom", "Mends the doubled zeros", "Handed in too early")
        for place, (name, which) in enumerate(zip(HANDED_IN, ("early", "main", "main", "paper"), strict=True)):
            known[name] = self.hand_in(which, letter=str(place + 1), note=notes[place])
        scientist.post(f"versions/{known['withdrawn']}/withdrawal/", {"reason": "The wrong file."})
        known["draft"] = scientist.draft_version(known["second_model"], card={}, note="Begun on a Friday")["id"]

    # -- decisions ---------------------------------------------------------------------------------------------------------

    def furnish_approval(self) -> None:
        """The first is signed and live."""
        for name in HANDED_IN[:3]:
            self.client("data_scientist").wait(self.known[name])
        for role in ("validator", "compliance_officer"):
            self.sign(self.known["approved"], role)
        self.client("risk_manager").release(self.known["approved"])

    def furnish_conditions(self) -> None:
        """The second is approved under two conditions, the one open, the other reported met."""
        known, scientist = self.known, self.client("data_scientist")
        wanted = [
            {"text": "Measure it on photographed forms too.", "owner": self.people["data_scientist"], "due": in_days(20)},
            {"text": "Tell the clerks which digits it doubts.", "owner": self.people["data_scientist"], "due": in_days(9)},
        ]
        self.sign(known["conditional"], "validator", verdict="approve_with_conditions", conditions=wanted)
        self.sign(known["conditional"], "compliance_officer")
        rows = list(scientist.every("conditions/", version=known["conditional"]))
        first, second = sorted(rows, key=lambda one: int(one["number"]))
        scientist.post(f"conditions/{second['id']}/report/", {"report": "The clerks were told on Monday."})
        known["condition"], known["condition_reported"] = first["id"], second["id"]

    def furnish_emergency(self) -> None:
        """The third goes live before everybody has signed it."""
        version, manager = self.known["emergency"], self.client("risk_manager")
        proven = {"password": self.password("risk_manager"), "seen": manager.approval(version)["digest"], "accept": True}
        why = {"reason": "The live version doubles zeros, and forms go out tonight."}
        manager.post(f"versions/{version}/emergency-release/", proven | why)
        self.known["signature"] = self.sign(self.known["emergency"], "validator")["id"]

    def furnish_findings(self) -> None:
        """One that stands against the conditional version with an approved exception, one that is mended, one asked for."""
        known, validator, scientist = self.known, self.client("validator"), self.client("data_scientist")
        about = {"version": known["conditional"], "source": "review", "due_on": in_days(40)}
        grave = {"title": "Zeros with a stroke become eights", "severity": "high", "description": "Seen on 14 of 40 forms."}
        known["finding"] = validator.post("findings/", about | grave)["id"]
        lesser = {"title": "The card does not name the scanner", "severity": "low"}
        known["finding_mended"] = validator.post("findings/", about | lesser)["id"]
        scientist.post(f"findings/{known['finding']}/plan/", {"plan": "Collect two hundred stroked zeros, then train anew."})
        scientist.post(f"findings/{known['finding_mended']}/mended/", {"done": "The card names it now."})
        asked = {"version": known["conditional"], "kind": "findings", "subject": known["finding"], "expires_on": in_days(30)}
        asked |= {"reason": "Stroked zeros are rare in this office.", "control": "A clerk reads every form with a zero."}
        known["exception"] = scientist.post("exceptions/", asked)["id"]
        proven = {"password": self.password("risk_manager")}
        self.client("risk_manager").post(f"exceptions/{known['exception']}/approval/", proven)
        other = validator.post("findings/", about | grave | {"version": known["paper"], "title": "Ones become sevens"})["id"]
        asked |= {"version": known["paper"], "subject": other}
        known["exception_asked"] = scientist.post("exceptions/", asked)["id"]

    def furnish_talk(self) -> None:
        """What is said about the conditional version: about its code, and in its review."""
        known, scientist, validator = self.known, self.client("data_scientist"), self.client("validator")
        version = known["conditional"]
        said = {"text": "Why this seed?", "part": "changes", "path": "train.py", "side": "new", "line": 3}
        validator.post(f"versions/{version}/code-comments/", said)
        scientist.post(f"versions/{version}/code-comments/", {"text": "It is the one of the earlier version, plus one."})
        digest = scientist.code(version)["code"]["digest"]
        validator.post(
            f"versions/{version}/code-outcomes/", {"digest": digest, "verdict": "approved", "reason": "Read all of it."}
        )
        known["conditional_review"] = self.client("auditor").approval(version)["review"]
        known["emergency_review"] = self.client("auditor").approval(known["emergency"])["review"]
        for review in (known["conditional_review"], known["emergency_review"]):
            put = {"text": "Which scanner were the forms read with?", "role": "data_scientist"}
            question = validator.post(f"reviews/{review}/messages/", put)
            if review == known["conditional_review"]:
                scientist.post(f"messages/{question['id']}/answers/", {"text": "The one of the hall, at 300 dots per inch."})

    # -- around them -------------------------------------------------------------------------------------------------------

    def furnish_envelopes(self) -> None:
        """Change envelopes: one revoked, one in force, one that waits for signatures."""
        known, manager, path = self.known, self.client("risk_manager"), f"models/{self.known['second_model']}/change-envelopes/"
        limits = {"metric": "accuracy", "margin": 0.01, "churn": 0.05, "releases": 4, "days": 90, "environment": "production"}
        for name in ("envelope_revoked", "envelope", "envelope_waiting"):
            made = manager.post(path, limits | {"expires_at": f"{in_days(60)}T00:00:00Z"})
            known[name] = made["id"]
            for role in ("validator", "compliance_officer"):
                if name != "envelope_waiting":
                    proof = {"role": role, "seen": made["digest"], "password": self.password(role)}
                    self.client(role).post(f"change-envelopes/{made['id']}/signatures/", proof)
            if name == "envelope_revoked":
                why = {"reason": "The margin was meant for staging.", "password": self.password("compliance_officer")}
                self.client("compliance_officer").post(f"change-envelopes/{made['id']}/revocation/", why)

    def furnish_site(self) -> None:
        """A policy's draft, an environment of its own, a webhook that cannot be reached, evidence, runs beside one another."""
        known, admin = self.known, self.client("administrator")
        for role in ("compliance_officer", "risk_manager"):
            admin.post(f"people/{self.people[role]}/roles/", {"role": role, "team": None})
        known["person"] = self.people["validator"]
        officer, manager = self.client("compliance_officer"), self.client("risk_manager")
        policy = officer.policy("high-risk")
        known["policy"] = policy["id"]
        body = officer.get(f"policies/{policy['id']}/")["document"] | {"valid_days": 180}
        known["policy_draft"] = officer.post("policies/", {"document": body})["id"]
        proven = {"reason": "Forms of the branch offices.", "password": self.password("risk_manager")}
        manager.post("environments/", proven | {"slug": "branch-offices", "name": "Branch offices", "mode": "warn"})
        told = {"url": "https://93.184.216.34/hooks", "team": self.site.team, "kinds": ["suspended", "gate_changed"]}
        known["webhook"] = manager.post("webhooks/", told)["id"]
        manager.post(f"webhooks/{known['webhook']}/tests/")
        file = known["files"] / "assessment.txt"
        file.write_text("An assessment of what happens to people whose digits are misread.")
        self.client("data_scientist").send(f"models/{known['second_model']}/evidence/dpia/?title=Assessment+of+2026", file)
        runs = [one["id"] for one in officer.get("runs/")["results"][:2]]
        known["two_runs"] = "&".join(f"run={one}" for one in runs)
        known["delegation"] = self.offered_delegation()
        known["candidate_run"] = self.finished_run()

    def offered_delegation(self) -> str:
        """The validator would lend the role to the risk manager, who has not answered yet."""
        lent = {"delegate": self.people["risk_manager"], "role": "validator", "team": self.site.team, "reason": "Holidays."}
        days = {"starts_on": in_days(0), "ends_on": in_days(5)}
        made = self.client("validator").post("delegations/", lent | days | {"password": self.password("validator")})
        return str(made["id"])

    def registered_by_mlflow(self, name: str) -> str:
        """A model that an MLflow client made, which therefore says neither its task nor its risk tier."""
        scientist = self.client("data_scientist")
        headers = {"Authorization": f"Bearer {self.site.cast['data_scientist']['key']}", "Content-Type": "application/json"}
        address, body = f"{self.site.url}/api/2.0/mlflow/registered-models/create", json.dumps({"name": name}).encode()
        with urlopen(Request(address, body, headers), timeout=30):  # noqa: S310 - its own address
            return str(scientist.model(name)["id"])

    def finished_run(self) -> str:
        """A training that reported its end, with a checkpoint among its files: something to register a version from."""
        scientist = self.client("data_scientist")
        made = scientist.post("runs/", {"team": self.site.team, "name": "overnight", "state": "running", "params": {"lr": 0.01}})
        scientist.send(f"runs/{made['id']}/artifacts/model.safetensors", self.known["files"] / "early.safetensors")
        scientist.post(f"runs/{made['id']}/end/", {"state": "finished"})
        return str(made["id"])


def furnish(site: Site, story: Any) -> None:
    """The story's site with a second model, and everything that can be said and decided about it."""
    furnisher = Furnisher(site, story)
    for part in ("versions", "approval", "findings", "talk", "conditions", "envelopes", "emergency", "site"):
        getattr(furnisher, f"furnish_{part}")()

"""The public REST API, one method for each operation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from countersign.settings import load
from countersign.transport import JSON, Refused, Transport, Unreachable, digest_of

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
__all__ = ["JSON", "Client", "Refused", "Unreachable", "digest_of"]


class Client(Transport):
    """A person's or a program's view of one site."""

    def __init__(self, url: str | None = None, key: str | None = None, *, timeout: float = 60) -> None:
        super().__init__(load(url=url, key=key), timeout=timeout)

    # -- who and what ----------------------------------------------------------------------------------------------------

    def me(self) -> JSON:
        return self.get("me/")

    def trust(self) -> JSON:
        """The site's public keys. Trust them only if you fetched them over a connection that you trust."""
        return self.get("trust/")

    def model(self, name: str) -> JSON:
        """The model of this name or id that you may see."""
        if _ID.match(name):
            return self.get(f"models/{name}/")
        found = self.get("models/", name=name)["results"]
        if not found:
            raise Refused(
                {"status": 404, "code": "not_found", "detail": f"There is no model named {name}, or you may not see it."}
            )
        if len(found) > 1:
            raise Refused({"status": 409, "code": "ambiguous", "detail": f"Several teams have a model named {name}; use its id."})
        return found[0]

    def version(self, name: str) -> JSON:
        """The version that `MODEL:NUMBER`, `MODEL@ENVIRONMENT` or an id names."""
        model_name, mark, which = _split(name)
        if not mark:
            return self.get(f"versions/{quote(name, safe='')}/")
        model = self.model(model_name)
        if mark == "@":
            live = [
                row
                for row in self.every("releases/", model=model["id"])
                if row["environment"] == which and row["state"] == "live"
            ]
            if not live:
                raise Refused({"status": 404, "code": "not_live", "detail": f"No version of {model_name} is live in {which}."})
            return self.get(f"versions/{live[0]['version']}/")
        for row in self.every(f"models/{model['id']}/versions/"):
            if str(row["number"]) == which:
                return self.get(f"versions/{row['id']}/")
        raise Refused({"status": 404, "code": "not_found", "detail": f"{model_name} has no version {which}."})

    def policy(self, name: str) -> JSON:
        """The published policy `NAME` with its highest number, or `NAME:NUMBER`."""
        wanted, _, number = name.partition(":")
        rows = [one for one in self.every("policies/", name=wanted) if not number or str(one["number"]) == number]
        if not rows:
            known = sorted({str(one["name"]) for one in self.every("policies/")})
            detail = f"No policy {name} is published; there are {', '.join(known) or 'none'}."
            raise Refused({"status": 404, "code": "not_found", "detail": detail})
        return max(rows, key=lambda one: int(one["number"]))

    def card_fields(self) -> list[JSON]:
        """What a card is asked for: key, label, asks, required."""
        return list(self.get("card-fields/")["sections"])

    def dataset_version(self, pk: str) -> JSON:
        return self.get(f"dataset-versions/{quote(pk, safe='')}/")

    # -- data and runs ---------------------------------------------------------------------------------------------------

    def register_dataset(self, *, team: str, name: str, description: str = "") -> JSON:
        return self.post("datasets/", {"team": team, "name": name, "description": description})

    def register_data(
        self,
        dataset: str,
        file: Path,
        *,
        format: str,
        provenance: Mapping[str, Any],
        columns: Sequence[Mapping[str, Any]] = (),
        rows: int | None = None,
        stays: Mapping[str, str] | None = None,
    ) -> JSON:
        """A new version of a dataset with this file as its content. With `stays` (see `countersign.places`) only the file's
        digest is sent: the content stays at that place, where the site's workers read it."""
        draft = self.post(
            f"datasets/{dataset}/versions/",
            {"format": format, "provenance": dict(provenance), "columns": [dict(column) for column in columns], "rows": rows},
        )
        if stays:
            said = {**stays, "digest": digest_of(file), "size": file.stat().st_size}
            self.put(f"dataset-versions/{draft['id']}/location/", said)
        else:
            self.send(f"dataset-versions/{draft['id']}/content/", file)
        return self.post(f"dataset-versions/{draft['id']}/registration/")

    def register_hold_out(self, dataset_version: str) -> JSON:
        """Keep this version apart to test on; only a validator who does not train may."""
        return self.post(f"dataset-versions/{dataset_version}/hold-out/")

    def link_data(self, source: str, *, kind: str, to: str) -> JSON:
        return self.post(f"dataset-versions/{source}/links/", {"kind": kind, "to_version": to})

    def record_run(self, **facts: Any) -> JSON:
        return self.post("runs/", facts)

    # -- models, versions, decisions ---------------------------------------------------------------------------------------

    def register_model(self, **facts: Any) -> JSON:
        return self.post("models/", facts)

    def draft_version(self, model: str, **facts: Any) -> JSON:
        return self.post(f"models/{model}/versions/", facts)

    def clone(self, version: str, **where: Any) -> JSON:
        """A draft with this version's bytes: of a new model (`team`, `name`, `description`) or of one that exists (`model`)."""
        return self.post(f"versions/{quote(version, safe='')}/clones/", where)

    def send_checkpoint(self, version: str, file: Path, *, progress: Callable[[int, int], None] | None = None) -> JSON:
        return self.send(f"versions/{version}/checkpoint/", file, progress=progress)

    def submit(self, version: str, *, environment: str = "production") -> JSON:
        return self.post(f"versions/{version}/submission/", {"environment": environment})

    def code(self, version: str) -> JSON:
        """What the site wants to know of the version's code (`wanted`), and what was sent last (`code`)."""
        return self.get(f"versions/{quote(version, safe='')}/code/")

    def send_code(self, version: str, **changes: Any) -> JSON:
        """Send commits and differences, as `countersign.capturing.changes.changes_between` tells them."""
        return self.post(f"versions/{quote(version, safe='')}/code/", changes)

    def revise_card(self, version: str, content: Mapping[str, str]) -> JSON:
        return self.post(f"versions/{version}/cards/", {"content": dict(content)})

    def approval(self, version: str, *, environment: str = "production") -> JSON:
        return self.get(f"versions/{version}/approval/", environment=environment)

    def evaluation(self, run: str) -> JSON:
        return self.get(f"evaluations/{run}/")

    def cancel_evaluation(self, run: str) -> JSON:
        """Call a waiting or running measurement off."""
        return self.post(f"evaluations/{run}/cancellation/")

    def repeat_evaluation(self, run: str) -> JSON:
        """Measure once more: beside a completed run, or instead of one that was not finished."""
        return self.post(f"evaluations/{run}/repeats/")

    def fetch_predictions(self, run: str, target: Path) -> str:
        """Save the model's answers to every row, as safetensors; returns their digest."""
        digest = self.evaluation(run)["predictions_digest"]
        return self.fetch(f"evaluations/{run}/predictions/", target, expected=digest)

    def wait(
        self, version: str, *, environment: str = "production", seconds: float = 900, tell: Callable[[JSON], None] | None = None
    ) -> JSON:
        """The approval once the workers have nothing left to do for this version; asks gently."""
        deadline, pause = time.monotonic() + seconds, 0.5
        while True:
            facts, approval = self.get(f"versions/{version}/"), self.approval(version, environment=environment)
            if tell:
                tell(approval)
            if _settled(facts, approval):
                return approval
            if time.monotonic() > deadline:
                raise Unreachable(f"The workers are still busy after {seconds:.0f} seconds; ask again later.")
            time.sleep(pause)
            pause = min(pause * 1.3, 5)

    # -- folds and refits ------------------------------------------------------------------------------------------------------

    def begin_resampling(self, version: str, split: Path) -> JSON:
        """A new set of folds or refits of the version, for the split that the file holds."""
        return self.send(f"versions/{version}/resamplings/", split, method="POST")

    def send_fold(self, resampling: str, number: int, file: Path) -> JSON:
        """The checkpoint of one part of the split, numbered from 1."""
        return self.send(f"resamplings/{resampling}/checkpoints/{number}/", file)

    def submit_resampling(self, resampling: str) -> JSON:
        return self.post(f"resamplings/{resampling}/submission/")

    def resampling(self, pk: str) -> JSON:
        return self.get(f"resamplings/{pk}/")

    def wait_for_resampling(self, pk: str, *, seconds: float = 3600, tell: Callable[[JSON], None] | None = None) -> JSON:
        """The set once its numbers are there, or the reason why there are none; asks gently."""
        deadline, pause = time.monotonic() + seconds, 0.5
        while (found := self.resampling(pk))["state"] in {"queued", "running"}:
            if tell:
                tell(found)
            if time.monotonic() > deadline:
                raise Unreachable(f"The workers are still busy after {seconds:.0f} seconds; ask again later.")
            time.sleep(pause)
            pause = min(pause * 1.3, 5)
        return found

    # -- reviews and after -------------------------------------------------------------------------------------------------------

    def review(self, pk: str) -> JSON:
        return self.get(f"reviews/{pk}/")

    def sign_off(
        self,
        review: str,
        *,
        role: str,
        verdict: str,
        password: str,
        seen: str,
        code: str = "",
        comment: str = "",
        accept: bool = False,
        conditions: Sequence[JSON] = (),
    ) -> JSON:
        """`seen` is the digest that was read, `accept` says once that a signature binds as one by hand."""
        body: JSON = {"role": role, "verdict": verdict, "password": password, "code": code, "comment": comment, "seen": seen}
        return self.post(f"reviews/{review}/sign-offs/", body | {"accept": accept, "conditions": list(conditions)})

    def signature_record(self, sign_off: str) -> JSON:
        """The record of one signature, as `countersign verify-signature` reads it."""
        return self.get(f"sign-offs/{sign_off}/record/")

    def import_findings(self, file: Path, *, dry_run: bool = False, plan: str = "") -> JSON:
        """Bring findings in from a CSV or XLSX file, all rows or none. `plan`: that of the dry run that was looked at."""
        asked = "dry_run=yes" if dry_run else f"plan={quote(plan)}" if plan else ""
        return self.send(f"findings/import/?{asked}", file, method="POST")

    def release(self, version: str, *, environment: str = "production") -> JSON:
        return self.post("releases/", {"version": version, "environment": environment})

    def roll_back(self, model: str, *, environment: str = "production", reason: str, to: str | None = None) -> JSON:
        """Make an earlier version live again: the latest whose approval holds, or `to` (a version's id)."""
        which = {"to": to} if to else {}
        return self.post(f"models/{model}/rollbacks/", {"environment": environment, "reason": reason, **which})

    def releases_as_of(self, at: str, *, environment: str | None = None, model: str | None = None) -> list[JSON]:
        """What was live then: `at` is a time with its offset, or a date (that whole day in UTC)."""
        asked = {"environment": environment, "model": self.model(model)["id"] if model else None}
        return list(self.every("releases/as-of/", at=at, **{name: value for name, value in asked.items() if value}))

    def gate(self, digest: str, *, environment: str = "production", model: str | None = None) -> JSON:
        """May exactly these bytes run there? `model` (its name) says which one is meant where several models have them."""
        which = {"model": self.model(model)["id"]} if model else {}
        return self.get("gate/", digest=digest, environment=environment, **which)

    def observe(self, version: str, probabilities: Sequence[Sequence[float]], *, environment: str = "production") -> JSON:
        """Report a batch of softmax vectors [rows][classes]; only their sums leave this process."""
        rows = [[float(value) for value in row] for row in probabilities]
        if len({len(row) for row in rows}) != 1:
            raise ValueError("Give at least one row, and one probability for each class in each row.")
        classes = len(rows[0])
        predicted = [0] * classes
        for row in rows:
            predicted[max(range(classes), key=row.__getitem__)] += 1
        body = {
            "version": version,
            "environment": environment,
            "n": len(rows),
            "sums": [sum(row[k] for row in rows) for k in range(classes)],
            "sums_of_squares": [sum(row[k] ** 2 for row in rows) for k in range(classes)],
            "predicted": predicted,
        }
        return self.post("observations/", body)

    def alerts(self) -> list[JSON]:
        return list(self.every("alerts/"))

    def make_report(self, version: str, *, environment: str = "production") -> JSON:
        return self.post("reports/", {"version": version, "environment": environment})

    def report(self, pk: str) -> JSON:
        return self.get(f"reports/{pk}/")

    def fetch_report(self, pk: str, target: Path, *, seconds: float = 300, tell: Callable[[JSON], None] | None = None) -> JSON:
        """Wait until the report is made, then save the PDF."""
        deadline = time.monotonic() + seconds
        while (report := self.report(pk))["state"] in {"queued", "running"}:
            if tell:
                tell(report)
            if time.monotonic() > deadline:
                raise Unreachable(f"The report is not ready after {seconds:.0f} seconds; ask again later.")
            time.sleep(0.5)
        if report["state"] != "completed":
            raise Refused(
                {"status": 409, "code": "report_failed", "detail": report.get("error") or "The report could not be made."}
            )
        self.fetch(f"reports/{pk}/pdf/", target, expected=report["pdf_digest"])
        return report


def _settled(facts: JSON, approval: JSON) -> bool:
    """Nothing of the workers' is under way: the inspection has ended, and so has every evaluation it led to."""
    inspection = facts.get("inspection")
    if facts["state"] == "draft" or (inspection and inspection["state"] in {"queued", "running"}):
        return facts["state"] == "draft"
    return all(run["state"] not in {"queued", "running"} for run in approval["evaluations"])


def _split(name: str) -> tuple[str, str, str]:
    for mark in ("@", ":"):
        if mark in name:
            model, _, which = name.partition(mark)
            return model, mark, which
    return name, "", ""

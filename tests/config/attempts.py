"""One request for each route that changes something: complete and well-formed, so that only its sender's role decides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import ChoiceField
from django.urls import reverse

from core.clock import now
from data_registry.models import DatasetVersion
from governance.approvals import approval_of
from governance.documents import read
from governance.documents.as_yaml import written
from governance.forms.submitting import PROGRAM, SubmitForm
from governance.policies import starting_body
from governance.registers.incoming import hold, read_sheet
from governance.registers.planning import COLUMNS, plan_of
from tests.api.world import ASSESSED, World
from tests.plugins_versions import CARD, CLASSES, PASSWORD, PROVENANCE
from tests.resampling.conftest import kfold


@dataclass(frozen=True)
class Attempt:
    """`may` names one person of the cast who succeeds with exactly this request."""

    route: str
    may: str
    body: Callable[[World], Any] = lambda world: {}
    on: str = ""  # the row that the address names
    method: str = "post"
    query: str = ""
    args: Callable[[World], list[Any]] | None = None
    tells: bool = True  # whether success is an event: what an open run takes is claimed and is none (docs/adr/0017)

    def url(self, world: World) -> str:
        args = self.args(world) if self.args else [world.rows[self.on].pk] if self.on else []
        named = {name: getattr(row, "pk", "") for name, row in world.rows.items()}
        return reverse(self.route, args=args) + self.query.format(**named)

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api-")

    def send(self, client: Any, world: World) -> Any:
        """The answer to this request, sent with `client` (of the API or of a browser)."""
        body = self.body(world)
        deed = getattr(client, self.method)
        if isinstance(body, bytes):
            return deed(self.url(world), body, content_type="application/octet-stream")
        return deed(self.url(world), body, format="json") if self.is_api else deed(self.url(world), body)


def _observations(world: World) -> dict[str, Any]:
    sums = [100 * share for share in (0.34, 0.33, 0.33)]
    squares = [one * one / 100 for one in sums]
    facts = {"n": 100, "sums": sums, "sums_of_squares": squares, "predicted": [100, 0, 0]}
    return {"version": str(world.live.pk), "environment": "production", **facts}


def _stranger(world: World) -> list[Any]:
    return [world.people["stranger"].pk]


def _held_by_dpo(world: World) -> dict[str, Any]:
    return {"held": str(world.people["dpo"].memberships.get().pk)}


def _webhook(world: World) -> dict[str, Any]:
    return {"url": "https://93.184.216.34/hooks", "team": str(world.team.pk), "kinds": ["suspended"]}


def _limits(world: World) -> dict[str, Any]:
    numbers = {"metric": "accuracy", "margin": 0.01, "churn": 0.05, "releases": 4, "days": 90}
    return numbers | {"environment": "production", "expires_at": (now() + timedelta(days=60)).isoformat()}


def _page_limits(world: World) -> dict[str, Any]:
    return _limits(world) | {"expires_at": (now() + timedelta(days=60)).date().isoformat()}


def _envelope_signature(world: World) -> dict[str, Any]:
    return {"role": "validator", "seen": world.change_envelope.digest, "password": PASSWORD}


def _sign_off(world: World) -> dict[str, Any]:
    return {"role": "validator", "verdict": "approve", "password": PASSWORD, "comment": "Read it.", "seen": world.review.digest}


def _yaml(world: World) -> dict[str, Any]:
    return {"yaml": written(read(starting_body("low")))}


def _page_publication(world: World) -> dict[str, Any]:
    return {"password": PASSWORD, "reason": "Tighter.", "seen": world.policy_draft.digest}


def _page_submit(world: World) -> dict[str, Any]:
    card = {f"card_{name}": text for name, text in CARD.items()}
    data = [str(world.data.pk)]
    file = SimpleUploadedFile("model.safetensors", b"weights from a page")
    learned = [str(DatasetVersion.objects.filter(dataset__name="digits-train").values_list("pk", flat=True)[0])]
    given = {"model": str(world.model.pk), "checkpoint": file, "training": learned, "testing": data, **card}
    offered = SubmitForm(person=world.people["scientist"]).fields
    chosen = {name: field.initial or next(key for key, _label in field.choices if key) for name, field in offered.items()
              if type(field) is ChoiceField}  # fmt: skip
    return chosen | {"architecture": PROGRAM} | given


def _page_finish(world: World) -> dict[str, Any]:
    given = _page_submit(world)
    del given["model"]
    return given


def _page_assess(world: World) -> dict[str, Any]:
    return {**ASSESSED["levels"], **{f"{key}_reason": text for key, text in ASSESSED["reasons"].items()}}


def _page_evidence(world: World) -> dict[str, Any]:
    file = SimpleUploadedFile("assessment.pdf", b"an assessment from a page")
    return {"kind": "dpia", "file": file, "owner": str(world.people["dpo"].pk)}


def _stopping(world: World) -> dict[str, Any]:
    return {"dataset_version": str(world.labels.pk), "use": "stopping"}


def _code(world: World) -> dict[str, Any]:
    return {"commit": 40 * "5", "tree": 40 * "a", "diff": ""}


def _outcome(world: World, **which: str) -> dict[str, Any]:
    return {"verdict": "approved", "reason": "Read all of it.", **which}


def _revised(world: World) -> dict[str, str]:
    return CARD | {"limitations": "Rotated images, and bad light."}


def _location(world: World) -> dict[str, Any]:
    return {"kind": "folder", "path": "rows.csv", "digest": "sha256:" + "0" * 64, "size": 9}


def _key(world: World) -> dict[str, Any]:
    return {"name": "another", "scopes": ["read"], "expires_at": (now() + timedelta(days=5)).isoformat()}


PROVEN: Callable[[World], Any] = lambda world: {"reason": "It was agreed.", "password": PASSWORD}  # noqa: E731 - as below
SEEN: Callable[[World], Any] = lambda world: PROVEN(world) | {"seen": approval_of(world.waiting, "production").digest}  # noqa: E731 - as below
WITH_MODE: Callable[[World], Any] = lambda world: PROVEN(world) | {"mode": "warn"}  # noqa: E731 - as below
ENVIRONMENT: Callable[[World], Any] = lambda world: PROVEN(world) | {"slug": "edge", "name": "Edge", "mode": "warn"}  # noqa: E731 - as below
FINDING = {"title": "Zeros", "severity": "low", "source": "audit", "due_on": "2027-02-01"}


def _finding(world: World) -> dict[str, Any]:
    return FINDING | {"version": str(world.draft.pk)}


def _findings_file(world: World) -> bytes:
    head, cells = "title,severity,due_on,model", "Zeros,low,2027-02-01"
    return f"{head}\n{cells},{world.model.name}\n".encode()


def _previewed(world: World) -> dict[str, Any]:
    """What a person confirms who has just looked at the file."""
    sheet = read_sheet([_findings_file(world)], name="findings", columns=COLUMNS)
    auditor = world.people["auditor"]
    hold(sheet, of=auditor)
    return {"plan": plan_of(sheet, by=auditor).digest}


def _preview(world: World) -> list[Any]:
    return [hashlib.sha256(_findings_file(world)).hexdigest()]


def _page_finding(world: World) -> dict[str, Any]:
    return FINDING | {"owner": str(world.people["scientist"].pk)}


def _graver(world: World) -> dict[str, Any]:
    return {"severity": "high", "owner": str(world.people["scientist"].pk), "due_on": "2027-02-01"}


def _asking(world: World) -> dict[str, Any]:
    given = {"reason": "No time.", "control": "A person looks.", "expires_on": now().date().isoformat()}
    return given | {"version": str(world.blocked.pk), "kind": "findings", "subject": world.exception.subject}


def _page_asking(world: World) -> dict[str, Any]:
    return {"answer": "0", "reason": "No time.", "control": "A person looks.", "expires_on": now().date().isoformat()}


def _lending(world: World) -> dict[str, Any]:
    days = {"starts_on": now().date().isoformat(), "ends_on": now().date().isoformat()}
    said = {"role": "compliance_officer", "team": str(world.team.pk), "reason": "On leave.", "password": PASSWORD}
    return days | said | {"delegate": str(world.people["auditor"].pk)}


def _page_lending(world: World) -> dict[str, Any]:
    said = _lending(world)
    return said | {"held": f"compliance_officer:{world.team.pk}", "to": said["delegate"]}


PASSWORD_AGAIN: Callable[[World], Any] = lambda world: {"password": PASSWORD}  # noqa: E731 - data
REFUSED: Callable[[World], Any] = lambda world: {"decision": "Train again."}  # noqa: E731 - as above
TAKEN_BACK: Callable[[World], Any] = lambda world: {"reason": "Too long."}  # noqa: E731 - as above
RETESTED: Callable[[World], Any] = lambda world: {"passed": True, "reason": "Gone."}  # noqa: E731 - data
PAGE_RETESTED: Callable[[World], Any] = lambda world: {"outcome": "passed", "reason": "Gone."}  # noqa: E731 - as above
PROVEN: Callable[[World], Any] = lambda world: {"password": PASSWORD, "reason": "Read it once more."}  # noqa: E731 - data
REPORTED: Callable[[World], Any] = lambda world: {"report": "Done."}  # noqa: E731 - as above
WITH_REASON: Callable[[World], Any] = lambda world: {"environment": "production", "reason": "It drifts."}  # noqa: E731 - data
ROLE: Callable[[World], Any] = lambda world: {"role": "data_scientist", "team": str(world.team.pk)}  # noqa: E731 - as above

ATTEMPTS = [
    Attempt("api-webhooks", "risk_manager", _webhook),
    Attempt("governance:webhook_new", "admin", _webhook),
    *(
        Attempt(route, "risk_manager", on=f"{state}webhook")
        for state, deeds in (("", ("test", "stop")), ("stopped_", ("start",)))
        for deed in deeds
        for route in (f"governance:webhook_{deed}", f"api-webhook-{'tests' if deed == 'test' else deed}")
    ),
    Attempt("api-people", "admin", lambda world: {"email": "new@example.org", "name": "New"}),
    Attempt("api-roles", "admin", ROLE, args=lambda world: [world.people["stranger"].pk]),
    Attempt(
        "api-roles", "admin", lambda world: None, args=lambda world: [world.people["dpo"].pk], method="delete",
        query="?role=data_protection_officer",
    ),
    Attempt("api-teams", "admin", lambda world: {"name": "Speech"}),
    Attempt("api-keys", "stranger", _key),
    Attempt("api-key", "scientist", lambda world: None, on="key", method="delete"),
    Attempt("api-datasets", "scientist", lambda world: {"team": str(world.team.pk), "name": "faces"}),
    Attempt("api-dataset-versions", "scientist", lambda world: {"provenance": PROVENANCE, "format": "other"}, on="dataset"),
    Attempt("api-dataset-content", "scientist", lambda world: b"other rows", on="draft_data", method="put"),
    Attempt("api-dataset-location", "scientist", _location, on="draft_data", method="put"),
    Attempt("api-dataset-hold-out", "validator", on="data"),
    Attempt("data_registry:hold_out", "validator", on="data"),
    Attempt("api-dataset-registration", "scientist", on="draft_data"),
    Attempt(
        "api-dataset-links", "scientist", lambda world: {"kind": "labelled_by", "to_version": str(world.labels.pk)}, on="data"
    ),
    Attempt("api-pii-findings", "dpo", lambda world: {"category": "contact", "present": "unknown"}, on="data"),
    Attempt("api-runs", "scientist", lambda world: {"team": str(world.team.pk), "name": "again"}),
    Attempt("api-run-log", "scientist", lambda world: {"params": {"lr": 0.1}}, on="open_run", tells=False),
    Attempt("api-run-registration", "scientist", lambda world: {"model": str(world.model.pk)}, on="ended_run"),
    Attempt("models_registry:run_registration", "scientist", lambda world: {"model": str(world.model.pk)}, on="ended_run"),
    Attempt(
        "api-version-clones", "scientist", lambda world: {"team": str(world.team.pk), "name": "twin"}, on="live"
    ),
    Attempt("models_registry:clone", "scientist", lambda world: {"team": str(world.team.pk), "name": "twin"}, on="live"),
    Attempt("api-version-data", "scientist", _stopping, on="draft"),
    Attempt("api-run-end", "scientist", lambda world: {"state": "finished"}, on="open_run"),
    Attempt("api-run-reopening", "scientist", on="open_run", tells=False),
    Attempt(
        "api-run-artifact",
        "scientist",
        lambda world: b"weights",
        method="put",
        args=lambda world: [world.open_run.pk, "model/weights.bin"],
        tells=False,
    ),
    Attempt("api-experiments", "scientist", lambda world: {"team": str(world.team.pk), "name": "letters"}),
    Attempt(
        "api-models",
        "scientist",
        lambda world: {"team": str(world.team.pk), "name": "other", "task": "multiclass", "risk_tier": "low", "classes": CLASSES},
    ),
    Attempt("api-model", "scientist", lambda world: {"task": "binary"}, on="unstated", method="patch"),
    Attempt("models_registry:state", "scientist", lambda world: {"task": "binary", "risk_tier": "high"}, on="unstated"),
    Attempt("api-versions", "scientist", lambda world: {"card": CARD}, on="model"),
    Attempt("api-checkpoint", "scientist", lambda world: b"other weights", on="draft", method="put"),
    Attempt("api-cards", "scientist", lambda world: {"content": _revised(world)}, on="waiting"),
    Attempt("api-evaluation-cancellation", "validator", on="waiting_run"),
    Attempt("api-evaluation-repeats", "validator", on="evaluation"),
    Attempt("evaluations:cancel", "validator", on="waiting_run"),
    Attempt("evaluations:repeat", "validator", on="evaluation"),
    Attempt("api-resamplings", "scientist", lambda world: kfold(world.live), on="live"),
    Attempt(
        "api-resampling-checkpoint", "scientist", lambda world: b"other weights", method="put",
        args=lambda world: [world.resampling.pk, 2],
    ),
    Attempt("api-resampling-submission", "scientist", on="resampling"),
    Attempt("api-submission", "scientist", lambda world: {"environment": "production"}, on="draft"),
    Attempt("api-withdrawal", "scientist", on="waiting"),
    Attempt("api-sign-offs", "validator", _sign_off, on="review"),
    Attempt("api-environments", "risk_manager", ENVIRONMENT),
    Attempt("api-environment-mode", "risk_manager", WITH_MODE, args=lambda world: ["production"]),
    Attempt("api-environment-retirement", "risk_manager", PROVEN, args=lambda world: ["canary"]),
    Attempt("api-policies", "officer", lambda world: {"document": starting_body("low")}),
    Attempt("api-policy", "officer", lambda world: {"document": starting_body("low")}, on="policy_draft", method="put"),
    Attempt("api-policy-withdrawal", "risk_manager", on="policy_draft"),
    Attempt("api-policy-publication", "officer", lambda world: {"password": PASSWORD, "reason": "Tighter."}, on="policy_draft"),
    Attempt("api-delegations", "officer", _lending),
    Attempt("api-delegation-acceptance", "auditor", PASSWORD_AGAIN, on="delegation"),
    Attempt("api-delegation-refusal", "auditor", on="delegation"),
    Attempt("api-delegation-end", "validator", on="delegation"),
    Attempt("governance:delegations", "officer", _page_lending),
    Attempt("governance:delegation_accept", "auditor", PASSWORD_AGAIN, on="delegation"),
    Attempt("governance:delegation_decline", "auditor", on="delegation"),
    Attempt("governance:delegation_end", "validator", on="delegation"),
    Attempt("api-exceptions", "scientist", _asking),
    Attempt("api-exception-approval", "risk_manager", PASSWORD_AGAIN, on="exception"),
    Attempt("api-exception-refusal", "risk_manager", REFUSED, on="exception"),
    Attempt("api-exception-revocation", "risk_manager", TAKEN_BACK, on="standing"),
    Attempt("governance:request_exception", "scientist", _page_asking, on="blocked"),
    Attempt("governance:exception_approve", "risk_manager", PASSWORD_AGAIN, on="exception"),
    Attempt("governance:exception_refuse", "risk_manager", REFUSED, on="exception"),
    Attempt("governance:exception_revoke", "risk_manager", TAKEN_BACK, on="standing"),
    Attempt("api-findings", "auditor", _finding),
    Attempt("api-findings-import", "auditor", _findings_file),
    Attempt(
        "governance:import_findings", "auditor", tells=False,
        body=lambda world: {"file": SimpleUploadedFile("findings.csv", _findings_file(world))},
    ),
    Attempt("governance:import_preview", "auditor", _previewed, args=_preview),
    Attempt("api-finding", "officer", lambda world: {"severity": "high"}, on="finding", method="patch"),
    Attempt("api-finding-plan", "scientist", lambda world: {"plan": "More zeros."}, on="finding"),
    Attempt("api-finding-mended", "scientist", lambda world: {"done": "More zeros."}, on="finding"),
    Attempt("api-finding-retest", "officer", RETESTED, on="mended"),
    Attempt(
        "governance:raise_finding", "auditor", _page_finding, args=lambda world: [], query="?version={draft}",
    ),
    Attempt("governance:finding_plan", "scientist", lambda world: {"plan": "More zeros."}, on="finding"),
    Attempt("governance:finding_mended", "scientist", lambda world: {"done": "More zeros."}, on="finding"),
    Attempt("governance:finding_retest", "officer", PAGE_RETESTED, on="mended"),
    Attempt("governance:finding_revise", "officer", _graver, on="finding"),
    Attempt("api-code", "scientist", _code, on="waiting"),
    Attempt("api-code-comments", "validator", lambda world: {"text": "Seed?"}, on="waiting"),
    Attempt("api-code-resolution", "validator", on="code_comment"),
    Attempt("api-code-outcomes", "validator", lambda world: _outcome(world, digest=world.code.digest), on="waiting"),
    Attempt("api-messages", "auditor", lambda world: {"text": "Which camera?"}, on="review"),
    Attempt("api-answers", "officer", lambda world: {"text": "The old one."}, on="question"),
    Attempt("governance:comment_on_code", "auditor", lambda world: {"text": "Seed?", "code": str(world.code.pk)}, on="waiting"),
    Attempt("governance:resolve_comment", "validator", on="code_comment"),
    Attempt("governance:record_code_outcome", "validator", lambda world: _outcome(world, code=str(world.code.pk)), on="waiting"),
    Attempt("governance:post_message", "auditor", lambda world: {"text": "Which camera?"}, on="review"),
    Attempt("governance:answer", "officer", lambda world: {"text": "The old one."}, on="question"),
    Attempt("api-suspension", "officer", PROVEN, on="ready"),
    Attempt("api-new-review", "scientist", lambda world: {"environment": "staging"}, on="ready"),
    Attempt("api-emergency-release", "risk_manager", SEEN, on="waiting"),
    Attempt("governance:release_in_emergency", "risk_manager", SEEN, on="waiting"),
    Attempt("api-retirement", "risk_manager", lambda world: {"reason": "It is old."}, on="ready"),
    Attempt("governance:suspend", "officer", PROVEN, on="ready"),
    Attempt("governance:new_review", "scientist", lambda world: {"environment": "staging"}, on="ready"),
    Attempt("governance:retire", "risk_manager", lambda world: {"reason": "It is old."}, on="ready"),
    Attempt("api-releases", "risk_manager", lambda world: {"version": str(world.ready.pk), "environment": "production"}),
    Attempt("api-risk-assessments", "scientist", lambda world: ASSESSED, on="model"),
    Attempt("api-risk-activation", "officer", on="assessment"),
    Attempt("governance:assess", "risk_manager", _page_assess, on="model"),
    Attempt("governance:activate_assessment", "officer", lambda world: {"tier": world.assessment.tier}, on="assessment"),
    Attempt(
        "api-evidence-upload", "dpo", lambda world: b"another assessment", method="put",
        args=lambda world: [world.model.pk, "dpia"], query="?title=Again",
    ),
    Attempt("api-evidence-withdrawal", "officer", lambda world: {"reason": "It was of another model."}, on="evidence"),
    Attempt("governance:evidence", "validator", _page_evidence, on="model"),
    Attempt("governance:withdraw_evidence", "officer", lambda world: {"reason": "It was of another model."}, on="evidence"),
    Attempt("api-rollbacks", "risk_manager", WITH_REASON, on="model"),
    Attempt("api-observations", "scientist", _observations),
    Attempt("api-alert-acknowledgement", "risk_manager", on="alert"),
    Attempt("api-alert-closing", "risk_manager", lambda world: {"why": "The camera is repaired."}, on="alert"),
    Attempt("api-reports", "auditor", lambda world: {"version": str(world.live.pk), "environment": "production"}),
    Attempt("governance:submit", "scientist", _page_submit),
    Attempt("governance:finish", "scientist", _page_finish, on="draft"),
    Attempt("governance:revise_card", "scientist", _revised, on="waiting"),
    Attempt("governance:policy_new", "officer", _yaml, query="?as=yaml"),
    Attempt("governance:policy_edit", "officer", _yaml, on="policy_draft", query="?as=yaml"),
    Attempt("governance:policy_withdraw", "risk_manager", on="policy_draft"),
    Attempt("governance:policy_publish", "officer", _page_publication, on="policy_draft"),
    Attempt("governance:make_environment", "risk_manager", ENVIRONMENT),
    Attempt("governance:environment_mode", "risk_manager", WITH_MODE, args=lambda world: ["production"]),
    Attempt("governance:retire_environment", "risk_manager", PROVEN, args=lambda world: ["canary"]),
    Attempt("governance:sign_off", "validator", _sign_off, on="review"),
    Attempt("governance:withdraw_signature", "validator", PROVEN, on="signature"),
    Attempt("api-signature-withdrawal", "validator", PROVEN, on="signature"),
    Attempt("governance:report_condition", "scientist", REPORTED, on="condition"),
    Attempt("api-condition-report", "scientist", REPORTED, on="condition"),
    Attempt("governance:answer_condition", "validator", lambda world: {"met": "yes", "password": PASSWORD}, on="reported"),
    Attempt("api-condition-answer", "validator", lambda world: {"met": True, "password": PASSWORD}, on="reported"),
    Attempt("governance:withdraw", "scientist", on="waiting"),
    Attempt("api-change-envelopes", "scientist", _limits, on="model"),
    Attempt("api-change-envelope-signatures", "validator", _envelope_signature, on="change_envelope"),
    Attempt("api-change-envelope-withdrawal", "risk_manager", lambda world: {"reason": "Too wide."}, on="change_envelope"),
    Attempt("api-change-envelope-revocation", "officer", PROVEN, on="active_envelope"),
    Attempt("governance:change_envelope_new", "scientist", _page_limits, on="model"),
    Attempt("governance:sign_change_envelope", "validator", _envelope_signature, on="change_envelope"),
    Attempt("governance:withdraw_change_envelope", "risk_manager", lambda world: {"reason": "Too wide."}, on="change_envelope"),
    Attempt("governance:revoke_change_envelope", "officer", PROVEN, on="active_envelope"),
    Attempt("governance:release", "risk_manager", lambda world: {"environment": "production"}, on="ready"),
    Attempt("governance:roll_back", "risk_manager", WITH_REASON, on="model"),
    Attempt("monitoring:acknowledge", "risk_manager", on="alert"),
    Attempt("monitoring:close", "risk_manager", lambda world: {"why": "The camera is repaired."}, on="alert"),
    Attempt("audit:reports", "auditor", lambda world: {"version": str(world.live.pk), "environment": "production"}),
    Attempt("audit:check_log", "auditor"),
    Attempt("settings:keys", "stranger", lambda world: {"name": "CI", "scopes": ["read"], "days": "30"}),
    Attempt("api-my-mails", "stranger", lambda world: {"kinds": ["decision"]}, method="put"),
    Attempt("governance:mail_settings", "stranger", lambda world: {"kinds": ["decision"]}),
    Attempt("settings:revoke_key", "scientist", on="key"),
    Attempt("settings:people", "admin", lambda world: {"name": "New", "email": "new@example.org", "time_zone": "UTC"}),
    Attempt("settings:teams", "admin", lambda world: {"name": "Speech"}),
    Attempt("settings:grant_role", "admin", lambda world: {"role": "auditor", "team": "everywhere"}, args=_stranger),
    Attempt("settings:revoke_role", "admin", _held_by_dpo, args=lambda world: [world.people["dpo"].pk]),
    Attempt("settings:deactivate", "admin", args=_stranger),
    Attempt("settings:erase", "admin", lambda world: {"name": world.people["stranger"].name}, args=_stranger),
]  # fmt: skip

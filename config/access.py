"""Who may open each route: one table. A route that is missing here fails a test; so does one that is open to more people.

`reads` and `writes` say who may try: what they then see is bounded by `visible_to` (404), what they may do by a `Decision`
(403 with its reason). A set of roles means that nobody without one of them succeeds.
"""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import SIGNING_ROLES, Role

PUBLIC = "public"  # without sign-in
SIGNED_IN = "signed_in"  # everybody with an account, within their sight
NOBODY = "nobody"  # the method is not answered

SCIENTIST = frozenset({Role.DATA_SCIENTIST})
VALIDATOR = frozenset({Role.VALIDATOR})
SIGNERS = frozenset(SIGNING_ROLES)
RISK = frozenset({Role.RISK_MANAGER})
ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
TELLERS = RISK | ADMINISTRATOR  # those who have addresses outside told
OBSERVERS = SCIENTIST | RISK
REPORTERS = SIGNERS | {Role.AUDITOR}
DOWNLOADERS = frozenset({Role.DATA_SCIENTIST, Role.VALIDATOR})
WRITERS = frozenset({Role.COMPLIANCE_OFFICER, Role.RISK_MANAGER})  # of policies
KEEPERS = SCIENTIST | {Role.VALIDATOR}  # of data and runs: validators train challengers
FINDERS = KEEPERS | {Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER}
ACTIVATORS = RISK | {Role.COMPLIANCE_OFFICER}  # of risk assessments
BRINGERS = SCIENTIST | SIGNERS  # of files as evidence
STOPPERS = RISK | {Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER}
AUDITOR = frozenset({Role.AUDITOR})
RAISERS = SIGNERS | AUDITOR  # of findings
RETESTERS = frozenset({Role.VALIDATOR, Role.COMPLIANCE_OFFICER})
MEMBERS = frozenset(Role) - ADMINISTRATOR  # whoever holds a role that sees models takes part in talking about them

Who = str | frozenset[Role]


@dataclass(frozen=True, slots=True)
class Access:
    reads: Who
    writes: Who = NOBODY


def _pages(who: Who, *names: str) -> dict[str, Access]:
    return {name: Access(reads=who) for name in names}


def _deeds(who: Who, *names: str) -> dict[str, Access]:
    return {name: Access(NOBODY, who) for name in names}


ACCESS: dict[str, Access] = {
    # pages
    **_pages(PUBLIC, "styleguide", "healthz", "readyz"),
    **_pages(
        SIGNED_IN,
        *("governance:inbox", "governance:review", "governance:policies", "governance:changes"),
        *("governance:policy", "governance:policy_changes", "governance:policy_yaml", "governance:policy_envelope"),
        *("governance:inbox", "governance:review", "governance:policies", "governance:changes", "governance:code"),
        *("governance:findings", "governance:finding", "governance:exceptions", "governance:exception"),
        *("governance:portfolio", "governance:attestation"),
        *("governance:export_findings", "governance:export_exceptions", "api-findings-export", "api-exceptions-export"),
        *("evaluations:checks", "evaluations:chart", "monitoring:version"),
        *("monitoring:chart", "resampling:version", "resampling:chart"),
        *("models_registry:models", "models_registry:model", "models_registry:version"),
        *("models_registry:evidence", "models_registry:history"),
        *("data_registry:datasets", "data_registry:dataset", "data_registry:dataset_version"),
        *("tracking:runs", "tracking:run", "tracking:compare"),
        "search",
        *("audit:trail", "audit:entry", "audit:proof"),
    ),
    "models_registry:state": Access(NOBODY, SCIENTIST),
    "data_registry:hold_out": Access(NOBODY, VALIDATOR),
    "evaluations:cancel": Access(NOBODY, KEEPERS),
    "evaluations:repeat": Access(NOBODY, KEEPERS),
    "models_registry:run_registration": Access(SCIENTIST, SCIENTIST),
    "models_registry:clone": Access(SCIENTIST, SCIENTIST),
    "governance:submit": Access(SCIENTIST, SCIENTIST),
    "governance:finish": Access(SCIENTIST, SCIENTIST),
    "governance:revise_card": Access(SCIENTIST, SCIENTIST),
    "governance:policy_new": Access(WRITERS, WRITERS),
    "governance:policy_edit": Access(WRITERS, WRITERS),
    "governance:policy_dry_run": Access(WRITERS),
    **_deeds(WRITERS, "governance:policy_publish", "governance:policy_withdraw"),
    "governance:sign_off": Access(NOBODY, SIGNERS),
    **_pages(SIGNED_IN, "governance:environments", "governance:releases", "governance:model_releases"),
    **{f"governance:{name}": Access(SIGNED_IN, RISK) for name in ("make_environment", "environment_mode", "retire_environment")},
    "governance:delegations": Access(SIGNED_IN, SIGNERS),
    "governance:delegation": Access(SIGNED_IN),
    # whoever it is offered to may hold any role
    **_deeds(SIGNED_IN, *(f"governance:delegation_{deed}" for deed in ("accept", "decline", "end"))),
    "api-delegations": Access(SIGNED_IN, SIGNERS),
    "api-delegation": Access(SIGNED_IN),
    **_deeds(SIGNED_IN, "api-delegation-acceptance", "api-delegation-refusal", "api-delegation-end"),
    "governance:request_exception": Access(SIGNED_IN, MEMBERS),
    **_deeds(SIGNERS, "governance:exception_approve", "governance:exception_refuse", "governance:exception_revoke"),
    # what each row may do is asked of each row: an owner, who may hold any role, plans and mends
    "governance:import_findings": Access(SIGNED_IN, SIGNED_IN),
    "governance:import_preview": Access(SIGNED_IN, SIGNED_IN),
    "api-findings-import": Access(NOBODY, SIGNED_IN),
    "governance:raise_finding": Access(SIGNED_IN, RAISERS),
    "governance:finding_plan": Access(NOBODY, SIGNED_IN),  # its owner, who may hold any role
    "governance:finding_mended": Access(NOBODY, SIGNED_IN),
    "governance:finding_retest": Access(NOBODY, RETESTERS),
    "governance:finding_revise": Access(NOBODY, RAISERS),
    **_pages(SIGNED_IN, "governance:assessments", "governance:assessment", "api-risk-method", "api-risk-assessment"),
    "governance:assess": Access(OBSERVERS, OBSERVERS),
    "governance:activate_assessment": Access(NOBODY, ACTIVATORS),
    "api-risk-assessments": Access(SIGNED_IN, OBSERVERS),
    "api-risk-activation": Access(NOBODY, ACTIVATORS),
    "governance:evidence": Access(SIGNED_IN, BRINGERS),
    "governance:evidence_file": Access(SIGNED_IN),
    "governance:withdraw_evidence": Access(NOBODY, BRINGERS),
    "governance:record_code_outcome": Access(NOBODY, KEEPERS),
    "governance:comment_on_code": Access(NOBODY, MEMBERS),
    "governance:resolve_comment": Access(NOBODY, MEMBERS),
    "governance:post_message": Access(NOBODY, MEMBERS),
    "governance:answer": Access(NOBODY, MEMBERS),
    "governance:signature_record": Access(SIGNED_IN),
    "governance:withdraw_signature": Access(SIGNED_IN, SIGNERS),
    "governance:report_condition": Access(SIGNED_IN, SIGNED_IN),  # its owner, of whatever role
    "governance:answer_condition": Access(SIGNED_IN, SIGNERS),
    "governance:condition_evidence": Access(SIGNED_IN),
    "governance:withdraw": Access(SIGNED_IN, SCIENTIST),
    "governance:suspend": Access(SIGNED_IN, STOPPERS),
    "governance:new_review": Access(SIGNED_IN, SCIENTIST),
    "governance:release_in_emergency": Access(SIGNED_IN, RISK),
    "governance:retire": Access(SIGNED_IN, RISK),
    "governance:change_envelopes": Access(SIGNED_IN),
    "governance:change_envelope": Access(SIGNED_IN),
    "governance:change_envelope_new": Access(SIGNED_IN, OBSERVERS),
    "governance:sign_change_envelope": Access(NOBODY, SIGNERS),
    "governance:withdraw_change_envelope": Access(SIGNED_IN, OBSERVERS),
    "governance:revoke_change_envelope": Access(SIGNED_IN, SIGNERS),
    "api-change-envelopes": Access(SIGNED_IN, OBSERVERS),
    "api-change-envelope": Access(SIGNED_IN),
    "api-change-envelope-decisions": Access(SIGNED_IN),
    "api-change-envelope-signatures": Access(NOBODY, SIGNERS),
    "api-change-envelope-withdrawal": Access(NOBODY, OBSERVERS),
    "api-change-envelope-revocation": Access(NOBODY, SIGNERS),
    "governance:release": Access(NOBODY, RISK),
    "governance:roll_back": Access(NOBODY, RISK),
    "governance:webhooks": Access(TELLERS),
    "governance:webhook_new": Access(TELLERS, TELLERS),
    "governance:webhook": Access(TELLERS),
    **_deeds(TELLERS, "governance:webhook_test", "governance:webhook_stop", "governance:webhook_start"),
    "monitoring:acknowledge": Access(NOBODY, RISK),
    "monitoring:close": Access(NOBODY, RISK),
    # settings
    "settings:keys": Access(SIGNED_IN, SIGNED_IN),
    "governance:mail_settings": Access(SIGNED_IN, SIGNED_IN),
    "settings:revoke_key": Access(NOBODY, SIGNED_IN),
    "settings:people": Access(ADMINISTRATOR, ADMINISTRATOR),
    "settings:person": Access(ADMINISTRATOR),
    "settings:teams": Access(ADMINISTRATOR, ADMINISTRATOR),
    **_deeds(ADMINISTRATOR, *(f"settings:{deed}" for deed in ("grant_role", "revoke_role", "deactivate", "erase"))),
    # sign-in
    **{name: Access(PUBLIC, PUBLIC) for name in ("account_login", "account_logout", "account_inactive", "mfa_authenticate")},
    **{
        name: Access(SIGNED_IN, SIGNED_IN)
        for name in (
            *("account_reauthenticate", "account_change_password", "account_set_password", "mfa_index", "mfa_reauthenticate"),
            *("mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"),
            "mfa_download_recovery_codes",
        )
    },
    # API: what anybody may ask
    **_pages(PUBLIC, "api-schema", "api-docs", "api-trust", "api-log-seal", "api-log-consistency"),
    # people, through the API
    "api-me": Access(SIGNED_IN),
    "api-my-mails": Access(SIGNED_IN, SIGNED_IN),
    "api-people": Access(ADMINISTRATOR, ADMINISTRATOR),
    "api-roles": Access(NOBODY, ADMINISTRATOR),
    "api-teams": Access(SIGNED_IN, ADMINISTRATOR),
    "api-keys": Access(SIGNED_IN, SIGNED_IN),
    "api-key": Access(NOBODY, SIGNED_IN),
    # data and runs, through the API
    "api-datasets": Access(SIGNED_IN, KEEPERS),
    "api-dataset-versions": Access(SIGNED_IN, KEEPERS),
    "api-dataset-version": Access(SIGNED_IN),
    "api-dataset-content": Access(NOBODY, KEEPERS),
    "api-dataset-location": Access(NOBODY, KEEPERS),
    "api-dataset-registration": Access(NOBODY, KEEPERS),
    "api-dataset-hold-out": Access(NOBODY, VALIDATOR),
    "api-dataset-links": Access(SIGNED_IN, KEEPERS),
    "api-pii-findings": Access(SIGNED_IN, FINDERS),
    "api-runs": Access(SIGNED_IN, KEEPERS),
    "api-run": Access(SIGNED_IN),
    "api-run-comparison": Access(SIGNED_IN),
    "api-run-log": Access(NOBODY, KEEPERS),
    "api-run-end": Access(NOBODY, KEEPERS),
    "api-run-reopening": Access(NOBODY, KEEPERS),
    "api-run-series": Access(SIGNED_IN),
    "api-run-artifacts": Access(SIGNED_IN),
    "api-run-artifact": Access(SIGNED_IN, KEEPERS),
    "api-experiments": Access(SIGNED_IN, KEEPERS),
    # API: models, evaluations
    "api-models": Access(SIGNED_IN, SCIENTIST),
    "api-model": Access(SIGNED_IN, SCIENTIST),
    "api-versions": Access(SIGNED_IN, SCIENTIST),
    "api-version": Access(SIGNED_IN),
    "api-version-changes": Access(SIGNED_IN),
    "api-version-clones": Access(SIGNED_IN, SCIENTIST),
    "api-version-data": Access(NOBODY, SCIENTIST),
    "api-run-registration": Access(NOBODY, SCIENTIST),
    "api-checkpoint": Access(DOWNLOADERS, SCIENTIST),
    "api-card-fields": Access(SIGNED_IN),
    "api-cards": Access(SIGNED_IN, SCIENTIST),
    "api-evaluations": Access(SIGNED_IN),
    "api-evaluation": Access(SIGNED_IN),
    "api-evaluation-cancellation": Access(NOBODY, KEEPERS),
    "api-evaluation-repeats": Access(NOBODY, KEEPERS),
    "api-predictions": Access(DOWNLOADERS),
    "api-checks": Access(SIGNED_IN),
    "api-suites": Access(SIGNED_IN),
    "api-resamplings": Access(SIGNED_IN, SCIENTIST),
    "api-resampling": Access(SIGNED_IN),
    "api-resampling-checkpoint": Access(NOBODY, SCIENTIST),
    "api-resampling-submission": Access(NOBODY, SCIENTIST),
    # decisions, through the API
    "api-submission": Access(NOBODY, SCIENTIST),
    "api-withdrawal": Access(NOBODY, SCIENTIST),
    "api-approval": Access(SIGNED_IN),
    "api-reviews": Access(SIGNED_IN),
    "api-review": Access(SIGNED_IN),
    "api-code": Access(SIGNED_IN, SCIENTIST),
    "api-code-comments": Access(SIGNED_IN, MEMBERS),
    "api-code-resolution": Access(NOBODY, MEMBERS),
    "api-code-outcomes": Access(SIGNED_IN, KEEPERS),
    "api-messages": Access(SIGNED_IN, MEMBERS),
    "api-answers": Access(NOBODY, MEMBERS),
    "api-sign-offs": Access(NOBODY, SIGNERS),
    "api-environments": Access(SIGNED_IN, RISK),
    **_deeds(RISK, "api-environment-mode", "api-environment-retirement"),
    "api-policies": Access(SIGNED_IN, WRITERS),
    "api-policy": Access(SIGNED_IN, WRITERS),
    **_pages(SIGNED_IN, "api-policy-yaml", "api-policy-envelope"),
    "api-policy-dry-run": Access(WRITERS),
    **_deeds(WRITERS, "api-policy-withdrawal", "api-policy-publication"),
    "api-exceptions": Access(SIGNED_IN, MEMBERS),
    "api-exception": Access(SIGNED_IN),
    **_deeds(SIGNERS, "api-exception-approval", "api-exception-refusal", "api-exception-revocation"),
    "api-findings": Access(SIGNED_IN, RAISERS),
    "api-finding": Access(SIGNED_IN, RAISERS),
    "api-finding-plan": Access(NOBODY, SIGNED_IN),
    "api-finding-mended": Access(NOBODY, SIGNED_IN),
    "api-finding-retest": Access(NOBODY, RETESTERS),
    "api-portfolio": Access(SIGNED_IN),
    "api-releases-as-of": Access(SIGNED_IN),
    "api-signature-record": Access(SIGNED_IN),
    "api-signature-withdrawal": Access(NOBODY, SIGNERS),
    "api-conditions": Access(SIGNED_IN),
    "api-condition": Access(SIGNED_IN),
    "api-condition-report": Access(NOBODY, SIGNED_IN),
    "api-condition-answer": Access(NOBODY, SIGNERS),
    "api-condition-evidence": Access(SIGNED_IN),
    "api-suspension": Access(NOBODY, STOPPERS),
    "api-new-review": Access(NOBODY, SCIENTIST),
    "api-emergency-release": Access(NOBODY, RISK),
    "api-retirement": Access(NOBODY, RISK),
    "api-releases": Access(SIGNED_IN, RISK),
    "api-rollbacks": Access(NOBODY, RISK),
    "api-evidence-list": Access(SIGNED_IN),
    "api-evidence-upload": Access(NOBODY, BRINGERS),
    "api-evidence": Access(SIGNED_IN),
    "api-evidence-file": Access(SIGNED_IN),
    "api-evidence-withdrawal": Access(NOBODY, BRINGERS),
    "api-gate": Access(SIGNED_IN),
    "api-gate-status": Access(SIGNED_IN),
    "api-webhooks": Access(SIGNED_IN, TELLERS),
    "api-webhook": Access(TELLERS),
    "api-webhook-deliveries": Access(TELLERS),
    **_deeds(TELLERS, "api-webhook-tests", "api-webhook-stop", "api-webhook-start"),
    # API: production, audit
    "api-observations": Access(SIGNED_IN, OBSERVERS),
    "api-alerts": Access(SIGNED_IN),
    "api-alert-acknowledgement": Access(NOBODY, RISK),
    "api-alert-closing": Access(NOBODY, RISK),
    "api-log-entries": Access(SIGNED_IN),
    "api-log-entry": Access(SIGNED_IN),
    "api-reports": Access(SIGNED_IN, REPORTERS),
    "api-report": Access(SIGNED_IN),
    "api-report-pdf": Access(SIGNED_IN),
    # MLflow's API, which its client calls; a search is a POST that reads
    **_pages(PUBLIC, "mlflow-server-info", "mlflow-version", "mlflow-health"),
    "mlflow-unknown": Access(PUBLIC, PUBLIC),  # says that there is nothing
    **_pages(
        SIGNED_IN,
        *("mlflow-experiments-get", "mlflow-experiments-get-by-name", "mlflow-runs-get", "mlflow-artifacts-list"),
        *("mlflow-metrics-get-history", "mlflow-metrics-get-history-bulk", "mlflow-metrics-get-history-bulk-interval"),
        *("mlflow-artifacts-artifacts", "mlflow-artifacts-presigned-one", "mlflow-logged-models-artifacts-directories"),
        *("mlflow-registered-models-get", "mlflow-registered-models-search", "mlflow-model-versions-get"),
        *("mlflow-model-versions-search", "mlflow-model-versions-get-download-uri"),
    ),
    **_deeds(
        SIGNED_IN,
        *("mlflow-experiments-search", "mlflow-runs-search", "mlflow-logged-models-search"),
        "mlflow-registered-models-get-latest-versions",
    ),
    **_deeds(
        KEEPERS,
        *(f"mlflow-experiments-{deed}" for deed in ("create", "update", "delete", "restore", "set-experiment-tag")),
        "mlflow-experiments-delete-experiment-tag",
        *(f"mlflow-runs-{deed}" for deed in ("create", "update", "delete", "restore", "set-tag", "delete-tag", "outputs")),
        *(f"mlflow-runs-log-{what}" for what in ("metric", "parameter", "batch", "inputs", "model")),
        *(f"mlflow-artifacts-mpu-{step}-one" for step in ("create", "complete", "abort")),
        *("mlflow-logged-models", "mlflow-logged-models-params", "mlflow-logged-models-tags", "mlflow-logged-models-tags-one"),
    ),
    "mlflow-artifacts-artifacts-one": Access(SIGNED_IN, KEEPERS),
    "mlflow-logged-models-one": Access(SIGNED_IN, KEEPERS),
    **_deeds(
        SCIENTIST,
        *(f"mlflow-registered-models-{deed}" for deed in ("create", "rename", "update", "delete", "set-tag", "delete-tag")),
        *(f"mlflow-model-versions-{deed}" for deed in ("create", "update", "delete", "set-tag", "delete-tag")),
        "mlflow-model-versions-transition-stage",
    ),
    "mlflow-registered-models-alias": Access(SIGNED_IN, SCIENTIST),
    "audit:export": Access(AUDITOR),
    "audit:check_log": Access(NOBODY, AUDITOR | ADMINISTRATOR),
    "audit:reports": Access(SIGNED_IN, REPORTERS),
    "audit:report": Access(SIGNED_IN),
    "audit:report_pdf": Access(SIGNED_IN),
    "audit:verify": Access(PUBLIC, PUBLIC),
}

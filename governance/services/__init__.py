"""What people decide about versions, one file for each concept: handing in, signing, releasing, suspending."""

from governance.services.assessing import activate_assessment, assess_risk
from governance.services.change_envelopes import (
    draft_envelope,
    expire_envelopes,
    revoke_envelope,
    sign_envelope,
    withdraw_envelope,
)
from governance.services.code import comment_on_code, receive_code, record_code_outcome, resolve_comment
from governance.services.conditions import answer_condition, report_condition, suspend_missed
from governance.services.deciding_by_envelope import decide_by_envelopes
from governance.services.delegations import (
    accept_delegation,
    decline_delegation,
    end_delegation,
    expire_delegations,
    offer_delegation,
)
from governance.services.discussing import answer, ask, say
from governance.services.emergencies import release_in_emergency, revoke_ended_emergencies
from governance.services.evidence import upload_evidence, withdraw_evidence
from governance.services.exceptions import (
    approve_exception,
    expire_exceptions,
    refuse_exception,
    request_exception,
    revoke_exception,
)
from governance.services.exporting import export_register
from governance.services.findings import (
    finding_is_mended,
    plan_finding,
    raise_finding,
    retest_finding,
    revise_finding,
)
from governance.services.importing import import_findings
from governance.services.policies import draft_policy, publish_policy, revise_policy, withdraw_policy
from governance.services.releasing import release, roll_back
from governance.services.ruling import change_mode, make_environment, retire_environment
from governance.services.signing import sign_off, withdraw_signature
from governance.services.standing import ask_for_new_review, order_suspension, retire
from governance.services.submitting import finish_draft, revise_card, submit, submit_at_once, withdraw
from governance.services.suspending import revoke_within, suspend, suspend_within
from governance.services.webhooks import make_webhook, start_webhook, stop_webhook, test_webhook

__all__ = [
    "accept_delegation",
    "activate_assessment",
    "answer",
    "answer_condition",
    "approve_exception",
    "ask",
    "ask_for_new_review",
    "assess_risk",
    "change_mode",
    "comment_on_code",
    "decide_by_envelopes",
    "decline_delegation",
    "draft_envelope",
    "draft_policy",
    "end_delegation",
    "expire_delegations",
    "expire_envelopes",
    "expire_exceptions",
    "export_register",
    "finding_is_mended",
    "finish_draft",
    "import_findings",
    "make_environment",
    "make_webhook",
    "offer_delegation",
    "order_suspension",
    "plan_finding",
    "publish_policy",
    "raise_finding",
    "receive_code",
    "record_code_outcome",
    "refuse_exception",
    "release",
    "release_in_emergency",
    "report_condition",
    "request_exception",
    "resolve_comment",
    "retest_finding",
    "retire",
    "retire_environment",
    "revise_card",
    "revise_finding",
    "revise_policy",
    "revoke_ended_emergencies",
    "revoke_envelope",
    "revoke_exception",
    "revoke_within",
    "roll_back",
    "say",
    "sign_envelope",
    "sign_off",
    "start_webhook",
    "stop_webhook",
    "submit",
    "submit_at_once",
    "suspend",
    "suspend_missed",
    "suspend_within",
    "test_webhook",
    "upload_evidence",
    "withdraw",
    "withdraw_envelope",
    "withdraw_evidence",
    "withdraw_policy",
    "withdraw_signature",
]

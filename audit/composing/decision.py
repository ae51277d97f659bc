"""The decision, first of all: what holds now, and why."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.composing.material import Material
from audit.wording import role_word
from core.clock import stamp
from governance.emergencies import sentence_of
from governance.models import Release, label_of
from models_registry.models import Version

SENTENCES = {
    "approved": gettext_lazy("It may be used for %(where)s: everything that policy %(policy)s asks for holds today."),
    "approved_with_conditions": gettext_lazy("It may be used for %(where)s under the conditions that its reviewers set."),
    "blocked": gettext_lazy("It was approved, but the approval does not hold today. It must not be used for %(where)s."),
    "stale": gettext_lazy("It was approved, but what was signed has changed since. It must not be used for %(where)s."),
    "suspended": gettext_lazy("It was approved, and the approval was taken back. It must not be used for %(where)s."),
    "rejected": gettext_lazy("It was refused. It must not be used."),
    "changes_requested": gettext_lazy("A reviewer asked for changes. It must not be used for %(where)s as it stands."),
    "withdrawn": gettext_lazy("It was taken back before it was decided. It must not be used."),
    "retired": gettext_lazy("It was retired. It must not be used any more."),
    "submitted": gettext_lazy("It waits for the inspection of its checkpoint. Nothing has been decided."),
    "in_review": gettext_lazy("Its reviewers have not decided yet. It must not be used for %(where)s."),
}


def outcome(material: Material) -> str:
    """The recorded decision, or that a recorded approval does not hold at the moment."""
    state, approval = Version.State(material.version.state), material.approval
    if state not in Version.APPROVED or approval.holds:
        return state.value
    gone_stale = any(not step.met and step.stale and not step.counted for step in approval.steps)
    return "stale" if gone_stale else "blocked"


def _sentence(material: Material, found: str, live: list[Release]) -> str:
    """Of a version that is live although nobody decided yet: by which release in an emergency; empty otherwise."""
    if found not in {Version.State.SUBMITTED, Version.State.IN_REVIEW}:
        return ""
    urgent = next((one.emergency for one in live if one.emergency is not None), None)
    return f"{_('Its reviewers have not decided yet.')} {sentence_of(urgent)}" if urgent else ""


def decision(material: Material) -> dict[str, Any]:
    """Outcome with reasons as of now, the policy it was judged by, and how far each required signature is."""
    approval, report = material.approval, material.report
    found = outcome(material)
    where = label_of(report.environment).lower()
    policy = approval.policy
    live = [one for one in material.releases if one.state == Release.State.LIVE and one.environment == report.environment]
    return {
        "outcome": found,
        "sentence": _sentence(material, found, live) or str(SENTENCES[found]) % {"where": where, "policy": str(policy or "")},
        "reasons": _reasons(material, found),
        "holds": approval.holds,
        "environment": report.environment,
        "as_of": stamp(material.at),
        "live": bool(live),
        "statement": approval.digest,
        "policy": None
        if policy is None
        else {
            "id": str(policy.pk),
            "name": policy.name,
            "number": policy.number,
            "digest": policy.digest,
            "tiers": list(policy.document.covers.tiers),
            "valid_days": policy.document.valid_days,
            "published_event": material.index_of("policy", policy.pk, "policy.published"),
        },
        "steps": [
            {
                "role": standing.step.role,
                "role_words": role_word(standing.step.role),
                "quorum": standing.step.quorum,
                "applies": standing.step.applies,
                "because": standing.step.because,
                "met": standing.met,
                "given": len({signed.person for signed in standing.counted}),
                "stale": len(standing.stale),
            }
            for standing in approval.steps
        ],
    }


def _reasons(material: Material, found: str) -> list[str]:
    """Why it is so. An approval that holds says what it stands on; anything else, what stands in its way."""
    approval = material.approval
    if not approval.holds:
        return [*_what_suspended(material), *approval.reasons]
    reasons = [
        _("%(role)s: %(given)s of %(quorum)s signatures over what stands today.")
        % {"role": role_word(one.step.role), "given": len({s.person for s in one.counted}), "quorum": one.step.quorum}
        for one in approval.steps
        if one.step.applies
    ]
    return reasons + [f"{run.dataset_version}: {verdict.sentence}" for run, verdict in approval.verdicts]


def _what_suspended(material: Material) -> list[str]:
    """The sentence of the alert for which the approval was taken back."""
    if material.version.state != Version.State.SUSPENDED:
        return []
    last = material.of_type("version.suspended")[-1]
    alert = material.alerts.get(str(last.data.get("alert", "")))
    return [alert.sentence] if alert else []

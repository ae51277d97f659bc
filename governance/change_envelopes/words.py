"""An envelope in sentences: the same on its page, beside the signature and in the record of it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Role
from core.components.formatting import measure, number
from evaluations.names import measure_title, unit_of
from governance.change_envelopes.body import LOWER_IS_BETTER
from governance.models import ChangeEnvelope, EnvelopeStep, SignOff, label_of

NAMES = {
    "in_force": gettext_lazy("Envelope in force"),
    "expiry": gettext_lazy("Expiry"),
    "signatures": gettext_lazy("Age of the signatures"),
    "policy": gettext_lazy("Same policy"),
    "baseline": gettext_lazy("Baseline approved"),
    "live": gettext_lazy("What is live"),
    "architecture": gettext_lazy("Same architecture"),
    "code": gettext_lazy("Same code"),
    "packages": gettext_lazy("Same packages"),
    "datasets": gettext_lazy("Same datasets"),
    "registered": gettext_lazy("Data registered"),
    "validated": gettext_lazy("Data validated"),
    "personal_data": gettext_lazy("No new personal data"),
    "tests": gettext_lazy("Same test sets"),
    "verified": gettext_lazy("Verified numbers"),
    "requirements": gettext_lazy("All of the policy"),
    "non_inferior": gettext_lazy("Not inferior"),
    "churn": gettext_lazy("Changed predictions"),
    "releases": gettext_lazy("Number of releases"),
}


def name_of(limit: str) -> str:
    return str(NAMES.get(limit, limit))


def limits_in_words(envelope: ChangeEnvelope) -> list[str]:
    """Everything that a version must keep, a sentence each."""
    limits, body = envelope.limits, envelope.body
    code = body["code"]
    return [
        _("Architecture, and how rows become inputs, are those of %(baseline)s.") % {"baseline": envelope.baseline},
        _("The code is that of %(code)s, without uncommitted changes, and the lock file is the same.")
        % {"code": _("tree %(tree)s") % {"tree": code["tree"][:12]} if code["tree"] else code["commit"][:12]},
        _("It learned from versions of the same datasets, registered, read and found as declared, without new personal data."),
        _("It is measured on the same test sets, as verified numbers, and meets everything that policy %(policy)s asks for.")
        % {"policy": envelope.policy},
        _comparison(limits, envelope),
        _("At most %(churn)s of the predictions change: the upper bound counts, against both as well.")
        % {"churn": measure(limits["churn"], "proportion")},
        ngettext(
            "At most %(n)d version is released so in any %(days)d days.",
            "At most %(n)d versions are released so in any %(days)d days.",
            limits["releases"],
        )
        % {"n": limits["releases"], "days": limits["days"]},
    ]


def _comparison(limits: dict[str, Any], envelope: ChangeEnvelope) -> str:
    score = unit_of(limits["metric"]) == "score"
    points = limits["margin"] * 100
    margin = (
        number(limits["margin"])
        if score
        else ngettext("%(n)s point", "%(n)s points", 1 if points == 1 else 2) % {"n": number(points)}
    )
    words = {"metric": measure_title(limits["metric"]), "margin": margin, "baseline": envelope.baseline}
    if limits["metric"] in LOWER_IS_BETTER:
        said = _(
            "Row by row, the measure “%(metric)s” is at most %(margin)s higher than that of %(baseline)s, and than that of what "
            "is live then: the upper bound of the paired difference counts."
        )
    else:
        said = _(
            "Row by row, the measure “%(metric)s” is at most %(margin)s lower than that of %(baseline)s, and than that of what "
            "is live then: the lower bound of the paired difference counts."
        )
    return said % words


def text_of(envelope: ChangeEnvelope, step: EnvelopeStep) -> str:
    """The statement that a signature puts its name to."""
    return _(
        "As %(role)s I approve beforehand, for %(environment)s, every version of %(model)s that stays within all limits of this "
        "change envelope until %(expires)s. Meaning: %(meaning)s. What I sign is named by %(digest)s."
    ) % {
        "role": Role(step.role).label.lower(),
        "environment": label_of(envelope.environment).lower(),
        "model": envelope.model.name,
        "expires": envelope.limits["expires_at"],
        "meaning": SignOff.Meaning(step.meaning).label,
        "digest": envelope.digest,
    }

"""The exact words that a signer reads, and under which the signature is kept."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Role
from core.canonical import sha256_of
from governance.models import Delegation, SignOff, Step, label_of
from models_registry.models import Version

ACCOUNTABILITY_VERSION = 1  # raised with every change of the text: then everybody is asked once more

MEANINGS = {
    SignOff.Verdict.REQUEST_CHANGES: SignOff.Meaning.CHANGES_REQUESTED,
    SignOff.Verdict.REJECT: SignOff.Meaning.REJECTED,
}


def accountability_text() -> str:
    return _(
        "My electronic signature here binds me as my signature by hand does. I answer for what I sign, I use my own account, "
        "and nobody else knows my password."
    )


def accountability_digest() -> str:
    return sha256_of({"version": ACCOUNTABILITY_VERSION, "text": accountability_text()})


def meaning_of(step: Step, verdict: str) -> str:
    """What a signature of this step with this verdict means: an approval means what the policy says of the step."""
    if verdict == SignOff.Verdict.APPROVE_WITH_CONDITIONS and step.meaning == SignOff.Meaning.APPROVED:
        return SignOff.Meaning.APPROVED_WITH_CONDITIONS
    return MEANINGS.get(SignOff.Verdict(verdict), step.meaning)


# Where the delegator's name stands in the words that are kept: the name itself is a commitment beside them, so that it can be
# erased. Whoever reads the words is shown the name in its place.
NAME_PLACE = "{delegator}"


def text_of(
    version: Version, environment: str, *, step: Step, verdict: str, digest: str, delegation: Delegation | None = None
) -> str:
    """The statement that a signature with this verdict puts its name to, as it is kept: see `NAME_PLACE`."""
    sentences = {
        SignOff.Verdict.APPROVE: _("I approve %(version)s for %(environment)s as its %(role)s."),
        SignOff.Verdict.APPROVE_WITH_CONDITIONS: _(
            "I approve %(version)s for %(environment)s as its %(role)s, under the conditions that I set with this signature."
        ),
        SignOff.Verdict.REQUEST_CHANGES: _(
            "As its %(role)s I do not approve %(version)s for %(environment)s as it stands; my comment says what should change."
        ),
        SignOff.Verdict.REJECT: _("As its %(role)s I reject %(version)s for %(environment)s, for the reason in my comment."),
    }
    named = {
        "version": version,
        "environment": label_of(environment).lower(),
        "role": Role(step.role).label.lower(),
    }
    said = sentences[SignOff.Verdict(verdict)] % named
    meaning = SignOff.Meaning(meaning_of(step, verdict)).label
    if delegation is not None:
        behalf = _("On behalf of %(name)s, by delegation of %(day)s:")
        said = behalf % {"name": NAME_PLACE, "day": delegation.day.isoformat()} + " " + said
    return said + " " + _("Meaning: %(meaning)s. What I sign is named by %(digest)s.") % {"meaning": meaning, "digest": digest}


def texts_of(
    version: Version, environment: str, *, step: Step, digest: str, delegation: Delegation | None = None
) -> dict[str, str]:
    """The statement of each verdict as it is read, the delegator named."""
    options: dict[str, Any] = {"step": step, "digest": digest, "delegation": delegation}
    name = delegation.delegator.name if delegation else ""
    return {
        verdict: text_of(version, environment, verdict=verdict, **options).replace(NAME_PLACE, name, 1 if delegation else 0)
        for verdict in SignOff.Verdict.values
    }


def withdrawal_text(signed: SignOff) -> str:
    return _("I take back the signature %(signature)s, which I gave as %(role)s. It no longer counts.") % {
        "signature": signed.pk,
        "role": signed.get_role_display().lower(),
    }

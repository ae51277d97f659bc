"""What neither the evaluation nor this report looked at. A reader must not have to guess it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.composing.material import Material
from audit.composing.production import facts_hold
from governance.models import label_of
from tracking.services.fixing import facts_digest, fixed_digest

# Checks by whose absence a reader may be misled, each with what its absence means.
ASPECTS = {
    "fairness": gettext_lazy("Whether the model treats groups of people differently was not measured."),
    "robustness": gettext_lazy("How the model answers to noisy, shifted or deliberately changed inputs was not measured."),
    "calibration": gettext_lazy("Whether the model's probabilities can be taken at their word was not measured."),
    "explanations": gettext_lazy("Why the model answers as it does was not examined."),
}


def not_checked(material: Material) -> list[str]:
    """One sentence for each gap."""
    return [
        *_of_measurements(material),
        *_of_data(material),
        *_of_training(material),
        *_of_production(material),
        _("Whether the test data stand for the cases of real use is a matter of judgement; see the card and the comments."),
        _("Whether what people stated is true was not checked. The log shows that they stated it, when, and that it stands."),
        _("What happened after this report was composed is not in it."),
    ]


def _of_measurements(material: Material) -> list[str]:
    done = [run for run, _verdict in material.runs if run.state == run.State.COMPLETED]
    gaps = [
        _("The evaluation on %(data)s has no result: %(why)s")
        % {"data": run.dataset_version, "why": run.error or run.get_state_display()}
        for run, _verdict in material.runs
        if run.state != run.State.COMPLETED
    ]
    if not done:
        return [*gaps, _("Nothing about the model's quality was measured.")]
    measured = {str(check.get("name")) for run in done for check in run.suite.checks}
    gaps += [str(one.get("reason", "")) for run in done for one in run.facts.get("not_run", []) if one.get("reason")]
    gaps += [str(sentence) for aspect, sentence in ASPECTS.items() if aspect not in measured]
    for run in done:
        still_open = sorted(name for name, found in (run.sandbox.get("probes") or {}).items() if found != "blocked")
        if still_open:
            gaps.append(
                _("The sandbox of the evaluation on %(data)s did not block: %(what)s.")
                % {"data": run.dataset_version, "what": ", ".join(still_open)}
            )
    return gaps


def _of_data(material: Material) -> list[str]:
    gaps = [
        _("Nobody has said whether %(data)s holds personal data, and no scan was completed.") % {"data": name}
        for name in material.assessment.not_assessed
    ]
    gaps += [
        _("%(data)s may hold personal data (%(category)s); that was not settled.")
        % {"data": flag.dataset_version, "category": flag.category_words}
        for flag in material.assessment.unknown
    ]
    unread = [one for one in material.data if not (found := material.profiles.get(one.pk)) or found.state != "completed"]
    gaps += [_("The content of %(data)s was not scanned for personal data.") % {"data": one} for one in unread]
    if len(unread) < len(material.data):
        gaps.append(_("Scans for personal data look for a few patterns only; section “Data” says what each did not look at."))
    gaps.append(_("Provenance and licences of the data are as stated by whoever registered them."))
    return gaps


def _of_training(material: Material) -> list[str]:
    run = material.version.training_run
    if run is None:
        return [_("No training run is linked, so nothing is known of the code that made the model.")]
    gaps = [_("The training was not repeated: code, parameters and curves are as reported.")]
    if facts_digest(run) != fixed_digest(run):
        gaps.append(_("The rows of the training run no longer have the digest that the log recorded: do not rely on them."))
    if run.code.get("dirty"):
        gaps.append(_("The code had changes that were in no commit; only a digest of them is known."))
    elif run.code and run.code.get("dirty") is None:
        gaps.append(_("Whether the code had changes that were in no commit was not reported."))
    gaps.append(_("The packages of the training environment were listed, and not searched for known weaknesses."))
    return gaps


def _of_production(material: Material) -> list[str]:
    report = material.report
    where = label_of(report.environment).lower()
    gaps = [_("Approvals and releases for other environments than %(where)s are not judged here.") % {"where": where}]
    released = [one for one in material.releases if one.environment == report.environment]
    if released and not material.batches:
        gaps.append(_("No observation has arrived from %(where)s, so nothing is known of how it does there.") % {"where": where})
    if material.batches:
        gaps.append(_("Production reports sums of predictions without the truth, so quality in production was not measured."))
        waiting = sum(1 for one in material.batches if one.checked_at is None)
        if waiting:
            gaps.append(_("Batches of observations that wait for their check: %(waiting)s.") % {"waiting": waiting})
    for entry in material.of_type("alert.opened"):
        row = material.alerts.get(entry.subject_id)
        if row is None or not facts_hold(row, entry.data["facts_digest"]):
            gaps.append(
                _("The figures of the alert in entry %(entry)s are not those that the log recorded, so they are left out.")
                % {"entry": entry.leaf.index}
            )
    return gaps

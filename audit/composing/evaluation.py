"""What was measured: the criteria and when they were fixed, every number with its interval, what failed first."""

from __future__ import annotations

from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from audit.composing.material import Material
from audit.composing.plain import plain
from core.clock import stamp
from core.errors import InvalidInput
from evaluations.figures import check_of, gravest_first
from evaluations.models import Chart, EvaluationRun, Metric
from evaluations.names import check_title
from evaluations.verdicts import CheckVerdict, Verdict, threshold_of
from evaluations.wording import bounds_of, interval_of, limit_of, name_of, rows_of


def evaluation(material: Material) -> dict[str, Any]:
    """Every evaluation of the version; those on which the decision rests are marked."""
    resting = {run.pk for run, _verdict in material.approval.verdicts}
    runs = [_run(material, run, verdict, counts=run.pk in resting) for run, verdict in material.runs]
    return {"runs": sorted(runs, key=lambda one: not one["counts"])}


def _run(material: Material, run: EvaluationRun, verdict: Verdict, *, counts: bool) -> dict[str, Any]:
    done = run.state == EvaluationRun.State.COMPLETED
    checks = gravest_first(verdict.checks) if done else []
    return {
        "id": str(run.pk),
        "counts": counts,
        "state": run.state,
        "error": run.error,
        "data": str(run.dataset_version),
        "data_digest": run.dataset_digest,
        "checkpoint": run.checkpoint_digest,
        "rows": plain(run.facts.get("rows")),
        "suite": {
            "name": run.suite.name,
            "number": run.suite.number,
            "digest": run.suite.digest,
            "checks": plain(run.suite.checks),
        },
        "criteria": {
            "policy": plain(run.policy_ref),
            "thresholds": plain(run.thresholds),
            "fixed_at": stamp(run.queued_at),
            "fixed_event": material.index_of("evaluation", run.pk, "evaluation.queued"),
            "started_at": stamp(run.started_at) if run.started_at else None,
        },
        "finished_at": stamp(run.finished_at) if run.finished_at else None,
        "result_event": material.index_of("evaluation", run.pk, "evaluation.completed"),
        "results_digest": run.results_digest,
        "verdict": verdict.outcome if done else run.state,
        "verdict_sentence": verdict.sentence if done else "",
        "checks": [_check(check) for check in checks],
        "metrics": [_metric(metric) for metric in run.metrics.all()],
        "charts": [_chart(material, run, chart) for chart in run.charts.all()],
        "seconds": plain(run.facts.get("seconds")),
        "versions": plain(run.facts.get("versions", {})),
        "not_run": [{**plain(one), "title": check_title(str(one.get("check", "")))} for one in run.facts.get("not_run", [])],
        "sandbox": sandbox(run.sandbox),
    }


def _check(check: CheckVerdict) -> dict[str, Any]:
    try:
        threshold = threshold_of(check.threshold)
        name, limit = name_of(threshold.metric, check.label or threshold.label.replace("*", "")), limit_of(threshold)
        limit = _("at least %(limit)s") % {"limit": limit} if threshold.is_minimum else _("at most %(limit)s") % {"limit": limit}
    except InvalidInput:
        name, limit = _("An unreadable threshold"), ""
    return {
        "name": name,
        "limit": limit,
        "outcome": check.outcome,
        "sentence": check.sentence,
        "value": check.value,
        "low": check.low,
        "high": check.high,
        "n": check.n,
    }


def _metric(metric: Metric) -> dict[str, Any]:
    value, interval = interval_of(metric)
    if metric.confidence is None and metric.n > 1:
        interval = rows_of(metric)
    both = metric.low is not None and metric.high is not None
    return {
        "check": metric.check_name,
        "name": metric.name,
        "label": metric.label,
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "confidence": metric.confidence,
        "method": metric.method,
        "n": metric.n,
        "unit": metric.unit,
        "words": {
            "name": name_of(metric.name, metric.label),
            "measure": name_of(metric.name),
            "value": value,
            "interval": interval,
            "bounds": bounds_of(metric) if both else "",
            "rows": rows_of(metric),
        },
    }


def _chart(material: Material, run: EvaluationRun, chart: Chart) -> dict[str, Any]:
    return {
        "name": chart.name,
        "check": check_of(chart),
        "file": chart_file(material, run, chart),
        "title": chart.title,
        "description": chart.description,
        "sha256": chart.light_digest.removeprefix("sha256:"),
        "table": plain(chart.table),
    }


def chart_file(material: Material, run: EvaluationRun, chart: Chart) -> str:
    """The name of the chart among the attachments; several runs have a folder each."""
    name = f"{slugify(chart.name)[:100] or 'chart'}.svg"
    if len(material.runs) == 1:
        return f"charts/{name}"
    number = next(place for place, (one, _verdict) in enumerate(material.runs, start=1) if one.pk == run.pk)
    return f"charts/{number}/{name}"


def sandbox(evidence: dict[str, Any]) -> dict[str, Any]:
    """The fence around the work: the level that was reached and what the work still could do inside."""
    probes = {str(name): str(found) for name, found in (evidence.get("probes") or {}).items()}
    return {
        "level": str(evidence.get("level", "")),
        "probes": probes,
        "open": sorted(name for name, found in probes.items() if found != "blocked"),
    }

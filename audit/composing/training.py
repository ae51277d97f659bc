"""The training run behind a version, as it was reported: claimed, never repeated here. Its curves become figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from audit.composing.material import Material
from audit.composing.people import named
from audit.composing.plain import plain
from core.charts import Figure, lines
from core.charts.line_table import figure
from core.clock import stamp
from tracking.charting import Picture, drawn_at_first, pictures_of
from tracking.models import MetricSeries, TrainingRun
from tracking.outlines import outlines_of, thinned
from tracking.services.fixing import facts_digest, fixed_digest
from tracking.standing import early_stopping_of, marks_of

MOST_SERIES = 200  # rows of the table of curves; the run's page has all
MOST_POINTS = 600  # of a line in a picture: first, lowest, highest and last of equal parts


def training(material: Material) -> dict[str, Any] | None:
    """What is known of the code, the environment and the training; None where no run is linked."""
    run = material.version.training_run
    if run is None:
        return None
    stopping, recorded = early_stopping_of(run), fixed_digest(run)
    return {
        "run": run.name,
        "id": str(run.pk),
        "experiment": run.experiment.name,
        "state": run.state,
        "state_words": str(run.get_state_display()),
        "reported_by": named(material, run.created_by_id),
        "started_at": stamp(run.started_at) if run.started_at else None,
        "ended_at": stamp(run.ended_at) if run.ended_at else None,
        "facts_digest": recorded,
        "holds": bool(recorded) and facts_digest(run) == recorded,
        **{name: str(run.code.get(name) or "") for name in ("repository", "remote", "branch", "commit", "tree", "entry")},
        "dirty": bool(run.code.get("dirty")),
        "patch_digest": str(run.code.get("patch_digest") or ""),
        "untracked": plain(run.code.get("untracked") or 0),
        "params": plain(run.params),
        **{name: str(run.environment.get(name) or "") for name in ("python", "platform", "accelerator", "lock_digest")},
        "hardware": plain(run.environment.get("hardware") or {}),
        "locks": plain(run.environment.get("locks") or []),
        "packages": plain(run.environment.get("packages") or []),
        "early_stopping": plain(run.training.get("early_stopping") or {}),
        "early_stopping_words": stopping.sentence if stopping else "",
        "schedule": plain(run.training.get("schedule") or {}),
        "seeds": plain(run.training.get("seeds") or {}),
        "libraries": plain(run.training.get("libraries") or {}),
        "summary": str(run.training.get("summary") or ""),
        "data": [_data(one) for one in run.data.select_related("dataset_version__dataset")],
        "series": [_series(one) for one in run.series.order_by("name")[:MOST_SERIES]],
        "curves": [_curve(place, picture) for place, picture in enumerate(_pictures(run), start=1)],
    }


def figures_of_run(run: TrainingRun) -> dict[str, Figure]:
    """The curves of the run by the name of their file: losses, metrics, learning rates, over each other where they belong so."""
    pictures = _pictures(run)
    series = list(run.series.order_by("name"))
    outlines = outlines_of([one for picture in pictures for one in picture.series])
    marks = " ".join(
        _("%(what)s: step %(step)s.") % {"what": mark.label, "step": f"{mark.step:,}"} for mark in marks_of(run, series)
    )
    drawn = {}
    for place, picture in enumerate(pictures, start=1):
        rows = [
            {"series": short, "x": int(step), "y": float(value)}
            for one, short in zip(picture.series, picture.short, strict=True)
            for step, value in thinned(outlines[one.pk], MOST_POINTS)[["step", "value"]].tolist()
        ]
        told = _curve(place, picture)
        drawn[told["file"]] = lines(
            name=f"curve-{place}",
            title=told["title"],
            description=f"{told['description']} {marks}".strip(),
            rows=rows,
            x_title=_("step"),
            y_title=picture.unit or picture.measure,
        )
    return drawn


def _pictures(run: TrainingRun) -> Sequence[Picture]:
    finite = [one for one in run.series.order_by("name") if one.count > max(1, one.not_finite)]
    return pictures_of(drawn_at_first(finite))


def _curve(place: int, picture: Picture) -> dict[str, Any]:
    words = [
        _("%(name)s: %(count)s points, last %(last)s at step %(step)s.")
        % {"name": one.name, "count": f"{one.count:,}", "last": figure(one.last_value), "step": f"{one.last_step:,}"}
        for one in picture.series
    ]
    words += [
        _("%(name)s: %(n)s values are not finite and not drawn.") % {"name": one.name, "n": f"{one.not_finite:,}"}
        for one in picture.series
        if one.not_finite
    ]
    return {
        "title": _("%(measure)s (claimed)") % {"measure": picture.measure},
        "file": f"curves/{place:02}-{slugify(picture.measure)[:60] or 'curve'}.svg",
        "description": " ".join(words),
        "series": [one.name for one in picture.series],
    }


def _data(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "context": one.context,
        "digest": one.digest,
        "source_type": one.source_type,
        "registered": str(one.dataset_version) if one.dataset_version else "",
    }


def _series(one: MetricSeries) -> dict[str, Any]:
    return {
        "name": one.name,
        "unit": one.unit,
        "count": one.count,
        "not_finite": one.not_finite,
        "last": figure(one.last_value),
        "last_step": plain(one.last_step),
        "lowest": "" if one.lowest_value is None else figure(one.lowest_value),
        "lowest_step": plain(one.lowest_step),
        "highest": "" if one.highest_value is None else figure(one.highest_value),
        "highest_step": plain(one.highest_step),
    }

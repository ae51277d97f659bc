"""Logged models grow like runs: begun, given files, figures and tags, and declared complete by the client that sends them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from core import blobs
from core.errors import InvalidInput, WrongState
from data_registry.documents import require_storable, require_text
from ledger.acts import Act, act
from tracking import events, rules
from tracking.models import Experiment, LoggedModel, LoggedModelFile, LoggedModelUse, TrainingRun
from tracking.permissions import can_record
from tracking.services.artifacts import MOST, require_no_folder
from tracking.services.growing import open_run

if TYPE_CHECKING:
    from accounts.models import Person

NAME = 250
HISTORY = "mlflow.log-model.history"
METRICS = 256 * 1024  # bytes of canonical JSON


def begin_logged_model(
    experiment: Experiment,
    *,
    by: Person,
    name: str,
    run: TrainingRun | None = None,
    kind: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> LoggedModel:
    """The experiment has a logged model of this name, whose files are still to come."""
    with act(by, attempt="begin_logged_model", on=experiment) as this:
        can_record(by, experiment.team).enforce()
        name = name.strip()
        require_text(name + kind, name=_("The name"))
        if not 1 <= len(name) <= NAME or len(kind) > NAME or "/" in name or not name.isprintable():
            raise InvalidInput(_("A logged model's name has 1 to %(most)s printable characters and no “/”.") % {"most": NAME})
        if run is not None and run.experiment_id != experiment.pk:
            raise InvalidInput(_("The run of a logged model must be a run of its experiment."), code="other_experiment")
        model = LoggedModel.objects.create(
            team=experiment.team,
            experiment=experiment,
            run=run,
            name=name,
            kind=kind,
            params=rules.require_params(params or {}),
            tags=rules.require_tags(tags or {}),
            reporters=[str(by.pk)],
            created_by=by,
            created_at=this.at,
            changed_at=this.at,
        )
        this.record(
            events.LoggedModelBegun(team=str(experiment.team_id), experiment=str(experiment.pk), run=str(run.pk) if run else ""),
            on=model,
        )
    return model


def log_to_model(
    model: LoggedModel,
    *,
    by: Person,
    upload: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str | None] | None = None,
    metrics: Sequence[Mapping[str, Any]] = (),
) -> LoggedModel:
    """The model holds this, too. Of a metric on the same data the latest counts; a tag of None is taken away."""
    with act(by, attempt="log_to_model", on=model) as this:
        model = _locked(model, by=by)
        model.upload = upload or model.upload
        model.params = rules.require_params({**model.params, **(params or {})})
        kept = {name: text for name, text in {**model.tags, **(tags or {})}.items() if text is not None}
        model.tags = rules.require_tags(kept)
        latest = {_subject(one): one for one in [*model.metrics, *metrics]}
        model.metrics = [dict(one) for one in latest.values()]
        require_storable(model.metrics, name=_("The list of metrics"), limit=METRICS)
        model.changed_at = this.at
        model.save(update_fields=["upload", "params", "tags", "metrics", "changed_at"])
    return model


def keep_model_file(
    model: LoggedModel, *, by: Person, path: str, chunks: Iterable[bytes], expected: str | None = None
) -> LoggedModelFile:
    """The model has these bytes under the path; what it had there before is no longer named by it."""
    rules.require_path(path)
    with act(by, attempt="keep_model_file", on=model):
        _locked(model, by=by)  # a refusal comes before anything is read
    blob = blobs.receive(chunks, limit=settings.UPLOAD_LIMIT, expected=expected, may_be_empty=True)
    with act(by, attempt="keep_model_file", on=model):
        model = _locked(model, by=by)
        if model.files.count() >= MOST and not model.files.filter(path=path).exists():
            raise InvalidInput(_("A logged model keeps at most %(most)d files: pack several into one.") % {"most": MOST})
        require_no_folder(model.files, path)
        facts = {"digest": blob.digest, "size": blob.size}
        kept, _new = LoggedModelFile.objects.update_or_create(model=model, path=path, defaults=facts)
    return kept


def use_models(run: TrainingRun, *, by: Person, models: Iterable[tuple[LoggedModel, int]], made: bool) -> None:
    """The run made these models, each at a step, or began with them; of one that is named twice the last step counts."""
    with act(by, attempt="log_run", on=run):
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        steps = {model.pk: (model, step) for model, step in models}
        uses = [LoggedModelUse(run=run, model=model, made=made, step=step) for model, step in steps.values()]
        if any(use.model.team_id != run.team_id for use in uses):
            raise InvalidInput(_("A run names logged models of its own team."), code="other_team")
        LoggedModelUse.objects.bulk_create(
            uses, update_conflicts=True, unique_fields=["run", "model", "made"], update_fields=["step"]
        )


def note_model(run: TrainingRun, *, by: Person, facts: Mapping[str, Any]) -> None:
    """The run's history of models, which MLflow 2 keeps as a tag, has this one at its end."""
    with act(by, attempt="log_run", on=run):
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        try:
            history = json.loads(run.tags.get(HISTORY, "[]"))
        except (ValueError, RecursionError):  # the client wrote something else there
            history = []
        history = [*(history if isinstance(history, list) else []), dict(facts)]
        try:
            text = json.dumps(history)
        except RecursionError as error:
            raise InvalidInput(_("The facts of the model are nested too deeply.")) from error
        run.tags = rules.require_tags({**run.tags, HISTORY: text})
        run.save(update_fields=["tags"])


def hide_logged_model(model: LoggedModel, *, by: Person) -> None:
    """It no longer stands in the lists; nothing of it is deleted."""
    with act(by, attempt="hide_logged_model", on=model) as this:
        model = _locked(model, by=by)
        model.hidden_at = this.at
        model.save(update_fields=["hidden_at"])
        _hidden(model, within=this)


def _hidden(model: LoggedModel, *, within: Act) -> None:
    within.record(events.LoggedModelHidden(), on=model)


def _locked(model: LoggedModel, *, by: Person) -> LoggedModel:
    """The model's row, locked, with `by` among those who reported to it; refused where it is hidden."""
    can_record(by, model.team).enforce()
    locked = LoggedModel.objects.select_for_update(of=("self",)).select_related("team", "experiment").get(pk=model.pk)
    if locked.hidden_at:
        raise WrongState(_("This logged model is hidden: nothing can be added to it."), code="model_hidden")
    if str(by.pk) not in locked.reporters:
        locked.reporters = [*locked.reporters, str(by.pk)]
        locked.save(update_fields=["reporters"])
    return locked


def _subject(metric: Mapping[str, Any]) -> tuple[Any, ...]:
    return metric["key"], metric.get("dataset_name", ""), metric.get("dataset_digest", "")

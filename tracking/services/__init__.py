"""What people and their programs do with experiments and training runs."""

from tracking.services.artifacts import keep_artifact
from tracking.services.experiments import (
    experiment_of,
    hide_experiment,
    make_experiment,
    rename_experiment,
    show_experiment,
    tag_experiment,
)
from tracking.services.fixing import fix_run
from tracking.services.growing import log, remove_tag
from tracking.services.logged_models import (
    begin_logged_model,
    hide_logged_model,
    keep_model_file,
    log_to_model,
    note_model,
    use_models,
)
from tracking.services.recording import end_run, hide_run, record_run, rename_run, reopen_run, show_run, start_run

__all__ = [
    "begin_logged_model",
    "end_run",
    "experiment_of",
    "fix_run",
    "hide_experiment",
    "hide_logged_model",
    "hide_run",
    "keep_artifact",
    "keep_model_file",
    "log",
    "log_to_model",
    "make_experiment",
    "note_model",
    "record_run",
    "remove_tag",
    "rename_experiment",
    "rename_run",
    "reopen_run",
    "show_experiment",
    "show_run",
    "start_run",
    "tag_experiment",
    "use_models",
]

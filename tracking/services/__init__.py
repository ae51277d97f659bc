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
from tracking.services.recording import end_run, hide_run, record_run, rename_run, reopen_run, show_run, start_run

__all__ = [
    "end_run",
    "experiment_of",
    "fix_run",
    "hide_experiment",
    "hide_run",
    "keep_artifact",
    "log",
    "make_experiment",
    "record_run",
    "remove_tag",
    "rename_experiment",
    "rename_run",
    "reopen_run",
    "show_experiment",
    "show_run",
    "start_run",
    "tag_experiment",
]

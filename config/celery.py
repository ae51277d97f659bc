"""The Celery application: queues, the clock's schedule, and the request id that travels with each message."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

from core.logs import request_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
log = logging.getLogger("countersign.tasks")
TICKS: dict[str, str | int] = {  # what the clock does, and the setting or the seconds that say how often
    "ledger.sequence_and_seal": "SEAL_SECONDS",
    "data_registry.sweep": 10,
    "models_registry.sweep": 10,
    "evaluations.sweep": 10,
    "evaluations.sweep_folds": 10,
    "audit.sweep": 10,
    "governance.fall_due": 30,
    "governance.deliver_webhooks": 5,
    "monitoring.check_predictions": "MONITORING_SECONDS",
}

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_routes = {
    "evaluations.*": {"queue": "evaluations"},
    "models_registry.*": {"queue": "evaluations"},
    "data_registry.*": {"queue": "evaluations"},
    "audit.*": {"queue": "reports"},
}


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Celery would set up its own; connecting anything here leaves the settings' JSON lines in place."""


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: object) -> None:
    """The id of the request that caused a task travels with its message."""
    headers["request_id"] = request_id.get()


@task_prerun.connect
def take_request_id(task: Any, task_id: str, **_: object) -> None:
    """The task's log lines and events carry the id of the request that caused it, or the task's own."""
    request_id.set(getattr(task.request, "request_id", "") or task_id)
    task.request.begun = time.monotonic()


@task_postrun.connect
def drop_request_id(task: Any, args: Sequence[object], state: str | None = None, **_: object) -> None:
    """One line a task, as the web writes one a request; the ticks of the clock are left out, they say nothing."""
    if task.name not in TICKS:
        took = round((time.monotonic() - task.request.begun) * 1000)
        facts = {"task": task.name, "about": [str(one) for one in args], "ended": state or "", "milliseconds": took}
        log.info("task", extra={"facts": facts})
    request_id.set("")


@app.on_after_finalize.connect
def schedule(sender: Celery, **_: object) -> None:
    """What the clock does. The row in PostgreSQL is the truth, so a lost tick costs a moment and no fact."""
    from django.conf import settings  # noqa: PLC0415 - settings are read only once the app is configured

    for name, often in TICKS.items():
        seconds = getattr(settings, often) if isinstance(often, str) else often
        sender.add_periodic_task(seconds, sender.signature(name), name=name, expires=seconds * 2)

"""Experiments: groups of runs by name."""

from __future__ import annotations

from django.utils.translation import gettext as _

from core import keyset
from core.errors import Missing
from models_registry.mlflow import finding, shapes
from models_registry.mlflow.fields import KEY, TAG, Choice, Many, Text
from models_registry.mlflow.filters import Column, matching, moment, text
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from models_registry.mlflow.paging import ORDER, page_of, pages
from tracking import services
from tracking.models import Experiment

ID = Text(80, needed=True)
NAME = Text(500, needed=True)
MOST_ROWS = 1_000  # of one page; MLflow's client goes on with the token
VIEW = Choice(("ACTIVE_ONLY", "DELETED_ONLY", "ALL"))
ASKED = {"name": Column("name", text), "creation_time": Column("created_at", moment)}
ORDERED = {
    "name": ("name", keyset.storable),
    "creation_time": ("created_at", keyset.moment),
    "last_update_time": ("created_at", keyset.moment),
    "experiment_id": ("created_at", keyset.moment),
}


def in_view(view: str) -> dict[str, bool]:
    """What `ViewType` demands of `hidden_at`."""
    return {} if view == "ALL" else {"hidden_at__isnull": view != "DELETED_ONLY"}


@writes("POST", "mlflow/experiments/create", name=NAME, artifact_location=Text(2_000), tags=Many(TAG))
def create_experiment(asked: Asked, *, name: str, artifact_location: str, tags: list[dict[str, str]]) -> Answer:
    """The location is chosen here, whatever the client asks for: files are kept by this server."""
    made = services.make_experiment(asked.team, by=asked.by, name=name, tags={tag["key"]: tag["value"] for tag in tags})
    return {"experiment_id": str(made.pk)}


@reads("GET", "mlflow/experiments/get", experiment_id=ID)
def get_experiment(asked: Asked, *, experiment_id: str) -> Answer:
    return {"experiment": shapes.experiment(finding.experiment(asked, experiment_id))}


@reads("GET", "mlflow/experiments/get-by-name", experiment_name=NAME)
def get_experiment_by_name(asked: Asked, *, experiment_name: str) -> Answer:
    found = Experiment.objects.filter(team=asked.team, name=experiment_name.strip()).first()
    if found is None:
        raise Missing(_("Could not find experiment with name '%(name)s'.") % {"name": experiment_name[:80]})
    return {"experiment": shapes.experiment(found)}


@reads("POST", "mlflow/experiments/search", **pages(50_000), filter=Text(20_000), order_by=ORDER, view_type=VIEW)
def search_experiments(
    asked: Asked, *, max_results: int | None, page_token: str, filter: str, order_by: list[str], view_type: str
) -> Answer:
    rows = Experiment.objects.filter(matching(filter, ASKED), team=asked.team, **in_view(view_type))
    found, more = page_of(rows, order=order_by, columns=ORDERED, token=page_token, size=min(max_results or MOST_ROWS, MOST_ROWS))
    return {"experiments": [shapes.experiment(one) for one in found], **more}


@writes("POST", "mlflow/experiments/update", experiment_id=ID, new_name=NAME)
def update_experiment(asked: Asked, *, experiment_id: str, new_name: str) -> Answer:
    services.rename_experiment(finding.experiment(asked, experiment_id), by=asked.by, name=new_name)
    return {}


@writes("POST", "mlflow/experiments/delete", experiment_id=ID)
def delete_experiment(asked: Asked, *, experiment_id: str) -> Answer:
    """Nothing is deleted here: what a client deletes is hidden, and can be restored."""
    services.hide_experiment(finding.experiment(asked, experiment_id), by=asked.by)
    return {}


@writes("POST", "mlflow/experiments/restore", experiment_id=ID)
def restore_experiment(asked: Asked, *, experiment_id: str) -> Answer:
    services.show_experiment(finding.experiment(asked, experiment_id), by=asked.by)
    return {}


@writes("POST", "mlflow/experiments/set-experiment-tag", experiment_id=ID, key=KEY, value=Text(20_000))
def set_experiment_tag(asked: Asked, *, experiment_id: str, key: str, value: str) -> Answer:
    services.tag_experiment(finding.experiment(asked, experiment_id), by=asked.by, tags={key: value})
    return {}


@writes("POST", "mlflow/experiments/delete-experiment-tag", experiment_id=ID, key=KEY)
def delete_experiment_tag(asked: Asked, *, experiment_id: str, key: str) -> Answer:
    services.tag_experiment(finding.experiment(asked, experiment_id), by=asked.by, tags={key: None})
    return {}

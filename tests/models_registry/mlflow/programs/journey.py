"""One training with everything a client logs, then its model from registration to loading. The same program for both majors."""

import json
import math
import sys
from pathlib import Path

import mlflow
import numpy
import pandas
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

found = {"version": mlflow.__version__}
client = MlflowClient()


def refused(deed, *args, **more):
    try:
        deed(*args, **more)
    except MlflowException as refusal:
        return [refusal.error_code, str(refusal)]
    return ["nothing", ""]


mlflow.set_experiment("digits")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({"lr": 0.01, "layers": [3, 2]})
    mlflow.log_metric("loss", math.nan, step=0)
    for step in range(1, 4):
        mlflow.log_metrics({"loss": 1 / step, "accuracy": 1 - 1 / step}, step=step)
    mlflow.set_tags({"team": "vision", "note": "ünïcode ✓"})
    Path("folder/deep").mkdir(parents=True)
    Path("folder/deep/a.txt").write_text("alpha")
    Path("folder/empty").write_text("")
    mlflow.log_artifacts("folder", "kept")
    mlflow.log_artifact("folder/deep/a.txt")
    mlflow.log_dict({"classes": ["no", "yes"]}, "classes.json")
    mlflow.log_input(mlflow.data.from_numpy(numpy.arange(6.0).reshape(3, 2), name="rows"), context="training")
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    pickled = {"serialization_format": "pickle"} if mlflow.__version__ >= "3.1" else {}
    named = {"name": "net"} if mlflow.__version__ >= "3" else {"artifact_path": "net"}
    logged = mlflow.pytorch.log_model(network, **named, pip_requirements=["torch==2.13.0"], **pickled)
    with mlflow.start_run(nested=True, run_name="child") as child:
        mlflow.log_metric("accuracy", 0.9)

run_id = run.info.run_id
kept = client.get_run(run_id)
found["run"] = [kept.info.status, kept.info.run_name, kept.data.params, kept.data.metrics, kept.data.tags["note"]]
found["inputs"] = [[one.dataset.name, [tag.value for tag in one.tags]] for one in kept.inputs.dataset_inputs]
found["history"] = [[one.step, str(one.value)] for one in client.get_metric_history(run_id, "loss")]
found["parent"] = client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run_id
runs = mlflow.search_runs(
    filter_string="metrics.accuracy > 0.5 and attributes.status = 'FINISHED'", order_by=["metrics.accuracy DESC"]
)
found["search"] = list(runs["tags.mlflow.runName"])
found["artifacts"] = sorted(one.path for one in client.list_artifacts(run_id, "kept"))
fetched = Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="kept", dst_path="fetched"))
found["downloaded"] = {str(path.relative_to(fetched)): path.read_text() for path in fetched.rglob("*") if path.is_file()}
found["dict"] = mlflow.artifacts.load_dict(f"runs:/{run_id}/classes.json")

version = mlflow.register_model(f"runs:/{run_id}/net", "digit-reader", tags={"a": "b"})
again = mlflow.register_model(logged.model_uri, "digit-reader")
found["versions"] = [version.version, again.version, version.status, version.current_stage, version.run_id == run_id]
client.set_registered_model_alias("digit-reader", "best", "1")
client.set_model_version_tag("digit-reader", "1", "checked", "yes")
client.update_model_version("digit-reader", "2", "The second.")
client.update_registered_model("digit-reader", "Reads digits.")
found["best"] = client.get_model_version_by_alias("digit-reader", "best").version
found["registered"] = [
    client.get_registered_model("digit-reader").description,
    client.get_registered_model("digit-reader").aliases,
]
found["searched"] = sorted(one.version for one in client.search_model_versions("name='digit-reader'"))
found["described"] = client.get_model_version("digit-reader", "2").description
found["tags"] = client.get_model_version("digit-reader", "1").tags
same = []
for uri in ("models:/digit-reader@best", "models:/digit-reader/2", logged.model_uri):
    loaded = mlflow.pytorch.load_model(uri).state_dict()
    same.append(all(torch.equal(tensor, loaded[name]) for name, tensor in network.state_dict().items()))
found["bit_equal"] = same
client.delete_model_version("digit-reader", "2")
found["left"] = [one.version for one in client.search_model_versions("name='digit-reader'")]
found["protected"] = refused(client.set_registered_model_alias, "digit-reader", "production", "1")
found["not_live"] = refused(mlflow.pytorch.load_model, "models:/digit-reader@production")
found["others_run"] = refused(client.log_metric, sys.argv[1], "a", 1.0)
found["again"] = refused(client.log_param, run_id, "lr", "0.02")
found["traces"] = refused(client.delete_registered_model, "digit-reader")
found["pandas"] = pandas.__version__
print("FOUND " + json.dumps(found))

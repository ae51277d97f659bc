"""What the unmodified client does against a server, timed: run with the Python of .venv-clients/mlflow3, prints seconds as JSON.

Two words: what to do, and where its things lie (an experiment's id, or a model's name).
"""

import contextlib
import json
import os
import sys
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric

TIMES = 3  # the first round warms up and is not counted


def log(experiment):
    """1,000 metrics in ten batches between the start and the end of a run."""
    run = client.create_run(experiment)
    for batch in range(10):
        at = int(time.time() * 1000)
        client.log_batch(run.info.run_id, metrics=[Metric(f"m{name}", batch / (name + 1), at, batch) for name in range(100)])
    client.set_terminated(run.info.run_id)


def search(experiment):
    """The 100 best of the runs that fulfil a condition on a metric and a parameter."""
    found = client.search_runs(
        [experiment], "metrics.accuracy > 0.5 and params.lr = '0.1'", max_results=100, order_by=["metrics.accuracy DESC"]
    )
    assert len(found) == 100, len(found)


def register(name):
    """100 versions of a model from one folder of a run."""
    run = client.search_runs([experiment_named("register")], max_results=1)[0]
    for _ in range(100):
        mlflow.register_model(f"runs:/{run.info.run_id}/model", name)


def experiment_named(name):
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)


client = MlflowClient()
deed, place = sys.argv[1:]
if deed == "prepare":
    run = client.create_run(experiment_named("register"))
    flavors = "flavors:\n  pytorch:\n    model_data: data\n"
    client.log_text(run.info.run_id, flavors, "model/MLmodel")
    client.log_text(run.info.run_id, "weights", "model/data/model.pth")
    print(json.dumps({name: experiment_named(name) for name in ("log", "search")}))
else:
    took = []
    for turn in range(TIMES):
        begun = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            {"log": log, "search": search, "register": register}[deed](f"{place}-{turn}" if deed == "register" else place)
        took.append(time.perf_counter() - begun)
    print(json.dumps(took[1:]))
os._exit(0)  # the client's threads of telemetry and of logging are not waited for

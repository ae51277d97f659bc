"""The edge that speaks MLflow: an unmodified `mlflow` client logs runs and registers models here (docs/reference/mlflow-api.md).

Each operation is one function with its fields (`operations`); `edge` is the one view that authenticates, picks the team, binds
the input, calls it, and turns refusals into MLflow's errors. What came this way is claimed, like everything a client reports.
"""

"""Existing MLflow history: an `mlruns` folder, a SQLite file or a server is read (never written) and sent to the site.

Neither mlflow nor PyYAML is needed. What comes in this way is claimed, as MLflow's clients reported it.
"""

from countersign.importing.mlflow.opening import open_source
from countersign.importing.mlflow.records import NotMLflow, Unreadable
from countersign.importing.mlflow.taking import Choice, Import

__all__ = ["Choice", "Import", "NotMLflow", "Unreadable", "open_source"]

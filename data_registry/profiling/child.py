"""What runs in the sandbox: one file in, counts and findings out. Values of cells never leave."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from data_registry.profiling.columns import Budget, Unreadable

VERSION = "1"
TOOL = f"countersign patterns {VERSION}"


def main(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """The profile of `inputs["content"]`: {"tool", "table": {...}} or {"tool", "unreadable": sentence}."""
    budget = Budget(rows=int(job["rows"]), deadline=time.monotonic() + float(job["seconds"]))
    try:
        return {"tool": TOOL, "table": _read(job["format"], inputs["content"], budget)}
    except Unreadable as error:
        return {"tool": TOOL, "unreadable": str(error)}


def _read(kind: str, content: Path, budget: Budget) -> dict[str, Any]:
    if kind == "csv":
        from data_registry.profiling.csv_table import read_csv as read  # noqa: PLC0415 - only the reader that is needed
    elif kind == "parquet":
        from data_registry.profiling.parquet_table import read_parquet as read  # noqa: PLC0415 - pyarrow takes 100 ms
    elif kind == "safetensors":
        from data_registry.profiling.tensor_file import read_safetensors as read  # noqa: PLC0415 - numpy takes 100 ms
    else:
        raise Unreadable("Only safetensors, CSV and Parquet can be read.")
    return read(content, budget).result()

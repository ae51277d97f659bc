"""What docs/reference/mlflow-api.md says is what is served."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from config.access import ACCESS, NOBODY
from models_registry.mlflow import urls
from models_registry.mlflow.errors import STATUS
from models_registry.mlflow.operations import OPERATIONS

PAGE = Path(settings.BASE_DIR, "docs", "reference", "mlflow-api.md")
ROW = re.compile(r"\| `(GET|POST|PUT|PATCH|DELETE) (\S+)` \|[^|]*\| (read|submit) \|")
WORDS = {"<path:path>": "PATH", "<str:model_id>": "ID", "<str:tag_key>": "KEY"}


def _as_written(address: str) -> str:
    for varies, word in WORDS.items():
        address = address.replace(varies, word)
    return address


def test_the_page_lists_every_operation_and_no_other() -> None:
    served = {(one.method, _as_written(one.address), one.scope.value) for one in OPERATIONS}
    written = ROW.findall(PAGE.read_text())
    assert set(written) == served and len(written) == len(served) == len(OPERATIONS)


def test_the_page_lists_every_code_with_its_status() -> None:
    written = dict(re.findall(r"\| `([A-Z_]+)` \| (\d+) \|", PAGE.read_text()))
    assert {code: int(status) for code, status in written.items()} | {"INTERNAL_ERROR": 500} == STATUS


def test_the_page_names_the_version_that_is_spoken() -> None:
    assert f"tried with {urls.SPOKEN}" in PAGE.read_text()


def test_the_table_of_access_follows_the_scopes() -> None:
    """A route that is there for reading has an operation that reads, and one for writing has one of another method than GET."""
    wrong = []
    for route in {one.route for one in OPERATIONS}:
        methods = {one.method for one in OPERATIONS if one.route == route}
        access = ACCESS[route]
        if ("GET" in methods) != (access.reads != NOBODY) or bool(methods - {"GET"}) != (access.writes != NOBODY):
            wrong.append(route)
    assert wrong == []

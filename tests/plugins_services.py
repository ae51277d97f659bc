"""Private PostgreSQL and Redis for a test run, before Django's settings are read. With the addresses given, those are used.

Named in `addopts` as `-p tests.plugins_services`: a conftest would come too late, because pytest-django reads the settings first.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

WORKER = "PYTEST_XDIST_WORKER"
_services = contextlib.ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Both servers answer, and the settings find their addresses. Each worker of a run has its own number in Redis."""
    from config.services.site import OURS  # noqa: PLC0415 - `--help` of a broken project still works

    for name in OURS:
        os.environ.pop(name, None)  # of the shell that started the tests; the settings would refuse them
    if worker := os.environ.get(WORKER, ""):
        os.environ["REDIS_URL"] = numbered(os.environ["REDIS_URL"], int(worker.removeprefix("gw")))
    elif not early_config.known_args_namespace.help and not early_config.known_args_namespace.version:
        _start()
    return (yield)


def _start() -> None:
    from config.services.run import passing_services  # noqa: PLC0415 - as above
    from config.setup.problem import Problem  # noqa: PLC0415 - as above

    try:
        addresses = _services.enter_context(passing_services(os.environ))
    except Problem as problem:
        raise pytest.UsageError(str(problem)) from problem
    os.environ |= {"DATABASE_URL": addresses.database, "REDIS_URL": addresses.redis}


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The run's servers have ended. Were pytest killed, the kernel would have ended them: they are told when it dies."""
    _services.close()


def numbered(url: str, offset: int) -> str:
    """The address of the Redis database `offset` places after the one that `url` names."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        number = int(parse_qs(parts.query).get("db", ["0"])[0])
        return f"unix://{parts.path}?db={number + offset}"
    number = int(parts.path.strip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{number + offset}"))

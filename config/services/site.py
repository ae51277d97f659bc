"""The site's processes: which there are, how large, with which variables, and how each is asked to stop."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGQUIT, SIGTERM, Signals

from config.services.folders import hand_over, own
from config.services.identity import Identity, caller
from config.services.private import Addresses

PROJECT = Path(__file__).resolve().parent.parent.parent
PYTHON = Path(sys.prefix) / "bin" / "python"
EVALUATION_MEMORY = 4 * 2**30  # bytes that one evaluation may take (COUNTERSIGN_SANDBOX_MEMORY)
MOST_EVALUATIONS = 8  # beyond that, more machines with workers are the answer
OURS = {  # read here; the site's settings refuse names that they do not know
    "COUNTERSIGN_ADMIN_EMAIL",
    "COUNTERSIGN_ADMIN_NAME",
    "COUNTERSIGN_ADMIN_PASSWORD",
    "COUNTERSIGN_TORCH_INDEX",
}


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    command: tuple[str | Path, ...]
    variables: Mapping[str, str]
    stop: tuple[tuple[Signals, float], ...]
    death: Signals  # what the kernel sends it should the supervisor be killed


@dataclass(frozen=True, slots=True)
class Sizes:
    """One evaluation computes on one thread, so that its numbers can be repeated; there are as many as cores and memory carry."""

    web_processes: int
    web_threads: int
    evaluations: int
    reports: int

    @classmethod
    def fitting(cls, *, cores: int, memory: int) -> Sizes:
        return cls(
            web_processes=max(1, min(4, cores // 2)),
            web_threads=8,
            evaluations=max(1, min(cores, memory // EVALUATION_MEMORY, MOST_EVALUATIONS)),
            reports=1 if cores < MOST_EVALUATIONS else 2,
        )


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def identity_of_site(service: Identity, *, data: Path) -> Identity:
    """For root the service user, where that user can run this Python and read this copy of the project; else the caller."""
    trial = "import django, config.services, importlib.util; assert importlib.util.find_spec('torch')"
    if service.is_caller or not service.can(PYTHON, "-c", trial, cwd=PROJECT):
        return caller()
    hand_over(data, service)
    return service


def variables(
    addresses: Addresses, *, data: Path, port: int, identity: Identity, environment: Mapping[str, str]
) -> dict[str, str]:
    """What the site's processes find in their environment: the caller's, and what the supervisor knows better."""
    found = {name: value for name, value in environment.items() if name not in OURS}
    found.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, when they are first used
    found |= {
        "DATABASE_URL": addresses.database,
        "REDIS_URL": addresses.redis,
        "COUNTERSIGN_DATA": str(data),
        "COUNTERSIGN_SITE_URL": environment.get("COUNTERSIGN_SITE_URL", "") or f"http://127.0.0.1:{port}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
    }
    if not identity.is_caller:
        for name in ("home", "cache"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
            own(data / name, identity)
        found |= {
            "HOME": str(data / "home"),
            "XDG_CACHE_HOME": str(data / "cache"),
            "PYTHONPYCACHEPREFIX": str(data / "cache" / "python"),
            "USER": identity.name,
            "LOGNAME": identity.name,
        }
    return found


def remember(found: Mapping[str, str], *, data: Path, identity: Identity) -> None:
    """What a command by hand needs to reach this site lies in the data folder, for as long as the site runs."""
    path = data / "run" / "site.json"
    names = (
        "DATABASE_URL",
        "REDIS_URL",
        "COUNTERSIGN_DATA",
        "COUNTERSIGN_SITE_URL",
        "HOME",
        "XDG_CACHE_HOME",
        "PYTHONPYCACHEPREFIX",
    )
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump({"user": identity.name, "variables": {name: found[name] for name in names if name in found}}, file)
    own(path, identity)


def parts(*, data: Path, port: int, sizes: Sizes) -> list[Part]:
    """Web, workers and clock, in the order in which they start."""
    celery: tuple[str | Path, ...] = (PYTHON, "-m", "celery", "-A", "config")
    worker = (*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle")
    # Celery waits on SIGTERM for work in hand, which may take minutes. The work is leased: another attempt takes it up.
    worker_stop = ((SIGTERM, 3.0), (SIGQUIT, 3.0))
    return [
        Part(
            "web",
            (
                PYTHON,
                *("-m", "gunicorn", "config.wsgi:application", "--config", "python:config.services.gunicorn_settings"),
                *("--bind", f"127.0.0.1:{port}", "--workers", str(sizes.web_processes), "--threads", str(sizes.web_threads)),
            ),
            {"OMP_NUM_THREADS": "1"},
            ((SIGTERM, 5.0),),
            SIGQUIT,
        ),
        Part(
            "evaluations",
            (*worker, "-Q", "evaluations", "-n", "evaluations@%h", "--concurrency", str(sizes.evaluations)),
            {"OMP_NUM_THREADS": "1"},
            worker_stop,
            SIGKILL,  # a cold shutdown hangs when Redis has gone first; without their parent the pool's processes end
        ),
        Part(
            "reports",
            (*worker, "-Q", "reports,default", "-n", "reports@%h", "--concurrency", str(sizes.reports)),
            {"OMP_NUM_THREADS": "1"},
            worker_stop,
            SIGKILL,  # a cold shutdown hangs when Redis has gone first; without their parent the pool's processes end
        ),
        Part(
            "clock",
            (*celery, "beat", "--loglevel", "INFO", "--schedule", data / "clock" / "schedule", "--pidfile", ""),
            {"OMP_NUM_THREADS": "1"},
            ((SIGTERM, 3.0),),
            SIGTERM,
        ),
    ]

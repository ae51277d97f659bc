"""The two addresses that the site needs: those given, else of private servers that live as long as the block."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.services import binaries
from config.services.folders import Sockets
from config.services.identity import Identity
from config.services.postgres import PrivatePostgres
from config.services.processes import has_ended
from config.services.redis import PrivateRedis

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Addresses:
    database: str
    redis: str
    private_database: bool
    private_redis: bool
    watch: Callable[[], str]  # the name of a private server that has ended by itself, else nothing


@contextlib.contextmanager
def services(
    data: Path,
    *,
    identity: Identity,
    environment: Mapping[str, str],
    say: Say,
    check: Callable[[], None] = lambda: None,
    lasting: bool = True,
    superuser: bool = False,
) -> Iterator[Addresses]:
    """Both servers answer. With DATABASE_URL or REDIS_URL set, that server is used and no private one is started for it."""
    database, redis = environment.get("DATABASE_URL", "").strip(), environment.get("REDIS_URL", "").strip()
    running: dict[str, PrivatePostgres | PrivateRedis] = {}
    with contextlib.ExitStack() as stack:
        sockets: Sockets | None = None
        if not database or not redis:
            sockets = Sockets(data, owner=identity)
            stack.callback(sockets.clear)
        if not redis and sockets:
            redis_server = PrivateRedis(
                data,
                binaries=binaries.redis_for(identity, data=data),
                sockets=sockets.folder,
                identity=identity,
                lasting=lasting,
            )
            stack.callback(redis_server.stop)
            redis_server.start()
            running["Redis"] = redis_server
            redis = redis_server.url
        if not database and sockets:
            postgres = PrivatePostgres(
                data,
                binaries=binaries.postgres_for(identity, data=data),
                sockets=sockets.folder,
                identity=identity,
                lasting=lasting,
                superuser=superuser,
            )
            stack.callback(postgres.stop)
            postgres.start(say=say, check=check)
            running["PostgreSQL"] = postgres
            database = postgres.url

        def watch() -> str:
            return next((name for name, server in running.items() if server.process and has_ended(server.process)), "")

        yield Addresses(database, redis, "PostgreSQL" in running, "Redis" in running, watch)

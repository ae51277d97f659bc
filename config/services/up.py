"""`make up`: the site on its own data, until somebody stops it."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.services import database, folders, site, steps
from config.services.identity import Identity, service_identity
from config.services.private import Addresses, services
from config.services.supervisor import Signals, Stop, Supervisor, say
from config.setup.host import check_port_free, check_space
from config.setup.problem import Problem

ROOM = 2**29  # bytes without which no database should start
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Ground:
    """What stands before any process of the site does."""

    data: Path
    identity: Identity
    addresses: Addresses
    variables: dict[str, str]
    signals: Signals


@contextlib.contextmanager
def ground(
    kind: str, *, data: Path, port: int, signals: Signals, environment: Mapping[str, str], lasting: bool = True
) -> Iterator[Ground]:
    """The data folder is ours alone and both servers answer, for as long as the block lasts."""
    check_port_free(port)
    service = service_identity()
    folders.prepare(data, kind=kind, owner=service)
    check_space(data, need=ROOM, purpose="The data folder")
    held = folders.lock(data, owner=service)
    try:
        say(f"Data folder: {data}")
        ready = services(data, identity=service, environment=environment, say=say, check=signals.check, lasting=lasting)
        with ready as addresses:
            database.check_server(addresses.database)
            check_redis(addresses.redis)
            say(_which(addresses))
            identity = site.identity_of_site(service, data=data)
            if os.geteuid() == 0:
                why = "" if identity == service else f", because {service.name} cannot read {site.PYTHON} or {site.PROJECT}"
                say(f"The site's processes run as {identity.name}{why}")
            variables = site.variables(addresses, data=data, port=port, identity=identity, environment=environment)
            yield Ground(data, identity, addresses, variables, signals)
    finally:
        held.release()


def _which(addresses: Addresses) -> str:
    own = {"PostgreSQL": addresses.private_database, "Redis": addresses.private_redis}
    private = [name for name, is_private in own.items() if is_private]
    return f"Private {' and '.join(private)} answer" if private else "Servers as given; nothing private is started"


def check_redis(url: str) -> None:
    """The server behind the address answers."""
    import redis  # noqa: PLC0415 - the name of a module beside this one

    try:
        with contextlib.closing(redis.Redis.from_url(url, socket_connect_timeout=10)) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise Problem(
            f"The Redis in REDIS_URL cannot be reached ({error}); see that it runs and that address and password are right."
        ) from error


@contextlib.contextmanager
def standing_site(base: Ground, *, port: int) -> Iterator[Supervisor]:
    """The site answers on its port; afterwards none of its processes is left."""
    sizes = site.Sizes.fitting(cores=site.cores(), memory=site.memory())
    (base.data / "clock").mkdir(exist_ok=True)
    folders.own(base.data / "clock", base.identity)
    site.remember(base.variables, data=base.data, identity=base.identity)
    supervisor = Supervisor(
        site.parts(data=base.data, port=port, sizes=sizes),
        data=base.data,
        identity=base.identity,
        variables=base.variables,
        signals=base.signals,
    )
    try:
        supervisor.start()
        supervisor.await_answer(port)
        yield supervisor
    finally:
        say("Stopping")
        supervisor.stop()
        (base.data / "run" / "site.json").unlink(missing_ok=True)


def prepare_database(base: Ground) -> None:
    """Tables and static files are those of this version."""
    data, variables, check = base.data, base.variables, base.signals.check
    only_ours = base.addresses.private_database
    steps.migrate(data=data, identity=base.identity, variables=variables, check=check, say=say, only_ours=only_ours)
    steps.collect_static(data=data, variables=variables, check=check)


def up(*, port: int, environment: Mapping[str, str]) -> int:
    """The site runs until somebody stops it."""
    signals = Signals()
    data = folders.choose("site", project=site.PROJECT, environment=environment)
    try:
        with ground("site", data=data, port=port, signals=signals, environment=environment) as base:
            if database.demo_of(base.addresses.database):
                raise Problem("The database in DATABASE_URL belongs to the demo; name another one for the site.")
            prepare_database(base)
            first_administrator(base, environment=environment)
            with standing_site(base, port=port) as supervisor:
                say(f"The site answers on {base.variables['COUNTERSIGN_SITE_URL']}  (logs: {data / 'logs'}; Ctrl-C stops it)")
                supervisor.watch(lost=base.addresses.watch)
    except Stop:
        pass
    say("Stopped")
    return 0


def first_administrator(base: Ground, *, environment: Mapping[str, str]) -> None:
    """Somebody can make people, teams and keys; where nobody can, and nobody can be asked, a line says how."""
    if database.has_administrator(base.addresses.database):
        return
    given = {name: environment.get(f"COUNTERSIGN_ADMIN_{name.upper()}", "") for name in ("email", "name", "password")}
    if all(given.values()):
        if reason := _make(base, **given):
            raise Problem(f"The administrator in COUNTERSIGN_ADMIN_EMAIL could not be made: {reason}")
        say(f"Made the administrator {given['email']}")
    elif sys.stdin.isatty():
        _ask(base)
    else:
        say(
            "Nobody can sign in yet: set COUNTERSIGN_ADMIN_EMAIL, COUNTERSIGN_ADMIN_NAME and COUNTERSIGN_ADMIN_PASSWORD "
            "and start again, or run: .venv/bin/python -m config.services manage make_person --administrator --email … --name …"
        )


def _ask(base: Ground) -> None:
    say("This site has no administrator yet. Who makes its people, teams and keys?")
    for _ in range(ATTEMPTS):
        with base.signals.at_a_prompt():
            email, name = input("  E-mail address: ").strip(), input("  Name: ").strip()
            password = getpass.getpass("  Password (12 characters or more): ")
            if password != getpass.getpass("  Password again: "):
                say("The two passwords differ.")
                continue
        reason = _make(base, email=email, name=name, password=password)
        if not reason:
            say(f"Made the administrator {email}")
            return
        say(reason)
    raise Problem("No administrator was made; start again when e-mail address and password are at hand.")


def _make(base: Ground, *, email: str, name: str, password: str) -> str:
    return steps.make_administrator(
        email=email, name=name, password=password, identity=base.identity, variables=base.variables, check=base.signals.check
    )

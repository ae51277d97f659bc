"""One operation of MLflow's API in one form: method, address, fields, scope and the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request

from accounts.models import Person, Team
from accounts.roles import Scope
from models_registry.mlflow.fields import Field

Answer = dict[str, Any] | HttpResponseBase
Function = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, in which team; the request itself only for what is streamed."""

    by: Person
    team: Team
    request: Request


@dataclass(frozen=True, slots=True)
class Operation:
    """`address` as MLflow writes it below /api/2.0/; what it returns is the body of the answer."""

    method: str
    address: str
    scope: Scope
    fields: Mapping[str, Field]
    function: Function

    @property
    def route(self) -> str:
        """The name of its address in the table of access."""
        return route_of(self.address)


OPERATIONS: list[Operation] = []


def reads(method: str, address: str, **fields: Field) -> Callable[[Function], Function]:
    """Registers a function that only reads, whatever its method."""
    return _registers(method, address, Scope.READ, fields)


def writes(method: str, address: str, **fields: Field) -> Callable[[Function], Function]:
    return _registers(method, address, Scope.SUBMIT, fields)


def _registers(method: str, address: str, scope: Scope, fields: Mapping[str, Field]) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        OPERATIONS.append(Operation(method, address, scope, fields, function))
        return function

    return register


def route_of(address: str) -> str:
    """`mlflow/runs/log-batch` is the route `mlflow-runs-log-batch`; what varies is left out, or `one` at the end."""
    *parts, last = address.split("/")
    fixed = [part for part in parts if not part.startswith("<")]
    return "-".join([*fixed, "one" if last.startswith("<") else last])

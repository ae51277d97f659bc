"""The auditor's pages: the trail and its entries, reports, and verifying."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import Person


def reader_of(request: HttpRequest) -> Person:
    """Who is signed in. The middleware lets nobody else onto these pages, which the types of Django do not know."""
    return cast("Person", request.user)

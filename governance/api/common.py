"""What the operations share."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from governance.environments import known
from governance.models import PRODUCTION
from models_registry.models import Version

ENVIRONMENT = OpenApiParameter(
    "environment", str, description="Where it is to run: the slug of an environment; production if not given."
)


def version_of(request: Request, pk: UUID) -> Version:
    return get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)


def environment_asked(request: Request) -> str:
    return known(request.query_params.get("environment", PRODUCTION)).slug

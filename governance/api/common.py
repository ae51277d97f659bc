"""What the operations share."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.errors import InvalidInput
from governance.models import Environment
from models_registry.models import Version

ENVIRONMENT = OpenApiParameter(
    "environment", str, enum=Environment.values, description="Where it is to run; production if not given."
)


def version_of(request: Request, pk: UUID) -> Version:
    return get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)


def environment_asked(request: Request) -> str:
    given = request.query_params.get("environment", Environment.PRODUCTION)
    if given not in Environment.values:
        raise InvalidInput(
            _("The environment is one of %(names)s.") % {"names": ", ".join(Environment.values)}, code="environment"
        )
    return given

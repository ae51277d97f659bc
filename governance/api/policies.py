"""Policies."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance.models import Policy
from governance.serializers import policies as shapes


class Policies(ApiView):
    queries = {"name"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("name", str, description="Only the numbers of the policy with exactly this name.")],
        responses=shapes.PolicyOutput(many=True),
        operation_id="policies_list",
    )
    def get(self, request: Request) -> Response:
        """The published policies, newest first; `?name=` finds the numbers of one."""
        rows = Policy.objects.filter(state=Policy.State.PUBLISHED)
        if name := request.query_params.get("name"):
            rows = rows.filter(name=name)
        return self.page(rows, shapes.PolicyOutput, request)

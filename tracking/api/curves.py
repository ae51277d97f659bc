"""The points of a run's curves over REST."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import Missing
from tracking.api.outputs import CurvesOutput, curve
from tracking.api.runs import visible_run


class RunSeries(ApiView):
    """Curves with their points."""

    queries = {"name"}

    @extend_schema(
        operation_id="runs_series",
        summary="The points of a run's curves",
        parameters=[OpenApiParameter("name", str, description="Only the curve of this name.")],
        responses=CurvesOutput,
        tags=["runs"],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Every point of every curve, by step."""
        series = visible_run(request, pk).series.order_by("name")
        if name := request.query_params.get("name"):
            series = series.filter(name=name)
            if not series:
                raise Missing("The run has no curve of this name.")
        whole = [(one, one.points().in_order()) for one in series.prefetch_related("chunks")]
        return Response({"series": [curve(one, points) for one, points in whole]})

"""The points of a run's curves over REST."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import Missing
from tracking.api.outputs import CurvesOutput, curve
from tracking.api.runs import visible_run
from tracking.outlines import outlines_of, thinned
from tracking.points import Points

MOST_POINTS = 2_000  # an outline has at least as many of a longer curve


class RunSeries(ApiView):
    """Curves with their points."""

    queries = {"name", "points"}

    @extend_schema(
        operation_id="runs_series",
        summary="The points of a run's curves",
        parameters=[
            OpenApiParameter("name", str, description="Only the curve of this name."),
            OpenApiParameter(
                "points",
                int,
                description="At most so many points of each curve (4 to 2000): the first, lowest, highest and last of equal "
                "parts, so that every peak is among them; those that are not finite are left out.",
            ),
        ],
        responses=CurvesOutput,
        tags=["runs"],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Every point of every curve, by step, or a choice that shows its shape."""
        series = visible_run(request, pk).series.order_by("name")
        if name := request.query_params.get("name"):
            series = series.filter(name=name)
            if not series:
                raise Missing("The run has no curve of this name.")
        if most := self._asked(request):
            outlines = outlines_of(list(series))
            chosen = [(one, thinned(outlines[one.pk], most)) for one in series]
            found = [(one, Points(some["step"], some["value"], some["time"])) for one, some in chosen]
            return Response({"series": [curve(one, points) for one, points in found]})
        whole = [(one, one.points().in_order()) for one in series.prefetch_related("chunks")]
        return Response({"series": [curve(one, points) for one, points in whole]})

    class Query(serializers.Serializer):
        points = serializers.IntegerField(required=False, min_value=4, max_value=MOST_POINTS)

    def _asked(self, request: Request) -> int | None:
        bound = self.Query(data=request.query_params)
        bound.is_valid(raise_exception=True)
        return bound.validated_data.get("points")

"""The points of a run's curves over REST."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from core.api import ApiView
from core.errors import Missing
from core.keyset import storable
from tracking.api.outputs import CurvesOutput, curve
from tracking.api.runs import visible_run
from tracking.models import MetricSeries
from tracking.outlines import outlines_of, thinned
from tracking.points import Points

MOST_POINTS = 2_000  # an outline has at least as many of a longer curve
AT_ONCE = 100_000  # points in one answer, a few MB of JSON


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
            OpenApiParameter("cursor", str, description="Where an answer goes on; take the one that `next` of another holds."),
        ],
        responses=CurvesOutput,
        tags=["runs"],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Every point of every curve, by name and step, or a choice that shows its shape.

        One answer holds at most 100,000 points; where there are more, `next` is the address of the rest. A curve that does not
        fit begins again there, with the points that follow.
        """
        series = visible_run(request, pk).series.order_by("name")
        if name := request.query_params.get("name"):
            series = series.filter(name=name)
            if not series:
                raise Missing(_("The run has no curve of this name."))
        most = self._asked(request)
        parts, following = _page(series, request.query_params.get("cursor", ""), most)
        chosen = [one for one, _part in parts]
        outlines = outlines_of(chosen) if most else {}
        if not most:
            prefetch_related_objects(chosen, "chunks")
        found = []
        for one, part in parts:
            if most:
                some = thinned(outlines[one.pk], most)
                found.append(curve(one, Points(some["step"], some["value"], some["time"])))
            else:
                found.append(curve(one, one.points().in_order()[part]))
        here = remove_query_param(request.build_absolute_uri(), "cursor")
        return Response({"series": found, "next": replace_query_param(here, "cursor", following) if following else None})

    class Query(serializers.Serializer):
        points = serializers.IntegerField(required=False, min_value=4, max_value=MOST_POINTS)

    def _asked(self, request: Request) -> int | None:
        bound = self.Query(data=request.query_params)
        bound.is_valid(raise_exception=True)
        return bound.validated_data.get("points")


def _page(series: QuerySet[MetricSeries], cursor: str, most: int | None) -> tuple[list[tuple[MetricSeries, slice]], str]:
    """The curves of one answer with the part of each, and the cursor of the rest. `most` points of each curve are enough."""
    start, name = _place(cursor)
    rest = series.filter(name__gte=name) if name else series
    found, room, following = list[tuple[MetricSeries, slice]](), AT_ONCE, ""
    for one in rest:
        begin = start if one.name == name else 0
        wanted = one.count - begin if most is None else min(one.count, most)
        if wanted > room and (most is not None or not room):
            following = f"{begin}:{one.name}"
        elif wanted > room:
            found.append((one, slice(begin, begin + room)))
            following = f"{begin + room}:{one.name}"
        else:
            found.append((one, slice(begin, None)))
            room -= wanted
        if following:
            break
    return found, following


def _place(cursor: str) -> tuple[int, str]:
    """How many points of the curve of this name were given already."""
    if not cursor:
        return 0, ""
    start, _colon, name = cursor.partition(":")
    try:
        if not (start.isascii() and start.isdigit() and len(start) <= 12):
            raise ValueError(start)
        return int(start), storable(name)
    except ValueError as error:
        raise NotFound(_("Invalid cursor: take the one that the answer before gave.")) from error

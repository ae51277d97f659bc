"""Training runs over REST: recorded whole or started, listed and read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team
from accounts.roles import Scope
from accounts.visibility import teams_visible_to
from core.api import ApiView, ByKey
from core.errors import InvalidInput
from tracking import curve_rules, services
from tracking.api.outputs import RunDetail, RunListed
from tracking.models import MetricSeries, RunData, TrainingRun
from tracking.searching.finding import search_of

FILTER = (
    "Only runs that fulfil this, such as `metrics.val_accuracy > 0.9 and params.lr < 0.01 and tags.team = 'vision'`. "
    "Fields: metrics (also .min, .max), params, tags, attributes, dataset; = != < <= > >= LIKE ILIKE IN, IS NULL, and, or, not; "
    "all of it: docs/reference/run-filter.md."
)
ORDER = "Such as `metrics.val_accuracy desc, started_at asc`; what has no value, or NaN, comes last. Without it the newest first."
WHOLE_ONLY, OPEN_ONLY = {"ended_at"}, {"parent", "origin", "source"}


class Runs(ApiView):
    """The runs that you may see."""

    write_scope = Scope.SUBMIT
    queries = {"team", "experiment", "filter", "order"}
    pagination_class = ByKey  # tells the OpenAPI description that the list comes in pages

    @extend_schema_serializer(component_name="RunInput")
    class Input(serializers.Serializer):
        team = serializers.UUIDField()
        name = serializers.CharField(max_length=200, allow_blank=True, required=False, default="")
        state = serializers.ChoiceField(
            choices=["running"],
            required=False,
            help_text="running: the run is open and is logged to; absent: it is whole and fixed.",
        )
        experiment = serializers.CharField(max_length=250, required=False, default="")
        parent = serializers.UUIDField(  # type: ignore[assignment]  # a field of this name, not the serializer's own
            required=False, help_text="With state running: the run of which this is a part."
        )
        origin = serializers.ChoiceField(choices=["sdk", "import"], required=False, help_text="With state running.")
        source = serializers.CharField(  # type: ignore[assignment]  # as above
            max_length=250,
            required=False,
            help_text="With state running: its name where it comes from. A run of this source that the team has is answered.",
        )
        params = serializers.DictField(required=False, default=dict)
        tags = serializers.DictField(required=False, default=dict)
        code = serializers.DictField(required=False, default=dict)
        environment = serializers.DictField(required=False, default=dict)
        training = serializers.DictField(required=False, default=dict)
        series = serializers.ListField(
            child=serializers.DictField(),
            required=False,
            default=list,
            max_length=curve_rules.MOST_SERIES,
            help_text='[{"name": "train/loss", "unit": "", "steps": [0, 1], "values": [2.3, 1.9]}]; ascending, finite if whole',
        )
        started_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
        ended_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    @extend_schema(
        operation_id="runs_list",
        summary="List training runs",
        parameters=[
            OpenApiParameter("team", UUID, description="Only this team's runs."),
            OpenApiParameter("experiment", UUID, description="Only this experiment's runs."),
            OpenApiParameter("filter", str, description=FILTER),
            OpenApiParameter("order", str, description=ORDER),
        ],
        responses=RunListed(many=True),
        tags=["runs"],
    )
    def get(self, request: Request) -> Response:
        """Runs of your teams, newest first or as you order them, with each metric in figures and without hidden runs."""
        asked = self._query(request)
        search = search_of(asked.pop("filter", ""), asked.pop("order", ""))
        runs = TrainingRun.objects.visible_to(request.user).shown().select_related("experiment").prefetch_related("series")
        found, order = search.among(runs.filter(**asked))
        return self.page(found, RunListed, request, order=order)

    @extend_schema(
        operation_id="runs_create",
        summary="Record or start a training run",
        request=Input,
        responses={200: RunDetail, 201: RunDetail},
        tags=["runs"],
    )
    def post(self, request: Request) -> Response:
        """The run as you report it: whole and fixed from now on, or with `state: running` open until a version stands on it.
        It is shown as claimed, because nobody here saw it happen. 200: the team had a run of this source."""
        asked = self.bind(self.Input, request)
        team = _team(asked.pop("team"), request)
        if asked.pop("state", None) is None:
            _refuse(asked, OPEN_ONLY, _("A run that is recorded whole has no %(name)s; start it with state: running."))
            run = services.record_run(team, by=request.user, **asked)
            return Response(_detail(run), status=201)
        _refuse(asked, WHOLE_ONLY, _("A run that starts has no %(name)s yet; say it when it ends."))
        asked.pop("ended_at")
        parent = visible_run(request, asked.pop("parent")) if "parent" in asked else None
        named = {"origin": asked.get("origin", TrainingRun.Origin.SDK), "source": asked.get("source", "")}
        known = named["source"] and TrainingRun.objects.filter(team=team, **named).exists()
        run = services.start_run(team, by=request.user, parent=parent, **asked)
        return Response(_detail(run), status=200 if known else 201)

    class Query(serializers.Serializer):
        team = serializers.UUIDField(required=False)
        experiment = serializers.UUIDField(required=False)
        filter = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
        order = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)

    def _query(self, request: Request) -> dict[str, Any]:
        bound = self.Query(data=request.query_params)
        bound.is_valid(raise_exception=True)
        return bound.validated_data


class Run(ApiView):
    """One training run."""

    @extend_schema(operation_id="runs_retrieve", summary="One training run", responses=RunDetail, tags=["runs"])
    def get(self, request: Request, pk: UUID) -> Response:
        """The run with its curves in figures; `series/` has their points."""
        return Response(_detail(visible_run(request, pk)))


class RunLog(ApiView):
    """What an open run takes."""

    write_scope = Scope.SUBMIT

    @extend_schema_serializer(component_name="RunLogInput")
    class Input(serializers.Serializer):
        params = serializers.DictField(required=False)
        tags = serializers.DictField(required=False)
        code = serializers.DictField(required=False)
        environment = serializers.DictField(required=False)
        training = serializers.DictField(required=False)
        data = serializers.ListField(  # type: ignore[assignment]  # as above
            child=serializers.DictField(),
            required=False,
            help_text="[{name, digest, context, source_type, source, schema, profile}]",
        )
        series = serializers.ListField(
            child=serializers.DictField(),
            required=False,
            max_length=curve_rules.MOST_SERIES,
            help_text='[{"name", "unit", "steps", "values", "times"}]; NaN, Infinity, -Infinity as texts; or '
            '"packed": {"steps", "values", "times"}, base64 of little-endian int64, float64, int64.',
        )
        batch = serializers.DictField(
            required=False, help_text='{"writer": "…", "number": 7}: what is not above the last one heard was heard before.'
        )

    @extend_schema_serializer(component_name="RunHeard")
    class Output(serializers.Serializer):
        heard_at = serializers.DateTimeField()

    @extend_schema(operation_id="runs_log", summary="Log to a run", request=Input, responses=Output, tags=["runs"])
    def post(self, request: Request, pk: UUID) -> Response:
        """Add parameters, tags, facts, data and points. An empty body is a sign of life."""
        run = services.log(visible_run(request, pk), by=request.user, **self.bind(self.Input, request))
        return Response(self.Output(run).data)


class RunEnd(ApiView):
    """The end of a run."""

    write_scope = Scope.SUBMIT

    @extend_schema_serializer(component_name="RunEndInput")
    class Input(serializers.Serializer):
        state = serializers.ChoiceField(choices=["finished", "failed", "killed"])
        ended_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
        training = serializers.DictField(required=False, default=dict)

    @extend_schema(operation_id="runs_end", summary="End a run", request=Input, responses=RunDetail, tags=["runs"])
    def post(self, request: Request, pk: UUID) -> Response:
        """Say that the training ended, and how."""
        run = services.end_run(visible_run(request, pk), by=request.user, **self.bind(self.Input, request))
        return Response(_detail(run))


class RunReopening(ApiView):
    """A run that had ended, and goes on."""

    write_scope = Scope.SUBMIT

    @extend_schema(operation_id="runs_reopen", summary="Take a run up again", request=None, responses=RunDetail, tags=["runs"])
    def post(self, request: Request, pk: UUID) -> Response:
        """The training goes on after all; nothing happens where the run is running."""
        return Response(_detail(services.reopen_run(visible_run(request, pk), by=request.user)))


def visible_run(request: Request, pk: UUID) -> TrainingRun:
    """The run, or 404 for whoever may not see it."""
    return get_object_or_404(TrainingRun.objects.visible_to(request.user).select_related("team", "experiment"), pk=pk)


def _detail(run: TrainingRun) -> Any:
    series, data = MetricSeries.objects.order_by("name"), RunData.objects.order_by("context", "name")
    runs = TrainingRun.objects.select_related("experiment").prefetch_related(Prefetch("series", series), Prefetch("data", data))
    return RunDetail(runs.get(pk=run.pk)).data


def _team(pk: UUID, request: Request) -> Team:
    team = teams_visible_to(request.user).filter(pk=pk).first()
    if team is None:
        raise InvalidInput(_("There is no such team, or you may not see it. List the teams to find its id."), field="team")
    return team


def _refuse(asked: dict[str, Any], names: set[str], sentence: str) -> None:
    for name in sorted(names):
        if asked.get(name) is not None:
            raise InvalidInput(sentence % {"name": name}, field=name)

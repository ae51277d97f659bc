"""The API's edge for models, versions, checkpoints and cards. Submitting and signing stand in governance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.visibility import teams_visible_to
from core import blobs
from core.api import AnyBytes, ApiView, stream_body
from core.errors import InvalidInput, Missing
from data_registry.models import DatasetVersion
from models_registry import cards, editing, services
from models_registry.cloning import clone_as_model, clone_into
from models_registry.descent import clones_of
from models_registry.models import RegisteredModel, RiskTier, Version
from models_registry.narrowing import NONE, narrowed
from models_registry.permissions import can_download
from models_registry.registering_runs import version_from_run
from models_registry.serializers import (
    CardFieldsOutput,
    CloneInput,
    CloneOutput,
    DataInput,
    DraftOutput,
    ModelInput,
    ModelOutput,
    ModelVersionOutput,
    ModelVersionRow,
    RegistrationInput,
    StateInput,
    VersionInput,
)
from tracking.models import TrainingRun

SHA256 = OpenApiParameter(
    "X-Content-SHA256", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Digest that the bytes must have: sha256:<64 hex>."
)
FILE_NAME = OpenApiParameter(
    "X-File-Name", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The file's name, to show it to people."
)


class CardFields(ApiView):
    @extend_schema(tags=["versions"], responses=CardFieldsOutput, operation_id="card_fields_read")
    def get(self, request: Request) -> Response:
        """What a version's card is asked for, so that a client can say what is missing before it sends anything."""
        return Response(CardFieldsOutput({"sections": cards.FIELDS, "missing": cards.MISSING}).data)


class Models(ApiView):
    write_scope = "submit"
    queries = {"name", "tier", "state", "overdue", "team"}

    @extend_schema(
        tags=["models"],
        parameters=[
            OpenApiParameter("name", str, description="Only the models of exactly this name."),
            OpenApiParameter("tier", str, enum=[*RiskTier.values, NONE], description="Only of this risk; none: not stated."),
            OpenApiParameter("state", str, description="Only those whose latest version is in this state; none: no version."),
            OpenApiParameter("overdue", str, description="Only those where this is overdue, as the portfolio names it, or any."),
            OpenApiParameter("team", UUID, description="Only of this team."),
        ],
        responses=ModelOutput(many=True),
        operation_id="models_list",
    )
    def get(self, request: Request) -> Response:
        """The models that you may see, newest first; `?name=` finds one by its name, the others narrow the list."""
        rows = RegisteredModel.objects.visible_to(request.user).select_related("team", "owner")
        asked = {key: value for key, value in request.query_params.items() if key in self.queries - {"name"}}
        if asked:
            narrowing = narrowed(rows, asked, request.user)
            if narrowing.unread:
                said = _("%(name)s names nothing that is known here, or that you may see.")
                raise InvalidInput(said % {"name": ", ".join(narrowing.unread)}, code="filter")
            rows = narrowing.rows
        if name := request.query_params.get("name"):
            rows = rows.filter(name=name.replace("\x00", ""))
        return self.page(rows, ModelOutput, request)

    @extend_schema(tags=["models"], request=ModelInput, responses={201: ModelOutput}, operation_id="models_register")
    def post(self, request: Request) -> Response:
        """Register a model, owned by you."""
        given = self.bind(ModelInput, request)
        team = get_object_or_404(teams_visible_to(request.user), pk=given.pop("team"))
        model = services.register_model(by=request.user, team=team, **given)
        return Response(ModelOutput(model).data, status=201)


class ModelDetail(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["models"], request=StateInput, responses=ModelOutput, operation_id="models_state")
    def patch(self, request: Request, pk: UUID) -> Response:
        """State the task, the risk tier or the classes of a model that was registered without; what is stated stays."""
        given = self.bind(StateInput, request)
        rows = RegisteredModel.objects.visible_to(request.user).select_related("team", "owner")
        return Response(ModelOutput(editing.state(get_object_or_404(rows, pk=pk), by=request.user, **given)).data)

    @extend_schema(tags=["models"], responses=ModelOutput, operation_id="models_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One model."""
        rows = RegisteredModel.objects.visible_to(request.user).select_related("team", "owner")
        return Response(ModelOutput(get_object_or_404(rows, pk=pk)).data)


class Versions(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["versions"], responses=ModelVersionRow(many=True), operation_id="versions_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The versions of a model, newest first."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
        return self.page(Version.objects.of(model).select_related("model"), ModelVersionRow, request)

    @extend_schema(tags=["versions"], request=VersionInput, responses={201: ModelVersionOutput}, operation_id="versions_draft")
    def post(self, request: Request, pk: UUID) -> Response:
        """Begin a version; then PUT its checkpoint and POST its submission."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team"), pk=pk)
        given = self.bind(VersionInput, request)
        version = services.draft_version(
            model,
            by=request.user,
            card=given["card"],
            data=[(link["use"], _data(link["dataset_version"], request)) for link in given.get("data", [])],
            run=self._run(given.get("run")),
            architecture=given.get("architecture"),
            reading=given.get("reading"),
            note=given.get("note", ""),
        )
        return Response(ModelVersionOutput(_whole(version)).data, status=201)

    def _run(self, pk: UUID | None) -> TrainingRun | None:
        if pk is None:
            return None
        found = TrainingRun.objects.visible_to(self.request.user).filter(pk=pk).first()
        if found is None:
            raise InvalidInput(_("There is no training run %(id)s, or you may not see it.") % {"id": pk}, code="unknown_run")
        return found


class VersionDetail(ApiView):
    @extend_schema(tags=["versions"], responses=ModelVersionOutput, operation_id="versions_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One version with its card, data and inspection."""
        return Response(ModelVersionOutput(_visible(request, pk)).data)


class VersionDataLinks(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["versions"], request=DataInput, responses={201: DraftOutput}, operation_id="versions_name_data")
    def post(self, request: Request, pk: UUID) -> Response:
        """Name a dataset version as training, validation, stopping or test data of a draft; once for each use."""
        version, given = _visible(request, pk), self.bind(DataInput, request)
        services.link_data(version, _data(given["dataset_version"], request), use=given["use"], by=request.user)
        return Response(DraftOutput(_whole(version)).data, status=201)


class Registration(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["runs"], request=RegistrationInput, responses={201: DraftOutput}, operation_id="runs_register")
    def post(self, request: Request, pk: UUID) -> Response:
        """Make a draft version from an ended run in one step: its checkpoint, its data, the card of the version before.

        `gaps` says what is still missing before the version can be submitted, `not_linked` which data the run names that could
        not be taken over, and why.
        """
        run = get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=pk)
        given = self.bind(RegistrationInput, request)
        model = RegisteredModel.objects.visible_to(request.user).select_related("team").filter(pk=given.pop("model")).first()
        if model is None:
            raise InvalidInput(_("There is no such model, or you may not see it."), code="unknown_model")
        version = version_from_run(run, model=model, by=request.user, **given)
        return Response(DraftOutput(_whole(version)).data, status=201)


class Clones(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["versions"], responses=ModelVersionRow(many=True), operation_id="versions_clones_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The versions that were cloned from this one, newest first, as far as you may see them."""
        seen = Version.objects.visible_to(request.user)
        rows = clones_of(_visible(request, pk)).filter(pk__in=seen.values("pk")).select_related("model")
        return self.page(rows, ModelVersionRow, request)

    @extend_schema(tags=["versions"], request=CloneInput, responses={201: CloneOutput}, operation_id="versions_clone")
    def post(self, request: Request, pk: UUID) -> Response:
        """Begin a draft with this version's bytes, card, data and reading: of a new model, or of another that exists.

        It shares the bytes by digest and names this version as its original. No approval, signature, finding, measurement or
        risk assessment comes along: the draft is submitted, inspected, measured and signed like any other.
        """
        original, given = _visible(request, pk), self.bind(CloneInput, request)
        if "model" in given:
            seen = RegisteredModel.objects.visible_to(request.user).select_related("team")
            model = seen.filter(pk=given["model"]).first()
            if model is None:
                raise InvalidInput(_("There is no such model, or you may not see it."), code="unknown_model")
            version = clone_into(original, by=request.user, model=model, note=given.get("note", ""))
        else:
            team = teams_visible_to(request.user).filter(pk=given.pop("team")).first()
            if team is None:
                raise InvalidInput(_("There is no such team, or you may not see it."), code="unknown_team")
            version = clone_as_model(original, by=request.user, team=team, **given)
        return Response(CloneOutput(_whole(version)).data, status=201)


class Checkpoint(ApiView):
    parser_classes = [AnyBytes]
    write_scope = "submit"

    @extend_schema(
        tags=["versions"],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[SHA256, FILE_NAME],
        responses=ModelVersionOutput,
        operation_id="versions_send_checkpoint",
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Send the checkpoint's bytes as the raw body; they are streamed and hashed on arrival."""
        version = services.receive_checkpoint(
            _visible(request, pk),
            stream_body(request, limit=settings.UPLOAD_LIMIT),
            name=request.headers.get("X-File-Name", ""),
            by=request.user,
            expected=request.headers.get("X-Content-SHA256"),
        )
        return Response(ModelVersionOutput(_whole(version)).data)

    @extend_schema(
        tags=["versions"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        operation_id="versions_fetch_checkpoint",
    )
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        """The checkpoint's bytes, as they were received."""
        version = _visible(request, pk)
        can_download(request.user, version).enforce()
        if not version.checkpoint_digest:
            raise Missing(_("This version has no checkpoint yet."))
        answer = StreamingHttpResponse(blobs.stream(version.checkpoint_digest), content_type="application/octet-stream")
        answer["Content-Length"] = str(version.checkpoint_size)
        answer["X-Content-SHA256"] = version.checkpoint_digest
        answer["Content-Disposition"] = f'attachment; filename="{version.model.name}-v{version.number}.bin"'
        return answer


def _visible(request: Request, pk: UUID) -> Version:
    return get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)


def _data(pk: UUID, request: Request) -> DatasetVersion:
    found = DatasetVersion.objects.visible_to(request.user).filter(pk=pk).first()
    if found is None:
        raise InvalidInput(_("There is no dataset version %(id)s, or you may not see it.") % {"id": pk}, code="unknown_data")
    return found


def _whole(version: Version) -> Any:
    return Version.objects.with_parts().get(pk=version.pk)

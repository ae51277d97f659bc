"""A run's artifacts over REST: sent, listed, given back as they came."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Scope
from core import blobs
from core.api import AnyBytes, ApiView, ByKey, stream_body
from tracking import services
from tracking.api.outputs import ArtifactOutput
from tracking.api.runs import visible_run


class RunArtifacts(ApiView):
    """What a run left behind."""

    queries = {"prefix"}
    pagination_class = ByKey

    @extend_schema(
        operation_id="runs_artifacts",
        summary="List a run's artifacts",
        parameters=[OpenApiParameter("prefix", str, description="Only paths that begin with this.")],
        responses=ArtifactOutput(many=True),
        tags=["runs"],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Paths with digests and sizes, the last kept first."""
        rows = visible_run(request, pk).artifacts.all()
        if prefix := request.query_params.get("prefix"):
            rows = rows.filter(path__startswith=prefix)
        return self.page(rows, ArtifactOutput, request)


class RunArtifact(ApiView):
    """One artifact."""

    parser_classes = [AnyBytes]
    write_scope = Scope.SUBMIT

    @extend_schema(
        operation_id="runs_keep_artifact",
        summary="Keep an artifact",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                "X-Content-SHA256", str, OpenApiParameter.HEADER, description="sha256:<64 hex>: refused if the bytes differ."
            )
        ],
        responses={201: ArtifactOutput},
        tags=["runs"],
    )
    def put(self, request: Request, pk: UUID, path: str) -> Response:
        """The raw body, streamed and hashed on arrival, kept under the path and never opened."""
        kept = services.keep_artifact(
            visible_run(request, pk),
            by=request.user,
            path=path,
            chunks=stream_body(request, limit=settings.UPLOAD_LIMIT),
            expected=request.headers.get("X-Content-SHA256") or None,
        )
        return Response(ArtifactOutput(kept).data, status=201)

    @extend_schema(
        operation_id="runs_fetch_artifact",
        summary="Fetch an artifact",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        tags=["runs"],
    )
    def get(self, request: Request, pk: UUID, path: str) -> StreamingHttpResponse:
        """The bytes as they were received."""
        run = visible_run(request, pk)
        if "\x00" in path:  # no database has such a text
            raise Http404
        kept = get_object_or_404(run.artifacts, path=path)
        return attachment(kept.digest, kept.size)


def attachment(digest: str, size: int) -> StreamingHttpResponse:
    """A blob of unknown content: a browser saves it and does not show it."""
    answer = StreamingHttpResponse(blobs.stream(digest), content_type="application/octet-stream")
    answer["Content-Length"] = str(size)
    answer["X-Content-SHA256"] = digest
    answer["Content-Disposition"] = "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer

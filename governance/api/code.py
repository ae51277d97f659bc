"""The code of a version over REST: what to send, what was sent, comments, outcomes."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import Missing, WrongState
from governance import services
from governance.api.common import version_of
from governance.code_sets import latest_code
from governance.models import CodeComment, CodeOutcome, CodeSet
from governance.serializers import code as shapes
from models_registry.models import Version


class Code(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["governance"], responses=shapes.CodeOutput, operation_id="code_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """What a client should send of the version's code, and what was sent last."""
        return Response(shapes.code(version_of(request, pk)))

    @extend_schema(tags=["governance"], request=shapes.CodeInput, responses={201: shapes.CodeSetOutput}, operation_id="code_send")
    def post(self, request: Request, pk: UUID) -> Response:
        """Send the commits and the differences since the version approved last, for people to read: they remain your claim."""
        sent = services.receive_code(version_of(request, pk), by=request.user, **self.bind(shapes.CodeInput, request))
        return Response(shapes.CodeSetOutput(sent).data, status=201)


def _sent(version: Version) -> CodeSet:
    found = latest_code(version)
    if found is None:
        raise Missing(_("No code was sent for this version."))
    found.version = version
    return found


class CodeComments(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.CommentOutput(many=True), operation_id="code_comments_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The comments on the version's code, newest first, those on earlier code too."""
        rows = CodeComment.objects.with_texts().filter(code_set__version=version_of(request, pk)).select_related("code_set")
        return self.page(rows, shapes.CommentOutput, request)

    @extend_schema(
        tags=["governance"], request=shapes.CommentInput, responses={201: shapes.CommentOutput}, operation_id="code_comments_make"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Comment on a line of the code that was sent last (part, path, side, line), or on all of it."""
        made = services.comment_on_code(
            _sent(version_of(request, pk)), by=request.user, **self.bind(shapes.CommentInput, request)
        )
        return Response(_comment(made.pk), status=201)


def _comment(pk: UUID) -> object:
    return shapes.CommentOutput(CodeComment.objects.with_texts().select_related("code_set").get(pk=pk)).data


class CodeResolution(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=None, responses=shapes.CommentOutput, operation_id="code_comments_resolve")
    def post(self, request: Request, pk: UUID) -> Response:
        """Settle a comment of your own, or as a reviewer of the code."""
        rows = CodeComment.objects.select_related("code_set__version__model__team")
        one = get_object_or_404(rows.filter(code_set__version__in=Version.objects.visible_to(request.user)), pk=pk)
        services.resolve_comment(one, by=request.user)
        return Response(_comment(one.pk))


class CodeOutcomes(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.OutcomeOutput(many=True), operation_id="code_outcomes_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """What readers of the version's code came to, newest first; those over another digest than today's are stale."""
        rows = CodeOutcome.objects.with_texts().filter(version=version_of(request, pk))
        return self.page(rows, shapes.OutcomeOutput, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.OutcomeInput,
        responses={201: shapes.OutcomeOutput},
        operation_id="code_outcomes_record",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Record what you came to about exactly this code, or vouch for a review at the repository's host."""
        given = self.bind(shapes.OutcomeInput, request)
        sent = _sent(version_of(request, pk))
        if given.pop("digest") != sent.digest:
            raise WrongState(
                _("Other code was sent while you were reading. Read it, then say what you think of that."),
                code="changed_meanwhile",
            )
        made = services.record_code_outcome(sent, by=request.user, **given)
        return Response(shapes.OutcomeOutput(CodeOutcome.objects.with_texts().get(pk=made.pk)).data, status=201)

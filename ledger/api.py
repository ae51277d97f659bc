"""The log over HTTP: its newest seal and consistency proofs for anybody, its entries for those who may read them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView, ByKey
from core.errors import Missing
from ledger import proofs, services
from ledger.models import Leaf
from ledger.visibility import entries_seen_by


class NoteRenderer(BaseRenderer):
    """A signed note as it is: its bytes are what was signed. Problems stay JSON."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return (data if isinstance(data, str) else json.dumps(data)).encode()


class AlwaysANote(DefaultContentNegotiation):
    """Whatever is asked for: a seal in another form would not be what was signed."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class LogSeal(ApiView):
    """The newest seal. Public, so that people outside can keep it: who holds an older seal notices a rewritten log."""

    permission_classes = (AllowAny,)
    renderer_classes = (NoteRenderer,)
    content_negotiation_class = AlwaysANote

    @extend_schema(operation_id="log_seal", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> Response:
        """The newest seal as a signed note (C2SP checkpoint)."""
        seal = services.latest_seal()
        if seal is None:
            raise Missing(_("The log has no seal yet. It is sealed every few seconds once something has happened; ask again."))
        return Response(seal.note)


class LogConsistency(ApiView):
    """Proof that the log of one size begins with the log of a smaller one. Public, like the seals: it holds hashes only."""

    permission_classes = (AllowAny,)
    queries = {"first", "second"}

    @extend_schema_serializer(component_name="LogConsistencyInput")
    class Input(serializers.Serializer):
        first = serializers.IntegerField(min_value=0, max_value=2**53 - 1, help_text="the smaller size, of the seal you hold")
        second = serializers.IntegerField(min_value=0, max_value=2**53 - 1, help_text="the larger size, of a newer seal")

    @extend_schema_serializer(component_name="LogConsistency")
    class Output(serializers.Serializer):
        first = serializers.IntegerField()
        second = serializers.IntegerField()
        hashes = serializers.ListField(child=serializers.CharField(), help_text="RFC 6962 consistency proof, base64")

    @extend_schema(operation_id="log_consistency", parameters=[Input], responses=Output)
    def get(self, request: Request) -> Response:
        """The consistency proof between two sizes of the log."""
        asked = self.Input(data=request.query_params)
        asked.is_valid(raise_exception=True)
        sizes = asked.validated_data
        return Response({**sizes, "hashes": [_b64(node) for node in proofs.consistency(**sizes)]})


class EventActor(serializers.Serializer):
    kind = serializers.CharField()
    id = serializers.CharField()


class EventSubject(serializers.Serializer):
    type = serializers.CharField(allow_blank=True)
    id = serializers.CharField(allow_blank=True)
    seq = serializers.IntegerField()


class LogEntries(ApiView):
    """The entries that the reader may see, the newest first."""

    pagination_class = ByKey  # read by the description only; `page` pages

    @extend_schema_serializer(component_name="LogEntrySummary")
    class Output(serializers.Serializer):
        index = serializers.IntegerField()
        id = serializers.UUIDField(source="event.id")
        type = serializers.CharField(source="event.type")
        at = serializers.DateTimeField(source="event.at")
        actor = serializers.SerializerMethodField()
        on = serializers.SerializerMethodField()
        hash = serializers.CharField(source="event.digest", help_text="SHA-256 of 0x00 and the body")

        @extend_schema_field(EventActor)
        def get_actor(self, leaf: Leaf) -> dict[str, str]:
            return {"kind": leaf.event.actor_kind, "id": leaf.event.actor_id}

        @extend_schema_field(EventSubject)
        def get_on(self, leaf: Leaf) -> dict[str, Any]:
            return {"type": leaf.event.subject_type, "id": leaf.event.subject_id, "seq": leaf.event.subject_seq}

    @extend_schema(operation_id="log_entries", responses=Output(many=True))
    def get(self, request: Request) -> Response:
        """A page of entries, the newest first."""
        leaves = Leaf.objects.filter(event__in=entries_seen_by(request.user)).select_related("event")
        return self.page(leaves, self.Output, request)


class LogEntry(ApiView):
    """One entry with everything that checks it."""

    @extend_schema_serializer(component_name="LogEntry")
    class Output(LogEntries.Output):
        body = serializers.CharField(help_text="the exact RFC 8785 text that the hash covers")
        proof = serializers.ListField(
            child=serializers.CharField(), allow_null=True, help_text="inclusion proof under the seal, base64; null until sealed"
        )
        seal = serializers.CharField(allow_null=True, help_text="the signed note over the log; null until sealed")

    @extend_schema(
        operation_id="log_entry",
        parameters=[OpenApiParameter("index", int, OpenApiParameter.PATH, description="place in the log, from 0")],
        responses=Output,
    )
    def get(self, request: Request, index: int) -> Response:
        """One entry: body, hash, inclusion proof and the seal that it leads to."""
        leaves = Leaf.objects.filter(event__in=entries_seen_by(request.user)).select_related("event")
        leaf = get_object_or_404(leaves, index=index)
        shown = LogEntries.Output(leaf).data | {"body": leaf.event.body.decode(), "proof": None, "seal": None}
        try:
            proof = services.proof_of(leaf.event_id)
        except Missing:
            return Response(shown)
        return Response(shown | {"proof": [_b64(node) for node in proof.hashes], "seal": proof.seal.note})


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()

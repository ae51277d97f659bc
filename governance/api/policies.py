"""Policies: read by everybody, drafted and published by two people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import InvalidInput, Missing
from governance import services
from governance.documents.as_yaml import loaded, written
from governance.dry_run import dry_run
from governance.models import Policy
from governance.permissions.policies import can_write_policies
from governance.serializers import policies as shapes


def _policy(request: Request, pk: UUID) -> Policy:
    return get_object_or_404(Policy.objects.visible_to(request.user), pk=pk)


def _body(given: dict[str, Any]) -> Any:
    if ("document" in given) == ("yaml" in given):
        raise InvalidInput(_("Send the policy either as “document” or as “yaml”."), code="policy_body")
    return given["document"] if "document" in given else loaded(given["yaml"])


class Policies(ApiView):
    write_scope = "govern"
    queries = {"name", "state"}

    @extend_schema(
        tags=["governance"],
        parameters=[
            OpenApiParameter("name", str, description="Only the numbers of the policy with exactly this name."),
            OpenApiParameter("state", str, enum=Policy.State.values, description="Published ones, if not given."),
        ],
        responses=shapes.PolicyOutput(many=True),
        operation_id="policies_list",
    )
    def get(self, request: Request) -> Response:
        """The policies in a state, newest first; `?name=` finds the numbers of one. Drafts are seen by those who write them."""
        state = request.query_params.get("state", Policy.State.PUBLISHED)
        if state not in Policy.State.values:
            raise InvalidInput(_("The state is one of %(names)s.") % {"names": ", ".join(Policy.State.values)}, code="state")
        rows = Policy.objects.visible_to(request.user).filter(state=state)
        if name := request.query_params.get("name"):
            rows = rows.filter(name=name)
        return self.page(rows, shapes.PolicyOutput, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.PolicyInput,
        responses={201: shapes.PolicyOutput},
        operation_id="policies_draft",
    )
    def post(self, request: Request) -> Response:
        """Draft a policy from a document or from YAML; it is in force for nobody before another person publishes it."""
        made = services.draft_policy(by=request.user, body=_body(self.bind(shapes.PolicyInput, request)))
        return Response(shapes.PolicyOutput(made).data, status=201)


class PolicyDetail(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.PolicyOutput, operation_id="policies_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One policy with its whole document."""
        return Response(shapes.PolicyOutput(_policy(request, pk)).data)

    @extend_schema(
        tags=["governance"], request=shapes.PolicyChange, responses=shapes.PolicyOutput, operation_id="policies_revise"
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Replace what a draft says; whoever does so does not publish it."""
        given = self.bind(shapes.PolicyChange, request)
        seen = given.pop("seen", "")
        revised = services.revise_policy(_policy(request, pk), by=request.user, body=_body(given), seen=seen)
        return Response(shapes.PolicyOutput(revised).data)


class PolicyAsYaml(ApiView):
    @extend_schema(
        tags=["governance"],
        responses={(200, "application/yaml"): OpenApiTypes.OBJECT},
        operation_id="policies_yaml",
    )
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """The document as YAML, as it can be sent back as a draft."""
        return HttpResponse(written(_policy(request, pk).document), content_type="application/yaml; charset=utf-8")


class PolicyEnvelope(ApiView):
    @extend_schema(
        tags=["governance"],
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="A DSSE envelope with an in-toto Statement.")},
        operation_id="policies_envelope",
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """The signed statement of its publication; policies that were installed with the software have none."""
        policy = _policy(request, pk)
        if policy.envelope is None:
            raise Missing(_("Nobody signed %(policy)s: it is a draft, or came with the software.") % {"policy": policy})
        return Response(policy.envelope)


class PolicyWithdrawal(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=None, responses=shapes.PolicyOutput, operation_id="policies_withdraw")
    def post(self, request: Request, pk: UUID) -> Response:
        """Take a draft back; what it said is kept."""
        return Response(shapes.PolicyOutput(services.withdraw_policy(_policy(request, pk), by=request.user)).data)


class PolicyPublication(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=shapes.PublicationInput, responses=shapes.PolicyOutput, operation_id="policies_publish"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Put a draft in force, with fresh proof of who you are; whoever drafted or edited it may not."""
        given = self.bind(shapes.PublicationInput, request)
        return Response(shapes.PolicyOutput(services.publish_policy(_policy(request, pk), by=request.user, **given)).data)


class PolicyDryRun(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.DryRunOutput, operation_id="policies_dry_run")
    def get(self, request: Request, pk: UUID) -> Response:
        """Which approved versions and live releases would fall out under this policy, and why."""
        policy = _policy(request, pk)
        can_write_policies(request.user).enforce()
        return Response(shapes.DryRunOutput(shapes.shortened(dry_run(policy.document))).data)

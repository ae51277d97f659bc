"""People, teams, roles and keys over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import ApiKey, Membership, Person, Team
from accounts.permissions import can_list_people
from accounts.roles import Role, Scope
from accounts.visibility import keys_visible_to, people_visible_to, teams_listed_for, teams_visible_to
from core.api import ApiView, ByKey
from core.errors import InvalidInput


class TeamOutput(serializers.ModelSerializer):
    class Meta:
        model = Team
        fields = ["id", "slug", "name"]


class HeldRole(serializers.ModelSerializer):
    role = serializers.ChoiceField(choices=Role.choices)
    team = TeamOutput(allow_null=True, help_text="Null: the role is held everywhere.")

    class Meta:
        model = Membership
        fields = ["role", "team"]


class PersonOutput(serializers.ModelSerializer):
    roles = HeldRole(many=True, source="memberships")

    class Meta:
        model = Person
        fields = ["id", "name", "email", "time_zone", "is_active", "created_at", "roles"]


class KeyOutput(serializers.ModelSerializer):
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))

    class Meta:
        model = ApiKey
        fields = ["id", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]


class RoleInput(serializers.Serializer):
    role = serializers.ChoiceField(choices=Role.choices)
    team = serializers.UUIDField(required=False, allow_null=True, default=None, help_text="Null: everywhere.")


def team_named(pk: UUID | None, request: Request) -> Team | None:
    """The team of that id within the caller's sight; a team that they may not know of does not exist for them."""
    if pk is None:
        return None
    team = teams_listed_for(request.user).filter(pk=pk).first()
    if team is None:
        raise InvalidInput(_("There is no such team, or you may not see it. List the teams to find its id."), field="team")
    return team


class Me(ApiView):
    """Who is calling."""

    @extend_schema_serializer(component_name="Me")
    class Output(serializers.ModelSerializer):
        roles = HeldRole(many=True, source="memberships")
        teams = serializers.SerializerMethodField(help_text="The teams whose models and data you see.")
        key = serializers.SerializerMethodField(help_text="The key of this request; null when you are signed in.")

        class Meta:
            model = Person
            fields = ["id", "name", "email", "time_zone", "roles", "teams", "key"]

        @extend_schema_field(TeamOutput(many=True))
        def get_teams(self, person: Person) -> Any:
            return TeamOutput(teams_visible_to(person).order_by("slug"), many=True).data

        @extend_schema_field(KeyOutput(allow_null=True))
        def get_key(self, person: Person) -> Any:
            key = self.context["request"].auth
            return KeyOutput(key).data if isinstance(key, ApiKey) else None

    @extend_schema(operation_id="me", summary="Who am I", responses=Output, tags=["accounts"])
    def get(self, request: Request) -> Response:
        """The person, their roles and teams, and the scopes of the key that was used."""
        me = Person.objects.prefetch_related("memberships__team").get(pk=request.user.pk)
        return Response(self.Output(me, context={"request": request}).data)


class People(ApiView):
    """Everybody who has an account."""

    required_scope = write_scope = Scope.ADMINISTER
    pagination_class = ByKey  # tells the OpenAPI description that the list comes in pages

    @extend_schema_serializer(component_name="PersonInput")
    class Input(serializers.Serializer):
        email = serializers.EmailField(max_length=254)
        name = serializers.CharField(max_length=200)
        password = serializers.CharField(
            max_length=128, required=False, default="", trim_whitespace=False, style={"input_type": "password"}
        )
        time_zone = serializers.CharField(max_length=64, required=False, default="UTC")

    @extend_schema(operation_id="people_list", summary="List people", responses=PersonOutput(many=True), tags=["accounts"])
    def get(self, request: Request) -> Response:
        """All people with their roles, newest first. For administrators."""
        can_list_people(request.user).enforce()
        people = people_visible_to(request.user).prefetch_related("memberships__team")
        return self.page(people, PersonOutput, request)

    @extend_schema(
        operation_id="people_create", summary="Make a person", request=Input, responses={201: PersonOutput}, tags=["accounts"]
    )
    def post(self, request: Request) -> Response:
        """A new person without roles; without a password they cannot sign in yet. For administrators."""
        person = services.make_person(by=request.user, **self.bind(self.Input, request))
        return Response(PersonOutput(person).data, status=201)


class Roles(ApiView):
    """The roles of one person."""

    required_scope = write_scope = Scope.ADMINISTER
    queries = {"role", "team"}

    @extend_schema(
        operation_id="roles_grant", summary="Grant a role", request=RoleInput, responses={201: HeldRole}, tags=["accounts"]
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """The person holds the role in the team, or everywhere. Nobody is an administrator and a signer at once."""
        person = get_object_or_404(people_visible_to(request.user), pk=pk)
        asked = self.bind(RoleInput, request)
        team = team_named(asked["team"], request)
        held = services.grant_role(person, by=request.user, role=asked["role"], team=team)
        return Response(HeldRole(held).data, status=201)

    @extend_schema(
        operation_id="roles_revoke",
        summary="Revoke a role",
        parameters=[
            OpenApiParameter("role", str, required=True, enum=Role.values),
            OpenApiParameter("team", UUID, description="Left out: the role that is held everywhere."),
        ],
        request=None,
        responses={204: None},
        tags=["accounts"],
    )
    def delete(self, request: Request, pk: UUID) -> Response:
        """The person no longer holds the role there. What they signed stays signed."""
        person = get_object_or_404(people_visible_to(request.user), pk=pk)
        asked = RoleInput(data={name: request.query_params[name] for name in ("role", "team") if name in request.query_params})
        asked.is_valid(raise_exception=True)
        team = team_named(asked.validated_data["team"], request)
        services.revoke_role(person, by=request.user, role=asked.validated_data["role"], team=team)
        return Response(status=204)


class Teams(ApiView):
    """The teams that own models and data."""

    write_scope = Scope.ADMINISTER
    pagination_class = ByKey

    @extend_schema_serializer(component_name="TeamInput")
    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=200)
        slug = serializers.SlugField(max_length=60, required=False, default="", allow_blank=True)

    @extend_schema(operation_id="teams_list", summary="List teams", responses=TeamOutput(many=True), tags=["accounts"])
    def get(self, request: Request) -> Response:
        """The teams that you may know of, newest first."""
        return self.page(teams_listed_for(request.user), TeamOutput, request)

    @extend_schema(
        operation_id="teams_create", summary="Make a team", request=Input, responses={201: TeamOutput}, tags=["accounts"]
    )
    def post(self, request: Request) -> Response:
        """A new team without people. For administrators."""
        team = services.make_team(by=request.user, **self.bind(self.Input, request))
        return Response(TeamOutput(team).data, status=201)


class Keys(ApiView):
    """The keys that act for you."""

    write_scope = Scope.ADMINISTER
    pagination_class = ByKey

    @extend_schema_serializer(component_name="KeyInput")
    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=100)
        scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), min_length=1, max_length=10)
        expires_at = serializers.DateTimeField(help_text="At most 366 days ahead.")

    @extend_schema_serializer(component_name="KeyMade")
    class Made(KeyOutput):
        text = serializers.CharField(help_text="The key itself. It is shown this once and kept nowhere.")

        class Meta(KeyOutput.Meta):
            fields = [*KeyOutput.Meta.fields, "text"]

    @extend_schema(operation_id="keys_list", summary="List my keys", responses=KeyOutput(many=True), tags=["accounts"])
    def get(self, request: Request) -> Response:
        """Your own keys, newest first, the revoked and expired ones too."""
        return self.page(ApiKey.objects.filter(person=request.user), KeyOutput, request)

    @extend_schema(operation_id="keys_create", summary="Make a key", request=Input, responses={201: Made}, tags=["accounts"])
    def post(self, request: Request) -> Response:
        """A key that acts for you. Asked for with a key, the new one can do no more and lives no longer than that one."""
        through = request.auth if isinstance(request.auth, ApiKey) else None
        asked = self.bind(self.Input, request)
        key, text = services.make_key(request.user, by=request.user, through=through, **asked)
        return Response({**KeyOutput(key).data, "text": text}, status=201)


class Key(ApiView):
    """One key."""

    write_scope = Scope.ADMINISTER

    @extend_schema(operation_id="keys_revoke", summary="Revoke a key", request=None, responses={204: None}, tags=["accounts"])
    def delete(self, request: Request, pk: UUID) -> Response:
        """The key opens nothing any more. For its owner, or an administrator."""
        services.revoke_key(get_object_or_404(keys_visible_to(request.user), pk=pk), by=request.user)
        return Response(status=204)

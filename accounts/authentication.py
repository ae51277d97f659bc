"""Keys of the API: `Authorization: Bearer cs_<prefix>_<secret>`, and what their scopes allow."""

from __future__ import annotations

import hmac
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS

from accounts import services
from accounts.keyhash import digest_of
from accounts.models import ApiKey, Person
from accounts.permissions import can_use
from accounts.roles import Scope
from accounts.sources import source_of
from core.clock import now
from core.decisions import Decision

if TYPE_CHECKING:  # REST framework's views import this module
    from rest_framework.request import Request
    from rest_framework.views import APIView

_KEY = re.compile(r"cs_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_SEEN_EVERY = timedelta(minutes=1)  # `last_used_at` is a hint for the owner; written with each request it would cost a row lock


class KeyAuthentication(BaseAuthentication):
    """`request.user` is the key's owner and `request.auth` the key, while both may act and the scope suffices."""

    def key_in(self, request: Request) -> str | None:
        """The text that stands where a key belongs, whether or not it is one; None where nothing stands there."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        return words[1].decode("latin-1") if len(words) == 2 else ""

    def authenticate(self, request: Request) -> tuple[Person, ApiKey] | None:
        text = self.key_in(request)
        if text is None:
            return None
        key = _opened_by(text)
        if key is None:
            services.note_refused_key(source=source_of(request))
            # One sentence for all that can be wrong: unknown, revoked, expired and mistyped keys are not told apart.
            raise AuthenticationFailed(_("This key opens nothing: it is unknown, expired or revoked. Make a new one."))
        if view := (request.parser_context or {}).get("view"):
            # Here and not in a permission class, because a view that lists its own permissions would forget it.
            scope_needed(key, request, view).enforce()
        if key.last_used_at is None or key.last_used_at < now() - _SEEN_EVERY:
            due = Q(last_used_at=None) | Q(last_used_at__lt=now() - _SEEN_EVERY)
            ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now())
        return key.person, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Countersign"'


def _opened_by(text: str) -> ApiKey | None:
    given = _KEY.fullmatch(text)
    if given is None:
        return None
    key = ApiKey.objects.usable().select_related("person").filter(prefix=given[1]).first()
    return key if key is not None and hmac.compare_digest(key.secret_hash, digest_of(given[2])) else None


def scope_needed(key: ApiKey, request: Request, view: APIView) -> Decision:
    """A view names its scopes: `required_scope` for reading (else `read`), `write_scope` for the rest (else no key may)."""
    if request.method in SAFE_METHODS:
        return can_use(key, getattr(view, "required_scope", Scope.READ))
    return can_use(key, getattr(view, "write_scope", None))

"""How django-allauth behaves here: nobody makes an account by themselves, and second factors are kept encrypted."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from accounts.counting import add_one, counted
from accounts.sources import source_of

# Failed sign-ins of one account in an hour, from everywhere together: too few to guess a password of twelve characters, and
# more than a stranger reaches, who would lock its owner out, without very many addresses.
FAILURES_OF_ACCOUNT = 500
HOUR = 3600  # seconds


class ClosedAdapter(DefaultAccountAdapter):
    """People are made by an administrator (or the command line); there is no public sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Five failures are counted for an account from one source. allauth counts them for the account and the Host header:
        whoever varies its port is never counted, and whoever does not locks others out of their accounts."""
        return f"{source_of(request)}:{_account(credentials)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse before anything is weighed, once the source or the account had too many failures."""
        super().pre_authenticate(request, **credentials)
        with counted():
            failures = cache.get(_account(credentials), 0)
        if failures >= FAILURES_OF_ACCOUNT:
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the failure for the account, wherever it came from."""
        add_one(_account(credentials), seconds=HOUR)
        super().authentication_failed(request, **credentials)


def _account(credentials: Mapping[str, Any]) -> str:
    """A name for the account that was named, which says nothing to whoever reads the cache."""
    named = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    keyed = hmac.new(settings.SECRET_KEY.encode(), b"countersign/sign-in/v1\n" + named.encode(), hashlib.sha256)
    return f"accounts:sign_in:account:{keyed.hexdigest()[:32]}"


class SecondFactors(DefaultMFAAdapter):
    """Secrets of second factors lie encrypted in the database: whoever copies it cannot make codes, so cannot sign.

    The key comes from SECRET_KEY, which lies outside the database. Whoever changes it has everybody enrol anew.
    """

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> Fernet:
    key = hashlib.sha256(b"countersign/second-factors/v1\n" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Event types must be known before the first act; the receivers are the house's only ones.
        from accounts import events, finding, openapi, receivers  # noqa: F401 - their loading registers them
        from core.searching import Finder, finders

        finders.register("people", Finder(_("People"), finding.people), order=50)

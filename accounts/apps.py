from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Event types must be known before the first act; the receivers are the house's only ones.
        from accounts import events, openapi, receivers  # noqa: F401 - their loading registers them

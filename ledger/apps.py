from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LedgerConfig(AppConfig):
    name = "ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ledger import installation, leases

        leases.declare_job_events()
        # Django's own hook for what every database must hold, also after the flush of a test.
        post_migrate.connect(installation.after_migrate, sender=self, dispatch_uid="ledger.installation")

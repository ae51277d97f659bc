from django.apps import AppConfig


class DataRegistryConfig(AppConfig):
    name = "data_registry"
    default_auto_field = "django.db.models.BigAutoField"

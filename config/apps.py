from django.apps import AppConfig


class CountersignConfig(AppConfig):
    name = "config"
    verbose_name = "Countersign"

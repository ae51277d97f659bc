"""The only place that sees everything: settings, addresses, Celery, the supervisor of private services, the demo."""

from config.celery import app as celery_app

__all__ = ["celery_app"]

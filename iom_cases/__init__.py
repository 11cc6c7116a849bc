"""The Django project: settings, URLs, middleware, the admin site. Loads the Celery application."""

from iom_cases.celery import app as celery_app

__all__ = ["celery_app"]

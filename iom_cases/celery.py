"""The Celery application: `celery -A iom_cases worker` and `… beat`."""

from celery import Celery
from celery.signals import setup_logging

from iom_cases import environment

environment.prepare()
app = Celery("iom_cases")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_lines(**kwargs: object) -> None:
    """Keep Celery from setting up its own logging, which would print the values in errors (core/logs.py)."""

"""The Celery application: `celery -A iom_cases worker` and `… beat`."""

from celery import Celery

from iom_cases import environment

environment.prepare()
app = Celery("iom_cases")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

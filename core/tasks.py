"""Celery tasks of the core app."""

from celery import shared_task

from core import outbox


@shared_task
def deliver_outbox() -> dict[str, int]:
    """Send waiting mail. Safe to run twice, and in parallel."""
    return outbox.deliver()

"""Background work of the ground floor."""

from celery import shared_task

from core import outbox


@shared_task
def deliver_outbox() -> dict[str, int]:
    """Send the mail that waits. Safe to run twice, and beside itself."""
    return outbox.deliver()

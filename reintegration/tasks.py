"""Background work on follow-ups."""

from celery import shared_task

from core import outbox
from core.clock import now
from reintegration import operations


@shared_task
def send_due_reminders() -> dict[str, int]:
    """One sweep, and the mail that it wrote. Safe to run twice, and beside itself."""
    figures = operations.send_due_reminders(now=now())
    return figures | {f"mail_{name}": count for name, count in outbox.deliver().items()}

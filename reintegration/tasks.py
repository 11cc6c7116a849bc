"""Background tasks of follow-ups."""

from celery import shared_task

from core import outbox
from core.clock import now
from reintegration.operations import reminder


@shared_task
def send_due_reminders() -> dict[str, int]:
    """Send due reminders and deliver the mail. Safe to run twice and concurrently."""
    counts = reminder.send_due_reminders(now=now())
    return counts | {f"mail_{name}": count for name, count in outbox.deliver().items()}

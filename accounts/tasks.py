"""Background work on access."""

from celery import shared_task

from accounts import operations
from core.clock import now


@shared_task
def take_due_effects() -> dict[str, int]:
    """Bring approved access into effect when its day is over. Safe to run twice, and beside itself."""
    return {"given": operations.take_due_effects(now=now())}

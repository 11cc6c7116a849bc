"""Background work on cases."""

from celery import shared_task

from beneficiaries import operations
from core.clock import now


@shared_task
def watch_reading() -> dict[str, int]:
    """Look at the last hour's reading, and tell supervisors of what is unusual. Safe to run twice."""
    return {"told": operations.tell_of_unusual_reading(now=now())}

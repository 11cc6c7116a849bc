"""Background work on cases."""

from celery import shared_task

from beneficiaries import operations
from core.clock import now


@shared_task
def watch_reading() -> dict[str, int]:
    """Look at the last hour's reading, and tell supervisors of what is unusual. Safe to run twice."""
    return {"told": operations.tell_of_unusual_reading(now=now())}


@shared_task
def scan_waiting() -> dict[str, int]:
    """Have files scanned that came while the scanner was down. Safe to run twice, and beside itself."""
    return operations.scan_waiting()


@shared_task
def sweep_files() -> dict[str, int]:
    """Throw away files that no row names. Safe to run twice."""
    return {"thrown_away": operations.sweep_files(now=now())}

"""Background work on cases."""

from celery import shared_task

from beneficiaries import operations
from core.clock import now

EXPORTS_A_SWEEP = 10  # of 20,000 rows each they stay within the time that a task has


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


@shared_task
def write_exports() -> dict[str, int]:
    """Write the lists that wait, one by one. Safe to run twice, and beside itself."""
    written = 0
    while written < EXPORTS_A_SWEEP and operations.write_next_export(now=now()):
        written += 1
    return {"written": written}


@shared_task
def expire_exports() -> dict[str, int]:
    """Destroy the files whose day is over. Safe to run twice, and beside itself."""
    ended = 0
    while operations.expire_next_export(now=now()):
        ended += 1
    return {"ended": ended}


@shared_task
def sweep_drafts() -> dict[str, int]:
    """Notify of interviews that end soon, and delete those whose time is over. Safe to run twice, and beside itself."""
    return {
        "deleted": operations.delete_expired_drafts(now=now()),
        "warned": operations.warn_of_drafts(now=now()),
    }


@shared_task
def notify_of_cases_of_nobody() -> dict[str, int]:
    """Tell supervisors of open cases that nobody works on, once a day. Safe to run twice."""
    return {"told": operations.notify_of_cases_of_nobody(now=now())}

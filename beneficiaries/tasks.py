"""Background work on cases."""

from celery import shared_task

from beneficiaries.operations import assignment, document
from beneficiaries.operations.draft import delete_expired_drafts, warn_of_drafts
from beneficiaries.operations.export import expire_next_export, write_next_export
from beneficiaries.operations.reading import notify_of_unusual_reading
from core.clock import now

EXPORTS_A_SWEEP = 10  # with 20,000 rows each, the task still ends within its time limit


@shared_task
def watch_reading() -> dict[str, int]:
    """Notify supervisors of unusual reading in the last hour. Safe to run twice."""
    return {"notified": notify_of_unusual_reading(now=now())}


@shared_task
def scan_waiting() -> dict[str, int]:
    """Scan files that were uploaded while the scanner was down. Safe to run twice and concurrently."""
    return document.scan_waiting()


@shared_task
def sweep_files() -> dict[str, int]:
    """Delete files that no row refers to. Safe to run twice."""
    return {"deleted": document.sweep_files(now=now())}


@shared_task
def write_exports() -> dict[str, int]:
    """Write the exports that wait, one after the other. Safe to run twice and concurrently."""
    written = 0
    while written < EXPORTS_A_SWEEP and write_next_export(now=now()):
        written += 1
    return {"written": written}


@shared_task
def expire_exports() -> dict[str, int]:
    """Delete the files of exports that have expired. Safe to run twice and concurrently."""
    ended = 0
    while expire_next_export(now=now()):
        ended += 1
    return {"ended": ended}


@shared_task
def sweep_drafts() -> dict[str, int]:
    """Notify of interviews that end soon, and delete expired ones. Safe to run twice and concurrently."""
    return {
        "deleted": delete_expired_drafts(now=now()),
        "warned": warn_of_drafts(now=now()),
    }


@shared_task
def notify_of_cases_without_caseworker() -> dict[str, int]:
    """Notify supervisors of open cases without a caseworker, once a day. Safe to run twice."""
    return {"notified": assignment.notify_of_cases_without_caseworker(now=now())}

"""Celery tasks of the accounts app."""

from celery import shared_task

from accounts import operations
from core.clock import now


@shared_task
def take_due_effects() -> dict[str, int]:
    """Carry out approved requests that are due. Safe to run twice, and in parallel."""
    return {"given": operations.take_due_effects(now=now())}

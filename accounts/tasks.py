"""Celery tasks of the accounts app."""

from celery import shared_task

from accounts.operations import access, password
from core import outbox
from core.clock import now


@shared_task
def mail_resets() -> dict[str, int]:
    """Mail the links for another password that were asked for. Safe to run twice, and in parallel."""
    return {"asked": password.mail_resets(now=now())} | outbox.deliver()


@shared_task
def take_due_effects() -> dict[str, int]:
    """Carry out approved requests that are due. Safe to run twice, and in parallel."""
    return {"given": access.take_due_effects(now=now())}

"""Assignments of caseworkers."""

from accounts.models import User
from beneficiaries.models import Case
from beneficiaries.operations.assignment import reassign_cases
from core.clock import now


def reassigned(case: Case, caseworker: User, by, note: str = "She prefers to speak Tamang.") -> None:
    """Give the case another caseworker."""
    reassign_cases(cases=[case], caseworker=caseworker, note=note, by=by, now=now())

"""Interviews that aren't finished."""

from beneficiaries.models import IntakeDraft
from beneficiaries.operations.draft import start_draft
from beneficiaries.operations.intake import ConsentGiven
from core.clock import now
from tests.factories.access import organisation


def a_draft(by, code: str = "NGO_A", *, reason: str = "") -> IntakeDraft:
    """Start a first interview."""
    consent = ConsentGiven(given_by="self", how="spoken", reason=reason)
    return start_draft(organisation=organisation(code), consent=consent, by=by, now=now())

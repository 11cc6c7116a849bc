"""Exports."""

from beneficiaries.models import Export
from beneficiaries.operations.export import ask_export
from core.clock import now
from tests.factories.access import organisation


def asked_export(by, code: str = "NGO_A", *, kind: str = "cases", at=None, **filters: str) -> Export:
    """Ask for an export."""
    return ask_export(
        kind=kind,
        organisation=organisation(code),
        filters=filters,
        reason="For the yearly meeting.",
        by=by,
        now=at or now(),
    )

"""Database constraints in errors."""

from django.db import IntegrityError


def violated(error: IntegrityError) -> str:
    """Return the name of the constraint that was violated; "" if PostgreSQL gave none."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""

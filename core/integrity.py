"""Which named constraint the database refused by."""

from django.db import IntegrityError


def violated(error: IntegrityError) -> str:
    """The constraint's name; "" where PostgreSQL named none."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""

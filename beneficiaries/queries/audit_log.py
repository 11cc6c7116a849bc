"""References of cases, for the pages of the audit log."""

from uuid import UUID

from django.db import connection

from core import reference


def references_in_log(case_ids: set[UUID]) -> dict[UUID, str]:
    """Return the references of these cases by id, for an auditor, who can't read cases; else an empty dict."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, reference FROM access.references_in_log(%s::uuid[])", [list(case_ids)])
        return dict(cursor.fetchall())


def case_in_log(typed: str) -> UUID | None:
    """Return the id of the case with this reference, for an auditor; None for anybody else."""
    wanted = reference.tidy(typed)
    if wanted is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.case_in_log(%s)", [wanted])
        return cursor.fetchone()[0]

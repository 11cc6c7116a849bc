"""Who may move a grant, and when follow-ups fall due: tables and pure functions."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _lazy

from accounts.choices import Permission
from reintegration.choices import GrantState

BEFORE_APPROVAL = _lazy("The date is before the grant was approved.")
BEFORE_PAYMENT = _lazy("The date is before the first instalment was paid.")


@dataclass(frozen=True)
class Move:
    """From which states a deed leads to which one, and the permission it takes."""

    sources: tuple[str, ...]
    target: str
    permission: str


# The whole path of a grant. Refusing is the right of whoever is asked next. The last step is made by paying.
MOVES: dict[str, Move] = {
    "endorse": Move((GrantState.REQUESTED,), GrantState.ENDORSED, Permission.ENDORSE_GRANTS),
    "approve": Move((GrantState.ENDORSED,), GrantState.APPROVED, Permission.APPROVE_GRANTS),
    "refuse_request": Move((GrantState.REQUESTED,), GrantState.REFUSED, Permission.ENDORSE_GRANTS),
    "refuse_endorsed": Move((GrantState.ENDORSED,), GrantState.REFUSED, Permission.APPROVE_GRANTS),
    "pay": Move((GrantState.APPROVED,), GrantState.APPROVED, Permission.PAY_GRANTS),
}


def moves_for(
    *, state: str, permissions: frozenset[str], person: UUID, involved: dict[str, UUID | None]
) -> list[str]:
    """Deeds open to this person on a grant in this state.

    `involved` names who asked (`requested`), endorsed (`endorsed`) and approved (`approved`): nobody endorses or
    approves what they asked for, approves what they endorsed, or pays what they asked for or approved.
    """
    barred = {
        "endorse": ("requested",),
        "approve": ("requested", "endorsed"),
        "pay": ("requested", "approved"),
    }
    return [
        name
        for name, move in MOVES.items()
        if state in move.sources
        and move.permission in permissions
        and person not in {involved.get(part) for part in barred.get(name, ())}
    ]


def due_dates(intervals: list[tuple[str, int]], start: date) -> list[tuple[str, date]]:
    """Each interval's code with the day it falls due, counted in days from `start`."""
    return [(code, start + timedelta(days=after)) for code, after in intervals]

"""Who may do what with a grant, and when follow-ups are due: tables and pure functions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy

from accounts.choices import Permission
from reintegration.choices import FollowUpOutcome, GrantState

BEFORE_APPROVAL = gettext_lazy("The date is before the grant was approved.")
BEFORE_PAYMENT = gettext_lazy("The date is before the first instalment was paid.")


@dataclass(frozen=True)
class Action:
    """The states from which an action starts, the state to which it leads, and the permission that it needs."""

    sources: tuple[str, ...]
    target: str
    permission: str | None  # None: for a user who was involved, see ONLY


# How often a grant is requested for one plan in 24 hours: each time users of the managing organisation get notices.
REQUESTED_A_DAY = 5
# The workflow of a grant. Who decides next can refuse. A grant that is fully paid becomes PAID.
ACTIONS: dict[str, Action] = {
    "endorse": Action((GrantState.REQUESTED,), GrantState.ENDORSED, Permission.ENDORSE_GRANTS),
    "approve": Action((GrantState.ENDORSED,), GrantState.APPROVED, Permission.APPROVE_GRANTS),
    "refuse_request": Action((GrantState.REQUESTED,), GrantState.REFUSED, Permission.ENDORSE_GRANTS),
    "refuse_endorsed": Action((GrantState.ENDORSED,), GrantState.REFUSED, Permission.APPROVE_GRANTS),
    "pay": Action((GrantState.APPROVED,), GrantState.APPROVED, Permission.PAY_GRANTS),
    "withdraw": Action((GrantState.REQUESTED, GrantState.ENDORSED), GrantState.WITHDRAWN, None),
}
# Actions only for the user who was involved in this part.
ONLY = {"withdraw": "requested"}
# States of a grant that ended unpaid: another one can be requested for its plan.
ENDED_UNPAID = (GrantState.REFUSED, GrantState.WITHDRAWN)


def actions_for(
    *, state: str, permissions: frozenset[str], user_id: UUID, involved: dict[str, UUID | None]
) -> list[str]:
    """Return the actions that this user may do on a grant in this state.

    `involved` has the ids of who requested, endorsed and approved: nobody endorses or approves what they requested,
    approves what they endorsed, or pays what they requested or approved.
    """
    barred = {
        "endorse": ("requested",),
        "approve": ("requested", "endorsed"),
        "pay": ("requested", "approved"),
    }
    return [
        name
        for name, action in ACTIONS.items()
        if state in action.sources
        and (action.permission in permissions or (name in ONLY and user_id == involved.get(ONLY[name])))
        and user_id not in {involved.get(part) for part in barred.get(name, ())}
    ]


def waits_for(actions: list[str]) -> bool:
    """Return whether a grant with these actions waits for the user, who can do more than withdraw it."""
    return any(name != "withdraw" for name in actions)


# A visit is early if it is more than so many days early, or more than this part of its interval (a fifth).
EARLY_DAYS, EARLY_PART = 30, 5
# After how many days the next attempt follows: normally, and at a high risk.
AGAIN_AFTER: dict[str, tuple[int, int]] = {
    FollowUpOutcome.NOT_FOUND: (7, 1),
    FollowUpOutcome.DECLINED: (30, 3),
}
ATTEMPTS = 3  # supervisors are notified from the third attempt that found nobody, whatever the risk


def is_early(*, due_on: date, counted_from: date | None, done_on: date) -> bool:
    """Return whether a visit was so long before its due day that it may be another one."""
    early = (due_on - done_on).days
    interval = (due_on - counted_from).days if counted_from else EARLY_DAYS * EARLY_PART
    return early > EARLY_DAYS or early * EARLY_PART > interval


def next_attempt_on(
    *, outcome: str, is_high_risk: bool, declined_before: bool, due_on: date, today: date
) -> date | None:
    """Return the day of the next attempt; None where the beneficiary was seen, or declined twice.

    At a high risk there is always a next attempt, and soon: somebody else may be speaking for the beneficiary.
    Otherwise it isn't before the day on which the visit is due.
    """
    if outcome == FollowUpOutcome.SEEN:
        return None
    days, days_at_high_risk = AGAIN_AFTER[outcome]
    if is_high_risk:
        return today + timedelta(days=days_at_high_risk)
    if outcome == FollowUpOutcome.DECLINED and declined_before:
        return None
    return max(today + timedelta(days=days), due_on)


def notifies_supervisors(*, outcome: str, is_high_risk: bool, attempt: int) -> bool:
    """Return whether supervisors are notified of a failed attempt.

    At a high risk of each; otherwise of the third attempt that found nobody, and later ones.
    """
    if outcome == FollowUpOutcome.SEEN:
        return False
    return is_high_risk or (outcome == FollowUpOutcome.NOT_FOUND and attempt >= ATTEMPTS)


def due_dates(intervals: list[tuple[str, int]], start: date) -> list[tuple[str, date]]:
    """Return the code of each interval (code, days) with the day on which it is due, counted from `start`."""
    return [(code, start + timedelta(days=after)) for code, after in intervals]


def contains_name(text: str, names: Iterable[str]) -> bool:
    """Return whether a text contains a part of these names as a whole word; parts of one or two letters don't count."""
    words = set(re.findall(r"[^\W\d_](?:[^\W\d_]|[\u0900-\u097f])*", text.casefold()))
    return any(part in words for name in names for part in name.casefold().split() if len(part) > 2)


def contains_number(text: str) -> bool:
    """Return whether a text contains seven or more digits, apart from blanks and dashes: a telephone or ID number."""
    return re.search(r"\d(?:[ -]?\d){6,}", text) is not None

"""Who may action a grant, and when follow-ups fall due: tables and pure functions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _lazy

from accounts.choices import Permission
from reintegration.choices import FollowUpOutcome, GrantState

BEFORE_APPROVAL = _lazy("The date is before the grant was approved.")
BEFORE_PAYMENT = _lazy("The date is before the first instalment was paid.")


@dataclass(frozen=True)
class Action:
    """From which states an action leads to which one, and the permission it takes."""

    sources: tuple[str, ...]
    target: str
    permission: str | None  # None: the right of one who took part, see ONLY


# The whole path of a grant. Refusing is the right of whoever is asked next. The last step is made by paying.
ACTIONS: dict[str, Action] = {
    "endorse": Action((GrantState.REQUESTED,), GrantState.ENDORSED, Permission.ENDORSE_GRANTS),
    "approve": Action((GrantState.ENDORSED,), GrantState.APPROVED, Permission.APPROVE_GRANTS),
    "refuse_request": Action((GrantState.REQUESTED,), GrantState.REFUSED, Permission.ENDORSE_GRANTS),
    "refuse_endorsed": Action((GrantState.ENDORSED,), GrantState.REFUSED, Permission.APPROVE_GRANTS),
    "pay": Action((GrantState.APPROVED,), GrantState.APPROVED, Permission.PAY_GRANTS),
    "withdraw": Action((GrantState.REQUESTED, GrantState.ENDORSED), GrantState.WITHDRAWN, None),
}
# What is done by nobody but who did the part named.
ONLY = {"withdraw": "requested"}
# States in which a grant is over without money: its plan may be asked for anew.
ENDED_UNPAID = (GrantState.REFUSED, GrantState.WITHDRAWN)


def actions_for(
    *, state: str, permissions: frozenset[str], user_id: UUID, involved: dict[str, UUID | None]
) -> list[str]:
    """Actions open to this person on a grant in this state.

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
        for name, action in ACTIONS.items()
        if state in action.sources
        and (action.permission in permissions or (name in ONLY and user_id == involved.get(ONLY[name])))
        and user_id not in {involved.get(part) for part in barred.get(name, ())}
    ]


def waits_for(actions: list[str]) -> bool:
    """Whether a grant with these actions waits for somebody; one that they can only withdraw waits for others."""
    return any(name != "withdraw" for name in actions)


# A visit earlier than this many days, or than this part of its interval, is asked about.
EARLY_DAYS, EARLY_PART = 30, 5
# After how many days somebody who could not be found, or declined, is tried again: otherwise, and at a high risk.
AGAIN_AFTER: dict[str, tuple[int, int]] = {
    FollowUpOutcome.NOT_FOUND: (7, 1),
    FollowUpOutcome.DECLINED: (30, 3),
}
ATTEMPTS = 3  # from so many that found nobody the supervisors hear of it, whatever the risk


def is_early(*, due_on: date, counted_from: date | None, done_on: date) -> bool:
    """Whether a visit was so long before its day that it may be another one."""
    early = (due_on - done_on).days
    interval = (due_on - counted_from).days if counted_from else EARLY_DAYS * EARLY_PART
    return early > EARLY_DAYS or early * EARLY_PART > interval


def next_attempt_on(
    *, outcome: str, is_high_risk: bool, declined_before: bool, due_on: date, today: date
) -> date | None:
    """When the person is tried again; None where they were seen, or declined twice.

    At a high risk there is always a next attempt, and soon: somebody else may be speaking for the person. Otherwise
    not before the day on which the visit is due.
    """
    if outcome == FollowUpOutcome.SEEN:
        return None
    days, days_at_high_risk = AGAIN_AFTER[outcome]
    if is_high_risk:
        return today + timedelta(days=days_at_high_risk)
    if outcome == FollowUpOutcome.DECLINED and declined_before:
        return None
    return max(today + timedelta(days=days), due_on)


def is_told_to_supervisors(*, outcome: str, is_high_risk: bool, attempt: int) -> bool:
    """Whether supervisors hear of an attempt that failed: at a high risk of each, else of the third that found nobody
    and of those after it."""
    if outcome == FollowUpOutcome.SEEN:
        return False
    return is_high_risk or (outcome == FollowUpOutcome.NOT_FOUND and attempt >= ATTEMPTS)


def due_dates(intervals: list[tuple[str, int]], start: date) -> list[tuple[str, date]]:
    """Each interval's code with the day it falls due, counted in days from `start`."""
    return [(code, start + timedelta(days=after)) for code, after in intervals]


def names_somebody(text: str, names: Iterable[str]) -> bool:
    """Whether a text holds a part of one of these names as a word of its own; parts of two letters are none."""
    words = set(re.findall(r"[^\W\d_](?:[^\W\d_]|[\u0900-\u097f])*", text.casefold()))
    return any(part in words for name in names for part in name.casefold().split() if len(part) > 2)


def holds_a_number(text: str) -> bool:
    """Whether a text holds seven digits or more, apart from blanks and dashes: a telephone or identity number."""
    return re.search(r"\d(?:[ -]?\d){6,}", text) is not None

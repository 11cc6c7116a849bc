"""Who read a case."""

from datetime import date
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.queries import names_of_users
from beneficiaries.models import Case, EmergencyOpening


class Reading(NamedTuple):
    """How many pages of a case one user was shown on one day. `why`: see `readers_of`."""

    on_day: date
    name: str
    why: str
    times: int


def readers_of(case: Case, user) -> list[Reading]:
    """Return who was shown the case on which day, newest first; empty for a user who doesn't work on the case.

    `why` is the reason of an emergency opening if there was one that day, else the organisations of the reader.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT on_day, user_id, times FROM access.readers_of_case(%s)", [case.pk])
        found = cursor.fetchall()
    readers = names_of_users({user_id for _day, user_id, _times in found})
    reasons = {
        (timezone.localdate(opening.opened_at), opening.user_id): opening.reason
        for opening in EmergencyOpening.objects.visible_to(user).filter(case=case)
    }
    return [
        Reading(
            day, readers[user_id].name, reasons.get((day, user_id)) or readers[user_id].organisations, times
        )
        for day, user_id, times in found
    ]

"""Limits of dates as database constraints, as far as one row can check them (the rest: `core.days`)."""

from django.db.models import CheckConstraint, F, Q
from django.db.models.functions import TruncDate

from core.days import FIRST


def not_before(name: str, day: str, other: str | None = None) -> CheckConstraint:
    """Return a constraint: `day` isn't before 1900, nor before the day `other` of the same row."""
    earliest = Q(**{f"{day}__gte": FIRST})
    if other:
        earliest &= Q(**{f"{day}__gte": F(other)})
    return CheckConstraint(name=name, condition=Q(**{day: None}) | earliest)


def on_record(name: str, day: str, *, at: str) -> CheckConstraint:
    """Return a constraint: `day` isn't before 1900, nor after the date in Nepal of the timestamp `at`."""
    by_then = Q(**{f"{at}__isnull": False, f"{day}__gte": FIRST, f"{day}__lte": TruncDate(at)})
    return CheckConstraint(name=name, condition=Q(**{day: None}) | by_then)

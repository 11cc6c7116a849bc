"""Notify supervisors of unusual reading of cases."""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.operations.notice import leave_notice
from accounts.queries import supervisors_in
from beneficiaries.rules import UNUSUAL_FROM
from core import audit
from core.context import acting_as, as_nobody

WORDS = {
    "many": gettext_noop("%(name)s opened %(count)s case files within an hour. Ask why."),
    "night": gettext_noop("%(name)s opened %(count)s case files at night. Ask why."),
    "name": gettext_noop(
        "%(name)s opened files of people with the same family name as the user: %(count)s. Ask why."
    ),
}


@transaction.atomic
def notify_of_unusual_reading(*, now: datetime) -> int:
    """Leave a notice with each supervisor, once for a user, kind and day; return how many are new."""
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, organisation, kind, cases FROM access.unusual_reading(%s, %s, %s, %s)",
            [now, UNUSUAL_FROM["many"], UNUSUAL_FROM["night"], UNUSUAL_FROM["name"]],
        )
        found = cursor.fetchall()
    return sum(_notify(*row, now=now) for row in found)


def _notify(user_id: UUID, organisation: UUID, kind: str, count: int, *, now: datetime) -> int:
    reader, notified = User.objects.get(pk=user_id), 0
    for supervisor in supervisors_in(organisation):
        if supervisor == reader:
            continue
        with acting_as(supervisor):
            key = f"reading:{kind}:{now.date()}:{user_id}"
            if supervisor.notices.filter(key=key).exists():
                continue
            leave_notice(
                recipient=supervisor,
                key=key,
                text=WORDS[kind],
                words={"name": reader.name, "count": count},
                url="/accounts/notices/",
                now=now,
            )
            detail = {"user": str(user_id), "kind": kind, "count": count}
            audit.record(by=None, verb="unusual reading told", obj=supervisor, now=now, detail=detail)
            notified += 1
    return notified

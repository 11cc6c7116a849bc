"""Open one case in an emergency."""

from datetime import datetime
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.operations.notice import notify
from accounts.queries import holders
from beneficiaries.models import Case, EmergencyOpening
from core import audit, reference
from core.encrypted_fields import encrypted_columns

SHORTEST_REASON = 20


@transaction.atomic
def break_glass(*, typed: str, reason: str, by, now: datetime) -> Case:
    """Open one case for this user for 60 minutes, and notify its lead organisation at once.

    While an opening of theirs still runs, nothing is added and nobody is notified again.
    `access.break_glass` enforces the rule too, and is the only way to write the access row.
    """
    if not authority_of(by).may(Permission.BREAK_GLASS):
        raise PermissionDenied
    if len(reason.strip()) < SHORTEST_REASON:
        raise ValidationError({"reason": _("Say what the emergency is, in a sentence.")})
    wanted = reference.tidy(typed)
    running = EmergencyOpening.objects.visible_to(by).filter(user=by, until__gt=now, case__reference=wanted)
    if opening := running.select_related("case").first():
        return opening.case
    case_id = _open(wanted, reason) if wanted else None
    if case_id is None:
        raise ValidationError({"reference": _("No case has this reference.")})
    case = Case.objects.visible_to(by).select_related("lead_organisation").get(pk=case_id)
    audit.record(by=by, verb="opened in an emergency", obj=case, case_id=case.pk, now=now)
    opening = EmergencyOpening.objects.visible_to(by).filter(case=case, user=by).latest("opened_at", "id")
    lead = holders(Permission.WRITE_CASES, case.lead_organisation_id)
    notify(
        addresses=dict.fromkeys(lead, f"/cases/{case.reference}/"),
        key=f"emergency:{opening.pk}",
        text=gettext_noop("A protection supervisor opened case %s in an emergency."),
        words=(case.reference,),
        now=now,
    )
    return case


def _open(wanted: str, reason: str) -> UUID | None:
    opening = uuid4()
    encrypted = encrypted_columns(EmergencyOpening, opening, opening, reason=reason.strip())
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.break_glass(%s, %s, %s)", [wanted, opening, encrypted["reason"]])
        return cursor.fetchone()[0]

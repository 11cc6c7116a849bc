"""Emergency openings of a case."""

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from beneficiaries.choices import Level
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.encrypted_fields import EncryptedTextField


class EmergencyOpening(CaseLinked):
    """Who opened a case without consent, when, for how long and why. Written by access.break_glass alone."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    reason = EncryptedTextField(_("why"), max_length=2000)
    opened_at = models.DateTimeField()
    until = models.DateTimeField()

    audit_events = {"opened in an emergency": _("Opened a file in an emergency")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=None,
        update=None,
        delete=None,
        because="shown for ever to those who work on the case; written by a reviewed function",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-opened_at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(name="beneficiaries_emergency_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="beneficiaries_emergency_ends", condition=Q(until__gt=F("opened_at"))
            ),
            ExclusionConstraint(
                name="beneficiaries_emergency_one_at_a_time",
                expressions=[
                    ("case", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    (
                        Func("opened_at", "until", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts this row: itself, as the user has no access to the case's key yet."""
        return self.pk

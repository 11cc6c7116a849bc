"""Opening a file in an emergency: rare, short, told at once, and remembered for ever."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from beneficiaries.models.base import CaseLinked
from core.scoping import Level, Wall
from core.sealing import SealedTextField


class EmergencyOpening(CaseLinked):
    """Who opened the file without consent, when, for how long and why. Written by wall.break_glass alone."""

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    reason = SealedTextField(_("why"), max_length=2000)
    opened_at = models.DateTimeField()
    until = models.DateTimeField()

    wall = Wall(
        read=Level.WORKING,
        insert=None,
        update=None,
        delete=None,
        because="shown on the case for ever to those who work on it; written by a reviewed function",
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
        ]

    @property
    def sealed_under(self) -> uuid.UUID:
        """A key of the opening's own: whoever asks to open a case doesn't know its key yet."""
        return self.pk

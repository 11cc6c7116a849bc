"""The history of caseworkers of a case."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import Level
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.encrypted_fields import EncryptedTextField


class Assignment(CaseLinked):
    """A change of the caseworker, saved with the change itself. `CaseFile.caseworker` is the present one."""

    former = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    caseworker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    note = EncryptedTextField(_("note"), max_length=2000, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    audit_events = {
        "case reassigned": _("Changed the caseworker of a case"),
        "cases of nobody told": _("Notified a supervisor of cases that nobody works on"),
    }
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.LEAD,
        update=None,
        delete=None,
        because="all who work on the case know its caseworker; only the lead changes the caseworker",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(
                name="beneficiaries_assignment_to_another", condition=~Q(caseworker=F("former"))
            ),
        ]

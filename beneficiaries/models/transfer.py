"""Transfer of a case to another organisation: offer and answer."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from beneficiaries.choices import Level, TransferState
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked, CaseLinkedQuerySet
from beneficiaries.models.consent import Consent
from core.encrypted_fields import EncryptedTextField


class CaseTransferQuerySet(CaseLinkedQuerySet):
    """Scope of transfer offers."""

    def running(self):
        """Return offers without an answer."""
        return self.filter(state=TransferState.OFFERED)


class CaseTransfer(CaseLinked):
    """An offer of a case by its lead to another organisation. Only reviewed functions end it.

    `consent`: the one that was asked for this offer; it ends with the offer, and with it the receiver's access.
    """

    sender = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    receiver = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    reason = EncryptedTextField(_("why"), max_length=2000)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=TransferState, default=TransferState.OFFERED)
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    offered_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = EncryptedTextField(_("answer"), max_length=2000, blank=True)
    caseworker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    audit_events = {
        "case offered": _("Offered to transfer a case"),
        "transfer refused by the beneficiary": _("Recorded that the person did not agree to a transfer"),
        "offer read": _("Read a transfer offer"),
        "case taken over": _("Took over a case"),
        "case transferred": _("Transferred a case"),
        "case declined": _("Declined a transfer"),
        "case taken_back": _("Withdrew a transfer offer"),
    }
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.LEAD,
        update=None,
        delete=None,
        because="the lead offers, and the receiver reads the file to decide; reviewed functions save the answer",
    )
    objects = CaseTransferQuerySet.as_manager()  # type: ignore[misc]  # Django's way to narrow a manager

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-offered_at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["case"],
                name="beneficiaries_transfer_one_running_a_case",
                condition=Q(state="offered"),
            ),
            models.CheckConstraint(
                name="beneficiaries_transfer_answered_by_somebody",
                condition=(Q(state="offered") & Q(answered_by=None) & Q(answered_at=None))
                | (~Q(state="offered") & ~Q(answered_by=None) & ~Q(answered_at=None)),
            ),
            models.CheckConstraint(
                name="beneficiaries_transfer_accepted_names_caseworker",
                condition=(Q(state="accepted") & ~Q(caseworker=None))
                | (~Q(state="accepted") & Q(caseworker=None)),
            ),
        ]

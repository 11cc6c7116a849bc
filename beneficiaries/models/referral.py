"""Referrals and the items that they share."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from beneficiaries.choices import Level, ReferralState
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.encrypted_fields import EncryptedTextField


class Referral(CaseLinked):
    """A request for one service. The receiver reads this row and its items while it runs and consent is in force."""

    receiver = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    service = models.CharField(_("for which service"), max_length=200)
    reason = EncryptedTextField(_("why"), max_length=2000)
    state = models.CharField(_("state"), max_length=10, choices=ReferralState, default=ReferralState.SENT)
    sent_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = EncryptedTextField(_("answer"), max_length=2000, blank=True)
    version = models.PositiveIntegerField(default=1)

    audit_events = {
        "referral sent": _("Sent a referral"),
        "referral read": _("Read a referral"),
        "referral accepted": _("Accepted a referral"),
        "referral declined": _("Declined a referral"),
        "referral finished": _("Finished a referral"),
    }
    access_policy = CasePolicy(
        read=Level.REFERRAL,
        insert=Level.LEAD,
        update=Level.REFERRAL,
        delete=None,
        because="the receiver sees the referral that was sent to it, and no other",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-sent_at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(
                name="beneficiaries_referral_answered_by_somebody",
                condition=Q(state="sent") | (~Q(answered_by=None) & ~Q(answered_at=None)),
            ),
            models.UniqueConstraint(
                fields=["case", "receiver"],
                name="beneficiaries_referral_one_running_a_receiver",
                condition=Q(state__in=["sent", "accepted"]),
            ),
        ]


# What can be sent with a referral, by the code that the item is stored under; shown in this order.
SHARED_LABELS = {
    "name": _("Name"),
    "name_ne": _("Name in Devanagari"),
    "sex": _("Sex"),
    "birth": _("Date of birth"),
    "safe_contact": _("Safe contact"),
    "phone": _("Telephone"),
    "home_district": _("Home district"),
    "identity": _("Identity documents"),
    "needs": _("Help wanted"),
    "narrative": _("What happened"),
}


class SharedItem(CaseLinked):
    """One item of a referral: a code of `SHARED_LABELS`, and the value when it was sent. Never changed."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="items")
    receiver = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    value = EncryptedTextField(max_length=10000)

    access_policy = CasePolicy(
        read=Level.REFERRAL,
        insert=Level.LEAD,
        update=None,
        delete=None,
        because="never changes after it was sent; the receiver sees what was sent to it",
    )

    @property
    def label(self) -> str:
        """What the item is, in the reader's language."""
        return str(SHARED_LABELS.get(self.name, self.name))

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["name", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(fields=["referral", "name"], name="beneficiaries_shared_item_once"),
        ]

"""What a beneficiary consented to, by purpose."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from beneficiaries.choices import ConsentGiver, ConsentHow, ConsentPurpose, Level
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.constraints import not_before, on_record
from core.encrypted_fields import EncryptedTextField
from core.record_fields import RecordField


class Consent(CaseLinked):
    """The answer for one purpose. A later answer is a new row; a withdrawal sets `withdrawn_on`.

    What was recorded wrongly about the answer is corrected; purpose, organisation and the answer itself never are.
    """

    purpose = models.CharField(_("purpose"), max_length=20, choices=ConsentPurpose)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_given = models.BooleanField(_("agrees"))
    given_by = models.CharField(_("who decided"), max_length=20, choices=ConsentGiver)
    reason = EncryptedTextField(_("why nobody could be asked"), max_length=1000, blank=True)
    how = models.CharField(_("how"), max_length=20, choices=ConsentHow)
    asked_on = models.DateField()
    until_on = models.DateField(null=True, blank=True)
    withdrawn_on = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    record_fields = {
        "given_by": RecordField(_("Who decided"), ("given_by", "reason"), needs_reason=True),
        "how": RecordField(_("How"), ("how",), needs_reason=True),
        "asked_on": RecordField(_("Asked on"), ("asked_on",), needs_reason=True),
        "until_on": RecordField(_("Valid until"), ("until_on",), needs_reason=True),
    }
    system_columns = (
        *("id", "case_id", "purpose", "organisation_id", "is_given", "withdrawn_on", "recorded_by_id"),
        *("recorded_at", "version"),
    )
    audit_events = {
        "consent recorded": _("Recorded an answer about consent"),
        "consent corrected": _("Corrected an answer about consent"),
        "consent withdrawn": _("Recorded that consent was withdrawn"),
    }
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.LEAD,
        update=Level.LEAD,
        delete=None,
        because="those who work on the case must know the consents; only the lead records them, as they give "
        "access",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["recorded_at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(
                name="beneficiaries_consent_sharing_names_organisation",
                condition=(Q(purpose__in=["sharing", "referral"]) & ~Q(organisation=None))
                | (~Q(purpose__in=["sharing", "referral"]) & Q(organisation=None)),
            ),
            models.CheckConstraint(
                name="beneficiaries_consent_best_interests_has_reason",
                condition=~Q(given_by="best_interests") | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="beneficiaries_consent_withdrawn_after_asked",
                condition=Q(withdrawn_on=None) | Q(withdrawn_on__gte=F("asked_on")),
            ),
            on_record("beneficiaries_consent_asked_by_then", "asked_on", at="recorded_at"),
            not_before("beneficiaries_consent_until_after_asked", "until_on", "asked_on"),
            models.CheckConstraint(
                name="beneficiaries_consent_legacy_never_shares",
                condition=~Q(given_by="legacy") | Q(purpose="services"),
            ),
            models.UniqueConstraint(
                fields=["case", "purpose", "organisation"],
                name="beneficiaries_consent_one_live_answer",
                condition=Q(withdrawn_on=None),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.get_purpose_display()

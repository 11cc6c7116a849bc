"""The case and the case file."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation, User
from beneficiaries.choices import CaseStatus, Level, Risk
from beneficiaries.models.access import CaseAccess, CasePolicy, access_rows
from beneficiaries.models.base import CaseLinked, CaseLinkedQuerySet
from beneficiaries.models.beneficiary import Beneficiary
from core.constraints import on_record
from core.encrypted_fields import EncryptedJSONField, EncryptedTextField
from core.record_fields import RecordField
from geography.models import District


class CaseQuerySet(CaseLinkedQuerySet):
    """Scope of cases."""

    def led_by(self, user):
        """Return cases that this user may write in the lead organisation."""
        rows = access_rows(authority_of(user), Level.LEAD, writing=True)
        return self.filter(Exists(CaseAccess.objects.filter(rows, case=OuterRef("pk"))))


class Case(models.Model):
    """One episode of help for one beneficiary. Contains nothing that summary access may not read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=12, editable=False)
    beneficiary = models.ForeignKey(Beneficiary, on_delete=models.PROTECT, related_name="cases")
    lead_organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(_("status"), max_length=10, choices=CaseStatus, default=CaseStatus.ACTIVE)
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    changed_on = models.DateField()
    import_key = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - unique; most have none
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    # Filled in by `queries.case_by_reference`: the user who works on the case, and what they may do.
    worked_on_by: uuid.UUID | None = None
    may_write = may_lead = may_erase = False
    readable_confidentialities: frozenset[str] = frozenset()

    audit_events = {
        "case opened": _("Opened a case"),
        "cases imported": _("Imported cases"),
        "case file read": _("Read a case file"),
        "case closed": _("Closed a case"),
        "unusual reading told": _("Notified a supervisor of unusual reading"),
    }
    access_policy = CasePolicy(
        read=Level.SUMMARY,
        insert=lambda principal: principal.in_organisations("lead_organisation", Permission.WRITE_CASES),
        update=Level.WORKING,
        delete=None,
        because="reference, lead, status and dates only; an organisation opens cases that it leads itself",
    )
    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="beneficiaries_case_reference_once"),
            models.UniqueConstraint(
                fields=["lead_organisation", "import_key"], name="beneficiaries_case_imported_once"
            ),
            models.CheckConstraint(
                name="beneficiaries_case_closed_has_date",
                condition=(Q(status="closed") & ~Q(closed_on=None))
                | (~Q(status="closed") & Q(closed_on=None)),
            ),
            models.CheckConstraint(
                name="beneficiaries_case_closed_after_opened",
                condition=Q(closed_on=None) | Q(closed_on__gte=F("opened_on")),
            ),
            on_record("beneficiaries_case_opened_by_then", "opened_on", at="created_at"),
        ]
        indexes = [models.Index(fields=["beneficiary"])]

    def __str__(self) -> str:
        return self.reference

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts the rows of the case."""
        return self.pk


class CaseFile(CaseLinked):
    """What those who work on the case know: the situation, the risk, the caseworker."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="file")
    caseworker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    risk = models.CharField(_("risk level"), max_length=10, choices=Risk, default=Risk.UNKNOWN)
    groups = ArrayField(models.CharField(max_length=40), verbose_name=_("situation"))
    primary_group = models.CharField(_("main situation"), max_length=40)
    country_of_stay = models.CharField(_("country where they are or were"), max_length=2, blank=True)
    current_district = models.ForeignKey(
        District, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    narrative = EncryptedTextField(_("what happened, in the person's words"), max_length=10000, blank=True)
    needs = EncryptedTextField(_("help the person wants"), max_length=5000, blank=True)
    htcds = EncryptedJSONField(_("other HTCDS fields"), default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)

    record_fields = {
        "groups": RecordField(_("Situation"), ("groups",)),
        "primary_group": RecordField(_("Main situation"), ("primary_group",)),
        "country_of_stay": RecordField(_("Country abroad"), ("country_of_stay",)),
        "current_district": RecordField(_("Lives now in"), ("current_district_id",)),
        "narrative": RecordField(_("What happened"), ("narrative",), needs_reason=True, is_erased=True),
        "needs": RecordField(_("What the person needs"), ("needs",), is_erased=True),
        "risk": RecordField(_("Risk level"), ("risk",), is_corrected=False),
        "htcds": RecordField(_("Other HTCDS fields"), ("htcds",), is_corrected=False, is_erased=True),
    }
    system_columns = ("id", "case_id", "caseworker_id", "version")

    audit_events = {"case file corrected": _("Corrected the situation of a case")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=Level.WORKING,
        delete=None,
        because="only those who work on the case read the situation",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(
                name="beneficiaries_file_primary_is_one_of_groups",
                condition=Q(groups__contains=[F("primary_group")]),
            ),
        ]

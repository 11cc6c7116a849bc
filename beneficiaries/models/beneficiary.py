"""A beneficiary, as one organisation knows them."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import Permission
from accounts.models import Organisation
from beneficiaries.choices import DatePrecision, Level, Sex
from beneficiaries.models.access import CaseAccess, access_rows
from core.access import AccessPolicy, Principal, ScopedQuerySet
from core.constraints import not_before
from core.encrypted_fields import EncryptedTextField
from core.names import BLANKS, INVISIBLE, JOINERS, NameField
from core.phone import phone_indexes
from core.record_fields import RecordField
from geography.models import District, LocalLevel

PHONE_INDEXES = ("phone_index", "phone_index_2", "phone_index_3")
LONGEST_PHONE = 100


def beneficiaries_read_by(principal: Principal) -> Q:
    """Return beneficiaries of the principal's own organisations, and of cases that they work on."""
    own = principal.in_organisations("organisation", Permission.READ_CASES)
    rows = access_rows(principal, Level.WORKING)
    return own | Q(Exists(CaseAccess.objects.filter(rows, case__beneficiary=OuterRef("pk"))))


def beneficiaries_written_by(principal: Principal) -> Q:
    """Return beneficiaries of organisations in which the principal writes cases."""
    return principal.in_organisations("organisation", Permission.WRITE_CASES)


class Beneficiary(models.Model):
    """A beneficiary of one organisation: two NGOs that help the same person each have their own row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    first_name = NameField(_("first name"), max_length=100)
    middle_name = NameField(_("middle name"), max_length=100, blank=True)
    second_name = NameField(_("family name"), max_length=100, blank=True)
    name_ne = NameField(_("name in Devanagari"), max_length=200, blank=True)
    find_key = models.CharField(max_length=320, editable=False)
    sex = models.CharField(_("sex"), max_length=10, choices=Sex)
    birth_on = models.DateField(_("date of birth"), null=True, blank=True)
    birth_precision = models.CharField(max_length=10, choices=DatePrecision, blank=True)
    birth_as_typed = models.CharField(max_length=40, blank=True)
    citizenship = models.CharField(_("citizenship"), max_length=2, blank=True)
    home_district = models.ForeignKey(
        District, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    home_local_level = models.ForeignKey(
        LocalLevel, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    home_place = NameField(_("ward, village or tole"), max_length=200, blank=True)
    phone = EncryptedTextField(_("telephone"), max_length=LONGEST_PHONE, blank=True)
    safe_contact = EncryptedTextField(
        _("how the person can be contacted safely"), max_length=1000, blank=True
    )
    # Blind indexes of the numbers in `phone` (core.encryption.blind). Three columns instead of an array: under a row
    # policy PostgreSQL uses no index for operators that aren't leakproof, such as &&.
    phone_index = models.BinaryField(null=True, editable=False)
    phone_index_2 = models.BinaryField(null=True, editable=False)
    phone_index_3 = models.BinaryField(null=True, editable=False)
    registered_on = models.DateField()
    erased_on = models.DateField(null=True, editable=False)  # written by access.erase_beneficiary alone
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    record_fields = {
        "first_name": RecordField(_("First name"), ("first_name",), needs_reason=True, is_erased=True),
        "middle_name": RecordField(_("Middle name"), ("middle_name",), needs_reason=True, is_erased=True),
        "second_name": RecordField(_("Family name"), ("second_name",), needs_reason=True, is_erased=True),
        "name_ne": RecordField(
            _("Whole name in Devanagari"), ("name_ne",), needs_reason=True, is_erased=True
        ),
        "sex": RecordField(_("Sex"), ("sex",)),
        "birth": RecordField(
            _("Date of birth"),
            ("birth_on", "birth_precision", "birth_as_typed"),
            needs_reason=True,
            is_erased=True,
        ),
        "citizenship": RecordField(_("Citizenship"), ("citizenship",)),
        "home_district": RecordField(_("Home district"), ("home_district_id",)),
        "home_local_level": RecordField(
            _("Municipality or rural municipality"), ("home_local_level_id",), is_erased=True
        ),
        "home_place": RecordField(_("Ward, village or tole"), ("home_place",), is_erased=True),
        "safe_contact": RecordField(_("Safe contact"), ("safe_contact",), is_erased=True),
        "phone": RecordField(_("Telephone"), ("phone",), is_erased=True),
    }
    # Written by the system, and no field of a page.
    system_columns = (
        *("id", "organisation_id", "find_key", "registered_on", "erased_on", "version", "created_at"),
        *PHONE_INDEXES,
    )
    never_recorded = ("find_key", *PHONE_INDEXES)
    audit_events = {
        "beneficiary corrected": _("Corrected a person’s details"),
        "beneficiary erased": _("Erased a person's data"),
    }
    access_policy = AccessPolicy(
        read=beneficiaries_read_by,
        insert=beneficiaries_written_by,
        update=beneficiaries_written_by,
        delete=None,
        because="the organisation that registered the beneficiary, and those that lead or work on a case of "
        "theirs",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="beneficiaries_born_before_registered",
                condition=Q(birth_on=None) | Q(birth_on__lte=F("registered_on")),
            ),
            not_before("beneficiaries_born_after_1900", "birth_on"),
            models.CheckConstraint(name="beneficiaries_has_a_name", condition=~Q(first_name="")),
            models.CheckConstraint(
                name="beneficiaries_name_is_seen",
                condition=~Q(first_name__regex=f"^[{INVISIBLE}{JOINERS}{BLANKS}]*$"),
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "-created_at"]),
            models.Index(
                fields=["phone_index"], name="beneficiaries_by_phone", condition=~Q(phone_index=None)
            ),
            models.Index(
                fields=["phone_index_2"], name="beneficiaries_by_phone_2", condition=~Q(phone_index_2=None)
            ),
            models.Index(
                fields=["phone_index_3"], name="beneficiaries_by_phone_3", condition=~Q(phone_index_3=None)
            ),
        ]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, with the indexes of the telephone numbers where `phone` is saved."""
        if update_fields is None or "phone" in update_fields:
            for name, index in zip(PHONE_INDEXES, phone_indexes(self.phone), strict=True):
                setattr(self, name, index)
            update_fields = update_fields and [*update_fields, *PHONE_INDEXES]
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts this row: the beneficiary."""
        return self.pk

    @property
    def name(self) -> str:
        """The full name in Latin letters."""
        return " ".join(part for part in (self.first_name, self.middle_name, self.second_name) if part)

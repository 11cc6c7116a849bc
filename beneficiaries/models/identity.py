"""Identity documents of a beneficiary, with their numbers, and those that are missing."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import WITH_IDENTITY, IdentityKind, IdentityState
from beneficiaries.identity import LONGEST_NUMBER, number_index, number_indexes_sought
from beneficiaries.models.beneficiary import Beneficiary, beneficiaries_read_by, beneficiaries_written_by
from core.access import AccessPolicy, ScopedQuerySet, points_to
from core.constraints import not_before
from core.encrypted_fields import EncryptedTextField
from core.record_fields import RecordField
from geography.models import District

identity_documents_read_by = points_to(Beneficiary, "beneficiary", beneficiaries_read_by)
identity_documents_written_by = points_to(Beneficiary, "beneficiary", beneficiaries_written_by)


class IdentityDocumentQuerySet(ScopedQuerySet):
    """Read and changed by who may read and change the beneficiary's record."""

    def numbered(self, number: str):
        """Return the documents with exactly this number, however it is typed."""
        return self.filter(number_index__in=number_indexes_sought(number))


class IdentityDocument(models.Model):
    """What is known about one kind of identity document of a beneficiary; also that they don't have it.

    There is no row for a kind that nobody has asked about.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    beneficiary = models.ForeignKey(Beneficiary, on_delete=models.PROTECT, related_name="identity_documents")
    kind = models.CharField(max_length=20, choices=IdentityKind)
    state = models.CharField(max_length=10, choices=IdentityState)
    number = EncryptedTextField(max_length=LONGEST_NUMBER, blank=True)
    number_index = models.BinaryField(null=True, editable=False)  # blind index of `number`
    issued_district = models.ForeignKey(
        District, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    issued_on = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    kept_by = EncryptedTextField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    record_fields = {
        "state": RecordField(_("Does the person have it?"), ("state",)),
        "number": RecordField(
            _("Number on the document"),
            ("number",),
            needs_reason=True,
            is_free_to_fill=True,
            is_erased=True,
        ),
        "issued_district": RecordField(_("Issued in the district"), ("issued_district_id",), is_erased=True),
        "issued_on": RecordField(_("Issued on"), ("issued_on",), is_erased=True),
        "expires_on": RecordField(_("Expires on"), ("expires_on",), is_erased=True),
        "kept_by": RecordField(_("Who keeps it?"), ("kept_by",), is_erased=True),
    }
    system_columns = (
        *("id", "beneficiary_id", "kind", "number_index", "version", "recorded_by_id", "recorded_at"),
    )
    never_recorded = ("number_index",)
    audit_events = {
        "identity document added": _("Recorded an identity document"),
        "identity document corrected": _("Corrected an identity document"),
    }
    access_policy = AccessPolicy(
        read=identity_documents_read_by,
        insert=identity_documents_written_by,
        update=identity_documents_written_by,
        delete=None,
        because="who may read the beneficiary's record reads their documents; the organisation that it belongs to "
        "changes them",
    )
    objects = IdentityDocumentQuerySet.as_manager()

    class Meta:
        ordering = ["recorded_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["beneficiary", "kind"], name="beneficiaries_identity_once_a_kind"
            ),
            models.CheckConstraint(
                name="beneficiaries_identity_number_is_indexed",
                condition=Q(number="", number_index=None) | (~Q(number="") & ~Q(number_index=None)),
            ),
            models.CheckConstraint(
                name="beneficiaries_identity_of_a_document",
                condition=Q(state__in=WITH_IDENTITY)
                | Q(number="", issued_district=None, issued_on=None, expires_on=None),
            ),
            models.CheckConstraint(
                name="beneficiaries_identity_kept_by_somebody",
                condition=Q(state=IdentityState.KEPT) | Q(kept_by=""),
            ),
            models.CheckConstraint(
                name="beneficiaries_identity_passport_expires",
                condition=Q(kind=IdentityKind.PASSPORT) | Q(expires_on=None),
            ),
            not_before("beneficiaries_identity_issued_after_1900", "issued_on"),
            not_before("beneficiaries_identity_expires_after_1900", "expires_on"),
            models.CheckConstraint(
                name="beneficiaries_identity_expires_after_issued",
                condition=Q(expires_on=None) | Q(issued_on=None) | Q(expires_on__gt=models.F("issued_on")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["number_index"], name="beneficiaries_by_identity", condition=~Q(number_index=None)
            )
        ]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, with the index of the number where `number` is saved."""
        if update_fields is None or "number" in update_fields:
            self.number_index = number_index(self.number)
            update_fields = update_fields and [*update_fields, "number_index"]
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The beneficiary, whose data key encrypts the number."""
        return self.beneficiary_id

    @property
    def is_missing(self) -> bool:
        """Whether the person doesn't have it in hand: lost, kept by somebody else, or never issued."""
        return self.state in (IdentityState.LOST, IdentityState.KEPT, IdentityState.NEVER)

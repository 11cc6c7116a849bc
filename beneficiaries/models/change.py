"""What was corrected in a record: the former value, who corrected it, when and why."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import Level
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from beneficiaries.models.beneficiary import Beneficiary, beneficiaries_read_by, beneficiaries_written_by
from beneficiaries.models.consent import Consent
from beneficiaries.models.identity import (
    IdentityDocument,
    identity_documents_read_by,
    identity_documents_written_by,
)
from core.access import AccessPolicy, Confidentiality, ScopedQuerySet, points_to
from core.encrypted_fields import EncryptedJSONField, EncryptedTextField


class Change(models.Model):
    """One field that was corrected. Never changed itself.

    `field` is a name of the record's table of fields, `former` its columns and their values before, and `version` the
    version that the record has since.
    """

    field = models.CharField(max_length=40)
    former = EncryptedJSONField(default=dict)
    reason = EncryptedTextField(_("why"), max_length=1000, blank=True)
    confidentiality = models.CharField(max_length=20, choices=Confidentiality, default=Confidentiality.NORMAL)
    version = models.PositiveIntegerField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        abstract = True


_of_written_beneficiary = points_to(Beneficiary, "beneficiary", beneficiaries_written_by)
_of_written_document = points_to(IdentityDocument, "document", identity_documents_written_by)


class BeneficiaryChange(Change):
    """A field of a beneficiary's record that was corrected."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    beneficiary = models.ForeignKey(Beneficiary, on_delete=models.PROTECT, related_name="changes")

    access_policy = AccessPolicy(
        read=points_to(Beneficiary, "beneficiary", beneficiaries_read_by),
        insert=lambda principal: Q(by=principal.user_id) & _of_written_beneficiary(principal),
        update=None,
        delete=None,
        because="who may read the beneficiary's record reads what was corrected in it",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-version", "field"]
        constraints = [
            models.UniqueConstraint(
                fields=["beneficiary", "version", "field"], name="beneficiaries_beneficiary_changed_once"
            )
        ]

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The beneficiary, whose data key encrypts the former value."""
        return self.beneficiary_id


class IdentityDocumentChange(Change):
    """A field of an identity document that was corrected."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    document = models.ForeignKey(IdentityDocument, on_delete=models.PROTECT, related_name="changes")

    access_policy = AccessPolicy(
        read=points_to(IdentityDocument, "document", identity_documents_read_by),
        insert=lambda principal: Q(by=principal.user_id) & _of_written_document(principal),
        update=None,
        delete=None,
        because="who may read an identity document reads what was corrected in it",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-version", "field"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "version", "field"], name="beneficiaries_identity_changed_once"
            )
        ]

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The beneficiary, whose data key encrypts the former value."""
        return self.document.beneficiary_id


class CaseChange(Change, CaseLinked):
    """A field of a case file that was corrected."""

    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=None,
        delete=None,
        by_confidentiality=True,
        because="what was corrected in the case file, each at its own confidentiality",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "-version", "field"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["case", "version", "field"], name="beneficiaries_case_changed_once"
            ),
        ]


class ConsentChange(Change, CaseLinked):
    """A field of a consent that was corrected."""

    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="changes")

    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.LEAD,
        update=None,
        delete=None,
        because="those who work on the case read what was corrected in a consent; only the lead corrects it",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "-version", "field"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["consent", "version", "field"], name="beneficiaries_consent_changed_once"
            ),
        ]

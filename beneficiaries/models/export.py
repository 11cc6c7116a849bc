"""Exports: who asked, who approved, how many rows, and for one day the file itself."""

import uuid

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.choices import Permission
from accounts.models import Organisation, User
from beneficiaries.choices import ExportFailure, ExportState
from core.access import AccessPolicy, Principal, ScopedQuerySet
from core.encrypted_fields import EncryptedJSONField, EncryptedTextField
from core.models import EVERY_COLUMN

WRITTEN = ["ready", "expired"]


def _approved_by(principal: Principal) -> Q:
    return principal.in_organisations("organisation", Permission.APPROVE_EXPORTS)


class ExportQuerySet(ScopedQuerySet):
    """Scope of exports."""

    def asked_on(self, day):
        """Return exports that count towards the limit of a day: all but refused and failed ones."""
        return self.filter(asked_at__date=day).exclude(state__in=[ExportState.REFUSED, ExportState.FAILED])


class Export(models.Model):
    """An export of one kind of list of one organisation.

    The application inserts it and writes the approval; `access.claim_export`, `access.settle_export` and
    `access.expire_export` write the rest (beneficiaries/sql). `filters` are those of the list; `needs_approval`: it
    exceeded the rows of the day.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=12, editable=False)
    kind = models.CharField(max_length=40)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    filters = EncryptedJSONField(default=dict, blank=True)
    reason = EncryptedTextField(_("what it is needed for"), max_length=1000)
    counted_rows = models.PositiveIntegerField()
    needs_approval = models.BooleanField()
    state = models.CharField(_("state"), max_length=10, choices=ExportState)
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = EncryptedTextField(_("answer"), max_length=1000, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    token = models.UUIDField(null=True)
    failure = models.CharField(max_length=10, choices=ExportFailure, blank=True)
    written_rows = models.PositiveIntegerField(null=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    audit_events = {
        "export asked": _("Requested an export"),
        "export agreed": _("Approved the export of a long list"),
        "export refused": _("Refused the export of a long list"),
        "export written": _("The file of an export was prepared"),
        "export failed": _("An export failed"),
        "export read": _("Looked at an export"),
        "export password read": _("Saw the password of an export"),
        "export fetched": _("Downloaded an export"),
        "export expired": _("The file of an export was deleted"),
        "exports read": _("Looked at the list of exports"),
    }
    access_policy = AccessPolicy(
        read=lambda principal: Q(requested_by=principal.user_id) | _approved_by(principal),
        insert=lambda principal: (
            Q(requested_by=principal.user_id)
            & principal.in_organisations("organisation", Permission.EXPORT_CASES)
        ),
        update=lambda principal: _approved_by(principal) & ~Q(requested_by=principal.user_id),
        delete=None,
        because="the user who asked and those who may approve see how many rows and why, and no row",
    )
    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="beneficiaries_export_reference_once"),
            models.CheckConstraint(name="beneficiaries_export_has_rows", condition=Q(counted_rows__gt=0)),
            models.CheckConstraint(name="beneficiaries_export_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="beneficiaries_export_decider_is_another",
                condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="beneficiaries_export_decided_by_somebody",
                condition=(Q(decided_by=None) & Q(decided_at=None) & ~Q(state="refused"))
                | (~Q(decided_by=None) & ~Q(decided_at=None) & Q(needs_approval=True) & ~Q(state="waiting")),
            ),
            models.CheckConstraint(
                name="beneficiaries_export_long_one_is_decided",
                condition=(Q(state="waiting") & Q(needs_approval=True))
                | (~Q(state="waiting") & (Q(needs_approval=False) | ~Q(decided_by=None))),
            ),
            models.CheckConstraint(
                name="beneficiaries_export_refusal_has_reason", condition=~Q(state="refused") | ~Q(answer="")
            ),
            models.CheckConstraint(
                name="beneficiaries_export_failed_says_why",
                condition=(Q(state="failed") & ~Q(failure="")) | (~Q(state="failed") & Q(failure="")),
            ),
            models.CheckConstraint(
                name="beneficiaries_export_written_says_how_much",
                condition=(
                    Q(state__in=WRITTEN, written_rows__gt=0, written_rows__lte=F("counted_rows"))
                    & ~Q(ready_at=None)
                    & Q(expires_at__gt=F("ready_at"))
                )
                | (~Q(state__in=WRITTEN) & Q(written_rows=None, ready_at=None, expires_at=None)),
            ),
            models.CheckConstraint(
                name="beneficiaries_export_held_while_queued",
                condition=Q(state="queued") | Q(token=None, lease_until=None),
            ),
        ]
        indexes = [
            models.Index(fields=["requested_by", "-asked_at"]),
            models.Index(
                fields=["asked_at", "id"], name="beneficiaries_export_to_write", condition=Q(state="queued")
            ),
            models.Index(
                fields=["expires_at"], name="beneficiaries_export_to_end", condition=Q(state="ready")
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts this row: the export itself, which belongs to no one case."""
        return self.pk


def _own_and_allowed(principal: Principal) -> Q:
    exports = Export.objects.filter(
        principal.in_organisations("organisation", Permission.EXPORT_CASES),
        pk=OuterRef("export"),
        requested_by=principal.user_id,
    )
    return Q(requested_by=principal.user_id, until__gt=Now()) & Q(Exists(exports))


class ExportFile(models.Model):
    """The file of an export, and its password, for one day.

    A table of its own, so that even the database shows neither to the user who approved. On expiry the row is deleted
    and the data key of the password destroyed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    export = models.OneToOneField(Export, on_delete=models.PROTECT, related_name="file")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    password = EncryptedTextField(max_length=60)
    until = models.DateTimeField()

    never_recorded = EVERY_COLUMN
    access_policy = AccessPolicy(
        read=_own_and_allowed,
        insert=_own_and_allowed,
        update=None,
        delete=None,
        because="only the user who asked sees file and password, for a day; a reviewed function deletes them",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-until", "id"]
        constraints = [
            models.CheckConstraint(
                name="beneficiaries_export_file_has_password", condition=~Q(name="") & ~Q(password="")
            )
        ]

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts this row: the file itself."""
        return self.pk

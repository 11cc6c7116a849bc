"""An unfinished first interview."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import Permission
from accounts.models import Organisation, User
from core.access import AccessPolicy, Principal, ScopedQuerySet
from core.encrypted_fields import EncryptedJSONField, EncryptedTextField
from core.models import EVERY_COLUMN


def _own(principal: Principal) -> Q:
    return Q(author=principal.user_id) & principal.in_organisations("organisation", Permission.WRITE_CASES)


class IntakeDraftQuerySet(ScopedQuerySet):
    """Scope of interviews."""

    def unfinished(self):
        """Return interviews that didn't become a case yet."""
        return self.filter(opened_reference="")


class IntakeDraft(models.Model):
    """A first interview, saved page by page; only its author reads it. `opened_reference`: the case it became.

    `typed` has each page as it was left, valid or not; `consent` and `details` are the saved first two pages. While
    it is `is_at_risk` it isn't deleted before a supervisor has decided, who may keep it until `expires_on`; only a
    supervisor's decision ends the risk. beneficiaries/sql/090_drafts.sql enforces the rest.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    consent = EncryptedJSONField(default=dict)
    details = EncryptedJSONField(default=dict)
    typed = EncryptedJSONField(default=dict)
    opened_reference = models.CharField(max_length=12, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_on = models.DateField()
    is_at_risk = models.BooleanField(default=False)
    warned_on = models.DateField(null=True)
    refused_at = models.DateTimeField(null=True)
    kept_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    kept_because = EncryptedTextField(max_length=1000, blank=True)

    never_recorded = EVERY_COLUMN
    audit_events = {
        "interview started": _("Started a first interview"),
        "interview refused": _("Recorded that a person who may be at risk refused an interview"),
        "interview kept": _("Decided to keep an unfinished interview"),
        "interview reassigned": _("Assigned an unfinished interview to another user"),
        "interview discarded": _("Deleted an unfinished interview"),
        "interview expired": _("An unfinished interview was deleted because its time was over"),
    }
    access_policy = AccessPolicy(
        read=_own,
        insert=_own,
        update=_own,
        delete=lambda principal: _own(principal) & Q(is_at_risk=False),
        because="only its author reads a draft, while they write cases there; reviewed functions show "
        "supervisors that there is one, without its content",
    )
    objects = IntakeDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="beneficiaries_draft_kept_for_a_reason",
                condition=Q(kept_by=None) | (Q(is_at_risk=True) & ~Q(kept_because="")),
            ),
            models.CheckConstraint(
                name="beneficiaries_draft_refused_is_at_risk",
                condition=Q(refused_at=None) | Q(is_at_risk=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_on", "id"],
                name="beneficiaries_draft_to_end",
                condition=Q(opened_reference=""),
            ),
            models.Index(
                fields=["author", "-created_at"],
                name="beneficiaries_draft_unfinished",
                condition=Q(opened_reference=""),
            ),
        ]

    def page(self, name: str) -> dict[str, Any]:
        """Return a page as it was left, as initial values of its form."""
        return {**self.typed.get(name, {}), "at_risk": self.is_at_risk}

    @property
    def first_name(self) -> str:
        """The first name as it was typed so far."""
        return self.typed.get("beneficiary", {}).get("first_name", "")

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts this row: the draft itself, which has no case yet."""
        return self.pk

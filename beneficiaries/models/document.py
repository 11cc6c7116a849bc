"""Documents of a case; their files are stored encrypted on disk (core/files.py)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import WITH_FILE, DocumentKind, DocumentState, Level
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.access import Confidentiality
from core.encrypted_fields import EncryptedTextField


class Document(CaseLinked):
    """An uploaded file. `file` is its name on disk, empty once it was deleted; the row stays.

    `size` is in bytes. A `waiting` document can't be read before it was scanned; `leased_until` is set while a worker
    scans it.
    """

    kind = models.CharField(_("kind"), max_length=12, choices=DocumentKind)
    confidentiality = models.CharField(
        _("who may read it"), max_length=12, choices=Confidentiality, default=Confidentiality.NORMAL
    )
    title = EncryptedTextField(_("what it says"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=DocumentState)
    content_type = models.CharField(_("type"), max_length=20)
    size = models.PositiveIntegerField(_("size"))
    file = models.CharField(max_length=65, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    token = models.UUIDField(null=True, blank=True)  # of the worker that scans it
    removed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_why = EncryptedTextField(_("why it was deleted"), max_length=500, blank=True)

    never_recorded = ("file", "leased_until", "token")
    audit_events = {
        "document added": _("Added a document or photo"),
        "document read": _("Opened a document or photo"),
        "document scanned": _("A file was checked for viruses"),
        "document deleted": _("Deleted a document or photo"),
        "file refused": _("Tried to upload a file that was refused"),
        "harmful file refused": _("Tried to upload a file with a virus"),
        "harmful file deleted": _("A file was deleted because a virus was found in it"),
    }
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=Level.LEAD,
        delete=None,
        because="normal documents to all who work on the case; restricted and counselling ones to users of the "
        "lead with the permission; only the lead deletes one",
        by_confidentiality=True,
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["file"], name="beneficiaries_document_file_once", condition=~Q(file="")
            ),
            models.CheckConstraint(
                name="beneficiaries_document_has_a_file_while_kept",
                condition=(Q(state__in=WITH_FILE) & ~Q(file="")) | (~Q(state__in=WITH_FILE) & Q(file="")),
            ),
            models.CheckConstraint(
                name="beneficiaries_document_removed_by_somebody",
                condition=Q(state=DocumentState.REMOVED, removed_by__isnull=False, removed_at__isnull=False)
                | (~Q(state=DocumentState.REMOVED) & Q(removed_by=None, removed_at=None)),
            ),
            models.CheckConstraint(name="beneficiaries_document_of_a_size", condition=Q(size__gt=0)),
        ]
        indexes = [
            models.Index(
                fields=["at"],
                name="beneficiaries_doc_waiting",
                condition=Q(state=DocumentState.WAITING),
            )
        ]

    @property
    def is_open(self) -> bool:
        """Whether the file may be read."""
        return self.state in (DocumentState.CLEAN, DocumentState.UNCHECKED)

    @property
    def place(self) -> str:
        """What the encrypted file is bound to, so that it can be decrypted for this row only."""
        return f"file of document {self.pk}"

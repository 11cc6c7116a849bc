"""Notes of a case, by confidentiality."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import Level, NoteKind
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.access import Confidentiality
from core.encrypted_fields import EncryptedTextField


class CaseNote(CaseLinked):
    """A note. Never changed: it says what was known on that day."""

    kind = models.CharField(_("about"), max_length=10, choices=NoteKind, default=NoteKind.NOTE)
    confidentiality = models.CharField(
        _("who may read it"), max_length=12, choices=Confidentiality, default=Confidentiality.NORMAL
    )
    text = EncryptedTextField(_("text"), max_length=10000)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    audit_events = {"note written": _("Wrote a note")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=None,
        delete=None,
        because="normal notes to all who work on the case; restricted and counselling notes to users of the lead "
        "with the permission",
        by_confidentiality=True,
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "id"]

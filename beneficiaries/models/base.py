"""What every row of a case is made of: its key, its case, its scope."""

import uuid

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.choices import Permission
from accounts.queries import authority_of
from beneficiaries.models.access import CaseAccess, reaching
from core.scoping import Confidentiality, Level, ScopedQuerySet, Wall


class CaseLinkedQuerySet(ScopedQuerySet):
    """Scope of rows that belong to a case; the models that inherit it never spell it again."""

    case_key = "case_id"

    def _reached(self, user, level: Level, *, writing: bool):
        rows = CaseAccess.objects.filter(
            reaching(user, level, writing=writing), case_id=OuterRef(self.case_key)
        )
        if not self._wall.by_confidentiality:
            return self.filter(Exists(rows))
        authority, lead = authority_of(user), rows.filter(level=Level.LEAD)
        restricted = lead.filter(organisation_id__in=authority.where(Permission.READ_RESTRICTED))
        counselling = lead.filter(organisation_id__in=authority.where(Permission.READ_COUNSELLING))
        return self.filter(
            Q(Exists(rows), confidentiality=Confidentiality.NORMAL)
            | Q(Exists(restricted), confidentiality=Confidentiality.RESTRICTED)
            | Q(Exists(counselling), confidentiality=Confidentiality.COUNSELLING)
        )

    @property
    def _wall(self) -> Wall:
        return self.model.wall  # type: ignore[attr-defined]

    def visible_to(self, user):
        return self._reached(user, self._wall.read, writing=False)

    def editable_by(self, user):
        level = self._wall.update
        return self.none() if level is None else self._reached(user, level, writing=True)


class CaseLinked(models.Model):
    """A row of a case. `case_id` and the row's key are unique together, so that children can't mix cases."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("beneficiaries.Case", on_delete=models.PROTECT, related_name="%(class)ss")

    wall: Wall
    objects = CaseLinkedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["id", "case"], name="%(app_label)s_%(class)s_in_case")]

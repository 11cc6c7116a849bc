"""What every row of a case is made of: its key, its case, its scope."""

import uuid

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.choices import Permission
from accounts.queries import authority_of
from core.scoping import OPENED_IN_FULL, Level, ScopedQuerySet, Wall

DECISIONS = (Permission.ENDORSE_GRANTS, Permission.APPROVE_GRANTS, Permission.PAY_GRANTS)


def reaching(user, level: Level, *, writing: bool = False) -> Q:
    """Access rows by which this person opens what needs `level`: the rule, said once for Python."""
    authority = authority_of(user)
    full = authority.where(Permission.WRITE_CASES if writing else Permission.READ_CASES)
    found = Q(organisation_id__in=full, level__in=OPENED_IN_FULL[level])
    if level is Level.REFERENCE:
        figures = authority.where(*DECISIONS) if writing else authority.where(Permission.READ_FIGURES)
        found |= Q(organisation_id__in=figures) & ~Q(level=Level.SLICE)
    return found & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


class CaseLinkedQuerySet(ScopedQuerySet):
    """Scope of rows that belong to a case; the models that inherit it never spell it again."""

    case_key = "case_id"

    def _reached(self, user, level: Level, *, writing: bool):
        from beneficiaries.models.case import CaseAccess  # its rows are what this class asks for

        rows = CaseAccess.objects.filter(
            reaching(user, level, writing=writing), case_id=OuterRef(self.case_key)
        )
        return self.filter(Exists(rows))

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

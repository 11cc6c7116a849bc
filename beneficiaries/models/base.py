"""Base class of all rows that belong to a case."""

import uuid
from functools import cache

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.queries import authority_of
from beneficiaries.models.access import CaseAccess, access_rows_for, following, reads_confidential
from core.scoping import OPENED_IN_FULL, AccessPolicy, Confidentiality, Level, ScopedQuerySet
from core.statements import Select


@cache
def _rows_of_case(model, order: tuple[str, ...], without: tuple[str, ...]) -> Select:
    """Return the prepared query for the rows of a case: its arguments are the case and, if asked, confidentialities."""

    def build(case, *confidentialities):
        rows = model._base_manager.filter(case_id=case).order_by(*order).defer(*without)
        return rows.filter(confidentiality__any_of=confidentialities[0]) if confidentialities else rows

    return Select(build, 2 if model.access_policy.by_confidentiality else 1)


class CaseLinkedQuerySet(ScopedQuerySet):
    """Scope of rows that belong to a case, for all models that inherit from `CaseLinked`."""

    case_key = "case_id"

    def _in_scope(self, user, level: Level, *, writing: bool):
        rows = CaseAccess.objects.filter(
            access_rows_for(user, level, writing=writing), case_id=OuterRef(self.case_key)
        )
        found = Q()
        if not self._policy.by_confidentiality:
            followed = None if writing or level is not Level.SUMMARY else self._followed(user)
            return self.filter(Exists(rows)) if followed is None else self.filter(Exists(rows) | followed)
        for kind in Confidentiality:
            found |= Q(Exists(rows.filter(reads_confidential(user, kind))), confidentiality=kind)
        return self.filter(found)

    def _followed(self, user) -> Q | None:
        """Return the rows of cases in single programmes that the user may see summaries of; None if there are none.

        A row that has a programme of its own must be in one of these programmes itself.
        """
        rows, path = following(user), self._policy.programme
        if rows is None:
            return None
        found = Q(Exists(CaseAccess.objects.filter(rows, case_id=OuterRef(self.case_key))))
        return found & Q(**{f"{path}__in": authority_of(user).programmes}) if path else found

    def of(self, case, user, *, order: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> list:
        """Return what this user may read of one case. Columns in `without` are deferred.

        Where the case was found for this user as one they work on (`case.worked_on_by`), their access is known and
        Python doesn't check it again; the row policies of the database still apply.
        """
        policy, order = self._policy, order or tuple(map(str, self.model._meta.ordering or ()))
        is_enough = set(OPENED_IN_FULL[Level.WORKING]) <= set(OPENED_IN_FULL[policy.read])
        if user.pk is None or case.worked_on_by != user.pk or not is_enough:
            return list(self.filter(case=case).visible_to(user).order_by(*order).defer(*without))
        confidentialities = [sorted(case.readable_confidentialities)] if policy.by_confidentiality else []
        return _rows_of_case(self.model, order, without)(case.pk, *confidentialities)

    @property
    def _policy(self) -> AccessPolicy:
        return self.model.access_policy  # type: ignore[attr-defined]

    def visible_to(self, user):
        """Return the rows that the model's access policy lets this user read."""
        return self._in_scope(user, self._policy.read, writing=False)

    def editable_by(self, user):
        """Return the rows that the model's access policy lets this user change."""
        level = self._policy.update
        return self.none() if level is None else self._in_scope(user, level, writing=True)


class CaseLinked(models.Model):
    """A row of a case. `id` and `case` are unique together, so that foreign keys can't mix cases."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("beneficiaries.Case", on_delete=models.PROTECT, related_name="%(class)ss")

    access_policy: AccessPolicy
    objects = CaseLinkedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["id", "case"], name="%(app_label)s_%(class)s_in_case")]

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts this row: the case."""
        return self.case_id

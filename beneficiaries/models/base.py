"""Base class of all rows that belong to a case."""

import uuid
from functools import cache

from django.db import models

from beneficiaries.choices import OPENED_IN_FULL, Level
from beneficiaries.models.access import CasePolicy
from core.access import ScopedQuerySet
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

    def of(self, case, user, *, order: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> list:
        """Return what this user may read of one case. Columns in `without` are deferred.

        Where the case was found for this user as one they work on (`case.worked_on_by`), their access is known and
        Python doesn't check it again; the row policies of the database still apply.
        """
        policy, order = self.model.access_policy, order or tuple(map(str, self.model._meta.ordering or ()))  # type: ignore[attr-defined]
        is_enough = set(OPENED_IN_FULL[Level.WORKING]) <= set(OPENED_IN_FULL[policy.read])
        if user.pk is None or case.worked_on_by != user.pk or not is_enough:
            return list(self.filter(case=case).visible_to(user).order_by(*order).defer(*without))
        confidentialities = [sorted(case.readable_confidentialities)] if policy.by_confidentiality else []
        return _rows_of_case(self.model, order, without)(case.pk, *confidentialities)


class CaseLinked(models.Model):
    """A row of a case. `id` and `case` are unique together, so that foreign keys can't mix cases."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("beneficiaries.Case", on_delete=models.PROTECT, related_name="%(class)ss")

    access_policy: CasePolicy
    objects = CaseLinkedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["id", "case"], name="%(app_label)s_%(class)s_in_case")]

    @property
    def data_key_subject(self) -> uuid.UUID:
        """The subject whose data key encrypts this row: the case."""
        return self.case_id

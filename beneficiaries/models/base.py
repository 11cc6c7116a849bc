"""What every row of a case is made of: its key, its case, its scope."""

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
    def made(case, *kept):
        rows = model._base_manager.filter(case_id=case).order_by(*order).defer(*without)
        return rows.filter(confidentiality__any_of=kept[0]) if kept else rows

    return Select(made, 2 if model.access_policy.by_confidentiality else 1)


class CaseLinkedQuerySet(ScopedQuerySet):
    """Scope of rows that belong to a case; the models that inherit it never spell it again."""

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
        """Rows of cases in the programmes that this person follows one by one; theirs alone, where a row has its own
        programme. None where the person follows none."""
        rows, path = following(user), self._policy.programme
        if rows is None:
            return None
        found = Q(Exists(CaseAccess.objects.filter(rows, case_id=OuterRef(self.case_key))))
        return found & Q(**{f"{path}__in": authority_of(user).programmes}) if path else found

    def of(self, case, user, *, order: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> list:
        """What this person may read of one case; some columns may be left `without`, to be read when asked for.

        Whoever works on the case reads all that asks for no more than that. Where the case was found for this
        person as one they work on, the question is answered already, and only the database asks it again.
        """
        policy, order = self._policy, order or tuple(map(str, self.model._meta.ordering or ()))
        is_enough = set(OPENED_IN_FULL[Level.WORKING]) <= set(OPENED_IN_FULL[policy.read])
        if user.pk is None or case.worked_on_by != user.pk or not is_enough:
            return list(self.filter(case=case).visible_to(user).order_by(*order).defer(*without))
        kept = [sorted(case.readable_confidentialities)] if policy.by_confidentiality else []
        return _rows_of_case(self.model, order, without)(case.pk, *kept)

    @property
    def _policy(self) -> AccessPolicy:
        return self.model.access_policy  # type: ignore[attr-defined]

    def visible_to(self, user):
        return self._in_scope(user, self._policy.read, writing=False)

    def editable_by(self, user):
        level = self._policy.update
        return self.none() if level is None else self._in_scope(user, level, writing=True)


class CaseLinked(models.Model):
    """A row of a case. `case_id` and the row's key are unique together, so that children can't mix cases."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("beneficiaries.Case", on_delete=models.PROTECT, related_name="%(class)ss")

    access_policy: AccessPolicy
    objects = CaseLinkedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["id", "case"], name="%(app_label)s_%(class)s_in_case")]

    @property
    def data_key_subject(self) -> uuid.UUID:
        """Whose key encrypts what this row says."""
        return self.case_id

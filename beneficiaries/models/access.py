"""Which organisations have access to which cases, and the rule of who may read or change what of a case."""

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Now
from django.db.models.lookups import Exact

from accounts.authority import authority_of
from accounts.choices import GRANT_DECISIONS, Permission
from accounts.models import Organisation, User
from beneficiaries.choices import OPENED_BY, OPENED_IN_FULL, AccessBasis, CaseStatus, Level, Risk
from core.access import AccessPolicy, Condition, Confidentiality, Principal, ScopedQuerySet
from geography.models import District

CONFIDENTIAL_PERMISSIONS = {
    Confidentiality.RESTRICTED: Permission.READ_RESTRICTED,
    Confidentiality.COUNSELLING: Permission.READ_COUNSELLING,
}
COVERED = ["id", "level", "user", "expires_at", "programmes"]


def access_rows(principal: Principal, level: Level, *, writing: bool = False, of_row: Q | None = None) -> Q:
    """Return the access rows that give this principal `level`. The one place with this rule.

    `of_row` limits those of single programmes further: to the programme of the row that is asked for.
    """
    full = principal.in_organisations(
        "organisation", Permission.WRITE_CASES if writing else Permission.READ_CASES
    )
    found = full & Q(level__in=OPENED_IN_FULL[level])
    if level is Level.REFERRAL:
        found |= full & Q(level=Level.REFERRAL, organisation=OuterRef("receiver"))
    elif level is Level.SUMMARY and writing:
        found |= principal.in_organisations("organisation", *GRANT_DECISIONS) & ~Q(level=Level.REFERRAL)
    elif level is Level.SUMMARY:
        whole = principal.in_organisations("organisation", Permission.READ_SUMMARIES)
        single = principal.shares_projects("programmes", Permission.READ_SUMMARIES) & (of_row or Q())
        found |= (whole | single) & ~Q(level=Level.REFERRAL)
    return found & in_force(principal)


def in_force(principal: Principal) -> Q:
    """Return rows for the whole organisation or for this user alone that haven't expired."""
    return (Q(user=None) | Q(user=principal.user_id)) & (Q(expires_at=None) | Q(expires_at__gt=Now()))


@dataclass(frozen=True)
class CasePolicy(AccessPolicy):
    """The policy of a table whose rows belong to a case: for each command the lowest level, or a condition.

    `read` at SUMMARY lets users with summary access read the rows; `update` or `insert` at SUMMARY lets users who
    decide on amounts (endorse, approve, pay) write them. A user with summary access to single programmes reads only
    the rows of cases in these programmes; if the rows have a programme of their own, `programme` is the lookup path to
    it ("project", "grant__project"), and only rows of these programmes are read.

    At REFERRAL the row's column `receiver_id` names the one organisation that it was sent to. With
    `by_confidentiality` the row's own `confidentiality` narrows access further.
    """

    heading: ClassVar[str] = "Rows of a case"

    read: Any
    insert: Any
    update: Any
    delete: Any
    by_confidentiality: bool = False
    programme: str = ""

    def condition(self, model: type[models.Model], command: str) -> Condition | None:
        """Return the condition that a valid access row gives the level of the command."""
        level = getattr(self, command)
        return partial(self._opened, model, level, command != "read") if isinstance(level, Level) else level

    def in_words(self, command: str) -> str:
        """Return the levels that open the command."""
        level = getattr(self, command)
        if not isinstance(level, Level):
            return super().in_words(command)
        levels = ", ".join(f"`{name.value}`" for name in OPENED_BY[level])
        return f"{levels} of a programme" if self.programme and command == "read" else levels

    def _opened(self, model: type[models.Model], level: Level, writing: bool, principal: Principal) -> Q:
        of_row = in_own_programme(principal, model, self.programme) if self.programme else None
        rows = access_rows(principal, level, writing=writing, of_row=of_row)
        if self.by_confidentiality:
            rows &= confidentiality(principal)
        return Q(Exists(CaseAccess.objects.filter(rows, case=OuterRef(case_column(model)))))


def case_column(model: type[models.Model]) -> str:
    """Return the column with the case's id: `id` in the case's own table, `case_id` in all others."""
    return "case_id" if any(field.name == "case" for field in model._meta.fields) else "id"


def in_own_programme(principal: Principal, model: type[models.Model], path: str) -> Q:
    """Return whether the programme of the row outside, which `path` leads to, is one of the principal's."""
    first, _separator, rest = path.partition("__")
    if not rest:
        return principal.in_projects(OuterRef(first), Permission.READ_SUMMARIES)
    target: Any = model._meta.get_field(first).related_model
    found = target.objects.filter(
        principal.in_projects(rest, Permission.READ_SUMMARIES), pk=OuterRef(OuterRef(first))
    )
    return Q(Exists(found))


def confidentiality(principal: Principal) -> Q:
    """Return, among access rows, those that open the confidentiality of the row outside.

    Everyone who works on the case reads normal rows; users of the lead organisation with the matching permission read
    the others.
    """
    found = Q(Exact(OuterRef("confidentiality"), Value(Confidentiality.NORMAL.value)))
    for kind, permission in CONFIDENTIAL_PERMISSIONS.items():
        is_of_kind = Q(Exact(OuterRef("confidentiality"), Value(kind.value)), level=Level.LEAD)
        found |= is_of_kind & principal.in_organisations("organisation", permission)
    return found


class CaseAccessQuerySet(ScopedQuerySet):
    """Scope of access rows."""

    def opening(self, user, level: Level):
        """Return the rows that give this user `level`."""
        return self.filter(access_rows(authority_of(user), level))


def _of_own_organisations(principal: Principal) -> Q:
    whole = principal.in_organisations("organisation", Permission.READ_CASES, Permission.READ_SUMMARIES)
    return (whole | principal.shares_projects("programmes", Permission.READ_SUMMARIES)) & in_force(principal)


class CaseAccess(models.Model):
    """The access of an organisation to a case, at a level. Written by triggers alone (beneficiaries/sql).

    `user`: only this user of the organisation has the access (an emergency). `reference`, `status`,
    `lead_organisation` and `changed_on` are copied from the case, for lists to sort and filter by; `district`, `risk`
    and `caseworker` are copied at `lead` and `working` only. `programmes` are those of the case that this
    organisation manages. At `referral` nothing is copied: a receiver reads what was sent to it, not how the case goes
    on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("beneficiaries.Case", on_delete=models.CASCADE, related_name="accesses")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    level = models.CharField(max_length=10, choices=Level)
    basis = models.CharField(max_length=10, choices=AccessBasis)
    expires_at = models.DateTimeField(null=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reference = models.CharField(max_length=12)
    status = models.CharField(max_length=10, choices=CaseStatus)
    district = models.ForeignKey(District, on_delete=models.PROTECT, null=True, related_name="+")
    lead_organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    changed_on = models.DateField()
    risk = models.CharField(max_length=10, choices=Risk, blank=True)
    caseworker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    programmes = ArrayField(models.UUIDField(), default=list)

    access_policy = AccessPolicy(
        read=_of_own_organisations,
        insert=None,
        update=None,
        delete=None,
        because="each organisation reads its own rows; only reviewed functions write them",
    )
    objects = CaseAccessQuerySet.as_manager()

    class Meta:
        ordering = ["-changed_on", "case_id", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "organisation", "level", "user"],
                name="beneficiaries_access_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="beneficiaries_access_referral_has_no_programme",
                condition=~Q(level="referral") | Q(programmes=[]),
            ),
            models.CheckConstraint(
                name="beneficiaries_access_summary_has_no_place",
                condition=Q(level__in=["lead", "working"]) | Q(district=None),
            ),
        ]
        indexes = [
            # Covering indexes for policies and scope: pages and counts need no table access.
            models.Index(
                fields=["organisation", "status", "-changed_on", "case"],
                include=COVERED,
                name="access_by_status",
            ),
            models.Index(
                fields=["organisation", "status", "district", "-changed_on", "case"],
                name="access_by_district",
            ),
            models.Index(
                fields=["organisation", "-changed_on", "case"],
                include=COVERED,
                name="access_by_change",
            ),
        ]

    def opens(self, user, permission: Permission, level: Level = Level.WORKING) -> bool:
        """Return whether this row gives `level` to a user with the permission. The row must be live and the user's."""
        return self.level in OPENED_IN_FULL[level] and authority_of(user).may(
            permission, self.organisation_id
        )

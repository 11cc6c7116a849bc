"""Which organisations have access to a case, and at which level; the scope of all other case rows builds on it."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import Now

from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.queries import authority_of
from beneficiaries.choices import AccessBasis, CaseStatus, Risk
from core.scoping import OPENED_IN_FULL, Confidentiality, Level, ScopedQuerySet, TablePolicy
from geography.models import District

CONFIDENTIAL_PERMISSIONS = {
    Confidentiality.RESTRICTED: Permission.READ_RESTRICTED,
    Confidentiality.COUNSELLING: Permission.READ_COUNSELLING,
}
READS = (Permission.READ_CASES, Permission.READ_SUMMARIES)
DECISIONS = (Permission.ENDORSE_GRANTS, Permission.APPROVE_GRANTS, Permission.PAY_GRANTS)
COVERED = ["id", "level", "user", "expires_at", "programmes"]


def access_rows_for(user, level: Level, *, writing: bool = False) -> Q:
    """Return the access rows that give this user `level`; to write, with `writing`."""
    authority = authority_of(user)
    full = authority.where(Permission.WRITE_CASES if writing else Permission.READ_CASES)
    summary = authority.where(*DECISIONS) if writing else authority.where(Permission.READ_SUMMARIES)
    return access_rows(
        user.pk, level, full=Q(organisation_id__in=full), summary=Q(organisation_id__in=summary)
    )


def access_rows(user_id, level: Level, *, full: Q, summary: Q) -> Q:
    """Return the access rows that give a user `level`; the one place in Python with this rule.

    `full`: rows of organisations where the user reads (or writes) case files. `summary`: rows of organisations where
    they read summaries (or decide on grants). Each of these is a condition on access rows.
    """
    found = full & Q(level__in=OPENED_IN_FULL[level])
    if level is Level.SUMMARY:
        found |= summary & ~Q(level=Level.REFERRAL)
    elif level is Level.REFERRAL:
        found |= full & Q(level=Level.REFERRAL, organisation_id=OuterRef("receiver_id"))
    return found & _in_force(user_id)


def following(user) -> Q | None:
    """Return the access rows of cases in the single programmes that this user may see summaries of.

    None for a user without such programmes, who are most: their queries then need no extra condition.
    """
    authority = authority_of(user)
    if not authority.programmes:
        return None
    followed = Q(organisation_id__in=authority.follows, programmes__overlap=sorted(authority.programmes))
    return followed & _in_force(user.pk)


def _in_force(user_id) -> Q:
    """Return rows for the whole organisation or for this user alone that haven't expired."""
    return (Q(user=None) | Q(user=user_id)) & (Q(expires_at=None) | Q(expires_at__gt=Now()))


def reads_confidential(user, kind: Confidentiality) -> Q:
    """Return, among rows that open a case, those that also open rows of this confidentiality."""
    if kind == Confidentiality.NORMAL:
        return Q()
    return Q(level=Level.LEAD, organisation_id__in=authority_of(user).where(CONFIDENTIAL_PERMISSIONS[kind]))


class CaseAccessQuerySet(ScopedQuerySet):
    """Scope of access rows."""

    def live(self):
        """Return rows that haven't expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()))

    def visible_to(self, user):
        """Return live rows of the user's organisations, and of single programmes they may see summaries of."""
        authority, followed = authority_of(user), following(user)
        found = Q(Q(user=None) | Q(user=user), organisation_id__in=authority.where(*READS))
        return self.live().filter(found if followed is None else found | followed)

    def editable_by(self, user):
        """Return none: only triggers write access rows."""
        return self.none()

    def opening(self, user, level: Level):
        """Return the rows that give this user `level`, without those of single programmes (see `following`)."""
        return self.filter(access_rows_for(user, level))


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

    access_policy = TablePolicy(
        read="(t.organisation_id = ANY((SELECT access.reads())::uuid[]) "
        "OR t.organisation_id = ANY((SELECT access.shows())::uuid[]) "
        "AND (t.organisation_id = ANY(access.summaries()) OR t.programmes && access.programmes())) "
        "AND (t.user_id IS NULL OR t.user_id = access.user_id())",
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

"""Approval of access by a second user: where it is needed, who may decide, and who sees a request."""

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from django.core import signing
from django.db import connection
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.choices import RequestState, RoleCode
from accounts.models import AccessRequest, Membership, Role, User
from accounts.queries import managed_by, organisations_with_role

GUARDED = timedelta(days=365)  # after a role's last day, as in accounts/sql/040_requests.sql


def has_cases(organisation_id: UUID) -> bool:
    """Return whether access in this organisation needs a second user, because it has or had a case."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.has_cases(%s)", [organisation_id])
        return cursor.fetchone()[0]


def is_guarded(user: User) -> bool:
    """Return whether the user has a role in an organisation with cases, had one within a year, or will have one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.is_guarded(%s)", [user.pk])
        return cursor.fetchone()[0]


def guarding_organisation(user: User, *, on: date) -> UUID | None:
    """Return the organisation whose second user decides on this account; None if several organisations guard it."""
    found = [row_id for row_id in organisations_with_role(user, on=on - GUARDED) if has_cases(row_id)]
    return found[0] if len(found) == 1 else None


def organisations_of_request(request: AccessRequest) -> set[UUID]:
    """Return the ids of the organisations that a request is about."""
    if request.organisation_id is not None or request.user is None:
        return {request.organisation_id} if request.organisation_id else set()
    return organisations_with_role(request.user, on=timezone.localdate() - GUARDED)


def approvers_of(request: AccessRequest) -> list[tuple[User, str]]:
    """Return who may decide on a request, each with the capacity (a `DecidedAs`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, decides_as FROM access.approvers(%s)", [request.pk])
        found = dict(cursor.fetchall())
    return [(user, found[user.pk]) for user in User.objects.filter(pk__in=found).order_by("username")]


def decides_as(user, request: AccessRequest) -> str:
    """Return in which capacity this user may decide on a request; "" if they may not, or it is decided."""
    if request.state != RequestState.PENDING:
        return ""
    return next((capacity for approver, capacity in approvers_of(request) if approver == user), "")


def requests_to_decide(user) -> list[AccessRequest]:
    """Return the requests on which this user may decide, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id FROM accounts_accessrequest a CROSS JOIN LATERAL access.approvers(a.id) b "
            "WHERE a.state = 'pending' AND b.user_id = %s",
            [user.pk],
        )
        ids = [row_id for (row_id,) in cursor.fetchall()]
    return list(_with_names(AccessRequest.objects.filter(pk__in=ids)).order_by("asked_at", "id"))


def _with_names(requests):
    return requests.select_related("organisation", "user", "role__organisation", "asked_by", "decided_by")


def supervised_by(user) -> set[UUID]:
    """Return the ids of the organisations in which this user is a supervisor."""
    live = Membership.objects.live(timezone.localdate()).filter(user=user, role__code=RoleCode.SUPERVISOR)
    return set(
        live.filter(role__organisation__is_active=True).values_list("role__organisation_id", flat=True)
    )


def _about(organisation_ids: Iterable[UUID]) -> Q:
    """Return the condition for requests about one of these organisations, or about a user with a role there."""
    recent = Membership.objects.not_over(timezone.localdate() - GUARDED).filter(
        role__organisation__in=list(organisation_ids)
    )
    several = Q(organisation=None, user__in=recent.values("user"))
    return Q(organisation__in=list(organisation_ids)) | several


def access_requests(user):
    """Return the requests that a user may see: their own, those they may decide, those of organisations they manage."""
    waiting = [request.pk for request in requests_to_decide(user)]
    own = Q(asked_by=user) | Q(decided_by=user) | Q(pk__in=waiting)
    return _with_names(AccessRequest.objects.filter(own | _about(managed_by(user) | supervised_by(user))))


def may_stop(user, request: AccessRequest) -> bool:
    """Return whether this user may stop a request: they asked, or they manage or supervise one of its organisations."""
    managed = managed_by(user) | supervised_by(user)
    return request.asked_by_id == user.pk or bool(managed & organisations_of_request(request))


OBJECTION, OBJECTION_DAYS = "accounts.objection", 30


def objection_link(request: AccessRequest) -> str:
    """Return the path where the user whom the request is about can stop it without signing in."""
    text = signing.dumps(request.pk.hex, salt=OBJECTION)
    return reverse("accounts:access-objection", args=[text])


def access_request_of(link: str) -> AccessRequest | None:
    """Return the request that an objection's link is for; None for an invalid link or if it can't be stopped."""
    try:
        request_id = signing.loads(link, salt=OBJECTION, max_age=OBJECTION_DAYS * 24 * 60 * 60)
    except signing.BadSignature:
        return None
    return _with_names(AccessRequest.objects.open()).filter(pk=request_id).first()


def users_of(organisation_ids: Iterable[UUID], *, on: date):
    """Return the users with a role in one of these organisations within the last 30 days, closed accounts included."""
    recent = Membership.objects.not_over(on - timedelta(days=30)).filter(starts_on__lte=on)
    found = recent.filter(role__organisation__in=list(organisation_ids))
    return User.objects.filter(pk__in=found.values("user")).order_by("username")


def programmes_of(role: Role) -> list[str]:
    """Codes of the single programmes whose figures a role sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.programmes_of_role(%s)", [role.pk])
        return cursor.fetchone()[0]


def shares_mailbox_with_approver(membership: Membership) -> bool:
    """Whether a role that approves access would be given to a mailbox that somebody has who approves there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.shares_mailbox(%s, %s)", [membership.user_id, membership.role_id])
        return cursor.fetchone()[0]

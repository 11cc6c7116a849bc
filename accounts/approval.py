"""Access that needs a second user: where it does, who may decide, and who sees a request."""

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from django.core import signing
from django.db import connection
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.choices import RequestState, RoleCode
from accounts.models import AccessRequest, Membership, User
from accounts.queries import managed_by, organisations_with_role

GUARDED = timedelta(days=365)  # after a role's last day, as in accounts/sql/040_requests.sql


def has_cases(organisation_id: UUID) -> bool:
    """Whether access in this organisation needs a second user: it has, or once had, a case."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.has_cases(%s)", [organisation_id])
        return cursor.fetchone()[0]


def is_guarded(user: User) -> bool:
    """Whether a user has a role where there are cases, had one within a year, or has one to come."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.is_guarded(%s)", [user.pk])
        return cursor.fetchone()[0]


def guarding_organisation(user: User, *, on: date) -> UUID | None:
    """The organisation whose second user decides on this account; None where it works for several with cases."""
    found = [key for key in organisations_with_role(user, on=on - GUARDED) if has_cases(key)]
    return found[0] if len(found) == 1 else None


def organisations_of_request(request: AccessRequest) -> set[UUID]:
    """The organisations that a request is about."""
    if request.organisation_id is not None or request.user is None:
        return {request.organisation_id} if request.organisation_id else set()
    return organisations_with_role(request.user, on=timezone.localdate() - GUARDED)


def approvers_of(request: AccessRequest) -> list[tuple[User, str]]:
    """Who may decide on a request, and as what."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, decides_as FROM access.approvers(%s)", [request.pk])
        found = dict(cursor.fetchall())
    return [(user, found[user.pk]) for user in User.objects.filter(pk__in=found).order_by("username")]


def decides_as(user, request: AccessRequest) -> str:
    """As what this user may decide on a request; "" where they may not, or it is decided."""
    if request.state != RequestState.PENDING:
        return ""
    return next((as_what for one, as_what in approvers_of(request) if one == user), "")


def requests_to_decide(user) -> list[AccessRequest]:
    """Requests that wait for this user, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id FROM accounts_accessrequest a CROSS JOIN LATERAL access.approvers(a.id) b "
            "WHERE a.state = 'pending' AND b.user_id = %s",
            [user.pk],
        )
        keys = [key for (key,) in cursor.fetchall()]
    return list(_with_names(AccessRequest.objects.filter(pk__in=keys)).order_by("asked_at", "id"))


def _with_names(requests):
    return requests.select_related("organisation", "user", "role__organisation", "asked_by", "decided_by")


def supervised_by(user) -> set[UUID]:
    """Organisations in which this user is a supervisor."""
    live = Membership.objects.live(timezone.localdate()).filter(user=user, role__code=RoleCode.SUPERVISOR)
    return set(
        live.filter(role__organisation__is_active=True).values_list("role__organisation_id", flat=True)
    )


def _about(organisation_ids: Iterable[UUID]) -> Q:
    """Requests about one of these organisations: asked of it, or of a user with a role there."""
    kept = Membership.objects.not_over(timezone.localdate() - GUARDED).filter(
        role__organisation__in=list(organisation_ids)
    )
    several = Q(organisation=None, user__in=kept.values("user"))
    return Q(organisation__in=list(organisation_ids)) | several


def access_requests(user):
    """Requests that a user may see: their own, those of organisations that they keep, and those that wait for them."""
    waiting = [request.pk for request in requests_to_decide(user)]
    own = Q(asked_by=user) | Q(decided_by=user) | Q(pk__in=waiting)
    return _with_names(AccessRequest.objects.filter(own | _about(managed_by(user) | supervised_by(user))))


def may_stop(user, request: AccessRequest) -> bool:
    """Whether this user may stop a request: who asked, and who keeps one of its organisations."""
    keeps = managed_by(user) | supervised_by(user)
    return request.asked_by_id == user.pk or bool(keeps & organisations_of_request(request))


OBJECTION, OBJECTION_DAYS = "accounts.objection", 30


def objection_link(request: AccessRequest) -> str:
    """Where whose account it is can stop a request without signing in."""
    text = signing.dumps(request.pk.hex, salt=OBJECTION)
    return reverse("accounts:access-objection", args=[text])


def access_request_of(link: str) -> AccessRequest | None:
    """The request that an objection's link is for, while it can be stopped."""
    try:
        key = signing.loads(link, salt=OBJECTION, max_age=OBJECTION_DAYS * 24 * 60 * 60)
    except signing.BadSignature:
        return None
    return _with_names(AccessRequest.objects.open()).filter(pk=key).first()


def users_of(organisation_ids: Iterable[UUID], *, on: date):
    """Whoever has had a role in one of these organisations within 30 days, accounts that were closed since included."""
    lately = Membership.objects.not_over(on - timedelta(days=30)).filter(starts_on__lte=on)
    found = lately.filter(role__organisation__in=list(organisation_ids))
    return User.objects.filter(pk__in=found.values("user")).order_by("username")

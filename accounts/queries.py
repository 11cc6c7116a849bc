"""What a user may do, and reads of users, roles, sessions, tokens and open work."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.db import connection
from django.db.models import F, Prefetch, Q
from django.utils import timezone

from accounts.authority import authority_of
from accounts.choices import (
    ADMINISTRATORS_TO_GIVE,
    GIVEN_BY_FOCAL_POINTS,
    OrganisationKind,
    Permission,
    RoleCode,
)
from accounts.hooks import OpenWork, user_leaving
from accounts.models import (
    ApiToken,
    Handover,
    Membership,
    Organisation,
    OrganisationGroupPermission,
    Role,
    Session,
    User,
)
from accounts.rules import PROOF_KEPT
from core.models import AuditEvent


def unread_notices(user) -> int:
    """Return the number of a user's unread notices; in SQL because every page shows it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM accounts_notice WHERE recipient_id = %s AND read_at IS NULL", [user.pk]
        )
        return cursor.fetchone()[0]


def organisations_of(user, permission: str = ""):
    """Return the organisations in which the user has a role today, or has the permission."""
    if permission:
        return Organisation.objects.filter(pk__in=authority_of(user).where(permission))
    live = Membership.objects.live(timezone.localdate()).filter(user=user)
    return Organisation.objects.filter(roles__memberships__in=live, is_active=True).distinct()


def own_memberships(user, *, on: date):
    """Return a user's memberships in active organisations that are valid on the given day or begin later."""
    found = Membership.objects.not_over(on).filter(user=user, role__organisation__is_active=True)
    return found.select_related("role__organisation").order_by("role__organisation__code", "starts_on", "id")


def managed_by(user) -> frozenset[UUID]:
    """Return the ids of the organisations whose users this user manages."""
    return authority_of(user).where(Permission.MANAGE_USERS)


def users_managed_by(user):
    """Return users who have, had or will have a role in an organisation whose users this user manages."""
    here = Membership.objects.filter(role__organisation__in=managed_by(user))
    return User.objects.filter(pk__in=here.values("user")).order_by("first_name", "last_name", "id")


def split_by_standing(users, user, *, on: date, is_ended: bool):
    """Return those of `users` whose roles in this user's organisations have ended, or the others."""
    here = Membership.objects.not_over(on).filter(role__organisation__in=managed_by(user))
    current = Q(is_active=True, pk__in=here.values("user"))
    return users.exclude(current) if is_ended else users.filter(current)


def with_roles_here(users, user):
    """Prefetch as `here` their memberships in the organisations whose users this user manages, and no others."""
    here = Membership.objects.filter(role__organisation__in=managed_by(user))
    ordered = here.select_related("role__organisation", "given_by", "request__decided_by").order_by(
        "-starts_on", "role__code", "id"
    )
    return users.prefetch_related(Prefetch("memberships", queryset=ordered, to_attr="here"))


def live_users(role: Role):
    """Return the users who have the role today."""
    return User.objects.filter(memberships__in=role.memberships.live(timezone.localdate())).distinct()


def organisations_worked_in(user: User) -> list[UUID]:
    """Return the ids of the organisations in which the user has a role today."""
    live = Membership.objects.live(timezone.localdate()).filter(user=user)
    return list(live.values_list("role__organisation", flat=True).distinct().order_by("role__organisation"))


def works_elsewhere(user: User, organisations: frozenset[UUID], *, on: date) -> bool:
    """Return whether the user has, or will have, a role outside these organisations."""
    current = Membership.objects.not_over(on).filter(user=user)
    return current.exclude(role__organisation__in=organisations).exists()


def roles_given_by(user):
    """Return the roles that a focal point may give: `rules.may_be_given`, for all their organisations in one query."""
    codes = {"organisation__in": managed_by(user), "code__in": GIVEN_BY_FOCAL_POINTS}
    reserved = OrganisationGroupPermission.objects.filter(permission__codename__in=ADMINISTRATORS_TO_GIVE)
    return (
        Role.objects.filter(**codes)
        .exclude(group__in=reserved.values("group"))
        .select_related("organisation")
        .order_by("organisation__code", "code")
    )


def may_give(user, role: Role) -> bool:
    """Return whether this user may give the role as a focal point."""
    return roles_given_by(user).filter(pk=role.pk).exists()


class Invitations(PasswordResetTokenGenerator):
    """Tokens of links for choosing a first password: valid for three days (PASSWORD_RESET_TIMEOUT), until it is set."""

    key_salt = "accounts.queries.Invitations"


invitations = Invitations()


def awaits_password(user: User) -> bool:
    """Return whether an active account has no password yet."""
    return user.is_active and not user.has_usable_password()


def is_invited(user: User, token: str) -> bool:
    """Return whether this token of an invitation link is valid for the user."""
    return awaits_password(user) and invitations.check_token(user, token)


def invited_user(user_id: UUID, token: str) -> User | None:
    """Return the user whom this link invites; None for a link that was used, has expired or is invalid."""
    user = User.objects.filter(pk=user_id).first()
    return user if user is not None and is_invited(user, token) else None


class Resets(PasswordResetTokenGenerator):
    """Tokens of links for choosing another password: valid until it is set or the user signs in."""

    key_salt = "accounts.queries.Resets"


resets = Resets()
RESET_SECONDS = 60 * 60


def reset_link(user: User) -> str:
    """Return a signed text, valid for an hour or until it is used or the user signs in."""
    return signing.dumps([user.pk.hex, resets.make_token(user)], salt=Resets.key_salt)


def user_of_reset(text: str) -> User | None:
    """Return the user whose password this link resets; None for a link that was used, has expired or is invalid."""
    try:
        user_id, token = signing.loads(text, salt=Resets.key_salt, max_age=RESET_SECONDS)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not user.has_usable_password() or not resets.check_token(user, token):
        return None
    return user if may_reset_by_mail(user, now=timezone.now()) else None


def _is_lately(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at < PROOF_KEPT


def may_reset_by_mail(user: User, *, now: datetime) -> bool:
    """Return whether a mailed link may reset the password: not for 14 days (`PROOF_KEPT`) after the second factor was
    reset, nor after the address was changed unless the user has a second factor."""
    if _is_lately(user.factor_reset_at, now):
        return False
    return not _is_lately(user.email_changed_at, now) or is_enrolled(user)


def needs_factor_to_reset(user: User, *, now: datetime) -> bool:
    """Return whether a reset by link also needs the second factor, because the address was changed recently."""
    return _is_lately(user.email_changed_at, now)


def users_at(email: str, *, now: datetime) -> list[User]:
    """Return the active users with this address and a password that may be reset; several accounts may share one."""
    found = User.objects.filter(email__iexact=email, is_active=True).order_by("pk")
    return [user for user in found if user.has_usable_password() and may_reset_by_mail(user, now=now)]


def factors_of(user):
    """Return a user's second factors including recovery codes, the oldest first."""
    return Authenticator.objects.filter(user_id=user.pk).order_by("pk")


def is_enrolled(user) -> bool:
    """Return whether a user has a second factor; recovery codes alone are none."""
    return factors_of(user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def sessions_of(user, *, at: datetime):
    """Return a user's own valid sessions, the last used first."""
    return Session.objects.visible_to(user).alive(at)


def permissions_of(role: Role) -> set[str]:
    """Return the codenames of a role's permissions in its organisation."""
    granted = OrganisationGroupPermission.objects.filter(
        group=role.group_id, content_object=role.organisation_id
    )
    return set(granted.values_list("permission__codename", flat=True))


def permissions_by_role(organisation: Organisation) -> dict[str, frozenset[str]]:
    """Return by role code the permissions in this organisation, as an administrator may have changed them."""
    granted = Role.objects.filter(organisation=organisation).values_list(
        "code", "group__organisationgrouppermission__permission__codename"
    )
    found: dict[str, set[str]] = {}
    for code, codename in granted:
        found.setdefault(code, set()).update({codename} - {None})
    return {code: frozenset(codenames) for code, codenames in found.items()}


def programmes_by_role(organisation: Organisation) -> dict[str, list[tuple[str, str]]]:
    """Return by role code the (English, Nepali) names of single programmes to which the role has summary access."""
    roles = Role.objects.filter(
        organisation=organisation,
        group__projectgrouppermission__permission__codename=Permission.READ_SUMMARIES,
        group__projectgrouppermission__content_object__managed_by=F("organisation"),
    ).order_by("code", f"{_PROGRAMME}__code")
    found: dict[str, list[tuple[str, str]]] = {}
    for code, *names in roles.values_list("code", f"{_PROGRAMME}__name_en", f"{_PROGRAMME}__name_ne"):
        found.setdefault(code, []).append((names[0], names[1]))
    return found


_PROGRAMME = "group__projectgrouppermission__content_object"


def holders(permission: Permission, organisation_id: UUID):
    """Return the active users who have the permission in the organisation today."""
    live = Membership.objects.live(timezone.localdate()).filter(
        role__organisation_id=organisation_id,
        role__group__organisationgrouppermission__content_object_id=organisation_id,
        role__group__organisationgrouppermission__permission__codename=permission,
    )
    return User.objects.filter(memberships__in=live, is_active=True).distinct().order_by("username")


class UserName(NamedTuple):
    """How a user is shown to others: the name, and the organisations that they work for."""

    name: str
    organisations: str


def names_of_users(user_ids: Iterable[UUID]) -> dict[UUID, UserName]:
    """Return names by user id, with the organisations in which the users have or had a role."""
    users = User.objects.filter(pk__in=user_ids).prefetch_related("memberships__role__organisation")
    return {
        user.pk: UserName(
            user.name,
            ", ".join(sorted({membership.role.organisation.name for membership in user.memberships.all()})),
        )
        for user in users
    }


def supervisors_in(organisation_id: UUID):
    """Return the organisation's supervisors; its focal points if it has none."""
    live = Membership.objects.live(timezone.localdate()).filter(role__organisation_id=organisation_id)
    for code in (RoleCode.SUPERVISOR, RoleCode.FOCAL_POINT):
        found = User.objects.filter(memberships__in=live.filter(role__code=code), is_active=True).distinct()
        if found:
            return found
    return User.objects.none()


def _managing(rows):
    """Narrow memberships to roles that manage users or supervise: those who decide on access."""
    manages_users = Q(
        role__group__organisationgrouppermission__permission__codename=Permission.MANAGE_USERS,
        role__group__organisationgrouppermission__content_object=F("role__organisation"),
    )
    return rows.filter(manages_users | Q(role__code=RoleCode.SUPERVISOR))


def access_managers_of(organisation_ids: Iterable[UUID]):
    """Return who manages users or supervises in one of these organisations: notified about access.

    So is who did within 30 days, closed accounts included: whoever ends their access can't hide what follows.
    """
    today, late = timezone.localdate(), timedelta(days=30)
    lately = Membership.objects.not_over(today - late).filter(
        role__organisation__in=list(organisation_ids), starts_on__lte=today
    )
    return User.objects.filter(
        Q(is_active=True) | Q(closed_at__gt=timezone.now() - late), pk__in=_managing(lately).values("user")
    ).order_by("username")


def organisations_managed_by(user: User) -> frozenset[UUID]:
    """Return the organisations in which the user decides on access now; none if the account is closed."""
    live = Membership.objects.live(timezone.localdate()).filter(user=user, user__is_active=True)
    return frozenset(_managing(live).values_list("role__organisation", flat=True))


def organisations_with_role(user: User, *, on: date) -> set[UUID]:
    """Return the ids of the organisations in which a user has a role on this day, or will have one."""
    current = Membership.objects.not_over(on).filter(user=user)
    return set(current.values_list("role__organisation_id", flat=True))


def tokens_of(user, *, on: date):
    """Return a user's tokens that are neither revoked nor expired, confirmed or not."""
    return ApiToken.objects.visible_to(user).filter(revoked_at=None, expires_on__gte=on)


def protection_supervisors() -> list[User]:
    """Return the active users of the IOM office who may open a case in an emergency."""
    offices = Organisation.objects.filter(kind=OrganisationKind.IOM, is_active=True)
    return [user for office in offices for user in holders(Permission.BREAK_GLASS, office.pk)]


def supervisors_or_iom(organisation_id: UUID) -> list[User]:
    """Return the organisation's supervisors, or IOM's protection supervisors if it has none: they see to open work."""
    return list(holders(Permission.ASSIGN_CASES, organisation_id)) or protection_supervisors()


def live_memberships_with(permission: Permission):
    """Return the memberships that give an active user the permission today, in any organisation."""
    return Membership.objects.live(timezone.localdate()).filter(
        user__is_active=True,
        role__organisation__is_active=True,
        role__group__organisationgrouppermission__permission__codename=permission,
        role__group__organisationgrouppermission__content_object=F("role__organisation"),
    )


def organisations_with(permission: Permission):
    """Return the active organisations in which a user has the permission today."""
    found = Organisation.objects.filter(roles__memberships__in=live_memberships_with(permission))
    return found.filter(is_active=True).distinct()


@dataclass(frozen=True)
class UserWork:
    """How much open work of one kind a user has in an organisation; `code` is a key of `hooks.user_leaving`."""

    code: str
    organisation: Organisation
    count: int

    @property
    def name(self) -> str:
        """The name of the form field that asks who takes it over."""
        return f"to_{self.code}_{self.organisation.code}"

    @property
    def label(self) -> str:
        """The translated name of the kind of work."""
        return str(user_leaving[self.code].label)


def kind_of_work(work: UserWork) -> OpenWork:
    """Return the kind of this work."""
    return user_leaving[work.code]


def open_work_of(user: User, organisation_ids: Iterable[UUID], permission: str = "") -> list[UserWork]:
    """Return a user's open work in these organisations, of all kinds or only of those that need the permission."""
    return [
        UserWork(code, organisation, count)
        for organisation in Organisation.objects.filter(pk__in=organisation_ids)
        for code, kind in user_leaving.items()
        if permission in ("", kind.permission) and (count := kind.count(user, organisation.pk))
    ]


def open_work_of_all(users: Iterable[User], organisation_ids: Iterable[UUID]) -> list[UserWork]:
    """Return the sum of several users' open work by kind and organisation."""
    found: dict[str, UserWork] = {}
    for user in users:
        for item in open_work_of(user, organisation_ids):
            before = found[item.name].count if item.name in found else 0
            found[item.name] = replace(item, count=before + item.count)
    return list(found.values())


def recipients_about_work(work: str, user: User, *organisation_ids: UUID) -> list[User]:
    """Return whom to notify about work of this kind that the user began.

    The user, while they may do such work in one of the organisations; else whoever took it over in the first one, and
    so on; else everyone who may do it there."""
    permission, first = user_leaving[work].permission, organisation_ids[0]
    seen: list[User] = []
    while user not in seen:
        if any(holders(permission, row_id).filter(pk=user.pk).exists() for row_id in organisation_ids):
            return [user]
        seen.append(user)
        last = (
            Handover.objects.filter(user=user, organisation_id=first, work=work)
            .select_related("receiver")
            .order_by("-at", "-id")
            .first()
        )
        if last is None or last.receiver is None:
            break
        user = last.receiver
    return list(holders(permission, first))


def may_configure(user) -> bool:
    """Return whether the user may configure the system: an administrator of IOM, never of a partner."""
    authority = authority_of(user)
    return bool(authority.where(Permission.CONFIGURE) & authority.offices)


def may_audit(user) -> bool:
    """Return whether the user may read the audit log: an auditor of IOM, never of a partner."""
    return authority_of(user).audits == Q()


def audit_events(user):
    """Return the audit log for its auditor; for all other users nothing, which the database enforces too."""
    return AuditEvent.objects.all() if may_audit(user) else AuditEvent.objects.none()


def usernames(**filters: object) -> dict[UUID, str]:
    """Return user names by id, for the audit log."""
    return dict(User.objects.filter(**filters).values_list("pk", "username"))


def token_digest(text: str) -> str:
    """Return the stored digest of a token. Plain SHA-256 is enough: a token has 256 random bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def live_token(text: str, *, on: date) -> ApiToken | None:
    """Return the token with this text, with its user, if it is valid on this day."""
    return ApiToken.objects.live(on).select_related("user").filter(digest=token_digest(text)).first()

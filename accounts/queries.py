"""What a person may do, asked once a request and kept on the user object."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.db import connection
from django.db.models import F, Prefetch, Q
from django.utils import timezone

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


@dataclass(frozen=True)
class Authority:
    """Organisations by permission, for one person at one moment; and the names of all they work for."""

    held: dict[str, frozenset[UUID]]
    names: tuple[tuple[str, str], ...] = ()  # English and Nepali, those without any permission too
    offices: frozenset[UUID] = frozenset()  # of IOM, where what is of the whole house is held
    programmes: frozenset[UUID] = frozenset()  # whose references and figures they see one by one …
    follows: frozenset[UUID] = frozenset()  # … and the organisations that manage these

    def where(self, *permissions: str) -> frozenset[UUID]:
        """Organisations in which the person holds at least one of these permissions."""
        return frozenset().union(*(self.held.get(permission, frozenset()) for permission in permissions))

    def may(self, permission: str, organisation_id: UUID | None = None) -> bool:
        """Whether the person holds it, in this organisation or, where none is named, in any."""
        organisations = self.held.get(permission, frozenset())
        return bool(organisations) if organisation_id is None else organisation_id in organisations

    @property
    def reads_summaries(self) -> bool:
        """Whether the person sees figures at all: of an organisation, or of single programmes."""
        return bool(self.programmes) or self.may(Permission.READ_SUMMARIES)


def authority_of(user) -> Authority:
    """One query joins live memberships to the groups' object permissions; nobody holds nothing."""
    if not user.is_authenticated or not user.is_active:
        return Authority({})
    if not hasattr(user, "_authority"):
        with connection.cursor() as cursor:
            cursor.execute(_STANDING, {"user": user.pk, "today": timezone.localdate()})
            rows = cursor.fetchall()
        held: dict[str, set[UUID]] = {}
        for organisation_id, _name_en, _name_ne, _kind, codenames, _programmes in rows:
            for codename in codenames:
                held.setdefault(codename, set()).add(organisation_id)
        user._authority = Authority(
            {name: frozenset(ids) for name, ids in held.items()},
            tuple((name_en, name_ne) for _id, name_en, name_ne, *_rest in rows),
            frozenset(key for key, _en, _ne, kind, *_rest in rows if kind == OrganisationKind.IOM),
            frozenset(project for *_rest, programmes in rows for project in programmes),
            frozenset(key for key, *_rest, programmes in rows if programmes),
        )
    return user._authority


# By hand, as every page asks it and the ORM would take longer to write it than PostgreSQL to answer; and so that the
# programmes, whose app stands above this one, come with the same query.
_STANDING = """
    SELECT o.id, o.name_en, o.name_ne, o.kind,
           coalesce(array_agg(DISTINCT p.codename::text) FILTER (WHERE p.codename IS NOT NULL), '{}'),
           coalesce(array_agg(DISTINCT j.id) FILTER (WHERE j.id IS NOT NULL AND f.id IS NOT NULL), '{}')
      FROM accounts_membership m
      JOIN accounts_role r ON r.id = m.role_id
      JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
      LEFT JOIN accounts_organisationgrouppermission g
        ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id
      LEFT JOIN auth_permission p ON p.id = g.permission_id
      LEFT JOIN projects_projectgrouppermission s ON s.group_id = r.group_id
      LEFT JOIN auth_permission f ON f.id = s.permission_id AND f.codename = 'read_summaries'
      LEFT JOIN projects_project j ON j.id = s.content_object_id AND j.managed_by_id = r.organisation_id
     WHERE m.user_id = %(user)s AND m.starts_on <= %(today)s
       AND (m.ends_on IS NULL OR m.ends_on >= %(today)s)
     GROUP BY o.id ORDER BY o.code
"""


def unread_notices(user) -> int:
    """How many notices wait for this person; by hand, as every page shows it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM accounts_notice WHERE recipient_id = %s AND read_at IS NULL", [user.pk]
        )
        return cursor.fetchone()[0]


def organisations_of(user, permission: str = ""):
    """Organisations in which the person has a live role, or holds the permission."""
    if permission:
        return Organisation.objects.filter(pk__in=authority_of(user).where(permission))
    live = Membership.objects.live(timezone.localdate()).filter(user=user)
    return Organisation.objects.filter(roles__memberships__in=live, is_active=True).distinct()


def own_memberships(user, *, on: date):
    """A person's own roles that hold on the given day or begin later, where the organisation is active."""
    found = Membership.objects.not_over(on).filter(user=user, role__organisation__is_active=True)
    return found.select_related("role__organisation").order_by("role__organisation__code", "starts_on", "id")


def managed_by(user) -> frozenset[UUID]:
    """Organisations whose people this person keeps."""
    return authority_of(user).where(Permission.MANAGE_USERS)


def users_managed_by(user):
    """Whoever has, had or will have a role in an organisation whose people this person keeps."""
    here = Membership.objects.filter(role__organisation__in=managed_by(user))
    return User.objects.filter(pk__in=here.values("user")).order_by("first_name", "last_name", "id")


def split_by_standing(people, user, *, on: date, is_ended: bool):
    """Of those people the ones whose work here is over, or the others."""
    here = Membership.objects.not_over(on).filter(role__organisation__in=managed_by(user))
    kept = Q(is_active=True, pk__in=here.values("user"))
    return people.exclude(kept) if is_ended else people.filter(kept)


def with_roles_here(people, user):
    """Their roles in the organisations whose people this person keeps, as `here`; no other role of theirs."""
    here = Membership.objects.filter(role__organisation__in=managed_by(user))
    ordered = here.select_related("role__organisation", "given_by", "request__decided_by").order_by(
        "-starts_on", "role__code", "id"
    )
    return people.prefetch_related(Prefetch("memberships", queryset=ordered, to_attr="here"))


def live_users(role: Role):
    """Who has the role today."""
    return User.objects.filter(memberships__in=role.memberships.live(timezone.localdate())).distinct()


def organisations_worked_in(user: User) -> list[UUID]:
    """Organisations in which the user has a role today."""
    live = Membership.objects.live(timezone.localdate()).filter(user=user)
    return list(live.values_list("role__organisation", flat=True).distinct().order_by("role__organisation"))


def works_elsewhere(user: User, organisations: frozenset[UUID], *, on: date) -> bool:
    """Whether somebody has a role, or one to come, outside these organisations."""
    kept = Membership.objects.not_over(on).filter(user=user)
    return kept.exclude(role__organisation__in=organisations).exists()


def roles_given_by(user):
    """Roles that a focal point may give: `rules.may_be_given`, for all of their organisations in one query."""
    codes = {"organisation__in": managed_by(user), "code__in": GIVEN_BY_FOCAL_POINTS}
    weighty = OrganisationGroupPermission.objects.filter(permission__codename__in=ADMINISTRATORS_TO_GIVE)
    return (
        Role.objects.filter(**codes)
        .exclude(group__in=weighty.values("group"))
        .select_related("organisation")
        .order_by("organisation__code", "code")
    )


def may_give(user, role: Role) -> bool:
    """Whether this person may give the role as a focal point."""
    return roles_given_by(user).filter(pk=role.pk).exists()


class Invitations(PasswordResetTokenGenerator):
    """Links for choosing a first password. They hold three days (PASSWORD_RESET_TIMEOUT), and until one is chosen."""

    key_salt = "accounts.queries.Invitations"


invitations = Invitations()


def awaits_password(user: User) -> bool:
    """Whether an open account has no password yet."""
    return user.is_active and not user.has_usable_password()


def is_invited(user: User, token: str) -> bool:
    return awaits_password(user) and invitations.check_token(user, token)


def invited_user(user_id: UUID, token: str) -> User | None:
    """Whom this link invites; None for a link that was used, ran out or never was."""
    user = User.objects.filter(pk=user_id).first()
    return user if user is not None and is_invited(user, token) else None


class Resets(PasswordResetTokenGenerator):
    """Links for choosing another password: until one is chosen or the person signs in."""

    key_salt = "accounts.queries.Resets"


resets = Resets()
RESET_SECONDS = 60 * 60


def reset_link(user: User) -> str:
    """One opaque signed text, which ends with use, with signing in and after an hour."""
    return signing.dumps([user.pk.hex, resets.make_token(user)], salt=Resets.key_salt)


def user_of_reset(text: str) -> User | None:
    """Whose password this link is for; None for a link that was used, ran out or never was."""
    try:
        key, token = signing.loads(text, salt=Resets.key_salt, max_age=RESET_SECONDS)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=key, is_active=True).first()
    if user is None or not user.has_usable_password() or not resets.check_token(user, token):
        return None
    return user if may_reset_by_mail(user, now=timezone.now()) else None


def _is_lately(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at < PROOF_KEPT


def may_reset_by_mail(user: User, *, now: datetime) -> bool:
    """Whether a mailed link may replace a password: not for a time after the second step was taken away, nor after
    the address was changed where there is no second step to show.
    """
    if _is_lately(user.factor_reset_at, now):
        return False
    return not _is_lately(user.email_changed_at, now) or is_enrolled(user)


def needs_factor_to_reset(user: User, *, now: datetime) -> bool:
    """Whether a mailed link alone is no proof: the address was changed a short time ago."""
    return _is_lately(user.email_changed_at, now)


def users_at(email: str, *, now: datetime) -> list[User]:
    """Everybody with this e-mail who has a password to forget; several accounts may share one."""
    found = User.objects.filter(email__iexact=email, is_active=True).order_by("pk")
    return [user for user in found if user.has_usable_password() and may_reset_by_mail(user, now=now)]


def factors_of(user):
    """A person's own second factors, recovery codes among them, the oldest first."""
    return Authenticator.objects.filter(user_id=user.pk).order_by("pk")


def is_enrolled(user) -> bool:
    """Whether somebody has a second factor; recovery codes alone are none."""
    return factors_of(user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def sessions_of(user, *, at: datetime):
    """A person's own sessions that open something, the last used first."""
    return Session.objects.visible_to(user).alive(at)


def permissions_of(role: Role) -> set[str]:
    """What a role may do in its organisation."""
    held = OrganisationGroupPermission.objects.filter(
        group=role.group_id, content_object=role.organisation_id
    )
    return set(held.values_list("permission__codename", flat=True))


def permissions_by_role(organisation: Organisation) -> dict[str, frozenset[str]]:
    """What each role may do in this organisation, as an administrator left it."""
    granted = Role.objects.filter(organisation=organisation).values_list(
        "code", "group__organisationgrouppermission__permission__codename"
    )
    found: dict[str, set[str]] = {}
    for code, codename in granted:
        found.setdefault(code, set()).update({codename} - {None})
    return {code: frozenset(codenames) for code, codenames in found.items()}


def programmes_by_role(organisation: Organisation) -> dict[str, list[tuple[str, str]]]:
    """Names, English and Nepali, of the single programmes whose figures each role sees here."""
    followed = Role.objects.filter(
        organisation=organisation,
        group__projectgrouppermission__permission__codename=Permission.READ_SUMMARIES,
        group__projectgrouppermission__content_object__managed_by=F("organisation"),
    ).order_by("code", f"{_FOLLOWED}__code")
    found: dict[str, list[tuple[str, str]]] = {}
    for code, *names in followed.values_list("code", f"{_FOLLOWED}__name_en", f"{_FOLLOWED}__name_ne"):
        found.setdefault(code, []).append((names[0], names[1]))
    return found


_FOLLOWED = "group__projectgrouppermission__content_object"


def holders(permission: Permission, organisation_id: UUID):
    """Active people who hold the permission in the organisation now, whoever asks."""
    live = Membership.objects.live(timezone.localdate()).filter(
        role__organisation_id=organisation_id,
        role__group__organisationgrouppermission__content_object_id=organisation_id,
        role__group__organisationgrouppermission__permission__codename=permission,
    )
    return User.objects.filter(memberships__in=live, is_active=True).distinct().order_by("username")


class Told(NamedTuple):
    """A person as others are told of them: their name, and for whom they work."""

    name: str
    organisations: str


def told_of(keys: Iterable[UUID]) -> dict[UUID, Told]:
    """Names of people by key, with the organisations in which they have or had a role."""
    people = User.objects.filter(pk__in=keys).prefetch_related("memberships__role__organisation")
    return {
        user.pk: Told(
            user.name,
            ", ".join(sorted({held.role.organisation.name for held in user.memberships.all()})),
        )
        for user in people
    }


def supervisors_in(organisation_id: UUID):
    """Who watches over the work there: its supervisors, and where there are none its focal hooks."""
    live = Membership.objects.live(timezone.localdate()).filter(role__organisation_id=organisation_id)
    for code in (RoleCode.SUPERVISOR, RoleCode.FOCAL_POINT):
        found = User.objects.filter(memberships__in=live.filter(role__code=code), is_active=True).distinct()
        if found:
            return found
    return User.objects.none()


def access_managers_of(organisation_ids: Iterable[UUID]):
    """Active users who keep the users of one of these organisations, or supervise there: who is told of access."""
    live = Membership.objects.live(timezone.localdate()).filter(role__organisation__in=list(organisation_ids))
    keeping = Q(
        role__group__organisationgrouppermission__permission__codename=Permission.MANAGE_USERS,
        role__group__organisationgrouppermission__content_object=F("role__organisation"),
    )
    found = live.filter(keeping | Q(role__code=RoleCode.SUPERVISOR))
    return User.objects.filter(pk__in=found.values("user"), is_active=True).order_by("username")


def organisations_with_role(user: User, *, on: date) -> set[UUID]:
    """Organisations in which a user has a role on this day, or will have one."""
    kept = Membership.objects.not_over(on).filter(user=user)
    return set(kept.values_list("role__organisation_id", flat=True))


def tokens_of(user, *, on: date):
    """A user's own tokens that open something, or would once they are confirmed."""
    return ApiToken.objects.visible_to(user).filter(revoked_at=None, expires_on__gte=on)


def protection_supervisors() -> list[User]:
    """Active users who may open a case in an emergency, in any office of IOM."""
    offices = Organisation.objects.filter(kind=OrganisationKind.IOM, is_active=True)
    return [user for office in offices for user in holders(Permission.BREAK_GLASS, office.pk)]


def supervisors_or_iom(organisation_id: UUID) -> list[User]:
    """Who is asked where nobody does what must be done there: its supervisors; else IOM's protection supervisors."""
    return list(holders(Permission.ASSIGN_CASES, organisation_id)) or protection_supervisors()


def live_with(permission: Permission):
    """Memberships by which somebody holds the permission now, in whichever organisation."""
    return Membership.objects.live(timezone.localdate()).filter(
        user__is_active=True,
        role__organisation__is_active=True,
        role__group__organisationgrouppermission__permission__codename=permission,
        role__group__organisationgrouppermission__content_object=F("role__organisation"),
    )


def organisations_with(permission: Permission):
    """Active organisations in which somebody holds the permission now."""
    found = Organisation.objects.filter(roles__memberships__in=live_with(permission))
    return found.filter(is_active=True).distinct()


@dataclass(frozen=True)
class Carried:
    """How much open work of one kind a user carries in an organisation."""

    code: str
    organisation: Organisation
    count: int

    @property
    def name(self) -> str:
        """Under which the answer is given to whom it goes."""
        return f"to_{self.code}_{self.organisation.code}"

    @property
    def label(self) -> str:
        return str(user_leaving[self.code].label)


def work_of(carried: Carried) -> OpenWork:
    """What kind of work it is."""
    return user_leaving[carried.code]


def carried_by(user: User, organisation_ids: Iterable[UUID], permission: str = "") -> list[Carried]:
    """What a user carries in these organisations, of every kind or of those that need the permission."""
    return [
        Carried(code, organisation, count)
        for organisation in Organisation.objects.filter(pk__in=organisation_ids)
        for code, work in user_leaving.items()
        if permission in ("", work.permission) and (count := work.count(user, organisation.pk))
    ]


def carried_in_all(users: Iterable[User], organisation_ids: Iterable[UUID]) -> list[Carried]:
    """What several users carry together, by kind and organisation."""
    found: dict[str, Carried] = {}
    for user in users:
        for item in carried_by(user, organisation_ids):
            before = found[item.name].count if item.name in found else 0
            found[item.name] = replace(item, count=before + item.count)
    return list(found.values())


def still_or_now(work: str, user: User, *organisation_ids: UUID) -> list[User]:
    """Who hears what becomes of work of this kind that the user began: they, while they may do it in one of these
    organisations; else whoever took it over from them in the first; else all who may do it there.
    """
    permission, first = user_leaving[work].permission, organisation_ids[0]
    asked: list[User] = []
    while user not in asked:
        if any(holders(permission, key).filter(pk=user.pk).exists() for key in organisation_ids):
            return [user]
        asked.append(user)
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
    """Whether the person configures the system: an administrator of IOM, never of a partner."""
    authority = authority_of(user)
    return bool(authority.where(Permission.CONFIGURE) & authority.offices)


def may_audit(user) -> bool:
    """Whether the person reads the log: an auditor of IOM, never of a partner."""
    authority = authority_of(user)
    return bool(authority.where(Permission.READ_AUDIT) & authority.offices)


def audit_events(user):
    """The log for its auditor; for everybody else nothing, as the database says too."""
    return AuditEvent.objects.all() if may_audit(user) else AuditEvent.objects.none()


def usernames(**chosen: object) -> dict[UUID, str]:
    """User names by key, for the log."""
    return dict(User.objects.filter(**chosen).values_list("pk", "username"))


def token_digest(text: str) -> str:
    """What is kept of a token. Plain SHA-256: a token is 256 random bits, which nobody guesses."""
    return hashlib.sha256(text.encode()).hexdigest()


def live_token(text: str, *, on: date) -> ApiToken | None:
    """The token with this text and its person, if it opens anything on this day."""
    return ApiToken.objects.live(on).select_related("user").filter(digest=token_digest(text)).first()

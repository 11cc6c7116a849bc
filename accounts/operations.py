"""Every write to people, organisations, roles, notices and API tokens."""

import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as DjangoPermission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.choices import STARTING_PERMISSIONS, Permission, RoleCode
from accounts.models import (
    ApiToken,
    Membership,
    Notice,
    Organisation,
    OrganisationGroupPermission,
    Role,
    User,
)
from accounts.queries import may_configure, token_digest
from accounts.rules import pair_in
from core import audit

TOKEN_DAYS = 90  # how long a token opens something unless its maker says otherwise


def _require_configure(by) -> None:
    """Configuration is an administrator's; `by=None` is the machine itself (loading, seeding)."""
    if by is not None and not may_configure(by):
        raise PermissionDenied


@transaction.atomic
def save_organisation(*, organisation: Organisation, by, now: datetime) -> Organisation:
    """Add or change an organisation and give it every role, with the role's starting permissions."""
    _require_configure(by)
    organisation.full_clean()
    organisation.save()
    for code in RoleCode.values:
        _ensure_role(organisation, code)
    audit.record(
        by=by, verb="organisation saved", obj=organisation, now=now, detail={"code": organisation.code}
    )
    return organisation


def _ensure_role(organisation: Organisation, code: str) -> Role:
    role = Role.objects.filter(organisation=organisation, code=code).first()
    if role is None:
        group = Group.objects.create(name=f"{organisation.code}: {code} ({str(organisation.pk)[:8]})")
        role = Role.objects.create(organisation=organisation, code=code, group=group)
        _set_permissions(role, STARTING_PERMISSIONS.get(code, ()))
    return role


def _set_permissions(role: Role, codenames: Iterable[str]) -> None:
    OrganisationGroupPermission.objects.filter(group=role.group, content_object=role.organisation).delete()
    for permission in DjangoPermission.objects.filter(
        content_type__app_label="accounts", content_type__model="organisation", codename__in=codenames
    ):
        OrganisationGroupPermission.objects.create(
            group=role.group, content_object=role.organisation, permission=permission
        )


@transaction.atomic
def tailor_role(*, role: Role, codenames: Iterable[str], by, now: datetime) -> Role:
    """Say what this role may do in its organisation, in place of what it could before."""
    _require_configure(by)
    codenames = sorted(codenames)
    unknown = set(codenames) - set(Permission.values)
    if unknown:
        raise ValidationError(_("Unknown permission: %s") % ", ".join(sorted(unknown)))
    if {Permission.APPROVE_GRANTS, Permission.PAY_GRANTS} <= set(codenames):
        raise ValidationError(_("One role can't approve grants and pay them."))
    _set_permissions(role, codenames)
    audit.record(by=by, verb="role tailored", obj=role, now=now, detail={"permissions": codenames})
    return role


@transaction.atomic
def save_user(*, user: User, by, now: datetime, password: str = "") -> User:
    """Add or change a person who signs in. A new person without a password can't sign in yet."""
    _require_configure(by)
    if password:
        validate_password(password, user)
        user.set_password(password)
    elif user._state.adding:
        user.set_unusable_password()
    user.full_clean()
    user.save()
    audit.record(by=by, verb="user saved", obj=user, now=now)
    return user


@transaction.atomic
def save_membership(*, membership: Membership, by, now: datetime) -> Membership:
    """Give a person a role from one day to another; refused beside a role that must be somebody else's."""
    _require_configure(by)
    membership.full_clean()
    beside = Membership.objects.overlapping(membership).filter(
        user=membership.user, role__organisation=membership.role.organisation
    )
    held = {membership.role.code, *beside.values_list("role__code", flat=True)}
    together = pair_in(held)
    if together is not None:
        raise ValidationError(str(together.refusal))
    membership.save()
    audit.record(by=by, verb="membership saved", obj=membership, now=now)
    return membership


@transaction.atomic
def end_membership(*, membership: Membership, on: date, by, now: datetime) -> Membership:
    """End a role after the given day."""
    membership.ends_on = on
    return save_membership(membership=membership, by=by, now=now)


def leave_notice(
    *, recipient: User, key: str, text: str, url: str, now: datetime, words: tuple[object, ...] = ()
) -> None:
    """Tell a person something, once for each key, in their own language. The text names nobody.

    `text` is a message marked with gettext_noop; `words` fill it in.
    """
    with translation.override(recipient.language):
        said = _(text) % words
    Notice.objects.bulk_create(
        [Notice(recipient=recipient, key=key, text=said, url=url, created_at=now)], ignore_conflicts=True
    )


@transaction.atomic
def mark_notices_read(*, by, now: datetime) -> int:
    """Mark all of a person's own notices as read; how many there were."""
    return Notice.objects.editable_by(by).unread().update(read_at=now)


@transaction.atomic
def change_language(*, by, language: str) -> None:
    """Remember in which language a person wants mails and notices."""
    by.language = language
    by.save(update_fields=["language"])


@transaction.atomic
def create_api_token(
    *, user: User, name: str, by, now: datetime, days: int = TOKEN_DAYS
) -> tuple[ApiToken, str]:
    """Make a token with which a program acts as `user` for so many days; the text is told this once only.

    Nobody makes one for another: it would let an administrator read case files. `by=None` is the command line.
    """
    if by is not None and by != user:
        raise PermissionDenied
    text = secrets.token_urlsafe(32)
    token = ApiToken(
        user=user,
        name=name,
        digest=token_digest(text),
        created_at=now,
        expires_on=now.date() + timedelta(days=days),
    )
    token.clean_fields(exclude=["last_used_on", "revoked_at"])
    token.save(force_insert=True)
    audit.record(by=by, verb="token created", obj=token, now=now, detail={"user": str(user.pk)})
    return token, text


@transaction.atomic
def revoke_api_tokens(*, user: User, by, now: datetime) -> int:
    """End all tokens of a person at once; how many there were."""
    if by != user:
        _require_configure(by)
    ended = ApiToken.objects.visible_to(user).filter(revoked_at=None).update(revoked_at=now)
    audit.record(by=by, verb="tokens revoked", obj=user, now=now, detail={"count": ended})
    return ended


def note_token_use(*, token: ApiToken, now: datetime) -> None:
    """Remember the last day on which a token was used: one write a day."""
    if token.last_used_on != now.date():
        token.last_used_on = now.date()
        token.save(update_fields=["last_used_on"])

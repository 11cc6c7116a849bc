"""Writes to users and roles."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission as DjangoPermission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.approval import (
    guarding_organisation,
    is_guarded,
    programmes_of,
    shares_mailbox_with_approver,
)
from accounts.choices import Permission, RequestKind
from accounts.models import (
    AccessRequest,
    Membership,
    OrganisationGroupPermission,
    Role,
    User,
)
from accounts.operations.access import (
    ask_access,
    effects,
    needs_second_user,
    refuse_while_role_waits,
    user_of,
)
from accounts.operations.invitation import invite
from accounts.operations.leaving import Receivers, leaving
from accounts.operations.lock import lock_own_account, locked_user
from accounts.operations.mail_count import TooManyInvitations, count_mail, is_or_was_invited
from accounts.operations.notice import notify_access_managers, notify_users
from accounts.operations.session import end_credentials, end_sessions_of, end_tokens_of, note_new_address
from accounts.operations.usernames import NewUser, fresh_username
from accounts.queries import (
    awaits_password,
    live_users,
    managed_by,
    may_configure,
    may_give,
    permissions_of,
    users_managed_by,
    works_elsewhere,
)
from accounts.rules import pair_in
from core import audit, names


def require_configure(*, by) -> None:
    """Raise PermissionDenied unless the user may configure; `by=None` is the system itself (loading, seeding)."""
    if by is not None and not may_configure(by):
        raise PermissionDenied


def set_permissions(role: Role, codenames: Iterable[str]) -> None:
    """Give the role exactly these permissions in its organisation."""
    granted = OrganisationGroupPermission.objects.filter(group=role.group, content_object=role.organisation)
    granted.exclude(permission__codename__in=codenames).delete()
    for permission in DjangoPermission.objects.filter(
        content_type__app_label="accounts", content_type__model="organisation", codename__in=codenames
    ).exclude(pk__in=granted.values("permission")):
        OrganisationGroupPermission.objects.create(
            group=role.group, content_object=role.organisation, permission=permission
        )


def refuse_own_role(role: Role, *, by, now: datetime) -> None:
    """Raise ValidationError if the user has, or will have, this role: nobody changes their own role's permissions."""
    if by is not None and by.memberships.not_over(now.date()).filter(role=role).exists():
        raise ValidationError(_("You can't change what your own role may do."))


@transaction.atomic
def tailor_role(
    *,
    role: Role,
    codenames: Iterable[str],
    by,
    now: datetime,
    reason: str = "",
    to: Receivers | None = None,
) -> Role | AccessRequest:
    """Set the permissions of a role in its organisation; `to`: who takes over open work.

    Removed permissions end at once; in an organisation with cases added ones become a request for a second user.
    Returns the request or the role. Raises PermissionDenied, ValidationError, or OpenWorkLeft.
    """
    require_configure(by=by)
    refuse_own_role(role, by=by, now=now)
    codenames = sorted(codenames)
    unknown = set(codenames) - set(Permission.values)
    if unknown:
        raise ValidationError(_("Unknown permission: %s") % ", ".join(sorted(unknown)))
    if {Permission.APPROVE_GRANTS, Permission.PAY_GRANTS} <= set(codenames):
        raise ValidationError(_("One role can't approve grants and pay them."))
    wanted, asked = set(codenames), None
    if needs_second_user(organisation_id=role.organisation_id, by=by) and wanted - permissions_of(role):
        wanted &= permissions_of(role)
        asked = ask_access(
            kind=RequestKind.TAILOR,
            organisation=role.organisation,
            role=role,
            permissions=codenames,
            reason=reason,
            by=by,
            now=now,
        )
    with leaving(live_users(role), to=to, by=by, now=now):
        set_permissions(role, wanted)
        audit.record(by=by, verb="role tailored", obj=role, now=now, detail={"permissions": sorted(wanted)})
    return asked or role


def _tailor(*, request: AccessRequest, now: datetime) -> None:
    assert request.role is not None
    tailor_role(role=request.role, codenames=request.permissions, by=None, now=now)


@transaction.atomic
def save_user(*, user: User, by, now: datetime, to: Receivers | None = None) -> User:
    """Add or change a user. A new user is invited by mail to choose a password.

    For a guarded user (see accounts/sql/040_requests.sql) a new address and the reopening of an account become requests
    for a second user, and don't change here. `to`: who takes over the user's open work if the account is closed.
    Raises PermissionDenied, ValidationError, or OpenWorkLeft.
    """
    require_configure(by=by)
    is_new = user._state.adding
    if is_new:
        user.set_unusable_password()
    else:  # the user may have chosen another password since this object was read
        if by == user:
            lock_own_account(by)
        user.password = locked_user(user).password
    if not user.is_active and User.objects.filter(pk=user.pk, is_active=True).exists():
        _close_account(user, now=now)
    user.full_clean()
    is_to_invite = by is not None if is_new else _ask_or_change_account(user, by=by, now=now)
    with leaving([] if is_new else [user], to=to, by=by, now=now):
        user.save()
        audit.record(by=by, verb="user saved", obj=user, now=now)
    if is_to_invite:
        invite(user=user, by=by, now=now)
    return user


def _about_account(user: User, *, by, now: datetime) -> dict[str, Any]:
    """Return the arguments of `ask_access` that all requests about an account share."""
    organisation_id = guarding_organisation(user, on=now.date())
    return {"organisation_id": organisation_id, "user": user, "by": by, "now": now}


def _ask_or_change_account(user: User, *, by, now: datetime) -> bool:
    """Undo a new address or a reopening on the object and ask for it, if it needs a second user; else carry it out.

    An address that somebody else changes without a second user ends password and second factors. Return whether the
    user has to be invited again.
    """
    former, is_to_invite = User.objects.get(pk=user.pk), False
    needs_approval = by is not None and is_guarded(user)
    about = _about_account(user, by=by, now=now)
    if user.email != former.email:
        if needs_approval:
            email, user.email = user.email, former.email
            ask_access(kind=RequestKind.EMAIL, email=email, former_email=former.email, **about)
        else:
            refuse_while_role_waits(user)
            count_mail(user=user, email=former.email, by=by, now=now)
            note_new_address(user, former.email, sender=by, now=now)
            if by != user:
                is_to_invite = user.is_active and is_or_was_invited(former)
                end_credentials(user, by=by, now=now)
    if user.is_active and not former.is_active and needs_approval:
        user.is_active = False
        ask_access(kind=RequestKind.REOPEN, email=user.email, **about)
    return is_to_invite


def _change_address(*, request: AccessRequest, now: datetime) -> None:
    user = user_of(request)
    note_new_address(user, user.email, sender=request.decided_by, now=now)
    user.email = request.email
    user.save(update_fields=["email", "email_changed_at"])


def _reopen_account(*, request: AccessRequest, now: datetime) -> None:
    user = user_of(request)
    if user.email != request.email:
        raise ValidationError(_("The e-mail address has changed since this was requested."))
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record(by=request.decided_by, verb="account opened", obj=user, now=now)
    with _without_mail(request, now=now):
        invite(user=user, by=None, now=now)


@contextmanager
def _without_mail(request: AccessRequest, *, now: datetime) -> Iterator[None]:
    """Notify whoever asked and approved if no invitation can be sent today: what was approved is given all the same.

    The limit counts mails to one mailbox from all organisations, so others could use it up.
    """
    try:
        yield
    except TooManyInvitations:
        notify_users(
            recipients=[user for user in (request.asked_by, request.decided_by) if user is not None],
            key=f"access:without-mail:{request.pk}",
            text=gettext_noop(
                "Access was given, but no invitation was sent: there were too many mails to this address today. "
                "Send the invitation again tomorrow."
            ),
            url=reverse("accounts:user-list"),
            now=now,
        )


@transaction.atomic
def save_membership(
    *, membership: Membership, by, now: datetime, reason: str = "", to: Receivers | None = None
) -> Membership | AccessRequest:
    """Give a user a role from one day to another, or change its days; refused beside an incompatible role.

    In an organisation with cases it becomes a request for a second user, unless it only shortens a role. `to`: who
    takes over the user's open work if the role is over by these days. Returns the membership or the request. Raises
    PermissionDenied, ValidationError, or OpenWorkLeft.
    """
    _require_right_to_give(membership, by)
    same = Membership.objects.overlapping(membership).filter(user=membership.user, role=membership.role)
    if same.exists():
        raise ValidationError({"starts_on": _("This user already has this role on some of these days.")})
    former = None if membership._state.adding else Membership.objects.get(pk=membership.pk)
    if former:
        _check_change(former, membership, now.date())
    membership.full_clean()
    others = Membership.objects.overlapping(membership).filter(
        user=membership.user, role__organisation=membership.role.organisation
    )
    incompatible = pair_in({membership.role.code, *others.values_list("role__code", flat=True)})
    if incompatible is not None:
        raise ValidationError(str(incompatible.refusal))
    is_more = former is None or not _is_within(former, membership)
    if is_more and shares_mailbox_with_approver(membership):
        raise ValidationError(
            _(
                "Somebody with this e-mail already approves access here. A second user needs their own mailbox."
            )
        )
    if is_more and needs_second_user(organisation_id=membership.role.organisation_id, by=by):
        return ask_role(membership=membership, by=by, now=now, reason=reason)
    with leaving([membership.user], to=to, by=by, now=now):
        membership.save()
        _record_role(membership, by=by, now=now)
    if former is None and by is not None:
        notify_access_managers(
            organisations=[membership.role.organisation_id],
            key=f"membership:{membership.pk}",
            text=gettext_noop("Somebody was given a role in your organisation."),
            url=reverse("accounts:user-list"),
            now=now,
        )
    return membership


def _check_change(former: Membership, membership: Membership, today: date) -> None:
    """Raise ValidationError if user, role or a first day that has passed change, or the role ends before yesterday."""
    if (former.user_id, former.role_id) != (membership.user_id, membership.role_id):
        raise ValidationError(
            _("The user and the role can't be changed here: end this role and give a new one.")
        )
    if former.starts_on <= today and membership.starts_on != former.starts_on:
        raise ValidationError({"starts_on": _("The role has begun: its first day can’t be changed.")})
    ends_on = membership.ends_on
    if ends_on and ends_on != former.ends_on and ends_on < today - timedelta(days=1):
        raise ValidationError({"ends_on": _("The last day of a role can't be earlier than yesterday.")})


def _record_role(membership: Membership, *, by, now: datetime) -> None:
    detail = {
        "user": str(membership.user_id),
        "role": membership.role.code,
        "organisation": membership.role.organisation.code,
    }
    audit.record(by=by, verb="membership saved", obj=membership, now=now, detail=detail)


def _is_within(former: Membership, membership: Membership) -> bool:
    """Return whether all days of a membership were also in its former period."""
    ends, ended = membership.ends_on or date.max, former.ends_on or date.max
    return membership.starts_on >= former.starts_on and ends <= ended


@transaction.atomic
def ask_role(*, membership: Membership, by, now: datetime, reason: str = "") -> AccessRequest:
    """Ask a second user to approve this membership; `by=None` is the command line."""
    role = membership.role
    return ask_access(
        kind=RequestKind.ROLE,
        organisation=role.organisation,
        user=membership.user,
        role=role,
        permissions=sorted(permissions_of(role)),
        programmes=programmes_of(role),
        email=membership.user.email,
        starts_on=membership.starts_on,
        ends_on=membership.ends_on,
        reason=reason,
        by=by,
        now=now,
    )


def _give(*, request: AccessRequest, now: datetime) -> None:
    """Give the role that was asked for, by changing an overlapping membership or adding one; invite a new user."""
    assert request.role is not None
    user = user_of(request)
    days = {"starts_on": request.starts_on, "ends_on": request.ends_on}
    same = Membership.objects.filter(user=user, role=request.role)
    former = same.overlapping(Membership(**days)).first()
    membership = former or Membership(user=user, role=request.role)
    membership.starts_on, membership.ends_on, membership.request = *days.values(), request
    save_membership(membership=membership, by=None, now=now)
    with _without_mail(request, now=now):
        welcome(user, {request.role.organisation_id}, by=None, now=now)


def welcome(user: User, organisations: Collection[UUID], *, by, now: datetime) -> None:
    """Reopen an account that was closed with its last role, and invite a user who has no password.

    For a guarded user the reopening becomes a request for a second user. If the user also works in other organisations,
    the account doesn't change: these organisations don't decide on it.
    """
    user = locked_user(user)
    if not user.is_active and not works_elsewhere(user, frozenset(organisations), on=now.date()):
        if by is not None and is_guarded(user):
            ask_access(kind=RequestKind.REOPEN, email=user.email, **_about_account(user, by=by, now=now))
            return
        user.is_active = True
        user.save(update_fields=["is_active"])
        audit.record(by=by, verb="account opened", obj=user, now=now)
    if awaits_password(user):
        invite(user=user, by=by, now=now)


def _require_right_to_give(membership: Membership, by) -> None:
    """Raise unless `by` is an administrator, or a focal point giving a role to a user of their own organisations.

    Nobody gives a role to themselves (ValidationError). A change is checked for the former row as well as the new one.
    """
    if by is None:
        return
    former = Membership.objects.filter(pk=membership.pk).select_related("role", "user")
    versions = [membership, *former]
    if any(version.user_id == by.pk for version in versions):
        raise ValidationError(_("You can't give yourself a role or change your own."))
    if may_configure(by):
        return
    for version in versions:
        is_new = not Membership.objects.filter(user=version.user).exists()
        is_managed = is_new or users_managed_by(by).filter(pk=version.user_id).exists()
        if not is_managed or not may_give(by, version.role):
            raise PermissionDenied


@transaction.atomic
def add_user(
    *,
    given: NewUser,
    role: Role,
    starts_on: date,
    ends_on: date | None,
    by,
    now: datetime,
    reason: str = "",
) -> User:
    """Add a user to one of the focal point's organisations and invite them by mail to choose a password.

    In an organisation with cases the invitation is sent once a second user has approved the role. An address that a
    user of another organisation has is accepted silently: these are two accounts. Raises PermissionDenied or
    ValidationError.
    """
    if not may_give(by, role):
        raise PermissionDenied
    if not names.tidy(given.first_name):
        raise ValidationError({"first_name": _("Write the name: what you typed shows no letters.")})
    user = User(username=fresh_username(given.first_name), **asdict(given))
    user.set_unusable_password()
    user.full_clean()
    colleagues = users_managed_by(by).filter(memberships__role__organisation=role.organisation_id)
    asked = AccessRequest.objects.open().filter(organisation=role.organisation_id, email__iexact=user.email)
    if colleagues.filter(email__iexact=user.email).exists() or asked.exists():
        raise ValidationError(
            {"email": _("Another user of this organisation already has this e-mail address.")}
        )
    user.save(force_insert=True)
    audit.record(by=by, verb="user saved", obj=user, now=now)
    membership = Membership(user=user, role=role, starts_on=starts_on, ends_on=ends_on)
    if isinstance(save_membership(membership=membership, by=by, now=now, reason=reason), Membership):
        invite(user=user, by=by, now=now)
    return user


@transaction.atomic
def give_role(
    *, user: User, role: Role, starts_on: date, ends_on: date | None, by, now: datetime, reason: str = ""
) -> Membership | AccessRequest:
    """Give a user of the focal point's own organisations a role there, and reopen an account without roles.

    Returns the membership, or a request if a second user has to approve it.
    """
    if not users_managed_by(by).filter(pk=user.pk).exists():
        raise PermissionDenied
    given = save_membership(
        membership=Membership(user=user, role=role, starts_on=starts_on, ends_on=ends_on),
        by=by,
        now=now,
        reason=reason,
    )
    if isinstance(given, Membership):
        welcome(user, managed_by(by), by=by, now=now)
    return given


@transaction.atomic
def end_access(*, user: User, by, now: datetime, to: Receivers | None = None) -> None:
    """End all of a user's roles in the focal point's own organisations at once; `to`: who takes over open work.

    Roles end yesterday; a role that began today or later has no day left and is deleted (the audit log has it). The
    account is closed if the user works nowhere else; nobody is shown whether it was.
    """
    if user == by or not users_managed_by(by).filter(pk=user.pk).exists():
        raise PermissionDenied
    with leaving([user], to=to, by=by, now=now):
        _end_roles(user, managed_by(by), by=by, now=now)
        audit.record(by=by, verb="access ended", obj=user, now=now)


def _end_roles(user: User, organisations: frozenset[UUID], *, by, now: datetime) -> None:
    today = now.date()
    current = Membership.objects.filter(user=user, role__organisation__in=organisations).not_over(today)
    for membership in current.select_related("role"):
        if not may_give(by, membership.role):
            raise ValidationError(_("Only an administrator can end one of this user's roles."))
        if membership.starts_on < today:
            membership.ends_on = today - timedelta(days=1)
            membership.save(update_fields=["ends_on"])
            _record_role(membership, by=by, now=now)
        else:
            removed = copy(membership)  # delete() clears the primary key
            membership.delete()
            detail = {"user": str(user.pk), "role": membership.role.code}
            audit.record(by=by, verb="membership removed", obj=removed, now=now, detail=detail)
    if not works_elsewhere(user, organisations, on=today):
        _close_account(user, now=now)
        user.save(update_fields=["is_active", "password"])


def _close_account(user: User, *, now: datetime) -> None:
    """Deactivate the user on the object, without saving, and end sessions and tokens."""
    user.is_active = False
    user.set_unusable_password()
    end_sessions_of(user)
    end_tokens_of(user, now=now)


effects |= {
    RequestKind.ROLE: _give,
    RequestKind.TAILOR: _tailor,
    RequestKind.EMAIL: _change_address,
    RequestKind.REOPEN: _reopen_account,
}

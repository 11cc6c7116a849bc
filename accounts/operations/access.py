"""Requests for access that a second user approves: asking, deciding, stopping, and carrying them out.

`effects` maps a request's kind to the function that carries it out; higher apps add theirs.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.approval import (
    access_request_of,
    approvers_of,
    has_cases,
    may_stop,
    objection_link,
    organisations_of_request,
    users_of,
)
from accounts.choices import RequestKind, RequestState
from accounts.models import AccessRequest, User
from accounts.operations.mail import mail_about_sign_in
from accounts.operations.notice import notify_users
from accounts.queries import access_managers_of
from core import audit
from core.context import as_nobody

logger = logging.getLogger(__name__)
ASKED_A_DAY = 50
effects: dict[str, Callable[..., None]] = {}


class NotUsable(ValidationError):
    """The request isn't approved, was carried out already, or isn't due by the database's clock."""


def _call(function: str, *values: UUID | bool) -> Any:
    """Call a function of accounts/sql/040_requests.sql and return its result."""
    placeholders = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT access.{function}({placeholders})", values)
        return cursor.fetchone()[0]


@transaction.atomic
def ask_access(*, by, now: datetime, **asked: Any) -> AccessRequest:
    """Ask for access that a second user has to approve, and notify the organisation's managers at once.

    `by=None` is the command line; `asked` are the fields of the request. Raises ValidationError if nobody could approve
    it, if it was asked for already, or after 50 requests in 24 hours.
    """
    if (
        by is not None
        and AccessRequest.objects.filter(asked_by=by, asked_at__gt=now - timedelta(days=1)).count()
        >= ASKED_A_DAY
    ):
        raise ValidationError(_("You made too many requests in the last 24 hours. Try again tomorrow."))
    user = asked.get("user")
    if by is not None and by == user:
        raise ValidationError(_("You can't change your own access. Somebody else must do it."))
    request = AccessRequest(asked_by=by, asked_at=now, **asked)
    same = {name: asked.get(name) for name in ("kind", "user", "role")}
    for waiting in AccessRequest.objects.open().filter(**same):
        if waiting.organisation_id == request.organisation_id:
            raise ValidationError(_("This was already requested and is waiting for a second user."))
        stop_access(request=waiting, by=None, now=now)  # nobody may approve it: its user works elsewhere
    request.save(force_insert=True)
    if not approvers_of(request):
        raise ValidationError(
            _("Nobody can approve this now: it needs a second user who did not get access through you.")
        )
    _record(request, "access asked", by=by, now=now)
    _notify(request, "asked", gettext_noop("Access was requested. A second user must approve it."), now=now)
    return request


@transaction.atomic
def decide_access(*, request: AccessRequest, approves: bool, by, now: datetime) -> AccessRequest:
    """Approve or refuse a request; without a delay it is carried out at once.

    Raises PermissionDenied if the database says that this user may not decide.
    """
    if _call("decide_access", request.pk, approves) is None:
        raise PermissionDenied
    request.refresh_from_db()
    _record(request, "access approved" if approves else "access refused", by=by, now=now)
    if not approves:
        _notify(request, "refused", gettext_noop("A request for access was refused."), now=now)
    elif request.takes_effect_at == request.decided_at:
        _take_effect(request, now=now)
    else:
        text = gettext_noop("Access was approved. It takes effect in a day, and can be stopped until then.")
        _notify(request, "approved", text, now=now)
    return request


@transaction.atomic
def stop_access(*, request: AccessRequest, by, now: datetime) -> AccessRequest:
    """Stop a request that hasn't taken effect: by whoever asked, an organisation's manager, or a link (`by=None`)."""
    if by is not None and not may_stop(by, request):
        raise PermissionDenied
    if not _call("stop_access", request.pk):
        raise ValidationError(_("This was decided already, or has taken effect."))
    request.refresh_from_db()
    _record(request, "access stopped", by=by, now=now)
    _notify(request, "stopped", gettext_noop("A request for access was stopped."), now=now)
    return request


@transaction.atomic
def object_to_access(*, link: str, now: datetime) -> None:
    """Stop a request by the link mailed to the user whose account it is about, who may be unable to sign in."""
    request = access_request_of(link)
    if request is None:
        raise PermissionDenied
    with as_nobody():  # whoever is signed in at this browser
        stop_access(request=request, by=None, now=now)


def take_due_effects(*, now: datetime) -> int:
    """Carry out approved requests that are due and return how many; a request that fails is stopped."""
    count = 0
    for request in AccessRequest.objects.filter(state=RequestState.APPROVED, takes_effect_at__lte=now):
        try:
            with transaction.atomic():
                _take_effect(request, now=now)
        except NotUsable:
            continue
        except Exception:  # whatever is wrong with one request, the others take effect
            logger.exception("a request for access could not take effect")
            stop_access(request=request, by=None, now=now)
        else:
            count += 1
    return count


def _take_effect(request: AccessRequest, *, now: datetime) -> None:
    if not _call("use_access", request.pk):
        raise NotUsable(_("This was decided already, or has taken effect."))
    request.refresh_from_db()
    effects[request.kind](request=request, now=now)
    _record(request, "access given", by=request.decided_by, now=now)
    _notify(request, "given", gettext_noop("The requested access was given."), now=now)


def _record(request: AccessRequest, verb: str, *, by, now: datetime) -> None:
    detail: dict[str, Any] = {"given": request.kind}
    if request.user_id:
        detail["user"] = str(request.user_id)
    if request.role is not None:
        detail |= {"role": request.role.code, "organisation": request.role.organisation.code}
    audit.record(by=by, verb=verb, obj=request, now=now, detail=detail)


def _notify(request: AccessRequest, step: str, text: str, *, now: datetime) -> None:
    """Notify the organisations' managers, the approvers and whoever asked; all their users if IOM decides.

    The user whom the request is about gets a mail of their own instead.
    """
    organisations = organisations_of_request(request)
    recipients = {user.pk: user for user in access_managers_of(organisations)}
    approvers = approvers_of(request)
    recipients |= {user.pk: user for user, _capacity in approvers}
    if request.decided_as == "protection" or "protection" in {capacity for _user, capacity in approvers}:
        recipients |= {user.pk: user for user in users_of(organisations, on=now.date())}
    if request.asked_by is not None:
        recipients[request.asked_by.pk] = request.asked_by
    own = recipients.pop(request.user_id, request.user) if request.user_id else None
    notify_users(
        recipients=recipients.values(),
        key=f"access:{step}:{request.pk}",
        text=text,
        url=reverse("accounts:access-request-detail", args=[request.pk]),
        now=now,
    )
    if own is not None and request.kind in (RequestKind.EMAIL, RequestKind.FACTOR, RequestKind.REOPEN):
        sender = next((user for user in recipients.values() if user.is_active), None)
        _warn(request, own, sender, now=now)


def _warn(request: AccessRequest, user: User, sender: User | None, *, now: datetime) -> None:
    """Mail the user whom the request is about, at their former address, with a link to stop it while possible."""

    def words() -> tuple[str, str]:
        lines = [_("Somebody requested a change to how you sign in: %s.") % request.get_kind_display()]
        if request.state in (RequestState.PENDING, RequestState.APPROVED):
            lines += [_("If this is not right, stop it here:"), settings.SITE_URL + objection_link(request)]
        elif request.state == RequestState.DONE:
            lines.append(_("It has taken effect. If this is not right, tell your focal point at once."))
        else:
            lines.append(_("It was refused or stopped: nothing has changed."))
        return _("Your sign-in to Sahayatra"), "\n\n".join(lines)

    mail_about_sign_in(user, words, now=now, to=request.former_email or user.email, sender=sender)


def needs_second_user(*, organisation_id: UUID, by) -> bool:
    """Return whether access in this organisation needs approval; for the system itself (`by=None`) triggers decide."""
    return by is not None and has_cases(organisation_id)


def user_of(request: AccessRequest) -> User:
    """Return the user whom the request is about, with the row locked."""
    assert request.user_id is not None
    return User.objects.select_for_update().get(pk=request.user_id)


def refuse_while_role_waits(user: User) -> None:
    """Raise ValidationError while a role is requested for the user: its approval is about the present address."""
    for request in AccessRequest.objects.open().filter(user=user, kind=RequestKind.ROLE):
        if request.organisation_id is not None and has_cases(request.organisation_id):
            raise ValidationError(
                {
                    "email": _(
                        "A role was requested for this user at the present address. Change the address once the "
                        "request is decided or stopped."
                    )
                }
            )

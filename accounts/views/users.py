"""The users of the focal point's own organisations."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import queries
from accounts.approval import access_requests
from accounts.choices import Standing
from accounts.forms import NewUserForm, ReasonForm, RoleGivenForm
from accounts.leaving_form import LeavingForm, receiver_field, receivers_in
from accounts.models import Membership
from accounts.operations.invitation import invite_again
from accounts.operations.users import NewUser, add_user, end_access, give_role, save_membership
from accounts.recent import recent_authentication
from accounts.rules import standing_of
from accounts.views.requests import columns, row_of
from core.clock import now
from core.pages import offset_of, page_url, redirect_after_action, submit

METHODS = ["GET", "HEAD", "POST"]
PAGE = 50
COLOURS: dict[str, str] = {
    Standing.WORKING: "green",
    Standing.INVITED: "yellow",
    Standing.TO_COME: "blue",
    Standing.ENDED: "grey",
}


def _require_focal_point(request: HttpRequest) -> None:
    if not queries.managed_by(request.user):
        raise PermissionDenied


def _user_or_404(request: HttpRequest, user_id: UUID) -> Any:
    """Return a user of the focal point's organisations, with the memberships there as `here`. Raises Http404."""
    found = queries.with_roles_here(queries.users_managed_by(request.user), request.user)
    user = found.filter(pk=user_id).first()
    if user is None:
        raise Http404
    return user


@login_required
@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    """List current or former users, and open requests for access."""
    _require_focal_point(request)
    today, is_ended = now().date(), request.GET.get("show") == "ended"
    everyone = queries.users_managed_by(request.user)
    users = queries.split_by_standing(everyone, request.user, on=today, is_ended=is_ended)
    start = offset_of(request)
    page = list(queries.with_roles_here(users, request.user)[start : start + PAGE + 1])
    context = {
        "columns": [
            {"label": label} for label in (_("Name"), _("User name"), _("Roles"), _("Given by"), _("Status"))
        ],
        "rows": [_row(user, today) for user in page[:PAGE]],
        "requests": [row_of(one) for one in access_requests(request.user).open()[:PAGE]],
        "request_columns": columns(),
        "kinds": [
            {"label": _("Working here"), "url": reverse("accounts:user-list"), "current": not is_ended},
            {"label": _("Ended"), "url": "?show=ended", "current": is_ended},
        ],
        "previous_url": page_url(request, max(start - PAGE, 0)) if start else "",
        "next_url": page_url(request, start + PAGE) if len(page) > PAGE else "",
        "first": start + 1,
        "last": start + len(page[:PAGE]),
    }
    return render(request, "accounts/user_list.html", context)


def _row(user: Any, today: date) -> dict[str, object]:
    current = [row for row in user.here if row.ends_on is None or row.ends_on >= today]
    names = dict.fromkeys(row.role.get_code_display() for row in current or user.here)
    return {
        "cells": [
            {
                "text": user.name,
                "url": reverse("accounts:user-detail", args=[user.pk]),
            },
            {"text": user.username},
            {"text": ", ".join(names)},
            _given_cell(max(current or user.here, key=lambda row: (row.starts_on, str(row.pk)))),
            {"tag": _tag(user, today)},
        ]
    }


def _given_cell(membership: Membership) -> dict[str, object]:
    """Return a cell with who gave a role and when, and as a hint who approved it."""
    if membership.given_at is None:
        return {"text": _("Not recorded")}
    given = date_format(localtime(membership.given_at), "SHORT_DATE_FORMAT")
    who = membership.given_by.name if membership.given_by else _("The server")
    asked = membership.request
    if asked is None or asked.decided_by is None or asked.decided_at is None:
        return {"text": f"{who}, {given}", "hint": _("Without a second user, before there were cases")}
    approved = {
        "name": asked.decided_by.name,
        "day": date_format(localtime(asked.decided_at), "SHORT_DATE_FORMAT"),
    }
    return {"text": f"{who}, {given}", "hint": _("Approved by %(name)s, %(day)s") % approved}


def _tag(user: Any, today: date) -> dict[str, object]:
    standing = standing_of(
        [(row.starts_on, row.ends_on) for row in user.here],
        is_active=user.is_active,
        has_password=user.has_usable_password(),
        on=today,
    )
    return {"label": standing.label, "colour": COLOURS[standing]}


@login_required
@require_safe
def user_detail(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Show a user, their roles here, and the actions that are possible."""
    user, today = _user_or_404(request, user_id), now().date()
    tag = _tag(user, today)
    given = set(queries.roles_given_by(request.user).values_list("pk", flat=True))
    is_self = user == request.user
    context = {
        "account": user,
        "tag": tag,
        "about": [
            {"key": _("User name"), "value": user.username},
            {"key": _("E-mail"), "value": user.email},
            {"key": _("Language"), "value": user.get_language_display()},
            *({"key": work.label, "value": work.count} for work in _open_work(request, user)),
        ],
        "columns": [{"label": label} for label in (_("Role"), _("From"), _("To"), _("Given by"))],
        "rows": [_membership_row(row, may_change=row.role_id in given and not is_self) for row in user.here],
        "actions": [] if is_self else _actions(user, today, may_give=bool(given)),
        "is_self": is_self,
    }
    return render(request, "accounts/user_detail.html", context)


def _open_work(request: HttpRequest, user: Any) -> list[queries.UserWork]:
    """Return a user's open work in the focal point's own organisations: counts only, no cases."""
    return queries.open_work_of(user, queries.managed_by(request.user))


def _membership_row(membership: Membership, *, may_change: bool) -> dict[str, object]:
    address = reverse("accounts:membership-change", args=[membership.user_id, membership.pk])
    last = date_format(membership.ends_on, "SHORT_DATE_FORMAT") if membership.ends_on else _("no end date")
    return {
        "cells": [
            {"text": str(membership.role), "url": address if may_change else ""},
            {"text": date_format(membership.starts_on, "SHORT_DATE_FORMAT")},
            {"text": last},
            _given_cell(membership),
        ]
    }


def _actions(user: Any, today: date, *, may_give: bool) -> list[dict[str, object]]:
    has_role = any(row.ends_on is None or row.ends_on >= today for row in user.here)
    actions: list[dict[str, object]] = []
    if may_give:
        actions.append({"label": _("Give a role"), "url": reverse("accounts:user-give-role", args=[user.pk])})
    if has_role and queries.awaits_password(user):
        actions.append(
            {
                "label": _("Send the invitation again"),
                "url": reverse("accounts:user-invite", args=[user.pk]),
                "post": True,
            }
        )
    if has_role:
        actions.append(
            {"label": _("End all access here"), "url": reverse("accounts:user-end", args=[user.pk])}
        )
    return actions


def _approval_message() -> str:
    return _("The request is sent. It takes effect once a second user has approved it.")


@login_required
@recent_authentication
@require_http_methods(METHODS)
def user_add(request: HttpRequest) -> HttpResponse:
    """Add a user with a role."""
    _require_focal_point(request)
    form = NewUserForm(
        request.POST or None,
        roles=queries.roles_given_by(request.user),
        initial={"starts_on": now().date().isoformat()},
    )

    def action() -> str:
        given = form.cleaned_data
        user = add_user(
            given=NewUser(**{name: given[name] for name in ("first_name", "last_name", "email", "language")}),
            role=given["role"],
            starts_on=given["starts_on"],
            ends_on=given["ends_on"],
            reason=given["reason"],
            by=request.user,
            now=now(),
        )
        if not user.memberships.exists():
            messages.success(
                request, _("The request is sent. The invitation is sent once a second user has approved it.")
            )
            return reverse("accounts:user-list")
        messages.success(
            request,
            _("The user is added, and an invitation is on its way. The user name is %s.") % user.username,
        )
        return reverse("accounts:user-detail", args=[user.pk])

    return submit(request, form, purpose="user", action=action) or render(
        request, "accounts/user_form.html", {"form": form, "title": _("Add a user")}
    )


@login_required
@recent_authentication
@require_http_methods(METHODS)
def user_give_role(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Give a user another role."""
    user = _user_or_404(request, user_id)
    if user == request.user:
        raise PermissionDenied
    form = RoleGivenForm(
        request.POST or None,
        roles=queries.roles_given_by(request.user),
        initial={"starts_on": now().date().isoformat()},
    )

    def action() -> str:
        given = {name: form.cleaned_data[name] for name in ("role", "starts_on", "ends_on", "reason")}
        result = give_role(user=user, **given, by=request.user, now=now())
        messages.success(
            request, _("The role is given.") if isinstance(result, Membership) else _approval_message()
        )
        return reverse("accounts:user-detail", args=[user.pk])

    return submit(request, form, purpose=f"role:{user.pk}", action=action) or render(
        request, "accounts/user_form.html", {"form": form, "account": user, "title": _("Give a role")}
    )


@login_required
@recent_authentication
@require_http_methods(METHODS)
def membership_change(request: HttpRequest, user_id: UUID, membership_id: UUID) -> HttpResponse:
    """Change the days of a user's role."""
    user = _user_or_404(request, user_id)
    membership = next((row for row in user.here if row.pk == membership_id), None)
    if membership is None:
        raise Http404
    if user == request.user or not queries.may_give(request.user, membership.role):
        raise PermissionDenied
    days = {
        name: day.isoformat() if day else ""
        for name, day in (("starts_on", membership.starts_on), ("ends_on", membership.ends_on))
    }
    form = ReasonForm(request.POST or None, initial=days)
    for work in queries.open_work_of(user, [membership.role.organisation_id]):
        form.fields[work.name] = receiver_field(work, [user], required=False)

    def action() -> str:
        membership.starts_on, membership.ends_on = (form.cleaned_data[name] for name in days)
        result = save_membership(
            membership=membership,
            by=request.user,
            now=now(),
            reason=form.cleaned_data["reason"],
            to=receivers_in(form),
        )
        messages.success(
            request, _("The dates are changed.") if isinstance(result, Membership) else _approval_message()
        )
        return reverse("accounts:user-detail", args=[user.pk])

    context = {"form": form, "account": user, "title": membership.role}
    return submit(request, form, purpose=f"membership:{membership.pk}", action=action) or render(
        request, "accounts/user_form.html", context
    )


@login_required
@recent_authentication
@require_http_methods(METHODS)
def user_end(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """End all of a user's roles here, and hand over their open work."""
    user = _user_or_404(request, user_id)
    if user == request.user:
        raise PermissionDenied
    open_work = _open_work(request, user)
    form = LeavingForm(request.POST or None, leaver=user, open_work=open_work)

    def action() -> str:
        end_access(user=user, by=request.user, now=now(), to=receivers_in(form))
        messages.success(request, _("This user no longer has any access here."))
        return reverse("accounts:user-detail", args=[user.pk])

    return submit(request, form, purpose=f"end:{user.pk}", action=action) or render(
        request, "accounts/user_end.html", {"form": form, "account": user, "open_work": open_work}
    )


@login_required
@recent_authentication
@require_POST
def user_invite(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Mail a new invitation to a user without a password."""
    user = _user_or_404(request, user_id)
    if not queries.awaits_password(user):
        raise Http404
    try:
        invite_again(user=user, by=request.user, now=now())
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    else:
        messages.success(request, _("A new invitation is on its way."))
    return redirect_after_action(request, reverse("accounts:user-detail", args=[user.pk]))

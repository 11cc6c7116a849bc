"""Requests for access: the list, the page to decide or stop one, and the page of a mailed link."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import approval
from accounts.choices import Permission, RequestState
from accounts.forms import DecisionForm
from accounts.models import AccessRequest
from accounts.operations.access import decide_access, object_to_access, stop_access
from accounts.recent import recent_authentication
from core.clock import now
from core.pages import submit

COLOURS: dict[str, str] = {
    RequestState.PENDING: "yellow",
    RequestState.APPROVED: "blue",
    RequestState.DONE: "green",
    RequestState.REFUSED: "red",
    RequestState.STOPPED: "grey",
}
SHOWN = 50


def tag_of(request: AccessRequest) -> dict[str, object]:
    """Return the state as a coloured tag."""
    return {"label": request.get_state_display(), "colour": COLOURS[request.state]}


def title_of(request: AccessRequest) -> str:
    """Return what is asked for in one line: the user and the role, or what would change in an account."""
    what = str(request.role) if request.role else capfirst(request.get_kind_display())
    return f"{request.user.name}: {what}" if request.user else f"{what}: {request.get_kind_display()}"


def row_of(request: AccessRequest) -> dict[str, object]:
    """Return one row of a list of requests."""
    address = reverse("accounts:access-request-detail", args=[request.pk])
    return {
        "cells": [
            {"text": title_of(request), "url": address},
            {"text": _by(request.asked_by, request.asked_at)},
            {"tag": tag_of(request)},
        ]
    }


def columns() -> list[dict[str, str]]:
    """Return the column heads of a list of requests."""
    return [{"label": label} for label in (_("What"), _("Requested by"), _("State"))]


def _by(user: Any, at: Any) -> str:
    """Return who and when as a text; without a user it was a command on the server."""
    who = user.name if user else _("The server")
    return f"{who}, {date_format(localtime(at), 'SHORT_DATETIME_FORMAT')}" if at else who


@login_required
@require_safe
def access_request_list(request: HttpRequest) -> HttpResponse:
    """List the requests that the user may see."""
    found = list(approval.access_requests(request.user)[:SHOWN])
    context = {"columns": columns(), "rows": [row_of(one) for one in found]}
    return render(request, "accounts/access_request_list.html", context)


@never_cache
@login_required
@recent_authentication
@require_http_methods(["GET", "HEAD", "POST"])
def access_request_detail(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Show a request; approve, refuse or stop it, as far as the user may."""
    asked = approval.access_requests(request.user).filter(pk=request_id).first()
    if asked is None:
        raise Http404
    decides_as = approval.decides_as(request.user, asked)
    is_open = asked.state in (RequestState.PENDING, RequestState.APPROVED)
    form = DecisionForm(request.POST or None)

    def action() -> str:
        decision, given = form.cleaned_data["decision"], {"request": asked, "by": request.user, "now": now()}
        if decision == "stop":
            stop_access(**given)
        else:
            decide_access(approves=decision == "approve", **given)
        messages.success(request, _("Your decision is saved."))
        return reverse("accounts:access-request-list")

    answer = submit(request, form, purpose=f"access:{asked.pk}", action=action)
    if answer is not None:
        return answer
    context = {
        "asked": asked,
        "title": title_of(asked),
        "tag": tag_of(asked),
        "rows": _about(asked),
        "form": form,
        "decides": decides_as,
        "has_delay": decides_as == "protection" or (asked.email != "" and asked.former_email != ""),
        "may_stop": is_open and approval.may_stop(request.user, asked),
    }
    return render(request, "accounts/access_request_detail.html", context)


def _about(asked: AccessRequest) -> list[dict[str, object]]:
    """Return what is needed to decide, as rows of a summary list."""
    rows: list[tuple[str, object]] = [(_("What"), capfirst(asked.get_kind_display()))]
    if asked.user:
        rows += [(_("User"), f"{asked.user.name} ({asked.user.username})")]
        rows += [(_("E-mail"), asked.former_email or asked.email or asked.user.email)]
        if asked.user.email_changed_at:
            day = date_format(localtime(asked.user.email_changed_at), "SHORT_DATE_FORMAT")
            rows += [(_("E-mail last changed"), day)]
    if asked.former_email:
        rows += [(_("New e-mail"), asked.email)]
    if asked.role:
        rows += [(_("Role"), str(asked.role))]
    if asked.permissions:
        may = [str(capfirst(choice.label)) for choice in Permission if choice in asked.permissions]
        rows += [(_("What it may do"), "\n".join(may))]
    if asked.programmes:
        rows += [(_("Programmes"), ", ".join(asked.programmes))]
    if asked.starts_on:
        last = date_format(asked.ends_on, "SHORT_DATE_FORMAT") if asked.ends_on else _("no end date")
        rows += [(_("From"), date_format(asked.starts_on, "SHORT_DATE_FORMAT")), (_("To"), last)]
    rows += [(_("Why"), asked.reason), (_("Requested by"), _by(asked.asked_by, asked.asked_at))]
    if asked.decided_by:
        decided = f"{_by(asked.decided_by, asked.decided_at)} ({asked.get_decided_as_display()})"
        rows += [(_("Decided by"), decided)]
    if asked.takes_effect_at and asked.state == RequestState.APPROVED:
        at = date_format(localtime(asked.takes_effect_at), "SHORT_DATETIME_FORMAT")
        rows += [(_("Takes effect"), at)]
    return [{"key": key, "value": value} for key, value in rows]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def access_objection(request: HttpRequest, link: str) -> HttpResponse:
    """Stop a request by a mailed link, without being signed in. All invalid links get the same page."""
    asked = approval.access_request_of(link)
    if asked is None:
        return render(request, "accounts/access_objection_ended.html", status=404)
    if request.method != "POST":
        return render(request, "accounts/access_objection.html", {"what": asked.get_kind_display()})
    try:
        object_to_access(link=link, now=now())
    except PermissionDenied:
        return render(request, "accounts/access_objection_ended.html", status=404)
    messages.success(request, _("The request is stopped. Your focal points are notified."))
    return redirect("accounts:sign-in")

"""The audit log for auditors: who did what, to which case, and when; without names or content."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.queries import audit_events, may_audit, usernames
from beneficiaries.queries.audit_log import case_in_log, references_in_log
from core import audit, searches
from core.clock import now
from core.models import AuditEvent
from reintegration.forms import LogFilter

PAGE = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def log_list(request: HttpRequest) -> HttpResponse:
    """List audit events, newest first, 50 a page. Reading the log is an audit event too."""
    if not may_audit(request.user):
        raise PermissionDenied
    if request.method == "POST":
        return searches.redirect_to_results(request, LogFilter(request.POST))
    form = LogFilter(searches.filters_of(request, LogFilter) or None)
    chosen = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    case_id = case_in_log(chosen["reference"]) if "reference" in chosen else None
    events = _filtered(audit_events(request.user), chosen, case_id)
    if is_over := searches.is_over(request):
        events = events.none()
    page = list(_after(events, request.GET.get("after", ""))[: PAGE + 1])
    filters = {"filters": sorted(chosen)} if chosen else {}
    audit.record(by=request.user, verb="log read", case_id=case_id, now=now(), detail=filters)
    context = {
        "form": form,
        "is_over": is_over,
        "columns": [{"label": label} for label in (_("When"), _("Who"), _("What"), _("Case"), _("More"))],
        "rows": _rows(page[:PAGE]),
        "next_url": _next_url(request, page) if len(page) > PAGE else "",
        "is_first": not request.GET.get("after"),
    }
    return render(request, "reintegration/log_list.html", context)


def _filtered(
    events: QuerySet[AuditEvent], chosen: dict[str, Any], case_id: UUID | None
) -> QuerySet[AuditEvent]:
    """Return the events that match the filters; none for an unknown user name or reference."""
    if "first_on" in chosen:
        events = events.filter(at__gte=_midnight(chosen["first_on"]))
    if "last_on" in chosen:
        events = events.filter(at__lt=_midnight(chosen["last_on"] + timedelta(days=1)))
    if "verb" in chosen:
        events = events.filter(verb=chosen["verb"])
    if "username" in chosen:
        events = events.filter(actor_id__in=usernames(username=chosen["username"]))
    if "reference" in chosen:
        events = events.filter(case_id=case_id) if case_id else events.none()
    return events


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _after(events: QuerySet[AuditEvent], mark: str) -> QuerySet[AuditEvent]:
    """Return the events after the one with this id; all for an unknown id."""
    try:
        last = events.filter(pk=UUID(mark)).first() if mark else None
    except ValueError:
        last = None
    if last is None:
        return events
    return events.filter(Q(at__lt=last.at) | Q(at=last.at, pk__gt=last.pk))


def _next_url(request: HttpRequest, page: list[AuditEvent]) -> str:
    parameters = {name: value for name, value in request.GET.items() if name != "after" and value}
    return "?" + urlencode({**parameters, "after": page[PAGE - 1].pk})


def _rows(events: list[AuditEvent]) -> list[dict[str, object]]:
    """Return the events as table rows; user names and references are looked up once for the page."""
    details = [audit.shown_detail(event.detail) for event in events]
    users = {event.actor_id for event in events} | {event.object_id for event in events if _is_user(event)}
    names: Mapping[Any, str] = usernames(
        pk__in=users | {detail["user"] for detail in details if "user" in detail}
    )
    references: Mapping[Any, str] = references_in_log({event.case_id for event in events if event.case_id})
    return [
        {
            "cells": [
                {"text": date_format(timezone.localtime(event.at), "DATETIME_FORMAT")},
                {"text": names.get(event.actor_id, _("the system") if event.actor_id is None else "–")},
                {"text": str(audit.event_texts().get(event.verb, event.verb))}
                | ({"hint": names.get(event.object_id, "")} if _is_user(event) else {}),
                {"text": references.get(event.case_id, "")},
                {"text": "; ".join(_detail(name, value, names) for name, value in detail.items())},
            ]
        }
        for event, detail in zip(events, details, strict=True)
    ]


def _is_user(event: AuditEvent) -> bool:
    return event.object_type == "accounts.User" and event.object_id is not None


def _detail(name: str, value: Any, names: Mapping[Any, str]) -> str:
    """Return one detail as text; a user by user name."""
    if name == "user":
        value = names.get(value, "–")
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"{audit.SHOWN[name]}: {value}"

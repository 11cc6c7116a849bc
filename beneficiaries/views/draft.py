"""Unfinished interviews, without their content, for supervisors."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.queries import holders, names_of_users
from beneficiaries.forms.case import DraftDecisionForm, DraftReassignForm
from beneficiaries.operations.draft import decide_draft, reassign_draft
from beneficiaries.queries.draft import OpenDraft, drafts_to_reassign, why_kept
from core import audit
from core.clock import now
from core.pages import submit

METHODS = ["GET", "HEAD", "POST"]


@login_required
@require_safe
def draft_list(request):
    """List interviews that the user decides about."""
    authority = authority_of(request.user)
    if not (authority.may(Permission.ASSIGN_CASES) or authority.may(Permission.BREAK_GLASS)):
        raise PermissionDenied
    drafts = [draft for draft in drafts_to_reassign(request.user) if draft.decides]
    audit.read(request, verb="list read", detail={"count": len(drafts)})
    authors = names_of_users({draft.author_id for draft in drafts})
    columns = [_("Started"), _("By"), _("Ends"), _("Assign to another user"), _("Decide")]
    rows = [{"cells": _cells(draft, authors)} for draft in drafts]
    context = {"columns": [{"label": label} for label in columns], "rows": rows}
    return render(request, "beneficiaries/draft_list.html", context)


def _cells(draft: OpenDraft, authors) -> list[dict]:
    author = authors[draft.author_id]
    tag = None
    if draft.waits:
        tag = {"label": _("Waiting for a decision"), "colour": "red"}
    elif draft.is_at_risk:
        tag = {"label": _("Somebody may be at risk"), "colour": "orange"}
    author_cell = {"text": author.name, "hint": author.organisations}
    if draft.is_orphaned:
        author_cell["tag"] = {"label": _("No longer works here"), "colour": "red"}
    return [
        {"text": date_format(localdate(draft.started_at), "DATE_FORMAT"), "tag": tag},
        author_cell,
        {"text": date_format(draft.expires_on, "DATE_FORMAT")},
        {
            "text": _("Assign to another user"),
            "url": reverse("beneficiaries:draft-reassign", args=[draft.id]),
        },
        {"text": _("Keep or delete"), "url": reverse("beneficiaries:draft-decide", args=[draft.id])},
    ]


def _draft(request, draft_id: UUID) -> OpenDraft:
    """Return an interview that this user decides about; 404 both for a missing one and for a hidden one."""
    found = (draft for draft in drafts_to_reassign(request.user) if draft.id == draft_id and draft.decides)
    draft = next(found, None)
    if draft is None:
        raise Http404
    return draft


@login_required
@require_http_methods(METHODS)
def draft_reassign(request, draft_id: UUID):
    """Give an interview to another user."""
    draft = _draft(request, draft_id)
    others = holders(Permission.WRITE_CASES, draft.organisation_id).exclude(pk=draft.author_id)
    form = DraftReassignForm(request.POST or None, users=others)

    def action() -> str:
        reassign_draft(draft_id=draft.id, to=form.cleaned_data["to"], by=request.user, now=now())
        messages.success(request, _("The interview is assigned to another user. Both are notified."))
        return reverse("beneficiaries:draft-list")

    return submit(request, form, purpose=f"reassign_draft:{draft.id}", action=action) or render(
        request, "beneficiaries/draft_reassign.html", {"form": form, **_about(draft)}
    )


@login_required
@require_http_methods(METHODS)
def draft_decide(request, draft_id: UUID):
    """Keep an interview for longer, or delete it."""
    draft = _draft(request, draft_id)
    form = DraftDecisionForm(request.POST or None, may_be_kept=draft.is_at_risk)

    def action() -> str:
        data = form.cleaned_data
        decide_draft(
            draft_id=draft.id,
            keep=data["decision"] == "keep",
            why=data["why"],
            review_on=data["review_on"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The decision is saved."))
        return reverse("beneficiaries:draft-list")

    return submit(request, form, purpose=f"decide_draft:{draft.id}", action=action) or render(
        request, "beneficiaries/draft_decide.html", {"form": form, **_about(draft)}
    )


def _about(draft: OpenDraft) -> dict:
    """Return what the pages show of an interview."""
    return {
        "draft": draft,
        "author": names_of_users([draft.author_id])[draft.author_id],
        "kept_because": why_kept(draft),
    }

"""The first page after signing in: what waits for the user."""

from datetime import date

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.approval import requests_to_decide
from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Notice
from accounts.queries import may_configure
from accounts.views.requests import columns, row_of
from beneficiaries import caseload
from beneficiaries.queries.case_list import case_list, count_up_to
from beneficiaries.queries.draft import drafts_to_reassign, own_drafts
from core.clock import now
from reintegration import queries, rules
from reintegration.views.grant import actions_of

COUNTED = 1000


@login_required
@require_safe
def dashboard(request):
    """Show counts, due follow-ups, waiting grants, unfinished interviews, requests and notices."""
    authority, today, figures, due, waiting = authority_of(request.user), now().date(), [], [], []
    if authority.may("read_cases"):
        open_cases = count_up_to(case_list(request.user, status="active"), COUNTED)
        due = list(queries.follow_ups_due(request.user, on=today)[:10])
        late = queries.follow_ups_due(request.user, on=today).filter(due_on__lt=today).count()
        figures += [
            {
                "label": _("Active cases"),
                "value": _capped(open_cases),
                "url": reverse("beneficiaries:case-list"),
            },
            {
                "label": _("Follow-ups overdue"),
                "value": late,
                "url": reverse("reintegration:follow-up-list"),
                "urgent": late > 0,
            },
        ]
    if caseload.assigns_in(request.user):
        nobodys = caseload.cases_without_caseworker(request.user).count()
        if nobodys:
            url = reverse("beneficiaries:caseload-nobody")
            figures.append(
                {"label": _("Nobody works on these"), "value": nobodys, "url": url, "urgent": True}
            )
    if authority.may(Permission.ASSIGN_CASES) or authority.may(Permission.BREAK_GLASS):
        figures.append(_drafts_to_decide(request.user))
    if authority.reads_summaries:
        grants = queries.grants_for(request.user).filter(state__in=["requested", "endorsed", "approved"])
        waiting = [
            grant
            for grant in grants.select_related("project__managed_by")[:200]
            if rules.waits_for(actions_of(grant, request.user))
        ]
        figures.append(
            {
                "label": _("Grants waiting for you"),
                "value": len(waiting),
                "url": reverse("reintegration:grant-list"),
            }
        )
    context = {
        "figures": figures,
        "due": due,
        "waiting": waiting[:10],
        "drafts": _drafts(request.user, today) if authority.may(Permission.WRITE_CASES) else [],
        "today": today,
        "requests": [row_of(one) for one in requests_to_decide(request.user)[:10]],
        "request_columns": columns(),
        "notices": Notice.objects.visible_to(request.user).unread()[:5],
        "may_write": authority.may("write_cases"),
        "may_configure": may_configure(request.user),
    }
    return render(request, "reintegration/dashboard.html", context)


def _drafts(user, today: date) -> list[dict]:
    """Return the user's own unfinished interviews, each with how long ago it was started."""
    return [{"draft": draft, "started": _started(draft, today)} for draft in own_drafts(user)]


def _started(draft, today: date) -> str:
    days = (today - localdate(draft.created_at)).days
    ago = ngettext("started %(count)s day ago", "started %(count)s days ago", days) % {"count": days}
    return ago if days else _("started today")


def _drafts_to_decide(user) -> dict:
    """Return the count of interviews that wait for this user: somebody may be at risk, or the author left."""
    found = [row for row in drafts_to_reassign(user) if row.decides]
    count = sum(row.waits or row.is_orphaned for row in found)
    return {
        "label": _("Unfinished interviews that need your decision"),
        "value": count,
        "url": reverse("beneficiaries:draft-list"),
        "urgent": count > 0,
        "hint": ngettext("of %(count)s in all", "of %(count)s in all", len(found)) % {"count": len(found)},
    }


def _capped(count: int) -> str:
    return f"{COUNTED:,}+" if count > COUNTED else str(count)

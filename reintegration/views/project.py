"""A programme, for all users; with its totals for users who may see its aggregates."""

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.clock import now
from core.numerals import shown_amount
from projects.facts import DISTRICTS, FACTS
from projects.models import Project
from projects.queries import current_criteria, projects_for
from reintegration import queries


@login_required
@require_safe
def project_detail(request, code: str):
    """Show a programme."""
    project = projects_for(request.user).filter(code=code).first()
    if project is None:
        raise Http404
    criteria = current_criteria(project)
    context = {
        "project": project,
        "criteria": criteria,
        "rules": _criteria_lines(criteria.tree),
        "partners": project.partners.select_related("organisation"),
        "donors": [row.donor for row in project.project_donors.select_related("donor")],
        "services": project.service_types.all(),
        "indicators": project.indicators.all(),
        "intervals": project.follow_up_intervals.all(),
        "places": ", ".join(str(DISTRICTS.get(code, code)) for code in project.districts),
        "today": now().date(),
        "figures": _totals(project, request.user),
    }
    return render(request, "reintegration/project_detail.html", context)


def _totals(project: Project, user) -> list[dict]:
    """Return the totals of the programme; empty for a user who may not see them."""
    found = queries.programme_totals(project, user)
    if found is None:
        return []
    return [
        {"label": _("Cases admitted"), "value": found.cases},
        {"label": _("Completed"), "value": found.completed},
        {
            "label": _("Grants paid"),
            "value": found.grants_paid,
            "hint": f"NPR {shown_amount(found.paid_npr)}",
        },
    ]


def _criteria_lines(tree: dict, depth: int = 0) -> list[dict]:
    """Return the criteria as lines with their indentation."""
    operator = next((name for name in ("all", "any") if name in tree), None)
    label = (get_language() == "ne" and tree.get("label_ne")) or tree.get("label_en", "")
    if operator is None:
        return [{"text": label or str(FACTS[tree["fact"]].label), "depth": depth, "node": tree}]
    joined = _("All of these:") if operator == "all" else _("At least one of these:")
    head = f"{label} – {joined}" if label else joined
    lines = [{"text": head, "depth": depth, "node": tree}]
    for child in tree[operator]:
        lines += _criteria_lines(child, depth + 1)
    return lines

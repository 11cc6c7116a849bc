"""Admission: choose a programme, ask its questions, see each criterion's answer, decide."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authority import authority_of
from beneficiaries.models import Enrolment
from beneficiaries.operations.admission import record_screening
from beneficiaries.queries.fact import facts_of
from beneficiaries.views.case import case_or_404
from core.clock import now
from core.pages import submit
from projects.facts import FACTS
from projects.models import Project
from projects.queries import current_criteria, projects_for
from projects.rules import Result, assess, facts_named, reason_text
from reintegration.forms import DecisionForm, ScreeningForm
from reintegration.operations.admission import admit


def shown(result: Result, tree: dict) -> list[dict]:
    """Return the result for `components/criteria.html`: the children of the top node, or the node itself."""
    nodes = [_node(result, tree)]
    return nodes[0].get("children") or nodes


def _node(result: Result, tree: dict) -> dict:
    node: dict[str, Any] = {
        "label": result.label,
        "answer": result.answer.value,
        "reason": reason_text(result),
    }
    if result.children:
        operator = "all" if "all" in tree else "any"
        node["joined"] = _("all of these") if operator == "all" else _("one of these is enough")
        node["label"] = node["label"] or node["joined"]
        node["children"] = [
            _node(child, below) for child, below in zip(result.children, tree[operator], strict=True)
        ]
    return node


@login_required
@require_safe
def admission_choose(request, reference: str):
    """Choose a programme; running ones first."""
    case = case_or_404(request, reference, writing=True)
    enrolled = set(
        Enrolment.objects.visible_to(request.user).filter(case=case).values_list("project_id", flat=True)
    )
    today = now().date()
    rows = [
        {"project": project, "is_running": project.starts_on <= today <= project.ends_on}
        for project in projects_for(request.user)
        if project.pk not in enrolled
    ]
    rows.sort(key=lambda row: not row["is_running"])
    return render(request, "reintegration/admission_choose.html", {"case": case, "rows": rows})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def admission_assess(request, reference: str, code: str):
    """Ask the programme's questions, show the result, and decide."""
    case = case_or_404(request, reference, writing=True)
    project = Project.objects.filter(code=code).first()
    if project is None:
        raise Http404
    criteria = current_criteria(project)
    today = now().date()
    facts = facts_of(case, by=request.user, on=today)
    asked = [name for name in FACTS if FACTS[name].asked and name in facts_named(criteria.tree)]
    submitted = request.POST.get("which") if request.method == "POST" else None
    screening = ScreeningForm(
        request.POST if submitted == "screening" else None, facts=asked, known=facts, prefix="ask"
    )
    decision = DecisionForm(
        request.POST if submitted == "decision" else None, prefix="decide", initial={"enrolled_on": today}
    )
    here = reverse("reintegration:admission-assess", args=[case.reference, project.code])

    def ask() -> str:
        record_screening(case=case, answers=screening.answers(), by=request.user, now=now())
        return f"{here}#result"

    def decide() -> str:
        assessment = admit(case=case, project=project, by=request.user, now=now(), **_decision(decision))
        messages.success(request, f"{assessment.get_decision_display()}: {project.name}")
        return reverse("case-detail", args=[case.reference])

    response = None
    if submitted == "screening":
        response = submit(request, screening, purpose=f"screen:{case.pk}", action=ask)
    elif submitted == "decision":
        response = submit(request, decision, purpose=f"admit:{case.pk}:{project.code}", action=decide)
    result = assess(facts, criteria.tree, today)
    context = {
        "case": case,
        "project": project,
        "criteria": criteria,
        "screening": screening,
        "decision": decision,
        "result": result,
        "nodes": shown(result, criteria.tree),
        "was_asked": all(name in facts for name in asked),
        "may_override": bool(
            authority_of(request.user).where("override_eligibility")
            & {case.lead_organisation_id, project.managed_by_id}
        ),
        "is_taken": Enrolment.objects.visible_to(request.user).filter(case=case, project=project).exists(),
    }
    return response or render(request, "reintegration/admission_assess.html", context)


def _decision(form: DecisionForm) -> dict:
    return {name: form.cleaned_data[name] for name in ("decision", "enrolled_on", "reason")}

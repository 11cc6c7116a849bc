"""The list of programmes, for everyone who is signed in: it says nothing about beneficiaries."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.queries import may_configure
from core.clock import now
from projects.queries import projects_for


@login_required
@require_safe
def project_list(request):
    """List programmes."""
    context = {
        "projects": projects_for(request.user),
        "today": now().date(),
        "may_configure": may_configure(request.user),
    }
    return render(request, "projects/project_list.html", context)

"""Which programmes there are: for everyone who is signed in, as none of it is about a person."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.clock import now
from projects.queries import projects_for


@login_required
@require_safe
def project_list(request):
    return render(
        request, "projects/project_list.html", {"projects": projects_for(request.user), "today": now().date()}
    )

"""Reads of programmes' definitions."""

from projects.models import Criteria, Project


def current_criteria(project: Project) -> Criteria:
    """The newest version of who may be admitted."""
    return Criteria.objects.filter(project=project).order_by("-version")[0]


def projects_for(user, *, on=None):
    """Programmes that a case may be admitted to: all of them, or those running on a day, newest first."""
    projects = Project.objects.select_related("managed_by")
    return projects.running(on) if on else projects

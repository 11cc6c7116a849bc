"""Reads of the definitions of programmes."""

from projects.models import Criteria, Project


def current_criteria(project: Project) -> Criteria:
    """Return the newest version of the programme's criteria."""
    return Criteria.objects.filter(project=project).order_by("-version")[0]


def projects_for(user, *, on=None):
    """Return all programmes, or those running on a day, newest first. All users may see them."""
    projects = Project.objects.select_related("managed_by")
    return projects.running(on) if on else projects

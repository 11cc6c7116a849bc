"""Programmes."""

from core.clock import now
from projects.models import Project
from projects.operations import start_new_phase


def project(code: str = "RASNM-2") -> Project:
    return Project.objects.get(code=code)


def another_programme(code: str = "OTHER") -> Project:
    """Return a new programme like RASNM-2, of the same organisation; no role is given it by default."""
    like = project()
    return start_new_phase(
        project=like, code=code, starts_on=like.starts_on, ends_on=like.ends_on, by=None, now=now()
    )

"""Organisations and programmes: the same for everyone who is signed in."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import Organisation
from api.serializers.programmes import (
    CriteriaSerializer,
    IndicatorSerializer,
    OfProject,
    OrganisationSerializer,
    ProjectSerializer,
)
from api.views.base import Resource
from projects.models import Criteria, Indicator
from projects.queries import projects_for


class OrganisationViews(Resource):
    """Organisations that take part."""

    path, noun, lookup_url_kwarg = "organisations", "organisation", "organisation_id"
    serializer_class = OrganisationSerializer
    ordering = ("code", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return Organisation.objects.all()


class ProjectViews(Resource):
    """Programmes and their phases."""

    path, noun, lookup_url_kwarg = "projects", "project", "project_id"
    serializer_class = ProjectSerializer
    ordering = ("-starts_on", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return projects_for(user).prefetch_related("budget_lines")


class CriteriaViews(Resource):
    """Versions of who may be admitted to a programme; the highest holds."""

    path, noun, lookup_url_kwarg = "criteria", "criteria", "criteria_id"
    serializer_class = CriteriaSerializer
    query_class = OfProject
    ordering = ("-made_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return Criteria.objects.all()


class IndicatorViews(Resource):
    """What a programme promised to count."""

    path, noun, lookup_url_kwarg = "indicators", "indicator", "indicator_id"
    serializer_class = IndicatorSerializer
    query_class = OfProject
    ordering = ("key", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return Indicator.objects.all()

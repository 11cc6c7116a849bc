"""Organisations and programmes, for all users."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import Organisation
from api.serializers.programmes import (
    ByProjectQuery,
    CriteriaSerializer,
    IndicatorSerializer,
    OrganisationSerializer,
    ProjectSerializer,
)
from api.views.base import Resource
from projects.models import Criteria, Indicator
from projects.queries import projects_for


class OrganisationViews(Resource):
    """Organisations."""

    path, noun, lookup_url_kwarg = "organisations", "organisation", "organisation_id"
    serializer_class = OrganisationSerializer
    ordering = ("code", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return all organisations."""
        return Organisation.objects.all()


class ProjectViews(Resource):
    """Programmes and their phases."""

    path, noun, lookup_url_kwarg = "projects", "project", "project_id"
    serializer_class = ProjectSerializer
    ordering = ("-starts_on", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return all programmes."""
        return projects_for(user).prefetch_related("budget_lines")


class CriteriaViews(Resource):
    """Versions of a programme's criteria; the highest one applies."""

    path, noun, lookup_url_kwarg = "criteria", "criteria", "criteria_id"
    serializer_class = CriteriaSerializer
    query_class = ByProjectQuery
    ordering = ("-made_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return all versions."""
        return Criteria.objects.all()


class IndicatorViews(Resource):
    """Indicators of programmes."""

    path, noun, lookup_url_kwarg = "indicators", "indicator", "indicator_id"
    serializer_class = IndicatorSerializer
    query_class = ByProjectQuery
    ordering = ("key", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return all indicators."""
        return Indicator.objects.all()

"""Organisations and programmes, for all users: configuration without personal data."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.models import Organisation
from api.serializers import PageQuery, RowSerializer
from api.views.base import Resource
from projects.models import BudgetLine, Criteria, Indicator, Project
from projects.queries import projects_for


class OrganisationSerializer(RowSerializer):
    """An organisation."""

    class Meta:
        model = Organisation
        fields = ["id", "code", "name_en", "name_ne", "kind", "is_active"]
        read_only_fields = fields


class BudgetLineSerializer(RowSerializer):
    """A budget line; grants can be requested from those with `pays_grants`."""

    class Meta:
        model = BudgetLine
        fields = ["id", "code", "name_en", "name_ne", "pays_grants"]
        read_only_fields = fields


class ProjectSerializer(RowSerializer):
    """A programme, or a phase of one."""

    budget_lines = BudgetLineSerializer(many=True, read_only=True)

    class Meta:
        model = Project
        fields = [
            "id",
            "code",
            "name_en",
            "name_ne",
            "summary_en",
            "summary_ne",
            "starts_on",
            "ends_on",
            "phase_of",
            "managed_by",
            "countries",
            "districts",
            "target_groups",
            "grant_ceiling_npr",
            "grant_instalments_max",
            "budget_lines",
        ]
        read_only_fields = fields


class CriteriaSerializer(RowSerializer):
    """A version of a programme's criteria."""

    class Meta:
        model = Criteria
        fields = ["id", "project", "version", "tree", "made_at"]
        read_only_fields = fields


class IndicatorSerializer(RowSerializer):
    """An indicator of a programme."""

    class Meta:
        model = Indicator
        fields = ["id", "project", "key", "label_en", "label_ne", "unit", "target", "source"]
        read_only_fields = fields


class ByProjectQuery(PageQuery):
    """Filter by programme."""

    project = serializers.UUIDField(required=False, source="project_id")


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

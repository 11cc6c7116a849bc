"""Organisations and programmes: configuration without personal data."""

from rest_framework import serializers

from accounts.models import Organisation
from api.serializers.base import PageQuery, RowSerializer
from projects.models import BudgetLine, Criteria, Indicator, Project


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

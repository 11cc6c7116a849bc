"""Risk assessments."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import ByCaseQuery, InputSerializer, RowSerializer, UserSerializer, VisibleRowField
from api.views.base import WrittenResource
from beneficiaries.choices import RISK_LEVELS, RiskSource
from beneficiaries.models import Case, RiskAssessment
from beneficiaries.operations.risk import assess_risk
from core.clock import now


class RiskAssessmentSerializer(RowSerializer):
    """One assessment of the risk; `former` is the level before it."""

    by = UserSerializer(read_only=True)

    class Meta:
        model = RiskAssessment
        fields = ["id", "case", "level", "former", "source", "reason", "assessed_on", "by", "at"]
        read_only_fields = fields


class RiskReview(InputSerializer):
    """The risk level now. A reason is required where it is lower than before."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    level = serializers.ChoiceField(choices=RISK_LEVELS)
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


class RiskAssessmentViews(WrittenResource):
    """Risk assessments."""

    path, noun, lookup_url_kwarg = "risk-assessments", "risk-assessment", "risk_assessment_id"
    serializer_class = RiskAssessmentSerializer
    query_class = ByCaseQuery
    ordering = ("-at", "id")
    inputs = {"create": RiskReview}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return risk assessments of cases that the user works on."""
        return RiskAssessment.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Assess the risk of a case. Of a high risk supervisors are notified at once, and a safety step is due."""
        self.require_writer()
        return self.run_once(
            request,
            lambda given: assess_risk(**given, source=RiskSource.REVIEW, by=request.user, now=now()),
        )

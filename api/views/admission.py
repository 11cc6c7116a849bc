"""Screening, assessment and enrolment: admission to a programme."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import (
    ByCaseAndProjectQuery,
    ByCaseQuery,
    DayField,
    InputSerializer,
    RowSerializer,
    StrictBooleanField,
    UserSerializer,
    VisibleRowField,
)
from api.views.base import Resource, WrittenResource
from beneficiaries.choices import AssessmentDecision
from beneficiaries.models import Assessment, Case, Enrolment, Screening
from beneficiaries.operations.admission import record_screening
from core.clock import now
from projects.facts import FACTS
from projects.models import Project
from reintegration.operations.admission import admit


class ScreeningSerializer(RowSerializer):
    """Answers to the questions of programmes."""

    answers = serializers.DictField(child=serializers.BooleanField(allow_null=True), read_only=True)
    by = UserSerializer(read_only=True)

    class Meta:
        model = Screening
        fields = ["id", "case", "answers", "answered_on", "by", "at"]
        read_only_fields = fields


class AssessmentSerializer(RowSerializer):
    """A decision on admission. `enrolment` is null where the case was not admitted."""

    is_override = serializers.BooleanField(read_only=True)
    enrolment = serializers.UUIDField(source="led_to", read_only=True, allow_null=True)
    by = UserSerializer(read_only=True)

    class Meta:
        model = Assessment
        fields = [
            "id",
            "case",
            "project",
            "criteria",
            "assessed_on",
            "facts",
            "result",
            "outcome",
            "decision",
            "reason",
            "is_override",
            "enrolment",
            "by",
            "at",
        ]
        read_only_fields = fields


class EnrolmentSerializer(RowSerializer):
    """A case in a programme."""

    is_backdated = serializers.BooleanField(read_only=True)
    by = UserSerializer(read_only=True)

    class Meta:
        model = Enrolment
        fields = [
            "id",
            "case",
            "project",
            "assessment",
            "enrolled_on",
            "entered_on",
            "status",
            "ended_on",
            "is_override",
            "is_backdated",
            "by",
            "at",
        ]
        read_only_fields = fields


class Answers(InputSerializer):
    """The questions that programmes ask: true, false, or null for not known."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Return a field for each fact that is asked about."""
        asked = (fact for fact in FACTS.values() if fact.asked)
        return {
            fact.name: StrictBooleanField(required=False, allow_null=True, help_text=str(fact.question))
            for fact in asked
        }


class Interview(InputSerializer):
    """Answers to questions of programmes; they count for the day on which they are sent."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    answers = Answers()

    def validate_answers(self, answers: dict[str, bool | None]) -> dict[str, bool | None]:
        """Require at least one answer."""
        if not answers:
            raise serializers.ValidationError("Answer at least one question.")
        return answers


class Admission(InputSerializer):
    """A decision on admission. A reason is required to refuse, or to admit against the criteria."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    project = VisibleRowField(lambda user: Project.objects.filter(criteria__isnull=False).distinct())
    decision = serializers.ChoiceField(choices=AssessmentDecision.choices)
    enrolled_on = DayField(is_record=True, help_text="The day of admission.")
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


class ScreeningViews(WrittenResource):
    """Answers to the questions that programmes ask."""

    path, noun, lookup_url_kwarg = "screenings", "screening", "screening_id"
    serializer_class = ScreeningSerializer
    query_class = ByCaseQuery
    ordering = ("-at", "id")
    inputs = {"create": Interview}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return screenings of cases that the user works on."""
        return Screening.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Save answers. A later answer to the same question replaces an earlier one."""
        self.require_writer()
        return self.run_once(
            request,
            lambda given: record_screening(
                case=given["case"], answers=dict(given["answers"]), by=request.user, now=now()
            ),
        )


class AssessmentViews(Resource):
    """Decisions on admission, with the facts and each criterion's result."""

    path, noun, lookup_url_kwarg = "assessments", "assessment", "assessment_id"
    serializer_class = AssessmentSerializer
    query_class = ByCaseAndProjectQuery
    ordering = ("-at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return assessments of cases that the user works on, with the enrolment."""
        led_to = Enrolment.objects.visible_to(user).filter(assessment=OuterRef("pk")).values("pk")[:1]
        return Assessment.objects.visible_to(user).select_related("by").annotate(led_to=Subquery(led_to))


class EnrolmentViews(WrittenResource):
    """Cases in programmes."""

    path, noun, lookup_url_kwarg = "enrolments", "enrolment", "enrolment_id"
    serializer_class = EnrolmentSerializer
    query_class = ByCaseAndProjectQuery
    ordering = ("-at", "id")
    inputs = {"create": Admission}
    answers = {"create": AssessmentViews}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return enrolments that the user may see."""
        return Enrolment.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Decide on admission. The response is the assessment, with the enrolment where the case was admitted."""
        self.require_writer()
        return self.run_once(request, lambda given: admit(**given, by=request.user, now=now()))

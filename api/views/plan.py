"""Reintegration plans."""

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import (
    ByCaseQuery,
    CorrectionInput,
    DayField,
    InputSerializer,
    RowSerializer,
    UserSerializer,
    VisibleRowField,
    recorded,
)
from api.views.base import WrittenResource
from beneficiaries.models import Enrolment
from core.clock import now
from reintegration.choices import Livelihood
from reintegration.models import Plan
from reintegration.operations.plan import agree_plan, correct_plan


class PlanSerializer(RowSerializer):
    """A reintegration plan."""

    by = UserSerializer(read_only=True)

    class Meta:
        model = Plan
        fields = ["id", "case", "enrolment", *recorded(Plan), "agreed_on", "by", "at", "version"]
        read_only_fields = fields


class PlanFields(InputSerializer):
    """What can be corrected in a plan."""

    livelihood = serializers.ChoiceField(choices=Livelihood.choices)
    goal = serializers.CharField(max_length=3000)
    steps = serializers.CharField(max_length=5000, allow_blank=True, default="")


class PlanCorrection(CorrectionInput, PlanFields):
    """Fields of a plan as they should be. A reason is needed."""


class Agreement(PlanFields):
    """The plan that was agreed for an enrolment; one plan for each."""

    enrolment = VisibleRowField(lambda user: Enrolment.objects.visible_to(user))
    agreed_on = DayField(is_record=True)


class PlanViews(WrittenResource):
    """Reintegration plans."""

    path, noun, lookup_url_kwarg = "plans", "plan", "plan_id"
    serializer_class = PlanSerializer
    query_class = ByCaseQuery
    ordering = ("-at", "id")
    http_method_names = ["get", "head", "post", "patch"]
    inputs = {"create": Agreement, "partial_update": PlanCorrection}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return plans of cases that the user works on."""
        return Plan.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Save the plan that was agreed for an enrolment."""
        self.require_writer()
        return self.run_once(request, lambda given: agree_plan(**given, by=request.user, now=now()))

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of a plan, on the `version` that was read."""
        row = self.row()
        self.require(Plan.objects.editable_by(request.user).filter(pk=row.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            found = {name: getattr(row, name) for name in row.record_fields}
            return correct_plan(plan=row, **found | given, by=request.user, now=now())

        return self.correct(request, write, about=row, read=lambda: self.get_serializer(self.row()).data)

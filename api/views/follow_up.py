"""Follow-ups and their reminders."""

from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import Conflict
from api.serializers import (
    ByCaseAndProjectQuery,
    ByCaseQuery,
    CorrectionInput,
    DayField,
    InputSerializer,
    RowSerializer,
    StrictBooleanField,
    UserSerializer,
)
from api.views.base import Resource, WrittenResource
from beneficiaries.choices import CaseStatus
from core.clock import now
from reintegration.choices import FollowUpOutcome, Wellbeing
from reintegration.models import FollowUp, Reminder
from reintegration.operations.follow_up import correct_follow_up, record_follow_up


class FollowUpSerializer(RowSerializer):
    """A follow-up. `outcome` and `wellbeing` are empty until it is recorded."""

    outcome = serializers.ChoiceField(choices=FollowUpOutcome.choices, allow_blank=True, read_only=True)
    wellbeing = serializers.ChoiceField(choices=Wellbeing.choices, allow_blank=True, read_only=True)
    recorded_by = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = FollowUp
        fields = [
            "id",
            "case",
            "project",
            "origin",
            "label_en",
            "label_ne",
            "kind",
            "attempt",
            "counted_from",
            "due_on",
            "done_on",
            "outcome",
            "wellbeing",
            "note",
            "recorded_by",
            "recorded_at",
            "version",
        ]
        read_only_fields = fields


class ReminderSerializer(RowSerializer):
    """A reminder that a follow-up is due."""

    recipient = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Reminder
        fields = ["id", "case", "follow_up", "due_on", "recipient", "sent_at"]
        read_only_fields = fields


class FollowUpQuery(ByCaseAndProjectQuery):
    """Filters of the list of follow-ups."""

    due_until = DayField(required=False, source="due_on__lte", help_text="Due on this day or before.")


class VisitFields(InputSerializer):
    """What can be corrected in a recorded follow-up."""

    done_on = DayField(is_record=True)
    wellbeing = serializers.ChoiceField(choices=Wellbeing.choices, allow_blank=True, default="")
    note = serializers.CharField(max_length=5000, allow_blank=True, default="")


class VisitCorrection(CorrectionInput, VisitFields):
    """Fields of a recorded follow-up as they should be. A reason is needed. The result stays."""


class Visit(VisitFields):
    """The result of a visit, call or review. `wellbeing` is required where the beneficiary was seen.

    `counts` is required for an early visit: whether it is the one that is due, or an extra one.
    """

    outcome = serializers.ChoiceField(choices=FollowUpOutcome.choices)
    counts = StrictBooleanField(allow_null=True, default=None)


class FollowUpViews(WrittenResource):
    """Visits, calls and reviews that are due, and their results."""

    path, noun, lookup_url_kwarg = "follow-ups", "follow-up", "follow_up_id"
    serializer_class = FollowUpSerializer
    query_class = FollowUpQuery
    ordering = ("due_on", "id")
    http_method_names = ["get", "head", "post", "patch"]
    inputs = {"record": Visit, "partial_update": VisitCorrection}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return follow-ups of cases that the user works on, without those that a closed case left open."""
        return FollowUp.objects.visible_to(user).not_lapsed().select_related("recorded_by")

    @action(detail=True, methods=["post"])
    def record(self, request: Request, **keys: Any) -> Response:
        """Record the result of a follow-up, once; the response is the recorded row.

        After a failed attempt the next one is a row of its own; so is an extra visit.
        """
        follow_up = self.row()
        self.require(FollowUp.objects.editable_by(request.user).filter(pk=follow_up.pk).exists())

        def write(given: dict[str, Any]) -> FollowUp:
            if follow_up.done_on is not None:
                raise Conflict("This follow-up is already saved.")
            return record_follow_up(follow_up=follow_up, **given, by=request.user, now=now())

        return self.run_once(request, write, about=follow_up)

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of a recorded follow-up, on the `version` that was read. Its result stays."""
        row = self.row()
        self.require(FollowUp.objects.editable_by(request.user).filter(pk=row.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            if row.done_on is None:
                raise Conflict("This follow-up isn't recorded yet.")
            found = {name: getattr(row, name) for name in ("done_on", "wellbeing", "note")}
            return correct_follow_up(follow_up=row, **found | given, by=request.user, now=now())

        return self.correct(request, write, about=row, read=lambda: self.get_serializer(self.row()).data)


class ReminderViews(Resource):
    """Reminders of follow-ups."""

    path, noun, lookup_url_kwarg = "reminders", "reminder", "reminder_id"
    serializer_class = ReminderSerializer
    query_class = ByCaseQuery
    ordering = ("due_on", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return reminders of cases that the user works on, without unsent ones of closed cases."""
        waiting = Q(sent_at=None, case__status=CaseStatus.CLOSED)  # these will never be sent
        return Reminder.objects.visible_to(user).exclude(waiting).select_related("recipient")

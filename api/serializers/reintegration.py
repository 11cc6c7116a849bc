"""Plans, grants, follow-ups and reminders. All amounts in NPR."""

from rest_framework import serializers

from api.serializers.base import (
    AmountField,
    DayField,
    InputSerializer,
    RowSerializer,
    StrictBooleanField,
    UserSerializer,
    VisibleRowField,
)
from api.serializers.cases import ByCaseAndProjectQuery, ByCaseQuery
from beneficiaries.models import Enrolment
from projects.models import BudgetLine
from reintegration.choices import FollowUpOutcome, GrantState, Livelihood, Wellbeing
from reintegration.models import FollowUp, Grant, Instalment, Plan, Reminder


class PlanSerializer(RowSerializer):
    """A reintegration plan."""

    by = UserSerializer(read_only=True)

    class Meta:
        model = Plan
        fields = [
            "id",
            "case",
            "enrolment",
            "livelihood",
            "goal",
            "steps",
            "agreed_on",
            "by",
            "at",
            "version",
        ]
        read_only_fields = fields


class GrantSerializer(RowSerializer):
    """A grant with its case reference: nothing about the beneficiary."""

    case_reference = serializers.CharField(source="case.reference", read_only=True)
    requested_by = UserSerializer(read_only=True)
    endorsed_by = UserSerializer(read_only=True, allow_null=True)
    approved_by = UserSerializer(read_only=True, allow_null=True)
    refused_by = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Grant
        fields = [
            "id",
            "case",
            "case_reference",
            "plan",
            "project",
            "budget_line",
            "livelihood",
            "purpose",
            "amount_npr",
            "ceiling_npr",
            "state",
            "requested_by",
            "requested_at",
            "endorsed_by",
            "endorsed_at",
            "approved_by",
            "approved_at",
            "refused_by",
            "refused_at",
            "refusal",
            "withdrawn_at",
            "version",
        ]
        read_only_fields = fields


class InstalmentSerializer(RowSerializer):
    """A part of a grant that was paid."""

    paid_by = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Instalment
        fields = [
            "id",
            "case",
            "grant",
            "number",
            "amount_npr",
            "state",
            "paid_by",
            "paid_on",
            "paid_at",
            "voucher",
        ]
        read_only_fields = fields


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


class GrantQuery(ByCaseAndProjectQuery):
    """Filters of the list of grants."""

    state = serializers.ChoiceField(choices=GrantState.choices, required=False)


class InstalmentQuery(ByCaseQuery):
    """Filters of the list of instalments."""

    grant = serializers.UUIDField(required=False, source="grant_id")


class FollowUpQuery(ByCaseAndProjectQuery):
    """Filters of the list of follow-ups."""

    due_until = DayField(required=False, source="due_on__lte", help_text="Due on this day or before.")


class Agreement(InputSerializer):
    """The plan that was agreed for an enrolment; one plan for each."""

    enrolment = VisibleRowField(lambda user: Enrolment.objects.visible_to(user))
    livelihood = serializers.ChoiceField(choices=Livelihood.choices)
    goal = serializers.CharField(max_length=3000)
    steps = serializers.CharField(max_length=5000, allow_blank=True, default="")
    agreed_on = DayField(is_record=True)


class GrantRequest(InputSerializer):
    """A request for a grant for a plan, up to the programme's ceiling."""

    plan = VisibleRowField(lambda user: Plan.objects.visible_to(user))
    budget_line = VisibleRowField(
        lambda user: BudgetLine.objects.all(),
        help_text="One of the programme's `budget_lines` that pays grants.",
    )
    purpose = serializers.CharField(max_length=300, help_text="What it is for, in words that name nobody.")
    amount_npr = AmountField()


class GrantRefusal(InputSerializer):
    """Why a grant is refused, without names."""

    refusal = serializers.CharField(max_length=500)


class Payment(InputSerializer):
    """One instalment that was paid."""

    amount_npr = AmountField()
    voucher = serializers.CharField(max_length=60)
    paid_on = DayField(is_record=True)


class Visit(InputSerializer):
    """The result of a visit, call or review. `wellbeing` is required where the beneficiary was seen.

    `counts` is required for an early visit: whether it is the one that is due, or an extra one.
    """

    done_on = DayField(is_record=True)
    outcome = serializers.ChoiceField(choices=FollowUpOutcome.choices)
    wellbeing = serializers.ChoiceField(choices=Wellbeing.choices, allow_blank=True, default="")
    note = serializers.CharField(max_length=5000, allow_blank=True, default="")
    counts = StrictBooleanField(allow_null=True, default=None)

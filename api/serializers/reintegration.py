"""Plans, grants, follow-ups, reminders. All amounts in NPR."""

from rest_framework import serializers

from api.serializers.base import Amount, Day, Flag, Given, Known, RowSerializer, UserSerializer
from api.serializers.cases import OfCase, OfCaseAndProject
from beneficiaries.models import Enrolment
from projects.models import BudgetLine
from reintegration.choices import FollowUpOutcome, GrantState, Livelihood, Wellbeing
from reintegration.models import FollowUp, Grant, Instalment, Plan, Reminder


class PlanSerializer(RowSerializer):
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
    """Figures and a case reference: nothing here tells of the person."""

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
    """`outcome` and `wellbeing` are empty until it is recorded."""

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
    recipient = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Reminder
        fields = ["id", "case", "follow_up", "due_on", "recipient", "sent_at"]
        read_only_fields = fields


class GrantQuery(OfCaseAndProject):
    state = serializers.ChoiceField(choices=GrantState.choices, required=False)


class InstalmentQuery(OfCase):
    grant = serializers.UUIDField(required=False, source="grant_id")


class FollowUpQuery(OfCaseAndProject):
    due_until = Day(required=False, source="due_on__lte", help_text="Due on this day or before.")


class Agreement(Given):
    """What was agreed with a person who is in a programme; one plan an enrolment."""

    enrolment = Known(lambda user: Enrolment.objects.visible_to(user))
    livelihood = serializers.ChoiceField(choices=Livelihood.choices)
    goal = serializers.CharField(max_length=3000)
    steps = serializers.CharField(max_length=5000, allow_blank=True, default="")
    agreed_on = Day(is_record=True)


class GrantRequest(Given):
    """Money asked for a plan, up to the programme's ceiling."""

    plan = Known(lambda user: Plan.objects.visible_to(user))
    budget_line = Known(
        lambda user: BudgetLine.objects.all(),
        help_text="One of the programme's `budget_lines` that pays grants.",
    )
    purpose = serializers.CharField(max_length=300, help_text="What it is for, in words that name nobody.")
    amount_npr = Amount()


class GrantRefusal(Given):
    """Why a grant is refused, in words that name nobody."""

    refusal = serializers.CharField(max_length=500)


class Payment(Given):
    """One instalment that was paid out."""

    amount_npr = Amount()
    voucher = serializers.CharField(max_length=60)
    paid_on = Day(is_record=True)


class Visit(Given):
    """What came of a visit, call or review; how the person is must be said where they were seen.

    `counts` is asked for where it was long before its day: whether it is the visit that is due, or an extra one.
    """

    done_on = Day(is_record=True)
    outcome = serializers.ChoiceField(choices=FollowUpOutcome.choices)
    wellbeing = serializers.ChoiceField(choices=Wellbeing.choices, allow_blank=True, default="")
    note = serializers.CharField(max_length=5000, allow_blank=True, default="")
    counts = Flag(allow_null=True, default=None)

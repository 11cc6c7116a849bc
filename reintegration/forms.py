"""Forms of admission, plans, grants and follow-ups, and the filter of the audit log."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beneficiaries.choices import AssessmentDecision
from beneficiaries.forms.correction import CorrectionForm, reason_field
from core.audit import event_texts
from core.forms import AmountField, OnceForm, day_field
from core.numerals import shown_amount
from core.rendering import PlainSelect
from core.searches import SearchForm
from projects.facts import FACTS
from projects.models import BudgetLine
from reintegration.choices import FollowUpOutcome, Livelihood, Wellbeing
from reintegration.models import FollowUp, Plan

ANSWERS = [("yes", _("Yes")), ("no", _("No")), ("unknown", _("Not known"))]
FROM_ANSWER = {"yes": True, "no": False, "unknown": None}


def _npr(label, **kwargs) -> AmountField:
    return AmountField(label=label, widget=forms.TextInput({"class": "govuk-input--width-10"}), **kwargs)


class ScreeningForm(OnceForm):
    """The questions of a programme: yes, no, or not known."""

    def __init__(self, *args, facts: list[str], known: dict, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in facts:
            self.fields[name] = forms.ChoiceField(
                label=FACTS[name].question,
                choices=ANSWERS,
                initial="unknown" if known.get(name) is None else "yes" if known[name] else "no",
                widget=forms.RadioSelect(attrs={"class": "govuk-radios--inline"}),
            )
        self.facts = facts

    def answers(self) -> dict[str, bool | None]:
        """Return the answers by fact: True, False, or None for not known."""
        return {name: FROM_ANSWER[self.cleaned_data[name]] for name in self.facts}


class DecisionForm(OnceForm):
    """Whether the beneficiary is admitted, from when, and why."""

    decision = forms.ChoiceField(
        label=_("Decision"), choices=AssessmentDecision.choices, widget=forms.RadioSelect
    )
    enrolled_on = day_field(_("Date of admission"), is_record=True)
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Needed if the person is not admitted, or is admitted without meeting the criteria."),
    )


class PlanForm(OnceForm):
    """What was agreed with the beneficiary."""

    livelihood = forms.ChoiceField(
        label=_("Livelihood"), choices=Livelihood.choices, widget=forms.RadioSelect
    )
    goal = forms.CharField(
        label=_("What does the person want to achieve?"),
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    steps = forms.CharField(
        label=_("Steps agreed"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    agreed_on = day_field(_("Agreed on"), is_record=True)


class PlanCorrectionForm(CorrectionForm, PlanForm):
    """What was recorded wrongly in a plan, to be corrected."""

    record_fields = Plan.record_fields
    agreed_on = None  # type: ignore[assignment]
    reason = reason_field()
    field_order = ["livelihood", "goal", "steps", "reason"]

    def columns(self) -> dict[str, Any]:
        """Return the typed plan by column."""
        return {name: self.cleaned_data[name] for name in self.record_fields}

    @staticmethod
    def initial_of(row: Plan) -> dict[str, Any]:
        """Return the plan as the form opens with it."""
        return {name: getattr(row, name) for name in (*row.record_fields, "version")}


class BudgetLineField(forms.ModelChoiceField):
    """A choice of budget lines, each with what is left of it; none is preselected."""

    left: dict[UUID, Decimal]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, empty_label=None, **kwargs)

    def label_from_instance(self, obj) -> str:
        """Return the name, and what is left in NPR."""
        return gettext("%(line)s: NPR %(left)s left") % {
            "line": obj.name,
            "left": shown_amount(self.left[obj.pk]),
        }


class GrantForm(OnceForm):
    """The purpose, amount and budget line of a grant. `left`: what is left of each line, in NPR."""

    purpose = forms.CharField(
        label=_("What is it for?"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Such as: a sewing machine and cloth for a tailoring shop. Those who decide read "
            "this: no name, no telephone number, nothing about what happened."
        ),
    )
    amount_npr = _npr(_("Amount in NPR"))
    budget_line = BudgetLineField(BudgetLine.objects.none(), label=_("Budget line"), widget=forms.RadioSelect)

    def __init__(self, *args, project, left: dict[UUID, Decimal], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["budget_line"]
        assert isinstance(field, BudgetLineField)
        field.left = left
        field.queryset = BudgetLine.objects.filter(project=project, pays_grants=True)


class RefusalForm(OnceForm):
    """Why a grant is refused."""

    refusal = forms.CharField(
        label=_("Why it is refused"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Name nobody: the case reference is enough."),
    )


class PaymentForm(OnceForm):
    """One instalment. `left`: what is left of the grant, in NPR. The amount isn't prefilled."""

    amount_npr = _npr(_("Amount in NPR"))
    voucher = forms.CharField(
        label=_("Voucher number"),
        max_length=60,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-20", "autocomplete": "off"}),
    )
    paid_on = day_field(_("Paid on"), is_record=True)

    def __init__(self, *args, left: Decimal, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount_npr"].help_text = gettext("NPR %s of this grant is left.") % shown_amount(left)


class FollowUpForm(OnceForm):
    """The result of a visit, call or review. `counts` only appears when the operation asks for it."""

    done_on = day_field(_("When was it?"), is_record=True)
    outcome = forms.ChoiceField(
        label=_("What was the result?"), choices=FollowUpOutcome.choices, widget=forms.RadioSelect
    )
    wellbeing = forms.ChoiceField(
        label=_("How is the person?"),
        choices=Wellbeing.choices,
        required=False,
        widget=forms.RadioSelect,
        help_text=_("“In danger” makes the risk level high and notifies the supervisors at once."),
    )
    note = forms.CharField(
        label=_("What was seen and agreed"),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    counts = forms.ChoiceField(
        label=_("Does it count as the visit that is due?"),
        choices=[
            ("yes", _("Yes, it is that visit")),
            ("no", _("No, it is an extra one; the visit stays due")),
        ],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._counts = self.fields.pop("counts")
        if "counts" in self.data:
            self.fields["counts"] = self._counts

    def add_refusal(self, error: ValidationError) -> None:
        """Show the operation's errors, with the field `counts` where it asks for it."""
        if "counts" in getattr(error, "error_dict", {}):
            self.fields["counts"] = self._counts
        super().add_refusal(error)

    def visit(self) -> dict:
        """Return the arguments for `record_follow_up`."""
        data = {name: self.cleaned_data[name] for name in ("done_on", "outcome", "wellbeing", "note")}
        return data | {"counts": FROM_ANSWER.get(self.cleaned_data.get("counts", ""))}


class FollowUpCorrectionForm(CorrectionForm, FollowUpForm):
    """What was recorded wrongly in a follow-up, to be corrected; its result stays."""

    record_fields = FollowUp.record_fields
    outcome = None  # type: ignore[assignment]
    reason = reason_field()
    field_order = ["done_on", "wellbeing", "note", "reason"]

    def columns(self) -> dict[str, Any]:
        """Return what was typed, by column."""
        return {name: self.cleaned_data[name] for name in ("done_on", "wellbeing", "note")}

    @staticmethod
    def initial_of(row: FollowUp) -> dict[str, Any]:
        """Return the follow-up as the form opens with it."""
        return {name: getattr(row, name) for name in ("done_on", "wellbeing", "note", "version")}


class LogFilter(SearchForm):
    """The filter of the audit log."""

    words = ("username", "reference")

    first_on = day_field(_("From"), required=False)
    last_on = day_field(_("To"), required=False)
    verb = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=lambda: [("", _("All")), *sorted(event_texts().items())],
        widget=PlainSelect,
    )
    username = forms.CharField(
        label=_("User name"),
        required=False,
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    reference = forms.CharField(
        label=_("Case reference"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "off"}),
    )

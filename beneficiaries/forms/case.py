"""Forms for actions on a case, and the filter of the list of cases."""

from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from beneficiaries.choices import (
    RISK_LEVELS,
    CaseStatus,
    DocumentKind,
    TransferState,
)
from beneficiaries.forms.interview import SharingForm, radios
from core import reference
from core.access import Confidentiality
from core.forms import OnceForm, day_field
from core.rendering import PlainSelect
from core.searches import SearchForm
from geography.models import District
from projects.facts import DISTRICTS


class NoteForm(OnceForm):
    """A note and its confidentiality."""

    text = forms.CharField(label=_("Note"), max_length=10000, widget=forms.Textarea(attrs={"rows": 6}))
    confidentiality = forms.ChoiceField(
        label=_("Who may read it?"),
        choices=Confidentiality.choices,
        widget=radios(),
        initial=Confidentiality.NORMAL,
    )


class DocumentForm(OnceForm):
    """A photo or a PDF, its kind and its confidentiality."""

    file = forms.FileField(
        label=_("Photo or PDF"),
        help_text=_(
            "At most 20 MB. The place and the device of a photo are removed from the file. What was cropped or "
            "covered in a PDF can still be read: photograph such a page instead."
        ),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"}),
        error_messages={"empty": _("This file is empty.")},
    )
    kind = forms.ChoiceField(
        label=_("What kind of document is it?"), choices=DocumentKind.choices, widget=radios()
    )
    title = forms.CharField(
        label=_("What does it say, in a few words?"),
        required=False,
        max_length=200,
        help_text=_("Such as: letter of the ward office, Birgunj."),
    )
    confidentiality = forms.ChoiceField(
        label=_("Who may read it?"),
        choices=Confidentiality.choices,
        widget=radios(),
        initial=Confidentiality.NORMAL,
    )


class RemovalForm(OnceForm):
    """Why the file of a document is deleted."""

    why = forms.CharField(label=_("Why?"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ReceiverField(forms.ModelChoiceField):
    """A choice of organisations by name and code: a name can be changed to resemble another one's."""

    def label_from_instance(self, obj: Organisation) -> str:
        """Return the name with the code."""
        return f"{obj.name} ({obj.code})"


class ReceiverForm(SharingForm):
    """Which organisation receives something of the case, and the consent to it."""

    receiver = ReceiverField(Organisation.objects.none(), label=_("To which organisation?"))

    def __init__(self, *args, receivers, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        receiver = self.fields["receiver"]
        assert isinstance(receiver, forms.ModelChoiceField)
        receiver.queryset = receivers


class TransferForm(ReceiverForm):
    """Which organisation is offered the case, and why."""

    why = forms.CharField(
        label=_("Why?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The other organisation reads this."),
    )

    field_order = ["receiver", "why", "agrees", "given_by", "reason", "how"]


class ReferralForm(ReceiverForm):
    """Which organisation is asked for which service, the shared items, and the consent to exactly these."""

    service = forms.CharField(label=_("For which service?"), max_length=200)
    reason_for_referral = forms.CharField(
        label=_("Why?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    items = forms.MultipleChoiceField(
        label=_("What will you send?"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Sent as it is today. The other organisation sees this and nothing else. With the "
            "telephone number, how to contact the person safely is always sent too."
        ),
    )

    field_order = [
        "receiver",
        "service",
        "reason_for_referral",
        "items",
        "agrees",
        "given_by",
        "reason",
        "how",
    ]

    def __init__(self, *args, items: dict[str, str], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["items"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        chosen.choices = list(items.items())


class AnswerForm(OnceForm):
    """The answer to a referral or an offer."""

    state = forms.ChoiceField(label=_("What should happen to it?"), widget=forms.RadioSelect)
    answer = forms.CharField(
        label=_("Answer"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args, states: list[tuple[str, str]], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["state"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = states


class StaffField(forms.ModelChoiceField):
    """A choice of users, shown by their names."""

    def label_from_instance(self, obj) -> str:
        """Return the user's name."""
        return obj.name


KEEP, DELETE = ("keep", _("Keep it for now")), ("delete", _("Delete it for ever"))


class DraftReassignForm(OnceForm):
    """Which user continues an unfinished interview."""

    to = StaffField(User.objects.none(), label=_("To which user?"))

    def __init__(self, *args, users, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = users


class DraftDecisionForm(OnceForm):
    """The decision on an unfinished interview. Only one in which somebody may be at risk can be kept for longer."""

    decision = forms.ChoiceField(
        label=_("What should happen to it?"),
        choices=[KEEP, DELETE],
        widget=radios(),
    )
    why = forms.CharField(
        label=_("If it is kept: why"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    review_on = day_field(_("If it is kept: until which day, when you decide again"), required=False)

    def __init__(self, *args, may_be_kept: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not may_be_kept:
            decision = self.fields["decision"]
            assert isinstance(decision, forms.ChoiceField)
            decision.choices = [DELETE]


class TransferAnswerForm(AnswerForm):
    """The answer to an offer; accepting it names the caseworker."""

    caseworker = StaffField(
        User.objects.none(),
        label=_("Caseworker"),
        required=False,
        help_text=_("Needed if you take the case over: a user of your organisation."),
    )

    field_order = ["state", "caseworker", "answer"]

    def __init__(self, *args, states: list[tuple[str, str]], caseworkers, **kwargs) -> None:
        super().__init__(*args, states=states, **kwargs)
        field, state = self.fields["caseworker"], self.fields["state"]
        assert isinstance(field, forms.ModelChoiceField)
        assert isinstance(state, forms.ChoiceField)
        field.queryset = caseworkers
        codes = [code for code, _label in states]
        if TransferState.ACCEPTED not in codes:
            del self.fields["caseworker"]
        if len(codes) == 1:
            state.initial, state.widget = codes[0], forms.HiddenInput()


class ReassignCaseForm(OnceForm):
    """The new caseworker of a case, and a note to them."""

    caseworker = StaffField(User.objects.none(), label=_("Who is the caseworker from now on?"))
    note = forms.CharField(
        label=_("Note"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What the new caseworker should know. It stays in the case file."),
    )

    def __init__(self, *args, caseworkers, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["caseworker"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = caseworkers


class ReassignForm(ReassignCaseForm):
    """Which cases get the new caseworker."""

    cases = forms.MultipleChoiceField(
        label=_("Which cases?"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "govuk-checkboxes--small"}),
        error_messages={"required": _("Choose at least one case.")},
    )
    field_order = ["cases", "caseworker", "note"]

    def __init__(self, *args, cases: list[tuple[str, str]], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["cases"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = cases


class EmergencyForm(OnceForm):
    """Which case is opened in an emergency, and why."""

    reference = forms.CharField(label=_("Case reference"), max_length=20)
    reason = forms.CharField(
        label=_("What is the emergency?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )


class RiskForm(OnceForm):
    """The risk level now, and why."""

    level = forms.ChoiceField(
        label=_("Risk level"),
        choices=RISK_LEVELS,
        widget=radios(),
        help_text=_("How great is the risk of harm to the person now?"),
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Needed where the risk level is lower than before."),
    )


class CaseFilter(SearchForm):
    """Search and filters of the list of cases."""

    words = ("find",)

    find = forms.CharField(
        label=_("Case reference, beginning of the name, or full number of a telephone or identity document"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), *CaseStatus.choices],
        widget=PlainSelect,
    )
    district = forms.ChoiceField(
        label=_("District"), required=False, choices=[("", _("All")), *DISTRICTS.items()], widget=PlainSelect
    )

    def clean_district(self) -> UUID | None:
        """Return the id of the district, which is computed from its code."""
        code = self.cleaned_data["district"]
        return District.id_for(code) if code else None


class ErasureForm(OnceForm):
    """The case's reference, typed again to prevent erasure by mistake."""

    typed = forms.CharField(
        label=_("Type the case reference to confirm"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args, of_case: str, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.of_case = of_case

    def clean_typed(self) -> str:
        """Require the reference of this case."""
        typed = self.cleaned_data["typed"]
        if reference.tidy(typed) != self.of_case:
            raise forms.ValidationError(_("This is not the reference of this case."))
        return typed


class EmptyForm(OnceForm):
    """A form with only a button."""

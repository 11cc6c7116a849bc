"""The form for an identity document of a beneficiary: recorded first, corrected later."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from beneficiaries import identity
from beneficiaries.choices import IdentityKind, IdentityState
from beneficiaries.forms.correction import CorrectionForm
from beneficiaries.forms.interview import DistrictField, radios
from beneficiaries.history import Overlap
from beneficiaries.models import IdentityDocument
from beneficiaries.operations.identity import IdentityDetails
from core import names
from core.forms import day_field


class IdentityNumberInput(forms.TextInput):
    """A number as text. `question` is asked below it where the number is unusual; a box answers it."""

    template_name = "forms/widgets/identity_number.html"
    question = meant = ""

    def value_from_datadict(self, data, files, name):
        """Return what was typed; remember the number that was confirmed."""
        self.meant = data.get(f"{name}_meant", "")
        return super().value_from_datadict(data, files, name)

    def get_context(self, name, value, attrs):
        """Add the question for the template."""
        context = super().get_context(name, value, attrs)
        context["widget"] |= {"question": self.question, "is_meant": bool(value) and self.meant == value}
        return context


class IdentityDocumentForm(CorrectionForm):
    """What is known about one kind of identity document. `row` with version 0: nothing is recorded yet."""

    record_fields = IdentityDocument.record_fields

    state = forms.ChoiceField(
        label=_("Does the person have it?"), choices=IdentityState.choices, widget=radios()
    )
    kept_by = forms.CharField(
        label=_("Who keeps it?"),
        required=False,
        max_length=200,
        help_text=_("If somebody else keeps it: an employer, an agent, a relative."),
    )
    number = forms.CharField(
        label=_("Number on the document"),
        required=False,
        max_length=identity.LONGEST_NUMBER,
        help_text=_(
            "As it is on the document, in digits of either script. Also of a document that was lost."
        ),
        widget=IdentityNumberInput(attrs={"class": "govuk-input--width-20", "autocomplete": "off"}),
    )
    issued_district = DistrictField(label=_("Issued in the district"), required=False, max_length=100)
    issued_on = day_field(_("Issued on"), is_record=True, required=False)
    expires_on = day_field(_("Expires on"), required=False)
    reason = forms.CharField(
        label=_("Why is this corrected?"),
        max_length=1000,
        required=False,
        help_text=_("Needed where another number was recorded before."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    fieldsets = [
        (None, ["state", "kept_by"]),
        (_("What is on the document"), ["number", "issued_district", "issued_on", "expires_on"]),
        (pgettext_lazy("of a correction", "Reason"), ["reason"]),
    ]

    def __init__(self, *args: Any, row: IdentityDocument, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.row = row
        if row.kind != IdentityKind.PASSPORT:
            del self.fields["expires_on"]
        if row.version == 0:
            self.fields["reason"].widget = forms.HiddenInput()

    def clean_number(self) -> str:
        """Ask where the number is unusual for this kind of document, unless it is recorded like this already."""
        number = names.tidy(self.cleaned_data["number"])
        question = identity.doubt(self.row.kind, number) if number != self.row.number else ""
        widget = self.fields["number"].widget
        assert isinstance(widget, IdentityNumberInput)
        widget.question = question
        if question and not identity.problem(number) and names.tidy(widget.meant) != number:
            raise forms.ValidationError(question)
        return number

    def ask_again(self, found: Iterable[Overlap]) -> None:
        """Ask for the reason too: what was to be recorded first is a correction by now."""
        super().ask_again(found)
        self.fields["reason"].widget = self.base_fields["reason"].widget

    def details(self) -> IdentityDetails:
        """Return the valid form's details."""
        data = self.cleaned_data
        return IdentityDetails(
            state=data["state"],
            number=data["number"],
            issued_district_id=data["issued_district"].pk if data["issued_district"] else None,
            issued_on=data["issued_on"],
            expires_on=data.get("expires_on"),
            kept_by=names.tidy(data["kept_by"]),
        )

    def columns(self) -> Mapping[str, Any]:
        """Return the typed details by column."""
        return asdict(self.details())

    @staticmethod
    def initial_of(row: IdentityDocument) -> dict[str, Any]:
        """Return the document as the form opens with it."""
        same = ("state", "kept_by", "number", "issued_on", "expires_on", "version")
        return {name: getattr(row, name) for name in same} | {
            "issued_district": row.issued_district.name if row.issued_district else ""
        }

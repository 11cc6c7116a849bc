"""Forms that correct what was recorded, with the choice where another user corrected it meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from beneficiaries.forms.interview import LIVE_GIVERS, LIVE_HOWS, BeneficiaryForm, SituationForm, radios
from beneficiaries.history import Overlap, words_of
from beneficiaries.models import Beneficiary, CaseFile, Consent
from beneficiaries.operations.consent import ConsentAnswer
from beneficiaries.operations.correction import ChangedMeanwhile
from beneficiaries.operations.intake import BeneficiaryDetails
from core.forms import OnceForm, day_field
from core.record_fields import RecordFields
from geography.models import Country

SAVED, TYPED = "saved", "typed"


def reason_field() -> forms.CharField:
    """Return the reason of a correction that always needs one."""
    return forms.CharField(
        label=_("Why is this corrected?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why this is corrected.")},
    )


class CorrectionForm(OnceForm):
    """What every correction carries: the version that was read, and why.

    Where another user has corrected the record meanwhile, `overlapping` names the fields, and for each of them
    `take_<field>` says whether the saved or the typed value is right.
    """

    record_fields: RecordFields = {}
    overtaken_by: Any = None  # the record as it is now, once a correction was refused for it

    version = forms.IntegerField(widget=forms.HiddenInput)
    overlapping = forms.CharField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(
        label=_("Why is this corrected?"),
        max_length=1000,
        required=False,
        help_text=_("Needed for names, the date of birth and what happened."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, initial=self.initial_of(row), **kwargs)
        for name in str(self.data.get("overlapping", "")).split(","):
            if name in self.record_fields:
                values = self.record_fields[name].values_of(row)
                saved = gettext("Saved: %s") % (words_of(type(row), name, values) or "–")
                self._ask(name, saved, gettext("Yours, as typed below"))

    def _ask(self, name: str, saved: str, typed: str) -> None:
        """Add the choice between the saved and the typed value of a field."""
        self.fields[f"take_{name}"] = forms.ChoiceField(
            label=self.record_fields[name].label,
            choices=[(SAVED, saved), (TYPED, typed)],
            widget=radios(),
            error_messages={"required": _("Choose which of the two is right.")},
        )
        asked = [field for field in self.fields if field.startswith("take_")]
        self.fieldsets = [(_("Choose what is right"), asked), *getattr(type(self), "fieldsets", [])]

    def add_refusal(self, error: ValidationError) -> None:
        """Show a refusal; remember the record where it was corrected meanwhile."""
        if isinstance(error, ChangedMeanwhile):
            self.overtaken_by = error.row
        super().add_refusal(error)

    def ask_again(self, found: Iterable[Overlap]) -> None:
        """Show both values of each overlapping field, with what was typed, on the version of now.

        A field that this user had left as it was takes the saved value, unless they choose otherwise.
        """
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data["version"] = str(self.overtaken_by.version)
        data["overlapping"] = ",".join(row.name for row in found)
        for row in found:
            saved = gettext("Saved by %(name)s: %(value)s") % {"name": row.by, "value": row.saved or "–"}
            self._ask(row.name, saved, gettext("Yours: %s") % (row.typed or "–"))
            data[f"take_{row.name}"] = SAVED if row.is_untouched else ""
        self.data = data

    def correction(self) -> dict[str, Any]:
        """Return what every correction has: the version that was read, the reason, and the fields that stay."""
        return {name: self.cleaned_data[name] for name in ("version", "reason")} | {"keep": self.kept()}

    def kept(self) -> set[str]:
        """Return the names of the fields whose saved value stays."""
        asked = (name for name in self.fields if name.startswith("take_"))
        return {name.removeprefix("take_") for name in asked if self.cleaned_data[name] == SAVED}

    def columns(self) -> Mapping[str, Any]:
        """Return what was typed, by column."""
        raise NotImplementedError

    @staticmethod
    def initial_of(row: Any) -> dict[str, Any]:
        """Return the record as the form opens with it."""
        raise NotImplementedError


class BeneficiaryCorrectionForm(CorrectionForm, BeneficiaryForm):
    """A beneficiary's record, to be corrected."""

    record_fields = Beneficiary.record_fields
    at_risk = citizenship_certificate = None  # type: ignore[assignment]  # questions of the first interview

    fieldsets = [*BeneficiaryForm.fieldsets, (pgettext_lazy("of a correction", "Reason"), ["reason"])]

    def columns(self) -> Mapping[str, Any]:
        """Return the typed details by column."""
        return asdict(self.details())

    @staticmethod
    def initial_of(row: Beneficiary) -> dict[str, Any]:
        """Return the record as the form opens with it."""
        typed, _space, calendar = row.birth_as_typed.rpartition(" ")
        if not typed or calendar not in ("BS", "AD"):
            typed, calendar = row.birth_on.isoformat() if row.birth_on else "", "AD" if row.birth_on else "BS"
        return asdict(BeneficiaryDetails.of(row)) | {
            "version": row.version,
            "birth": typed,
            "birth_calendar": calendar.lower(),
            "home_district": row.home_district.name if row.home_district else "",
            "home_local_level": row.home_local_level.name if row.home_local_level else "",
        }


class SituationCorrectionForm(CorrectionForm, SituationForm):
    """The situation of a case, to be corrected. The risk level is assessed on a page of its own."""

    record_fields = CaseFile.record_fields
    at_risk = risk = narrative_confidentiality = None  # type: ignore[assignment]

    def columns(self) -> Mapping[str, Any]:
        """Return the typed situation by column."""
        return asdict(self.situation())

    @staticmethod
    def initial_of(row: CaseFile) -> dict[str, Any]:
        """Return the situation as the form opens with it."""
        same = ("groups", "primary_group", "country_of_stay", "narrative", "needs", "version")
        return {name: getattr(row, name) for name in same} | {
            "country_of_stay": Country.objects.filter(code=row.country_of_stay).first(),
            "current_district": row.current_district.name if row.current_district else "",
        }


class ConsentCorrectionForm(CorrectionForm):
    """What was recorded wrongly about an answer on consent, to be corrected."""

    record_fields = Consent.record_fields

    given_by = forms.ChoiceField(label=_("Who decided?"), widget=radios())
    why_nobody_asked = forms.CharField(
        label=_("If nobody could safely be asked: why"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    how = forms.ChoiceField(label=_("How was consent given?"), widget=radios())
    asked_on = day_field(_("On which day was the person asked?"), is_record=True)
    until_on = day_field(_("Valid until"), required=False)
    reason = reason_field()

    fieldsets = [
        (None, ["given_by", "why_nobody_asked", "how", "asked_on", "until_on"]),
        (pgettext_lazy("of a correction", "Reason"), ["reason"]),
    ]

    def __init__(self, *args: Any, row: Consent, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        for name, offered in (("given_by", LIVE_GIVERS), ("how", LIVE_HOWS)):
            recorded = (getattr(row, name), getattr(row, f"get_{name}_display")())
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = offered if recorded in offered else [*offered, recorded]

    def answer(self) -> ConsentAnswer:
        """Return the valid form's answer."""
        data = self.cleaned_data
        same = {name: data[name] for name in ("given_by", "how", "asked_on", "until_on")}
        return ConsentAnswer(**same, reason=data["why_nobody_asked"].strip())

    def columns(self) -> Mapping[str, Any]:
        """Return the typed answer by column."""
        return asdict(self.answer())

    @staticmethod
    def initial_of(row: Consent) -> dict[str, Any]:
        """Return the consent as the form opens with it."""
        same = ("given_by", "how", "asked_on", "until_on", "version")
        return {name: getattr(row, name) for name in same} | {"why_nobody_asked": row.reason}

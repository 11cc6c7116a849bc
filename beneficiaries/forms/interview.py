"""Forms of the interview and of consent."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.queries import organisations_of
from beneficiaries.choices import (
    ConsentGiver,
    ConsentHow,
    IdentityState,
    Risk,
    Sex,
)
from beneficiaries.models.beneficiary import LONGEST_PHONE
from beneficiaries.operations.intake import BeneficiaryDetails, ConsentGiven, Situation
from core import bikram_sambat, days
from core.access import Confidentiality
from core.clock import now
from core.forms import DayInput, OnceForm
from geography.models import Country
from geography.queries import UnknownDistrict, UnknownLocalLevel, require_district, require_local_level
from geography.spelling import ward_beside, with_ward
from projects.choices import TargetGroup

LIVE_GIVERS = [choice for choice in ConsentGiver.choices if choice[0] != ConsentGiver.LEGACY]
LIVE_HOWS = [choice for choice in ConsentHow.choices if choice[0] != ConsentHow.FILE]
AGREES = [("yes", _("Yes, they agree")), ("no", _("No, they do not agree"))]


def radios(**attrs) -> forms.RadioSelect:
    """Return radio buttons."""
    return forms.RadioSelect(attrs=attrs)


class PageForm(OnceForm):
    """A page of the interview, saved as it is left, valid or not."""

    def typed(self) -> dict[str, Any]:
        """Return what was sent, by field, as initial values of the page."""
        return {
            name: field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            for name, field in self.fields.items()
            if name not in ("form_key", "organisation", "at_risk")
        }

    def says_at_risk(self) -> bool:
        """Return whether the box "at risk" is ticked; False on a page without it."""
        return bool(self.data.get("at_risk"))


def at_risk_field() -> forms.BooleanField:
    """Return the checkbox by which a user says that somebody may be at risk."""
    return forms.BooleanField(
        label=_("Somebody’s life or a child may be at risk"),
        required=False,
        help_text=_("If this interview is stopped or refused, it is kept until a supervisor has decided."),
    )


class ConsentForm(PageForm):
    """First what is confidential; then whether the beneficiary consents."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("For which organisation do you work today?"), empty_label=None
    )
    was_told = forms.BooleanField(
        label=_("I have explained all of this in a language the person understands."),
        error_messages={"required": _("First explain what is confidential and what is not.")},
    )
    agrees = forms.ChoiceField(
        label=_("Does the person agree to be helped, and to a file being kept?"),
        choices=AGREES,
        widget=radios(),
    )
    given_by = forms.ChoiceField(
        label=_("Who decides?"),
        choices=LIVE_GIVERS,
        widget=radios(),
        initial=ConsentGiver.SELF,
        help_text=_(
            "For a child: a guardian, and the child agrees too. Never ask a guardian who may be a"
            " danger to the child."
        ),
    )
    reason = forms.CharField(
        label=_("If nobody could safely be asked: why"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    how = forms.ChoiceField(
        label=_("How was consent given?"), choices=LIVE_HOWS, widget=radios(), initial=ConsentHow.SPOKEN
    )

    def __init__(self, *args, user, of_draft: Organisation | None = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if of_draft is not None:  # the organisation of an interview can't change
            del self.fields["organisation"]
            return
        organisations = organisations_of(user, "write_cases")
        field = self.fields["organisation"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = organisations
        if organisations.count() == 1:
            field.initial = organisations.get()
            field.widget = forms.HiddenInput()

    def clean(self):
        """Require the reason of a best-interests decision."""
        super().clean()
        found = self.cleaned_data
        best_interests = found.get("given_by") == ConsentGiver.BEST_INTERESTS
        if found.get("agrees") == "yes" and best_interests and not found.get("reason", "").strip():
            self.add_error("reason", gettext("Say why nobody could safely be asked."))
        return found

    def consent(self) -> ConsentGiven:
        """Return the valid form's consent."""
        data = self.cleaned_data
        return ConsentGiven(given_by=data["given_by"], how=data["how"], reason=data["reason"])


class DistrictField(forms.CharField):
    """A district typed in either script; for an unknown one the error names the most similar."""

    widget = forms.TextInput(
        attrs={"list": "districts", "autocomplete": "off", "class": "govuk-input--width-20"}
    )

    def clean(self, value):
        """Return the district, or None for no text."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return require_district(text)
        except UnknownDistrict as error:
            raise forms.ValidationError(str(error)) from error


class BirthInput(DayInput):
    """A birth date as text. Where there is JavaScript, the other calendar and the age stand below it as one types.

    It is sent by POST, as a birth date stands in no address. Without JavaScript the case file says the same.
    """

    template_name = "forms/widgets/birth.html"

    def get_context(self, name, value, attrs):
        """Add what htmx sends, and where the answer goes."""
        context = super().get_context(name, value, attrs)
        own = context["widget"]["attrs"]
        own |= {
            "hx-post": reverse("beneficiaries:birth-read"),
            "hx-trigger": ("load, " if value else "") + "input changed delay:400ms, change",
            "hx-params": f"{name},{name}_calendar,csrfmiddlewaretoken",
            "hx-select": ".app-read",
            "hx-target": f"#{own['id']}_read",
        }
        return context


class BeneficiaryForm(PageForm):
    """Who the beneficiary is. Only first name and sex are required."""

    first_name = forms.CharField(
        label=_("First name"), max_length=100, help_text=_("In English letters or in Devanagari.")
    )
    middle_name = forms.CharField(label=_("Middle name"), max_length=100, required=False)
    second_name = forms.CharField(label=_("Family name"), max_length=100, required=False)
    name_ne = forms.CharField(
        label=_("Whole name in Devanagari"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"lang": "ne"}),
    )
    sex = forms.ChoiceField(
        label=_("Sex"), choices=Sex.choices, widget=radios(**{"class": "govuk-radios--inline"})
    )
    birth = forms.CharField(
        label=_("Date of birth"),
        max_length=40,
        required=False,
        help_text=_(
            "Year-month-day, such as 2049-11-16. The year alone is enough. If only the age is known, write it: "
            "15, or with the day on which it was said: 15 2083-01-20."
        ),
        widget=BirthInput,
    )
    birth_calendar = forms.ChoiceField(
        label=_("Which calendar is this date in?"),
        choices=[("bs", _("Bikram Sambat")), ("ad", _("AD"))],
        widget=radios(**{"class": "govuk-radios--inline"}),
        initial="bs",
    )
    citizenship = forms.ModelChoiceField(
        Country.objects.all(), to_field_name="code", required=False, initial="NP", label=_("Citizenship")
    )
    citizenship_certificate = forms.ChoiceField(
        label=_("Does the person have a citizenship certificate?"),
        choices=IdentityState.choices,
        widget=radios(),
        initial=IdentityState.UNKNOWN,
        help_text=_("Its number and other identity documents are added on the case file."),
    )
    home_district = DistrictField(label=_("Home district"), required=False, max_length=100)
    home_local_level = forms.CharField(
        label=_("Municipality or rural municipality"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-20"}),
    )
    home_place = forms.CharField(label=_("Ward, village or tole"), max_length=200, required=False)
    phone = forms.CharField(
        label=_("Telephone"),
        max_length=LONGEST_PHONE,
        required=False,
        help_text=_("If there are several numbers, put a comma between them."),
        widget=forms.TextInput(
            attrs={"inputmode": "tel", "class": "govuk-input--width-20", "autocomplete": "off"}
        ),
    )
    safe_contact = forms.CharField(
        label=_("How can the person be contacted safely?"),
        max_length=1000,
        required=False,
        help_text=_("Who must not answer, when not to phone, what never to say."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    at_risk = at_risk_field()

    fieldsets = [
        (_("Name"), ["first_name", "middle_name", "second_name", "name_ne"]),
        (
            _("About the person"),
            ["sex", "birth", "birth_calendar", "citizenship", "citizenship_certificate"],
        ),
        (_("Home"), ["home_district", "home_local_level", "home_place"]),
        (_("Safe contact"), ["safe_contact", "phone"]),
    ]

    def clean(self):
        """Add `parsed_birth` and `local_level` to the cleaned data."""
        super().clean()
        found = self.cleaned_data
        found["parsed_birth"] = self._birth(found)
        district, typed = found.get("home_district"), found.get("home_local_level", "")
        found["local_level"] = None
        if typed and "home_district" in found:
            found["local_level"] = self._local_level(district, typed)
        return found

    def _birth(self, found):
        if not found.get("birth") or not found.get("birth_calendar"):
            return None
        chosen_reading = self.data.get(self.add_prefix("birth_meant"), "")
        try:
            return days.birth_of(
                found["birth"], calendar=found["birth_calendar"], today=now().date(), meant=chosen_reading
            )
        except bikram_sambat.NotADate as error:
            self.fields["birth"].widget.readings = getattr(error, "readings", {})
            self.add_error("birth", str(error))
        return None

    def _local_level(self, district, typed: str):
        try:
            return require_local_level(typed, district)
        except UnknownLocalLevel as error:
            self.add_error("home_local_level", str(error))
        return None

    def _place(self) -> str:
        """Return the place in the municipality, with a ward that was typed beside another name."""
        wards = (ward_beside(self.data.get(name, ""))[1] for name in ("home_local_level", "home_district"))
        return with_ward(self.cleaned_data["home_place"], next(filter(None, wards), None))

    def details(self) -> BeneficiaryDetails:
        """Return the valid form's details."""
        data, birth = self.cleaned_data, self.cleaned_data["parsed_birth"]
        return BeneficiaryDetails.from_typed(
            data,
            home_place=self._place(),
            birth_on=birth.date if birth else None,
            birth_precision=birth.precision.value if birth else "",
            birth_as_typed=f"{birth.as_typed} {birth.calendar.upper()}" if birth else "",
            citizenship=data["citizenship"].code if data["citizenship"] else "",
            home_district_id=data["home_district"].pk if data["home_district"] else None,
            home_local_level_id=data["local_level"].pk if data["local_level"] else None,
        )


class SituationForm(PageForm):
    """What brought the beneficiary here."""

    groups = forms.MultipleChoiceField(
        label=_("What is the person's situation?"),
        choices=TargetGroup.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose all that apply."),
    )
    primary_group = forms.ChoiceField(
        label=_("Which of them is the main one for this case?"), choices=[("", "—"), *TargetGroup.choices]
    )
    country_of_stay = forms.ModelChoiceField(
        Country.objects.all(),
        to_field_name="code",
        required=False,
        label=_("Country where the person is, or was, abroad"),
    )
    current_district = DistrictField(
        label=_("District where the person lives now"), required=False, max_length=100
    )
    risk = forms.ChoiceField(
        label=_("Risk level"),
        choices=Risk.choices,
        widget=radios(),
        initial=Risk.UNKNOWN,
        help_text=_("How great is the risk of harm to the person now?"),
    )
    narrative = forms.CharField(
        label=_("What happened, in the person's own words"),
        max_length=10000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Only what is needed to help. Nobody has to tell everything."),
    )
    narrative_confidentiality = forms.ChoiceField(
        label=_("Who may read what happened?"),
        choices=Confidentiality.choices,
        widget=radios(),
        initial=Confidentiality.NORMAL,
    )
    needs = forms.CharField(
        label=_("What help does the person want?"),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    at_risk = at_risk_field()

    def clean(self):
        """Require the main situation to be one of the chosen ones."""
        super().clean()
        found = self.cleaned_data
        groups, primary = found.get("groups"), found.get("primary_group")
        if groups and primary and primary not in groups:
            self.add_error(
                "primary_group", gettext("The main situation must be one of those that you chose.")
            )
        return found

    def situation(self) -> Situation:
        """Return the valid form's situation."""
        data = self.cleaned_data
        return Situation(
            groups=data["groups"],
            primary_group=data["primary_group"],
            country_of_stay=data["country_of_stay"].code if data["country_of_stay"] else "",
            current_district_id=data["current_district"].pk if data["current_district"] else None,
            risk=data.get("risk", Risk.UNKNOWN),
            narrative=data["narrative"],
            narrative_confidentiality=data.get("narrative_confidentiality", Confidentiality.NORMAL),
            needs=data["needs"],
        )


class SharingForm(OnceForm):
    """Whether the beneficiary consents that one named organisation sees the file."""

    agrees = forms.ChoiceField(
        label=_("Does the person agree?"),
        choices=AGREES,
        widget=radios(),
        help_text=_("The person gets help whatever the answer is."),
    )
    given_by = forms.ChoiceField(
        label=_("Who decides?"), choices=LIVE_GIVERS, widget=radios(), initial=ConsentGiver.SELF
    )
    reason = forms.CharField(
        label=_("If nobody could safely be asked: why"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    how = forms.ChoiceField(
        label=_("How was consent given?"), choices=LIVE_HOWS, widget=radios(), initial=ConsentHow.SPOKEN
    )

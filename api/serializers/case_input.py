"""Input that opens and corrects cases: consent, the beneficiary and the situation."""

from dataclasses import asdict
from typing import Any

from django.db.models import Model
from rest_framework import serializers

from accounts.queries import organisations_of
from api.serializers.base import DayField, InputSerializer, StrictBooleanField, VisibleRowField
from beneficiaries import identity
from beneficiaries.choices import IdentityKind, IdentityState, Risk, Sex
from beneficiaries.forms.interview import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.identity import LONGEST_NUMBER
from beneficiaries.models import Beneficiary, CaseFile, Consent, IdentityDocument
from beneficiaries.models.beneficiary import LONGEST_PHONE
from beneficiaries.operations.consent import ConsentAnswer
from beneficiaries.operations.identity import IdentityDetails
from beneficiaries.operations.intake import BeneficiaryDetails, ConsentGiven, Situation
from core import bikram_sambat, days
from core.clock import now
from core.numerals import latin_digits
from geography.models import Country, District, LocalLevel
from projects.choices import TargetGroup

SAY_WHICH = "Send the right `birth_calendar`, or `birth_is_meant` as true."


class PlaceCode(serializers.CharField):
    """A place by its code: a district's is three digits, a country's two letters."""

    def __init__(self, model: type[Model], **kwargs: Any) -> None:
        super().__init__(max_length=5, **kwargs)
        self.model = model

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the place, or None for no code."""
        code = super().run_validation(data)
        if not code:
            return None
        found = self.model._default_manager.filter(code=latin_digits(code)).first()
        if found is None:
            raise serializers.ValidationError(f"No {self.model._meta.verbose_name} has this code.")
        return found


class ConsentInput(InputSerializer):
    """The consent to be helped and to have a file kept: asked first, after saying what is confidential."""

    given_by = serializers.ChoiceField(choices=LIVE_GIVERS)
    how = serializers.ChoiceField(choices=LIVE_HOWS)
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class BeneficiaryInput(InputSerializer):
    """Who the beneficiary is. Only first name and sex are required."""

    first_name = serializers.CharField(max_length=100)
    middle_name = serializers.CharField(max_length=100, allow_blank=True, default="")
    second_name = serializers.CharField(max_length=100, allow_blank=True, default="")
    name_ne = serializers.CharField(max_length=200, allow_blank=True, default="")
    sex = serializers.ChoiceField(choices=Sex.choices)
    birth = serializers.CharField(
        max_length=40,
        allow_blank=True,
        default="",
        help_text="2049-11-16, 2049-11 or 2049; about 15 years old on a day: 15 2083-01-20, or 15 for today.",
    )
    birth_calendar = serializers.ChoiceField(
        choices=["ad", "bs"], default="ad", help_text="AD or Bikram Sambat."
    )
    birth_is_meant = StrictBooleanField(
        default=False, help_text="True if `birth` is right as sent, although it makes the person very old."
    )
    citizenship = PlaceCode(Country, allow_blank=True, default=None)
    citizenship_certificate = serializers.ChoiceField(
        choices=IdentityState.choices,
        default=IdentityState.UNKNOWN,
        help_text="Whether they have one; its number and other documents are an `identity-documents` row.",
    )
    home_district = PlaceCode(District, allow_blank=True, default=None)
    home_local_level = PlaceCode(LocalLevel, allow_blank=True, default=None)
    home_place = serializers.CharField(max_length=200, allow_blank=True, default="")
    safe_contact = serializers.CharField(
        max_length=1000, allow_blank=True, default="", help_text="How the person can be contacted safely."
    )
    phone = serializers.CharField(
        max_length=LONGEST_PHONE,
        allow_blank=True,
        default="",
        help_text="One to three numbers, with a comma between them. Read safe_contact before you call.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check that the local level is in the district, and parse the birth date."""
        level, district = attrs["home_local_level"], attrs["home_district"]
        if level and district and level.district_id != district.pk:
            raise serializers.ValidationError(
                {"home_local_level": "This local level is in another district."}
            )
        try:
            attrs["parsed"] = self._birth(attrs)
        except days.Doubt as doubt:
            raise serializers.ValidationError({"birth": f"{doubt} {SAY_WHICH}"}) from doubt
        except bikram_sambat.NotADate as error:
            raise serializers.ValidationError({"birth": str(error)}) from error
        return attrs

    def _birth(self, attrs: dict[str, Any]) -> bikram_sambat.ParsedDate | None:
        typed, calendar = attrs["birth"], attrs["birth_calendar"]
        chosen_reading = days.answer(calendar, typed) if attrs["birth_is_meant"] else ""
        return (
            days.birth_of(typed, calendar=calendar, today=now().date(), meant=chosen_reading)
            if typed
            else None
        )


class SituationInput(InputSerializer):
    """What brought the beneficiary here."""

    groups = serializers.ListField(
        child=serializers.ChoiceField(choices=TargetGroup.choices),
        allow_empty=False,
        max_length=len(TargetGroup.choices),
    )
    primary_group = serializers.ChoiceField(choices=TargetGroup.choices)
    country_of_stay = PlaceCode(Country, allow_blank=True, default=None)
    current_district = PlaceCode(District, allow_blank=True, default=None)
    risk = serializers.ChoiceField(choices=Risk.choices, default=Risk.UNKNOWN)
    narrative = serializers.CharField(max_length=10000, allow_blank=True, default="")
    needs = serializers.CharField(max_length=5000, allow_blank=True, default="")


class CaseOpening(InputSerializer):
    """The whole first interview: consent, beneficiary, situation."""

    organisation = VisibleRowField(lambda user: organisations_of(user, "write_cases"))
    consent = ConsentInput()
    beneficiary = BeneficiaryInput()
    situation = SituationInput()


def consent_of(given: dict[str, Any]) -> ConsentGiven:
    """Return the consent for the operation."""
    return ConsentGiven(**given)


def beneficiary_of(given: dict[str, Any]) -> BeneficiaryDetails:
    """Return the details for the operation."""
    district, level = given["home_district"], given["home_local_level"]
    return BeneficiaryDetails.from_typed(
        given,
        **_birth_columns(given["parsed"]),
        citizenship=given["citizenship"].code if given["citizenship"] else "",
        home_district_id=district.pk if district else None,
        home_local_level_id=level.pk if level else None,
    )


def corrected_details(row: Beneficiary, given: dict[str, Any]) -> BeneficiaryDetails:
    """Return the record's details with the fields that were sent; a new district without a local level has none."""
    found = asdict(BeneficiaryDetails.of(row))
    sent = given["sent"]
    found |= {name: given[name] for name in sent & found.keys() - {"citizenship"}}
    if "birth" in sent:
        found |= _birth_columns(given["parsed"])
    if "citizenship" in sent:
        found["citizenship"] = given["citizenship"].code if given["citizenship"] else ""
    if "home_district" in sent or "home_local_level" in sent:
        district, level = given["home_district"], given["home_local_level"]
        if "home_district" in sent:
            found |= {"home_district_id": district.pk if district else None, "home_local_level_id": None}
        if "home_local_level" in sent:
            found["home_local_level_id"] = level.pk if level else None
    return BeneficiaryDetails(**found)


def corrected_situation(row: CaseFile, given: dict[str, Any]) -> Situation:
    """Return the situation with the fields that were sent."""
    found = asdict(Situation.of(row))
    found |= {
        name: given[name] for name in ("groups", "primary_group", "narrative", "needs") if name in given
    }
    if "country_of_stay" in given:
        found["country_of_stay"] = given["country_of_stay"].code if given["country_of_stay"] else ""
    if "current_district" in given:
        found["current_district_id"] = given["current_district"].pk if given["current_district"] else None
    return Situation(**found)


def _birth_columns(birth: bikram_sambat.ParsedDate | None) -> dict[str, Any]:
    """Return a birth date as the record keeps it; empty where there is none."""
    return {
        "birth_on": birth.date if birth else None,
        "birth_precision": birth.precision.value if birth else "",
        "birth_as_typed": f"{birth.as_typed} {birth.calendar.upper()}" if birth else "",
    }


def situation_of(given: dict[str, Any]) -> Situation:
    """Return the situation for the operation."""
    same = ("primary_group", "risk", "narrative", "needs")
    country, district = given["country_of_stay"], given["current_district"]
    return Situation(
        **{name: given[name] for name in same},
        groups=list(dict.fromkeys(given["groups"])),
        country_of_stay=country.code if country else "",
        current_district_id=district.pk if district else None,
    )


class CorrectionInput(InputSerializer):
    """What every correction carries. Fields that aren't sent stay as they are."""

    version = serializers.IntegerField(
        min_value=1, help_text="Of the record that was read; another one is a conflict."
    )
    reason = serializers.CharField(
        max_length=1000,
        allow_blank=True,
        default="",
        help_text="Needed for names, the birth date and what happened.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        """Leave out what can't be corrected, and require nothing but the version."""
        fields = super().get_fields()
        for name in set(fields) & {"risk", "citizenship_certificate"}:
            del fields[name]
        for name in fields.keys() - {
            "version",
            "reason",
            "birth_calendar",
            "birth_is_meant",
            "number_is_meant",
        }:
            fields[name].required, fields[name].default = False, serializers.empty
        return fields


class BeneficiaryCorrection(CorrectionInput, BeneficiaryInput):
    """Fields of a beneficiary's record as they should be."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Read the birth date; where a place of the home is sent, it fits its district."""
        return super().validate({"home_local_level": None, "home_district": None, "birth": ""} | attrs) | {
            "sent": frozenset(attrs)
        }


class SituationCorrection(CorrectionInput, SituationInput):
    """Fields of the situation as they should be."""


class IdentityDocumentFields(InputSerializer):
    """What is known about an identity document."""

    state = serializers.ChoiceField(choices=IdentityState.choices)
    number = serializers.CharField(
        max_length=LONGEST_NUMBER, allow_blank=True, default="", help_text="As it is on the document."
    )
    number_is_meant = StrictBooleanField(
        default=False, help_text="True if `number` is right as sent, although it is unusual for this kind."
    )
    issued_district = PlaceCode(District, allow_blank=True, default=None)
    issued_on = DayField(is_record=True, allow_null=True, default=None)
    expires_on = DayField(allow_null=True, default=None, help_text="Of a passport.")
    kept_by = serializers.CharField(
        max_length=200, allow_blank=True, default="", help_text="Who keeps it, where `state` is `kept`."
    )


class IdentityDocumentInput(IdentityDocumentFields):
    """An identity document that is recorded for the first time."""

    beneficiary = VisibleRowField(lambda user: Beneficiary.objects.visible_to(user))
    kind = serializers.ChoiceField(choices=IdentityKind.choices)


class IdentityDocumentCorrection(CorrectionInput, IdentityDocumentFields):
    """Fields of an identity document as they should be. A reason is needed where another number was recorded."""


def identity_details(row: IdentityDocument, given: dict[str, Any]) -> IdentityDetails:
    """Return what is recorded in a document with the fields that were sent.

    Raises ValidationError where the number is unusual and not confirmed.
    """
    found = asdict(IdentityDetails.of(row))
    found |= {name: given[name] for name in found.keys() & given.keys()}
    if "issued_district" in given:
        found["issued_district_id"] = given["issued_district"].pk if given["issued_district"] else None
    number = found["number"]
    question = identity.doubt(row.kind, number) if number != row.number else ""
    if question and not identity.problem(number) and not given["number_is_meant"]:
        raise serializers.ValidationError({"number": f"{question} Then send `number_is_meant` as true."})
    return IdentityDetails(**found)


class ConsentFields(InputSerializer):
    """What can be corrected in a consent."""

    given_by = serializers.ChoiceField(choices=LIVE_GIVERS)
    why_nobody_asked = serializers.CharField(max_length=1000, allow_blank=True)
    how = serializers.ChoiceField(choices=LIVE_HOWS)
    asked_on = DayField(is_record=True)
    until_on = DayField(
        allow_null=True, help_text="Never later than recorded where an organisation reads by it."
    )


class ConsentCorrection(CorrectionInput, ConsentFields):
    """Fields of a consent as they should be. A reason is needed. It gives no organisation more access."""


def corrected_answer(row: Consent, given: dict[str, Any]) -> ConsentAnswer:
    """Return the recorded answer with the fields that were sent."""
    found = asdict(ConsentAnswer.of(row))
    found |= {name: given[name] for name in given.keys() & {"given_by", "how", "asked_on", "until_on"}}
    return ConsentAnswer(**found | {"reason": given.get("why_nobody_asked", row.reason)})

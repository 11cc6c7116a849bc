"""Beneficiaries, consents and cases."""

from typing import Any

from django.db.models import Model
from rest_framework import serializers

from accounts.models import Organisation
from accounts.queries import organisations_of
from api.serializers.base import (
    DayField,
    InputSerializer,
    PageQuery,
    RowSerializer,
    StrictBooleanField,
    UserSerializer,
    VisibleRowField,
)
from beneficiaries import rules
from beneficiaries.choices import (
    RISK_LEVELS,
    CaseStatus,
    ConsentGiver,
    ConsentHow,
    ConsentPurpose,
    DatePrecision,
    Risk,
    Sex,
    YesNoUnknown,
)
from beneficiaries.forms import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.models import (
    Beneficiary,
    Case,
    CaseFile,
    Consent,
    Document,
    RiskAssessment,
)
from beneficiaries.models.beneficiary import LONGEST_PHONE
from beneficiaries.operations import BeneficiaryDetails, ConsentGiven, Situation
from core import bikram_sambat, days, reference
from core.clock import now
from core.numerals import latin_digits
from geography.models import Country, District, LocalLevel
from projects.choices import TargetGroup

SAY_WHICH = "Send the right `birth_calendar`, or `birth_is_meant` as true."
# Consent to be helped is recorded when a case is opened, consent to a referral when it is sent.
ASKED_LATER = [
    choice
    for choice in ConsentPurpose.choices
    if choice[0] in (ConsentPurpose.SHARING, ConsentPurpose.REPORTING, ConsentPurpose.RESEARCH)
]


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


class BeneficiarySerializer(RowSerializer):
    """A beneficiary, as the organisation of the case knows them."""

    birth_precision = serializers.ChoiceField(choices=DatePrecision.choices, allow_blank=True, read_only=True)
    counts_as_child = serializers.SerializerMethodField(
        help_text="True if the person is, or may be, under 18 today."
    )
    home_district: Any = serializers.SlugRelatedField("code", read_only=True, allow_null=True)
    home_local_level: Any = serializers.SlugRelatedField("code", read_only=True, allow_null=True)

    class Meta:
        model = Beneficiary
        fields = [
            "id",
            "organisation",
            "first_name",
            "middle_name",
            "second_name",
            "name_ne",
            "sex",
            "birth_on",
            "birth_precision",
            "birth_as_typed",
            "counts_as_child",
            "citizenship",
            "has_citizenship_certificate",
            "home_district",
            "home_local_level",
            "home_place",
            "safe_contact",
            "phone",
            "registered_on",
            "version",
        ]
        read_only_fields = fields

    def get_counts_as_child(self, beneficiary: Any) -> bool:
        """Return whether the beneficiary is, or may be, under 18 today."""
        return rules.counts_as_child(beneficiary.birth_on, beneficiary.birth_precision, now().date())


class CaseFileSerializer(RowSerializer):
    """The situation, for those who work on the case."""

    caseworker = UserSerializer(read_only=True)
    current_district: Any = serializers.SlugRelatedField("code", read_only=True, allow_null=True)

    class Meta:
        model = CaseFile
        fields = [
            "caseworker",
            "risk",
            "groups",
            "primary_group",
            "country_of_stay",
            "current_district",
            "narrative",
            "needs",
            "htcds",
            "version",
        ]
        read_only_fields = fields


class CaseSerializer(RowSerializer):
    """A case. `beneficiary` and `file` are null with summary access."""

    beneficiary = serializers.SerializerMethodField()
    file = CaseFileSerializer(source="opened_file", read_only=True, allow_null=True)

    class Meta:
        model = Case
        fields = [
            "id",
            "reference",
            "beneficiary",
            "lead_organisation",
            "status",
            "opened_on",
            "closed_on",
            "changed_on",
            "version",
            "file",
        ]
        read_only_fields = fields

    def get_beneficiary(self, case: Any) -> str | None:
        """Return the id, or None with summary access: it would show that two cases are of the same beneficiary."""
        return None if case.opened_file is None else str(case.beneficiary_id)


class ConsentSerializer(RowSerializer):
    """An answer for one purpose."""

    recorded_by = UserSerializer(read_only=True)

    class Meta:
        model = Consent
        fields = [
            "id",
            "case",
            "purpose",
            "organisation",
            "is_given",
            "given_by",
            "reason",
            "how",
            "asked_on",
            "until_on",
            "withdrawn_on",
            "recorded_by",
            "recorded_at",
        ]
        read_only_fields = fields


class RiskAssessmentSerializer(RowSerializer):
    """One assessment of the risk; `former` is the level before it."""

    by = UserSerializer(read_only=True)

    class Meta:
        model = RiskAssessment
        fields = ["id", "case", "level", "former", "source", "reason", "assessed_on", "by", "at"]
        read_only_fields = fields


class DocumentSerializer(RowSerializer):
    """A document without its file, which only the pages send. `size` in bytes."""

    by = UserSerializer(read_only=True)

    class Meta:
        model = Document
        fields = [
            "id",
            "case",
            "kind",
            "confidentiality",
            "title",
            "state",
            "content_type",
            "size",
            "by",
            "at",
        ]
        read_only_fields = fields


class Reference(serializers.CharField):
    """A case reference as people type it; a malformed one finds nothing."""

    def to_internal_value(self, data: Any) -> str:
        """Return the reference in its standard form."""
        typed = super().to_internal_value(data)
        return reference.tidy(typed) or typed


class CaseQuery(PageQuery):
    """Filters of the list of cases."""

    status = serializers.ChoiceField(choices=CaseStatus.choices, required=False)
    reference = Reference(max_length=30, required=False)
    lead_organisation = serializers.UUIDField(required=False, source="lead_organisation_id")
    changed_from = DayField(
        required=False, source="changed_on__gte", help_text="Changed on this day or later."
    )


class ByCaseQuery(PageQuery):
    """Filter by case."""

    case = serializers.UUIDField(required=False, source="case_id")


class ByCaseAndProjectQuery(ByCaseQuery):
    """Filters by case and programme."""

    project = serializers.UUIDField(required=False, source="project_id")


class ConsentQuery(ByCaseQuery):
    """Filters of the list of consents."""

    purpose = serializers.ChoiceField(choices=ConsentPurpose.choices, required=False)


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
        max_length=40, allow_blank=True, default="", help_text="2049-11-16, 2049-11 or 2049."
    )
    birth_calendar = serializers.ChoiceField(
        choices=["ad", "bs"], default="ad", help_text="AD or Bikram Sambat."
    )
    birth_is_meant = StrictBooleanField(
        default=False, help_text="True if `birth` is right as sent, although it makes the person very old."
    )
    citizenship = PlaceCode(Country, allow_blank=True, default=None)
    has_citizenship_certificate = serializers.ChoiceField(
        choices=YesNoUnknown.choices, default=YesNoUnknown.UNKNOWN
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
    birth, district, level = given["parsed"], given["home_district"], given["home_local_level"]
    same = (
        "first_name",
        "middle_name",
        "second_name",
        "name_ne",
        "sex",
        "home_place",
        "phone",
        "safe_contact",
    )
    return BeneficiaryDetails(
        **{name: given[name] for name in same},
        birth_on=birth.date if birth else None,
        birth_precision=birth.precision.value if birth else "",
        birth_as_typed=f"{birth.as_typed} {birth.calendar.upper()}" if birth else "",
        citizenship=given["citizenship"].code if given["citizenship"] else "",
        has_citizenship_certificate=given["has_citizenship_certificate"],
        home_district_id=district.pk if district else None,
        home_local_level_id=level.pk if level else None,
    )


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


class ConsentAnswer(InputSerializer):
    """An answer to one question. An earlier answer to the same question ends today."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    purpose = serializers.ChoiceField(choices=ASKED_LATER)
    organisation = VisibleRowField(
        lambda user: Organisation.objects.filter(is_active=True), allow_null=True, default=None
    )
    is_given = StrictBooleanField()
    given_by = serializers.ChoiceField(choices=LIVE_GIVERS, default=ConsentGiver.SELF)
    how = serializers.ChoiceField(choices=LIVE_HOWS, default=ConsentHow.SPOKEN)
    reason = serializers.CharField(max_length=1000, allow_blank=True, default="")
    until_on = DayField(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require an organisation for consent to share, and for no other consent."""
        if (attrs["purpose"] == ConsentPurpose.SHARING) != (attrs["organisation"] is not None):
            raise serializers.ValidationError(
                {"organisation": "Consent to share needs an organisation; other consents take none."}
            )
        return attrs


class RiskReview(InputSerializer):
    """The risk level now. A reason is required where it is lower than before."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    level = serializers.ChoiceField(choices=RISK_LEVELS)
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")

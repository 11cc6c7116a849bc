"""Codes that define a programme.

`htcds` is the code of the Human Trafficking Case Data Standard 2.0 for the same thing, or "" where it has none.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TargetGroup(models.TextChoices):
    """The situation of a beneficiary, several at once. The codes are stored in case files and criteria."""

    SURVIVOR_OF_TRAFFICKING = "survivor_of_trafficking", _("Survivor of trafficking")
    POTENTIAL_VICTIM = "potential_victim", _("Potential victim of trafficking")
    RETURNEE_MIGRANT = "returnee_migrant", _("Returnee migrant")
    STRANDED_MIGRANT = "stranded_migrant", _("Stranded migrant abroad")
    INTENDING_MIGRANT = "intending_migrant", _("Intending to migrate")
    STREET_CHILD = "street_child", _("Street child")
    CHILD_IN_VULNERABLE_SITUATION = "child_in_vulnerable_situation", _("Child in a vulnerable situation")
    CHILD_WITH_SPECIAL_NEEDS = "child_with_special_needs", _("Child with special needs")
    VULNERABLE_WOMAN = "vulnerable_woman", _("Woman in a vulnerable situation")
    DEPENDANT = "dependant", _("Dependant of a person assisted")

    @property
    def htcds(self) -> str:
        """The code of HTCDS's vic_TraffickingStatus."""
        return {
            TargetGroup.SURVIVOR_OF_TRAFFICKING: "ActualVictimOfTrafficking",
            TargetGroup.POTENTIAL_VICTIM: "PossibleVictimOfTrafficking",
        }.get(self, "")


class PartnerKind(models.TextChoices):
    """Kinds of organisation in a programme: those of `accounts`, and donors."""

    IOM = "iom", _("IOM")
    NGO = "ngo", _("NGO")
    GOVERNMENT = "government", _("Government")
    COMPANY = "company", _("Company")
    SHELTER = "shelter", _("Shelter")
    UNIVERSITY = "university", _("University")
    UN_AGENCY = "un_agency", _("UN agency")
    DONOR = "donor", _("Donor")

    @property
    def htcds(self) -> str:
        """The code of HTCDS's org_Type."""
        return {
            PartnerKind.NGO: "NGO",
            PartnerKind.GOVERNMENT: "CentralGovernmentOrganisation",
            PartnerKind.COMPANY: "CorporateBusiness",
            PartnerKind.UNIVERSITY: "SchoolOrCollege",
        }.get(self, "")


class ServiceAbout(models.TextChoices):
    """Whether a service is for one beneficiary."""

    PERSON = "person", _("One person")
    ACTIVITY = "activity", _("An activity that is not about one person")


class FollowUpKind(models.TextChoices):
    """How a follow-up is done."""

    VISIT = "visit", _("Visit")
    CALL = "call", _("Contact")
    REVIEW = "review", _("Review")


class FollowUpStart(models.TextChoices):
    """The event from which a follow-up's days are counted."""

    ENROLLED = "enrolled", _("the day of enrolment")
    GRANT_PAID = "grant_paid", _("the day the grant was first paid")
    RETURNED = "returned", _("the day of return to Nepal")


class Unit(models.TextChoices):
    """The unit of an indicator."""

    PEOPLE = "people", _("People")
    PERCENT = "percent", _("Per cent")
    NPR = "npr", _("Nepalese rupees (NPR)")
    COUNT = "count", _("Number")

"""Facts about a beneficiary, by which the criteria of programmes are assessed."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from beneficiaries import rules
from beneficiaries.choices import ConsentPurpose, Sex
from beneficiaries.models import Case, Screening
from beneficiaries.queries.case import file_of
from beneficiaries.queries.consent import consents_of


def facts_of(case: Case, *, by, on: date) -> dict[str, Any]:
    """Return what is known of the beneficiary on a day, by the names in `projects.facts`; None means not known."""
    file, beneficiary = file_of(case, by), case.beneficiary
    # None as a member means that the set may be incomplete (a district that wasn't recorded).
    districts = {
        place.code if place else None for place in (beneficiary.home_district, file.current_district)
    }
    research = [
        c.is_given
        for c in consents_of(case, by)
        if c.purpose == ConsentPurpose.RESEARCH and c.withdrawn_on is None
    ]
    facts: dict[str, Any] = {
        "age": rules.known_age(beneficiary.birth_on, beneficiary.birth_precision, on),
        "sex": None if beneficiary.sex == Sex.UNKNOWN else beneficiary.sex,
        "groups": set(file.groups),
        "districts": districts,
        "country_of_stay": file.country_of_stay or None,
        "research_consent": research[-1] if research else None,
    }
    for answers in (
        Screening.objects.visible_to(by)
        .filter(case=case)
        .order_by("at", "id")
        .values_list("answers", flat=True)
    ):
        facts |= answers
    return facts


def facts_as_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts in the form that is stored with a decision: sets become sorted lists."""
    return {
        name: sorted(value, key=lambda member: member or "") if isinstance(value, set) else value
        for name, value in facts.items()
    }

"""Reads that span models: lists, the case file, facts for the criteria."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import CharField, Lookup, QuerySet

from accounts.models import Organisation
from beneficiaries import rules
from beneficiaries.choices import ConsentPurpose, Sex
from beneficiaries.models import Beneficiary, Case, CaseAccess, CaseFile, Consent, Screening
from core import reference
from core.scoping import Level


@CharField.register_lookup
class StartsAt(Lookup):
    """PostgreSQL's `^@`: leakproof, so that a policy doesn't keep it from the index (LIKE it would)."""

    lookup_name = "starts_at"

    def as_sql(self, compiler, connection):
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ^@ {right}", [*left_params, *right_params]


def case_list(user, *, status: str = "", district_id=None, find: str = "") -> QuerySet[CaseAccess]:
    """Access rows of the cases that this person works on, newest change first, each case once.

    Driven from the access table: its indexes carry what is sorted and filtered by.
    """
    rows = CaseAccess.objects.opening(user, Level.WORKING)
    if status:
        rows = rows.filter(status=status)
    if district_id:
        rows = rows.filter(district_id=district_id)
    if find.strip():
        wanted = reference.tidy(find)
        names = Beneficiary.objects.visible_to(user).filter(
            find_key__starts_at=" ".join(find.casefold().split())[:320]
        )
        rows = rows.filter(reference=wanted) if wanted else rows.filter(case__beneficiary__in=names)
    return (
        rows.select_related("district", "lead_organisation", "case__beneficiary")
        .order_by("-changed_on", "case_id")
        .distinct("changed_on", "case_id")
    )


def case_by_reference(user, typed: str) -> Case | None:
    """The case with this reference if this person works on it; a missing and a hidden one look the same."""
    wanted = reference.tidy(typed)
    if wanted is None:
        return None
    worked_on = CaseAccess.objects.opening(user, Level.WORKING).values("case_id")
    return (
        Case.objects.visible_to(user)
        .select_related("beneficiary__home_district", "beneficiary__home_local_level", "lead_organisation")
        .filter(reference=wanted, pk__in=worked_on)
        .first()
    )


def file_of(case: Case, user) -> CaseFile:
    """The situation, for somebody who works on the case."""
    return CaseFile.objects.visible_to(user).select_related("caseworker", "current_district").get(case=case)


def consents_of(case: Case, user) -> list[Consent]:
    """Every answer ever given, oldest first; those without `withdrawn_on` hold now."""
    return list(
        Consent.objects.visible_to(user).filter(case=case).select_related("organisation", "recorded_by")
    )


def iom() -> Organisation | None:
    """The IOM office that programmes are managed by."""
    return Organisation.objects.filter(kind="iom", is_active=True).order_by("code").first()


def facts_of(case: Case, *, by, on: date) -> dict[str, Any]:
    """What is known of the person on a day, by the names in `projects.facts`; None is not known."""
    file, person = file_of(case, by), case.beneficiary
    # None among the members: the set may hold more than is known (a district that wasn't recorded).
    districts = {place.code if place else None for place in (person.home_district, file.current_district)}
    research = [
        c.is_given
        for c in consents_of(case, by)
        if c.purpose == ConsentPurpose.RESEARCH and c.withdrawn_on is None
    ]
    facts: dict[str, Any] = {
        "age": rules.known_age(person.birth_on, person.birth_precision, on),
        "sex": None if person.sex == Sex.UNKNOWN else person.sex,
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
    """Facts as they are kept with a decision: sets become sorted lists."""
    return {
        name: sorted(value, key=lambda member: member or "") if isinstance(value, set) else value
        for name, value in facts.items()
    }

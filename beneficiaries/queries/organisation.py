"""Organisations related to a case: its lead, and who can receive it or a referral of it."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.choices import OrganisationKind, Permission
from accounts.models import Organisation
from accounts.queries import organisations_with
from beneficiaries.models import Case, CaseAccess


def iom() -> Organisation | None:
    """Return the IOM office, which manages programmes, or None."""
    return Organisation.objects.filter(kind=OrganisationKind.IOM, is_active=True).first()


def lead_of(case_id: UUID, user) -> UUID:
    """Return the id of the organisation that leads a case which the user sees at any level, also through a referral."""
    return CaseAccess.objects.visible_to(user).filter(case_id=case_id).values_list("lead_organisation")[0][0]


def possible_receivers(case: Case) -> QuerySet[Organisation]:
    """Return active organisations with users, other than the lead: those that can receive a referral."""
    return (
        Organisation.objects.filter(is_active=True, roles__memberships__isnull=False)
        .exclude(pk=case.lead_organisation_id)
        .distinct()
    )


def possible_leads(case: Case) -> QuerySet[Organisation]:
    """Return organisations other than the lead where somebody may write cases: those that can take it over."""
    return organisations_with(Permission.WRITE_CASES).exclude(pk=case.lead_organisation_id)

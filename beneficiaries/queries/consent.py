"""Consents of a case."""

from datetime import date

from django.db.models import Q

from accounts.models import Organisation
from beneficiaries.choices import ConsentPurpose
from beneficiaries.models import Case, Consent


def consents_of(case: Case, user) -> list[Consent]:
    """Return all answers that were ever given, oldest first. Those without `withdrawn_on` are in force."""
    return Consent.objects.of(case, user)


def shares_with(case: Case, organisation: Organisation, user, *, on: date) -> bool:
    """Return whether the consent to share the file with this organisation is in force on a day."""
    return (
        Consent.objects.visible_to(user)
        .filter(Q(until_on=None) | Q(until_on__gte=on), case=case, purpose=ConsentPurpose.SHARING)
        .filter(organisation=organisation, is_given=True, withdrawn_on=None)
        .exists()
    )

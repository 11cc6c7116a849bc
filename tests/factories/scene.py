"""A case with a row in every table."""

from accounts.models import Organisation
from beneficiaries.models import Case
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.note import add_note
from core.access import Confidentiality
from core.clock import now
from core.context import acting_as
from tests.factories.access import a_colleague, a_third_ngo
from tests.factories.assignment import reassigned
from tests.factories.case import a_case, corrected
from tests.factories.consent import corrected_consent, share_with_iom
from tests.factories.document import a_document
from tests.factories.grant import approved, paid, requested
from tests.factories.identity import an_identity_document, corrected_identity
from tests.factories.plan import planned
from tests.factories.referral import referred
from tests.factories.transfer import offered


def whole_case(demo_users, receiver: Organisation, *, shared: bool = False) -> Case:
    """Return a case of the first NGO with a row in every linked table, referred to `receiver`, offered to a
    third.
    """
    by, protection = demo_users["ngo_a_caseworker"], demo_users["protection_supervisor"]
    with acting_as(by):
        case = a_case(by)
        if shared:
            share_with_iom(case, by)
        grant = requested(planned(case, by), by)
        for kind in Confidentiality.values:
            add_note(case=case, text=f"A {kind} note.", confidentiality=kind, by=by, now=now())
            a_document(case, by, confidentiality=kind)
        corrected(case, by)
        corrected_consent(case.consents.get(purpose="services"), by, how="signature")
        corrected_identity(an_identity_document(case, by), by, number="PA7654321")
        referred(case, by, receiver)
        reassigned(case, a_colleague("second_caseworker"), by)
        third = Organisation.objects.filter(code="NGO_C").first() or a_third_ngo()
        offered(case, by, third.code)
    with acting_as(protection):
        why = "She called and was then cut off; no one answers."
        break_glass(typed=case.reference, reason=why, by=protection, now=now())
    approved(grant, demo_users)
    paid(grant, demo_users)
    return case

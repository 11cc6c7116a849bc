"""Fixtures of the tests of the API."""

import pytest

from beneficiaries.models import Case
from core.context import acting_as
from tests import factories
from tests.api.program import NUMBER, TOKEN, A, Program


@pytest.fixture
def program(demo_users):
    return lambda username: Program(demo_users[username])


@pytest.fixture
def whole_case(demo_users) -> Case:
    """Return a case of the first NGO with a row in every resource and a token in each text about the
    beneficiary.
    """
    by = demo_users[A]
    person = factories.beneficiary_details(
        first_name=f"{TOKEN}First", second_name=f"{TOKEN}Second", phone=NUMBER, home_place=TOKEN
    )
    with acting_as(by):
        situation = factories.a_situation(narrative=f"{TOKEN}Narrative", needs=f"{TOKEN}Needs")
        case = factories.a_case(by, details=person, situation=situation)
        grant = factories.requested(factories.planned(case, by), by)
        factories.a_document(case, by, title=TOKEN)
        factories.an_identity_document(case, by, number=f"{TOKEN}1")
        third = factories.a_third_ngo()
        factories.referred(case, by, third, reason=TOKEN)
        factories.offered(case, by, third.code, reason=TOKEN)
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    return case

"""Fixtures of the tests of the API."""

import pytest

from beneficiaries.models import Case, EmergencyOpening
from tests.api.program import Program
from tests.factories.scene import Scene


@pytest.fixture
def program(demo_users):
    return lambda username: Program(demo_users[username])


@pytest.fixture(scope="module")
def whole_case(own_database) -> Case:
    """Return a case of the first NGO with a row in every resource, which nobody of IOM works on."""
    return Scene().whole(EmergencyOpening).case

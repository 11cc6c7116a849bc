"""Telephone numbers: each number of a field or cell is found, and what is no number is refused with advice."""

import pytest
from django.core.exceptions import ValidationError

from beneficiaries.htcds import read_workbook
from beneficiaries.models import Beneficiary
from beneficiaries.operations.importing import import_htcds
from beneficiaries.queries.case_list import case_list
from core import phone
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.beneficiaries.test_import_htcds import SITA, book  # noqa: F401 - a fixture
from tests.pages import submit, text_of

A = "ngo_a_caseworker"
TWO = ["+9779841234564", "+9779801234564"]


@pytest.mark.parametrize(
    ("typed", "stored", "numbers"),
    [
        ("9841234562", "9841234562", ["+9779841234562"]),
        ("9841234562.0", "9841234562", ["+9779841234562"]),
        ("९८४१२३४५६२", "९८४१२३४५६२", ["+9779841234562"]),
        ("+977 984-1234562", "+977 984-1234562", ["+9779841234562"]),
        ("00977 9841234562", "00977 9841234562", ["+9779841234562"]),
        ("(01) 5550123", "(01) 5550123", ["+97715550123"]),
        ("984–1234562", "984–1234562", ["+9779841234562"]),
        ("9841234564 / 9801234564", "9841234564, 9801234564", TWO),
        ("9841234564,9801234564", "9841234564, 9801234564", TWO),
        ("9841234564; 9801234564", "9841234564, 9801234564", TWO),
        ("9841234564\n9801234564", "9841234564, 9801234564", TWO),
        ("9841234564 9801234564", "9841234564, 9801234564", TWO),
        ("9841234564 or 9801234564", "9841234564, 9801234564", TWO),
        ("९८४१२३४५६४ अथवा ९८०१२३४५६४", "९८४१२३४५६४, ९८०१२३४५६४", TWO),
        ("9841234564.0/9801234564.0", "9841234564, 9801234564", TWO),
        ("9841234564, +977 9841234564", "9841234564", TWO[:1]),
        ("9841234564, +974 55123456", "9841234564, +974 55123456", [TWO[0], "+97455123456"]),
        ("", "", []),
        ("\u200b", "", []),
    ],
)
def test_each_number_of_a_text(typed, stored, numbers):
    assert [number.e164 for number in phone.read(typed)] == numbers
    assert phone.tidy(typed) == stored
    assert phone.tidy(stored) == stored


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("9.84E+09", "“9.84E+09” is a number that a spreadsheet has shortened"),
        ("9,84E+09", "is not a telephone number"),
        (
            "mother 9841234562",
            "“mother 9841234562” is not a telephone number. Write digits, such as 9841234567",
        ),
        ("98412O4562", "is not a telephone number"),
        ("12345", "“12345” is not a telephone number"),
        ("9841234562.5", "is not a telephone number"),
        ("9841234562 / unknown", "“unknown” is not a telephone number"),
        ("9" * 41, "is not a telephone number"),
        ("#REF!", "is not a telephone number"),
        ("9841234561, 9841234562, 9841234563, 9841234564", "At most 3 telephone numbers"),
    ],
)
def test_an_invalid_number_is_refused_with_advice(typed, message):
    with pytest.raises(phone.NotANumber, match=message.replace("+", r"\+")):
        phone.read(typed)


def found(user, typed: str) -> int:
    with acting_as(user):
        return len(case_list(user, find=typed))


THREE = "9841277701 / +974 55127702 अथवा ९८०१२७७७०३"


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["984-1277701", "+97455127702", "00977 980-1277703", "९८०१२७७७०३"])
def test_a_beneficiary_is_found_by_each_of_several_numbers(demo_users, typed):
    assert found(demo_users[A], typed) == 0
    with acting_as(demo_users[A]):
        factories.a_case(demo_users[A], details=factories.beneficiary_details(phone=THREE))
    assert found(demo_users[A], typed) == 1
    assert found(demo_users["ngo_b_caseworker"], typed) == 0


@pytest.mark.django_db
def test_a_removed_number_is_not_found(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A], details=factories.beneficiary_details(phone=THREE))
        person = Beneficiary.objects.visible_to(demo_users[A]).get(pk=case.beneficiary_id)
        person.phone, person.version = "9841277701", person.version + 1
        person.save(update_fields=["phone", "version"])
    assert [found(demo_users[A], number) for number in ("9841277701", "+97455127702", "9801277703")] == [
        1,
        0,
        0,
    ]


@pytest.mark.django_db
def test_the_page_shows_the_input_again_with_advice(sign_in):
    client = sign_in(A)
    consent = {"was_told": "on", "agrees": "yes", "given_by": "self", "how": "spoken"}
    address = submit(client, "/cases/new/", consent).request["PATH_INFO"]
    person = {"first_name": "Maya", "sex": "female", "birth_calendar": "ad", "phone": "98412x"}
    response = submit(client, address, person)
    assert response.request["PATH_INFO"] == address
    assert "“98412x” is not a telephone number." in text_of(response)
    assert 'value="98412x"' in response.content.decode()
    response = submit(client, address, person | {"phone": "9841277701 / 9801277703"})
    assert response.request["PATH_INFO"].endswith("/situation/")


@pytest.mark.django_db
def test_the_operation_refuses_an_invalid_number(demo_users):
    with acting_as(demo_users[A]), pytest.raises(ValidationError, match="is not a telephone number"):
        factories.a_case(demo_users[A], details=factories.beneficiary_details(phone="ask the neighbour"))


@pytest.mark.django_db
def test_numbers_in_an_import(demo_users, book):  # noqa: F811
    cells = ["9841277701.0", 9841277702.0, "9841277703 / 9801277704", "९८०१२७७७०५", "9.84E+09", 9.84e9, True]
    table = read_workbook(
        book(
            *(
                SITA | {"prs_FirstName": f"Number{place}", "prs_MobilePhone": cell}
                for place, cell in zip("abcdefg", cells, strict=True)
            )
        )
    )
    with acting_as(demo_users[A]):
        report = import_htcds(
            table=table, organisation=factories.organisation("NGO_A"), by=demo_users[A], now=now()
        )
    shortened = "is a number that a spreadsheet has shortened. Type all its digits, as text."
    assert [number for number, _reasons in report.refused] == [6, 7, 8]
    assert report.refused[0][1] == [f"Mobile Phone (prs_MobilePhone): “9.84E+09” {shortened}"]
    assert report.refused[1][1] == [f"Mobile Phone (prs_MobilePhone): “9.84E+09” {shortened}"]
    for number in ("9841277701", "9841277702", "9841277703", "9801277704", "9801277705"):
        assert found(demo_users[A], number) == 1, number

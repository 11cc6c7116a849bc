"""Names are stored and searched for in one form: invisible characters make no difference."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.models import Organisation
from accounts.operations.organisation import save_organisation
from accounts.operations.users import save_user
from accounts.queries import roles_given_by
from beneficiaries.htcds import cell, read_workbook
from beneficiaries.models import Beneficiary, IntakeDraft
from beneficiaries.operations.draft import save_draft_beneficiary, start_draft
from beneficiaries.operations.importing import import_htcds
from beneficiaries.operations.intake import ConsentGiven
from beneficiaries.queries.case_list import case_list
from core import names
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.beneficiaries.test_import_htcds import SITA, book  # noqa: F401 - a fixture
from tests.pages import submit, text_of

A = "ngo_a_caseworker"
UNSEEN = [
    "\u200b",
    "\u200d\u200c",
    "\u202e\u202c",
    "\ufeff",
    "\u3164",
    "\u2800",
    "\u00ad",
    "\u00a0\u2003",
    "\u0301",
]


@pytest.mark.parametrize(
    ("typed", "stored", "found_by"),
    [
        ("\u200bSita", "Sita", "sita"),
        ("  Sita\u00a0\u2003 Rai\n", "Sita Rai", "sita rai"),
        ("\u202eSita\u202c", "Sita", "sita"),
        ("रा\u200dम", "राम", "राम"),
        ("श्रीमान्\u200c", "श्रीमान्", "श्रीमान्"),
        ("गुर्\u200dयाल", "गुर्\u200dयाल", "गुर्याल"),  # the joiner changes the letter's shape, and not the name
        ("e\u0301", "\u00e9", "\u00e9"),
        ("\u0958ाजी", "\u0915\u093cाजी", "\u0915\u093cाजी"),
        ("ＳＩＴＡ", "ＳＩＴＡ", "sita"),
    ],
)
def test_names_that_look_the_same_are_the_same(typed, stored, found_by):
    assert (names.tidy(typed), names.key(typed)) == (stored, found_by)
    assert names.tidy(stored) == stored
    assert names.key(found_by) == found_by


@pytest.mark.parametrize("typed", ["", "   ", *UNSEEN])
def test_invisible_characters_alone_are_no_name(typed):
    assert names.tidy(typed) == ""


MARKED = "a" + "\u0315\u0300" * 20  # few enough letters for every field


@pytest.mark.parametrize("marks", ["\u0315\u0300", "\u0f73", "\u0302\u093c\u064b", "\uff9e"])
def test_a_text_with_too_many_marks_on_a_letter_is_not_normalized(marks):
    text = "a" + marks * 5000
    assert names.has_too_many_marks(text)
    assert names.normalized(text, "NFKD") == text
    assert names.has_too_many_marks(names.key(text))
    with pytest.raises(cell.Unreadable, match="marks"):
        cell.text_of(text)


@pytest.mark.parametrize("text", ["a" + "\u0300" * 30, "क्षत्रिय र्‍याली " * 100, "e\u0301" * 500, "ｶﾞ" * 50])
def test_ordinary_marks_are_accepted(text):
    assert not names.has_too_many_marks(text)
    assert cell.text_of(text)


def test_joiners_between_marks_do_not_hide_them():
    assert names.has_too_many_marks(names.key("a" + "\u0300\u200d\u0315\u200d" * 5000))


def test_a_cell_longer_than_excels_limit_is_refused():
    assert cell.text_of("a" * cell.LONGEST_TEXT)
    with pytest.raises(cell.Unreadable, match="32,767"):
        cell.text_of("a" * (cell.LONGEST_TEXT + 1))


def found(user, typed: str) -> list[str]:
    with acting_as(user):
        return [row.case.beneficiary.first_name for row in case_list(user, find=typed)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("\u200bSitakanari", "sitakanari"),
        ("Sitakanari", "\u200bsita\u200dkanari "),
        ("रा\u200dमकनारी", "रामकनारी"),
        ("रामकनारी", "रा\u200dमकनारी"),
        ("Re\u0301nukanari", "R\u00e9nukanari"),
        ("गुर्\u200dयालकनारी", "गुर्यालकनारी"),
    ],
)
def test_a_beneficiary_is_found_however_the_name_is_written(demo_users, stored, typed):
    with acting_as(demo_users[A]):
        factories.a_case(
            demo_users[A], details=factories.beneficiary_details(first_name=stored, second_name="Rai\u00a0")
        )
    assert found(demo_users[A], typed) == [names.tidy(stored)]
    with acting_as(demo_users[A]):
        person = Beneficiary.objects.visible_to(demo_users[A]).get(
            first_name=stored
        )  # searched for as it is stored
    assert person.second_name == "Rai"


@pytest.mark.django_db
@pytest.mark.parametrize("unseen", UNSEEN)
def test_an_invisible_name_is_refused_on_the_page(sign_in, demo_users, unseen):
    client = sign_in(A)
    consent = {"was_told": "on", "agrees": "yes", "given_by": "self", "how": "spoken"}
    address = submit(client, "/cases/new/", consent).request["PATH_INFO"]
    response = submit(
        client, address, {"first_name": unseen, "second_name": "Rai", "sex": "female", "birth_calendar": "ad"}
    )
    assert response.request["PATH_INFO"] == address
    page = text_of(response)
    assert "Write the name: what you typed shows no letters." in page or "This field is required." in page
    assert "Rai" in response.content.decode()
    with acting_as(demo_users[A]):
        assert [draft.details for draft in IntakeDraft.objects.visible_to(demo_users[A])] == [{}]


@pytest.mark.django_db
def test_an_invisible_name_is_refused_by_the_operations(demo_users):
    with acting_as(demo_users[A]):
        unseen = factories.beneficiary_details(first_name="\u200b")
        with pytest.raises(ValidationError, match="what you typed shows no letters"):
            factories.a_case(demo_users[A], details=unseen)
        draft = start_draft(
            organisation=factories.organisation("NGO_A"),
            consent=ConsentGiven(given_by="self", how="spoken"),
            by=demo_users[A],
            now=now(),
        )
        with pytest.raises(ValidationError, match="what you typed shows no letters"):
            save_draft_beneficiary(draft=draft, details=unseen, by=demo_users[A], now=now())


@pytest.mark.django_db
@pytest.mark.parametrize("unseen", UNSEEN[:-1])
def test_the_database_refuses_an_invisible_name(demo_users, unseen):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        with (
            pytest.raises(IntegrityError, match="beneficiaries_name_is_seen"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "UPDATE beneficiaries_beneficiary SET first_name = %s, version = version + 1 WHERE id = %s",
                [unseen, case.beneficiary_id],
            )


@pytest.mark.django_db
def test_an_invisible_name_is_refused_in_an_import(demo_users, book):  # noqa: F811
    rows = [SITA | {"prs_FirstName": name} for name in ("\u200b", "\u200bSitakanari", "रा\u200dमकनारी")]
    rows.append(SITA | {"prs_FirstName": "Maya", "prs_MiddleName": "\u200b"})
    table = read_workbook(book(*rows))
    with acting_as(demo_users[A]):
        report = import_htcds(
            table=table, organisation=factories.organisation("NGO_A"), by=demo_users[A], now=now()
        )
    assert report.refused == [(2, ["first name is missing"])]
    assert found(demo_users[A], "sitakanari") == ["Sitakanari"]
    assert found(demo_users[A], "रामकनारी") == ["रामकनारी"]


@pytest.mark.django_db
def test_names_of_organisations_and_users_are_tidied_too(demo_users, sign_in):
    administrator = demo_users["administrator"]
    with acting_as(administrator):
        given = Organisation(code="NEW", name_en="\u200bCanary\u00a0 Ghar", name_ne="मा\u200dइती", kind="ngo")
        save_organisation(organisation=given, by=administrator, now=now())
        user = demo_users[A]
        user.first_name = "\u202eAsha"
        save_user(user=user, by=administrator, now=now())
        saved = Organisation.objects.get(name_en="Canary\u200b Ghar")
        assert (saved.name_en, saved.name_ne) == ("Canary Ghar", "माइती")
        user.refresh_from_db()
        assert user.first_name == "Asha"
        unseen = Organisation(code="NONE", name_en="\u200b", kind="ngo")
        with pytest.raises(ValidationError, match="what you typed shows no letters"):
            save_organisation(organisation=unseen, by=administrator, now=now())
    words = {"q": "\u200bCanary\u00a0Ghar"}
    page = sign_in("administrator").post("/admin/accounts/organisation/", words, follow=True)
    assert "Canary Ghar" in page.content.decode()


@pytest.mark.django_db
def test_a_user_with_an_invisible_name_is_not_added(sign_in, demo_users):
    client = sign_in("ngo_a_focal_point")
    role = roles_given_by(demo_users["ngo_a_focal_point"]).first()
    person = {"first_name": "\u200b", "email": "unseen@example.org", "language": "en", "role": str(role.pk)}
    response = submit(client, "/team/new/", person | {"starts_on": now().date().isoformat()})
    assert "what you typed shows no letters" in text_of(response)


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["first_name", "middle_name", "name_ne"])
def test_too_many_marks_are_refused_on_the_page(sign_in, demo_users, field):
    client = sign_in(A)
    consent = {"was_told": "on", "agrees": "yes", "given_by": "self", "how": "spoken"}
    address = submit(client, "/cases/new/", consent).request["PATH_INFO"]
    person = {"first_name": "Sita", "second_name": "Rai", "sex": "female", "birth_calendar": "ad"}
    response = submit(client, address, person | {field: MARKED})
    assert "One letter has too many marks on it." in text_of(response)
    assert "Rai" in response.content.decode()
    with acting_as(demo_users[A]):
        assert [draft.details for draft in IntakeDraft.objects.visible_to(demo_users[A])] == [{}]


@pytest.mark.django_db
def test_too_many_marks_are_refused_by_the_operations(demo_users):
    administrator = demo_users["administrator"]
    with acting_as(demo_users[A]):
        for field in ("first_name", "name_ne", "home_place"):
            with pytest.raises(ValidationError, match="marks"):
                factories.a_case(demo_users[A], details=factories.beneficiary_details(**{field: MARKED}))
    with acting_as(administrator):
        given = Organisation(code="NEW", name_en=MARKED, kind="ngo")
        with pytest.raises(ValidationError, match="marks"):
            save_organisation(organisation=given, by=administrator, now=now())
        user = demo_users[A]
        user.first_name = MARKED
        with pytest.raises(ValidationError, match="marks"):
            save_user(user=user, by=administrator, now=now())


@pytest.mark.django_db
def test_too_many_marks_are_refused_in_an_import(demo_users, book):  # noqa: F811
    table = read_workbook(book(SITA | {"prs_FirstName": MARKED}))
    with acting_as(demo_users[A]):
        report = import_htcds(
            table=table, organisation=factories.organisation("NGO_A"), by=demo_users[A], now=now()
        )
    assert len(report.refused) == 1
    assert "too many marks" in str(report.refused)

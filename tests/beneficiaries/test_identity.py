"""Identity documents: recorded, missing, corrected by several users at once, found by number, and erased."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from beneficiaries import identity
from beneficiaries.models import Case, IdentityDocument, IdentityDocumentChange
from beneficiaries.operations.correction import ChangedMeanwhile
from beneficiaries.operations.erasure import erase_beneficiary
from beneficiaries.operations.identity import IdentityDetails, record_identity_document
from beneficiaries.queries.case_list import case_list
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests import factories, pages
from tests.beneficiaries.test_erasure import closed_case

A, SUPERVISOR, READER, B = "ngo_a_caseworker", "ngo_a_supervisor", "ngo_a_reader", "ngo_b_caseworker"
IOM = "iom_supervisor"
NUMBER, OTHER = "27-01-70-12345", "27-01-70-54321"
TRIES = 20


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


@pytest.fixture
def document(demo_users, case) -> IdentityDocument:
    with acting_as(demo_users[A]):
        return factories.an_identity_document(case, demo_users[A], "citizenship", number=NUMBER)


def recorded(demo_users, case, kind="citizenship", *, by=A, version=0, reason="", keep=(), **details):
    with acting_as(demo_users[by]):
        return record_identity_document(
            beneficiary=case.beneficiary,
            kind=kind,
            details=IdentityDetails(**{"state": "has"} | details),
            version=version,
            reason=reason,
            keep=keep,
            by=demo_users[by],
            now=now(),
        )


def found_by(demo_users, username: str, text: str) -> list:
    with acting_as(demo_users[username]):
        return [row.case_id for row in case_list(demo_users[username], find=text)]


# The number


@pytest.mark.parametrize(
    ("kind", "number", "is_usual"),
    [
        ("citizenship", "27-01-70-12345", True),
        ("citizenship", "२७-०१-७०-१२३४५", True),
        ("citizenship", "1234/567", False),
        ("passport", "PA1234567", True),
        ("passport", "pa 1234567", True),
        ("passport", "12345678", True),
        ("passport", "PA12", False),
        ("national_id", "123-456-7890", True),
        ("national_id", "123456789", False),
        ("birth_registration", "7", True),
        ("birth_registration", "", True),
    ],
)
def test_an_unusual_number_is_asked_about(kind, number, is_usual):
    assert (identity.doubt(kind, number) == "") is is_usual


@pytest.mark.parametrize(
    ("number", "is_possible"),
    [("", True), ("7", True), ("७", True), ("क-१२३", True), ("unknown", False), ("—", False)],
)
def test_a_number_has_a_digit(number, is_possible):
    assert (identity.problem(number) == "") is is_possible


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed",
    [
        NUMBER,
        "27017012345",
        "२७-०१-७०-१२३४५",
        "27 01 70 12345",
        "27/01/70/12345",
        "27–01–70–12345",
        "  ２７-01-70-12345 ",
    ],
)
def test_a_person_is_found_by_the_whole_number(demo_users, case, document, typed):
    assert found_by(demo_users, A, typed) == [case.pk]
    assert found_by(demo_users, B, typed) == []
    assert found_by(demo_users, "iom_finance", typed) == []


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["27-01-70-1234", "7-01-70-12345", "12345", "2", "27-01-70-12345 0"])
def test_a_part_of_a_number_finds_nobody(demo_users, case, document, typed):
    assert found_by(demo_users, A, typed) == []


@pytest.mark.django_db
def test_a_number_that_looks_like_a_reference_a_name_or_a_telephone_is_found(demo_users, case):
    numbers = {"passport": case.reference, "national_id": "9804417009", "birth_registration": "sunita 2"}
    for kind, number in numbers.items():
        other = factories.beneficiary_details(first_name=f"Other {kind}".title(), phone="")
        with acting_as(demo_users[A]):
            of_other = factories.a_case(demo_users[A], details=other)
            if not any(sign.isdecimal() for sign in number):
                number = f"{number}7"
            factories.an_identity_document(of_other, demo_users[A], kind, number=number)
        assert of_other.pk in found_by(demo_users, A, number), number
    assert case.pk in found_by(demo_users, A, case.reference)


@pytest.mark.django_db
def test_a_number_is_found_on_the_list(sign_in, case, document):
    for typed, is_found in (("२७/०१/७०/१२३४५", True), (OTHER, False)):
        answer = pages.visit(sign_in(A), f"/cases/?find={typed}")
        assert (case.reference in pages.text_of(answer)) is is_found, typed


# What may be recorded


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"number": "unknown"}, "number"),
        ({"state": "never", "number": NUMBER}, "state"),
        ({"state": "unknown", "issued_on": date(2012, 3, 4)}, "state"),
        ({"state": "lost", "kept_by": "The agent"}, "kept_by"),
        ({"state": "nowhere"}, "state"),
        ({"issued_on": date(2090, 1, 1)}, "issued_on"),
        ({"issued_on": date(1990, 1, 1)}, "issued_on"),  # before she was born
        ({"expires_on": date(2030, 1, 1)}, "expires_on"),  # no passport
        ({"kind": "passport", "issued_on": date(2020, 1, 2), "expires_on": date(2020, 1, 2)}, "expires_on"),
        ({"kind": "passport", "expires_on": date(2090, 1, 1)}, "expires_on"),
    ],
)
def test_what_can_not_be_true_is_refused(demo_users, case, details, field):
    with pytest.raises(ValidationError) as error:
        recorded(demo_users, case, **details)
    assert set(error.value.message_dict) == {field}
    with acting_as(demo_users[A]):
        assert not IdentityDocument.objects.filter(beneficiary=case.beneficiary_id).exists()


@pytest.mark.django_db
def test_a_document_that_somebody_keeps_may_have_a_number(demo_users, case):
    row = recorded(
        demo_users, case, "passport", state="kept", number="pa 1234567", kept_by="Her employer in Kuwait"
    )
    assert (row.is_missing, row.version, row.number) == (True, 1, "pa 1234567")
    assert found_by(demo_users, A, "PA1234567") == [case.pk]


@pytest.mark.django_db
def test_a_first_interview_records_whether_there_is_a_certificate(demo_users):
    with acting_as(demo_users[A]):
        for state in ("has", "never", "unknown"):
            details = factories.beneficiary_details(citizenship_certificate=state)
            case = factories.a_case(demo_users[A], details=details)
            rows = IdentityDocument.objects.visible_to(demo_users[A]).filter(beneficiary=case.beneficiary_id)
            found = [(row.kind, row.state, row.number) for row in rows]
            assert found == ([] if state == "unknown" else [("citizenship", state, "")])


@pytest.mark.django_db
@pytest.mark.parametrize("username", [READER, B, IOM, "ngo_a_focal_point", "administrator"])
def test_nobody_else_records(demo_users, case, document, username):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    for kind, version in (("passport", 0), ("citizenship", 1)):
        with pytest.raises(PermissionDenied):
            recorded(demo_users, case, kind, by=username, version=version, reason="x", number=OTHER)


# The same number on two records


@pytest.mark.django_db
def test_the_same_number_is_a_hint_to_who_may_see_both(sign_in, demo_users, case, document):
    with acting_as(demo_users[A]):
        other = factories.a_case(
            demo_users[A], details=factories.beneficiary_details(citizenship_certificate="has")
        )
    page = pages.text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    assert "The same number is recorded" not in page
    with acting_as(demo_users[A]):
        row = IdentityDocument.objects.get(beneficiary=other.beneficiary_id)
        factories.corrected_identity(row, demo_users[A], number="२७/०१/७०/१२३४५")
        factories.share_with_iom(case, demo_users[A])
    page = pages.text_of(sign_in(READER).get(f"/cases/{case.reference}/"))
    assert "The same number is recorded" in page
    assert f"/cases/{other.reference}/" in page
    page = pages.text_of(sign_in(IOM).get(f"/cases/{case.reference}/"))
    assert NUMBER in page
    assert "The same number is recorded" not in page
    assert other.reference not in page


@pytest.mark.django_db
def test_the_same_number_in_another_organisation_is_neither_refused_nor_shown(
    sign_in, demo_users, case, document
):
    with acting_as(demo_users[B]):
        theirs = factories.a_case(demo_users[B], "NGO_B")
        factories.an_identity_document(theirs, demo_users[B], "citizenship", number=NUMBER)
        factories.share_with_iom(theirs, demo_users[B])
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    for username, own in ((A, case), (B, theirs), (IOM, case), (IOM, theirs)):
        page = pages.text_of(sign_in(username).get(f"/cases/{own.reference}/"))
        assert "The same number is recorded" not in page, username


# Corrections


@pytest.mark.django_db
def test_a_corrected_number_keeps_the_former_one_with_the_reason(demo_users, case, document):
    with pytest.raises(ValidationError, match="Say why"):
        recorded(demo_users, case, version=1, number=OTHER)
    row = recorded(demo_users, case, version=1, number=OTHER, reason="Misread.", issued_on=date(2012, 3, 4))
    assert (row.number, row.version) == (OTHER, 2)
    assert found_by(demo_users, A, OTHER) == [case.pk]
    assert found_by(demo_users, A, NUMBER) == []
    with acting_as(demo_users[A]):
        changes = IdentityDocumentChange.objects.visible_to(demo_users[A]).filter(document=row)
        changes = changes.order_by("field")
        assert [(change.field, change.former, change.reason) for change in changes] == [
            ("issued_on", {"issued_on": None}, "Misread."),
            ("number", {"number": NUMBER}, "Misread."),
        ]
    with acting_as(demo_users["auditor"]):
        event = AuditEvent.objects.get(verb="identity document corrected", object_id=str(row.pk))
        assert event.detail == {"fields": ["number", "issued_on"]}


@pytest.mark.django_db
def test_a_number_is_filled_in_without_a_reason(demo_users, case):
    recorded(demo_users, case, state="lost")
    assert recorded(demo_users, case, state="has", number=NUMBER, version=1).version == 2
    with pytest.raises(ValidationError, match="Nothing was changed"):
        recorded(demo_users, case, state="has", number=NUMBER, version=2)


@pytest.mark.django_db
def test_no_column_changes_without_the_next_version(demo_users, document):
    changed = {
        "state": "'lost'",
        "number": "'\\x00'::bytea",
        "issued_district_id": "(SELECT id FROM geography_district LIMIT 1)",
        "issued_on": "date '2012-03-04'",
        "expires_on": "date '2030-03-04'",
        "kept_by": "'\\x00'::bytea",
    }
    columns = [column for field in IdentityDocument.record_fields.values() for column in field.columns]
    assert sorted(changed) == sorted(columns)
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        for column, value in changed.items():
            with pytest.raises(IntegrityError, match="next version"), transaction.atomic():
                cursor.execute(
                    f"UPDATE beneficiaries_identitydocument SET {column} = {value} WHERE id = %s",
                    [document.pk],
                )


@pytest.mark.django_db
def test_the_second_of_two_is_refused_and_chooses(demo_users, case, document):
    recorded(demo_users, case, by=SUPERVISOR, version=1, number=OTHER, reason="Misread.")
    with pytest.raises(ChangedMeanwhile) as error:
        recorded(demo_users, case, version=1, number="27-01-70-99999", reason="Misread.")
    with acting_as(demo_users[A]):
        assert (error.value.row.number, error.value.row.version) == (OTHER, 2)
    row = recorded(
        demo_users,
        case,
        version=2,
        number="27-01-70-99999",
        issued_on=date(2012, 3, 4),
        keep={"number"},
    )
    assert (row.number, row.issued_on) == (OTHER, date(2012, 3, 4))


# Erasing and transfer


def test_an_erased_number_is_unreadable_and_not_found(committed, owner, demo_users):
    case, by = closed_case(demo_users), demo_users[READER]
    with acting_as(demo_users[A]):
        row = IdentityDocument.objects.get(beneficiary=case.beneficiary)  # with something in each field
        factories.corrected_identity(row, demo_users[A], number="PA7654321")
    assert found_by(demo_users, READER, "PA7654321") == [case.pk]
    with acting_as(by):
        erase_beneficiary(case=case, by=by, now=now())
    assert found_by(demo_users, READER, "PA7654321") == []
    owner.execute(
        "SELECT kind, state, length(number), number_index, issued_district_id, issued_on, expires_on, length(kept_by)"
        " FROM beneficiaries_identitydocument WHERE id = %s",
        [str(row.pk)],
    )
    assert owner.fetchone() == ("passport", "kept", 0, None, None, None, None, 0)
    with acting_as(by):
        change = IdentityDocumentChange.objects.get(document=row)
        assert (change.former, change.reason) == ({}, "")
    with pytest.raises(PermissionDenied):
        recorded(demo_users, case, "citizenship", number=NUMBER)


@pytest.mark.django_db
@pytest.mark.usefixtures("set_up")
@pytest.mark.parametrize("helps_elsewhere", [False, True])
def test_documents_follow_a_transferred_case(demo_users, case, document, helps_elsewhere):
    with acting_as(demo_users[A]):
        factories.corrected_identity(document, demo_users[A], state="kept", kept_by="An agent")
        if helps_elsewhere:
            other = factories.another_case_of(case)
    factories.transferred(case, demo_users)
    with acting_as(demo_users[B]):
        taken = Case.objects.visible_to(demo_users[B]).get(pk=case.pk)
        (row,) = IdentityDocument.objects.visible_to(demo_users[B]).filter(beneficiary=taken.beneficiary_id)
        assert (row.number, row.state, row.kept_by) == (NUMBER, "kept", "An agent")
    assert found_by(demo_users, B, NUMBER) == [case.pk]
    assert found_by(demo_users, A, NUMBER) == ([other.pk] if helps_elsewhere else [])
    recorded(demo_users, taken, by=B, version=row.version, state="has", number=NUMBER)
    if helps_elsewhere:
        with acting_as(demo_users[A]):
            kept = IdentityDocument.objects.get(pk=document.pk)
            assert (kept.state, kept.number) == ("kept", NUMBER), "a record of its own"

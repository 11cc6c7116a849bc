"""Identity documents: recorded, missing, corrected by several users at once, found by number, and erased."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from beneficiaries import identity, queries
from beneficiaries.models import Case, IdentityDocument, IdentityDocumentChange
from beneficiaries.operations import (
    ChangedMeanwhile,
    IdentityDetails,
    erase_beneficiary,
    record_identity_document,
)
from beneficiaries.operations import identity as operation
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from geography.models import District
from tests import factories, pages
from tests.api.program import Program, problem_of
from tests.beneficiaries.test_erasure import closed_case, dumped

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
        return [row.case_id for row in queries.case_list(demo_users[username], find=text)]


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


# The database


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("number = ''", "number_is_indexed"),
        ("number_index = NULL", "number_is_indexed"),
        ("state = 'never'", "of_a_document"),
        ("kept_by = '\\x00'", "kept_by_somebody"),
        ("expires_on = '2030-01-01'", "passport_expires"),
        ("issued_on = '1899-12-31'", "issued_after_1900"),
        ("kind = 'passport', expires_on = '1899-12-31'", "expires_after_1900"),
        ("kind = 'passport', issued_on = '2020-01-02', expires_on = '2020-01-02'", "expires_after_issued"),
    ],
)
def test_the_database_refuses_what_can_not_be_true(demo_users, document, assignment, constraint):
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with (
            pytest.raises(IntegrityError, match=f"beneficiaries_identity_{constraint}"),
            transaction.atomic(),
        ):
            cursor.execute(
                f"UPDATE beneficiaries_identitydocument SET {assignment}, version = version + 1 WHERE id = %s",
                [document.pk],
            )


@pytest.mark.django_db
def test_there_is_one_document_of_a_kind(demo_users, case, document):
    with acting_as(demo_users[A]):
        again = IdentityDocument(
            beneficiary=case.beneficiary, kind="citizenship", state="lost", recorded_by=demo_users[A]
        )
        again.recorded_at = now()
        with pytest.raises(IntegrityError, match="once_a_kind"), transaction.atomic():
            again.save(force_insert=True)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE {} SET field = 'x'", "DELETE FROM {}"])
def test_the_history_is_not_changed(demo_users, document, statement):
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            cursor.execute(statement.format("beneficiaries_identitydocumentchange"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("username", "reads"),
    [(A, True), (READER, True), (IOM, True), (B, False), ("iom_finance", False), ("iom_approver", False)],
)
def test_who_reads_the_record_reads_its_documents(demo_users, case, document, username, reads):
    """The case is shared with IOM and referred to the second NGO; by Python's scope, and by the database alone."""
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
        factories.referred(case, demo_users[A], factories.organisation("NGO_B"))
        factories.corrected_identity(document, demo_users[A], number=OTHER)
    user = demo_users[username]
    with acting_as(user), connection.cursor() as cursor:
        scoped = (
            IdentityDocument.objects.visible_to(user).filter(pk=document.pk).count(),
            IdentityDocumentChange.objects.visible_to(user).filter(document=document).count(),
        )
        alone = (
            IdentityDocument.objects.filter(pk=document.pk).count(),
            IdentityDocumentChange.objects.filter(document=document).count(),
        )
        cursor.execute(
            "SELECT count(*) FROM beneficiaries_identitydocument WHERE number_index = %s",
            [identity.number_index(OTHER)],
        )
        assert (scoped, alone, cursor.fetchone()[0]) == ((reads, reads), (reads, reads), reads)


@pytest.mark.django_db
@pytest.mark.parametrize("username", [READER, B, IOM, "iom_finance", "administrator"])
def test_the_database_lets_nobody_else_write(demo_users, case, document, username):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    with acting_as(demo_users[username]), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE beneficiaries_identitydocument SET state = 'lost', version = version + 1 WHERE id = %s",
            [document.pk],
        )
        assert cursor.rowcount == 0
        with pytest.raises(Exception, match="row-level security"), transaction.atomic():
            cursor.execute(
                "INSERT INTO beneficiaries_identitydocument (id, beneficiary_id, kind, state, number, kept_by, version,"
                " recorded_by_id, recorded_at) VALUES (%s, %s, 'passport', 'never', '', '', 1, %s, now())",
                [uuid.uuid4(), case.beneficiary_id, demo_users[username].pk],
            )


def test_a_number_is_not_readable_on_the_disk(committed, owner, demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        row = factories.an_identity_document(case, demo_users[A], "citizenship", number="99-88-77-66554")
        factories.corrected_identity(row, demo_users[A], number="99-88-77-66555")
    text = dumped(committed)
    assert case.reference.encode() in text, "the control"
    for number in (b"99-88-77-6655", b"9988776655"):
        assert number not in text


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


# The pages


def _page(case, kind="citizenship") -> str:
    return f"/cases/{case.reference}/identity/{kind}/"


def _form(answer) -> dict[str, list[str]]:
    data = next(form for form in pages.forms_of(answer) if "version" in form["data"])["data"]
    data.pop("csrfmiddlewaretoken", None)
    return data


@pytest.mark.django_db
def test_the_case_file_says_what_is_missing(sign_in, demo_users, case):
    district = District.id_for("302")
    recorded(demo_users, case, number=NUMBER, issued_district_id=district, issued_on=date(2012, 3, 4))
    recorded(demo_users, case, "passport", state="kept", kept_by="Her employer")
    recorded(demo_users, case, "birth_registration", state="never")
    text = pages.text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    for words in (NUMBER, "Somebody else keeps it", "Kept by: Her employer", "Never had one", "Not recorded"):
        assert words in text
    assert _page(case, "national_id") in text
    assert _page(case, "national_id") not in pages.text_of(sign_in(READER).get(f"/cases/{case.reference}/"))
    assert NUMBER in pages.text_of(sign_in(READER).get(f"/cases/{case.reference}/"))


@pytest.mark.django_db
def test_an_expired_passport_is_marked(sign_in, demo_users, case):
    yesterday = now().date() - timedelta(days=1)
    recorded(demo_users, case, "passport", number="PA1234567", expires_on=yesterday)
    assert "Expired on" in pages.text_of(sign_in(A).get(f"/cases/{case.reference}/"))


@pytest.mark.django_db
def test_a_document_is_recorded_and_corrected_on_its_page(sign_in, demo_users, case):
    client = sign_in(A)
    page = pages.submit(client, _page(case), {"state": "has", "number": NUMBER, "issued_district": "काठमाडौं"})
    assert "The identity document is saved." in pages.text_of(page)
    assert NUMBER in pages.text_of(page)
    refused = pages.submit(client, _page(case), {"number": OTHER})
    assert "Say why this is corrected." in pages.text_of(refused)
    assert _form(refused)["number"] == [OTHER]
    page = pages.text_of(pages.submit(client, _page(case), {"number": OTHER, "reason": "Misread."}))
    assert f"{NUMBER} → {OTHER}" in page
    assert "Corrected: Citizenship certificate: Number on the document" in page


@pytest.mark.django_db
def test_an_unusual_number_is_saved_once_it_is_confirmed(sign_in, demo_users, case):
    client = sign_in(A)
    asked = pages.submit(client, _page(case), {"state": "has", "number": "1234/567"})
    assert "Is it right like this?" in pages.text_of(asked)
    assert 'name="number_meant"' in pages.text_of(asked)
    data = _form(asked)
    assert data["number"] == ["1234/567"]
    other = client.post(_page(case), data | {"number": ["1234/568"], "number_meant": ["1234/567"]})
    assert "Is it right like this?" in pages.text_of(other), "confirmed for another number"
    saved = client.post(_page(case), data | {"number_meant": ["1234/567"]}, follow=True)
    assert "The identity document is saved." in pages.text_of(saved)
    again = pages.submit(client, _page(case), {"state": "lost"})
    assert "The identity document is saved." in pages.text_of(again), "not asked again"
    refused = pages.submit(client, _page(case, "passport"), {"state": "has", "number": "none"})
    assert "has no digit" in pages.text_of(refused)


@pytest.mark.django_db
def test_two_who_record_one_kind_at_once_choose(sign_in, demo_users, case):
    client = sign_in(A)
    typed = _form(client.get(_page(case))) | {"state": ["has"], "number": [OTHER]}
    recorded(demo_users, case, by=SUPERVISOR, state="has", number=NUMBER)
    answer = client.post(_page(case), typed)
    text = pages.text_of(answer)
    for words in ("Choose what is right", NUMBER, OTHER, 'name="take_number"', 'name="reason"'):
        assert words in text
    assert 'name="take_state"' not in text, "both say the same"
    again = _form(answer)
    assert (again["version"], again["number"]) == (["1"], [OTHER])
    refused = client.post(_page(case), again | {"take_number": ["typed"]})
    assert "Say why this is corrected." in pages.text_of(refused)
    done = client.post(_page(case), again | {"take_number": ["typed"], "reason": ["Misread."]}, follow=True)
    assert f"{NUMBER} → {OTHER}" in pages.text_of(done)


@pytest.mark.django_db
def test_the_page_opens_for_who_may_correct(sign_in, demo_users, case, document):
    statuses = {A: 200, SUPERVISOR: 200, READER: 403, B: 404, "iom_finance": 404, "administrator": 404}
    assert {name: sign_in(name).get(_page(case)).status_code for name in statuses} == statuses
    assert sign_in(A).get(_page(case, "library_card")).status_code == 404


# The API


@pytest.fixture
def program(demo_users):
    return lambda username: Program(demo_users[username])


@pytest.mark.django_db
def test_a_program_records_and_corrects(program, demo_users, case):
    asking, path = program(A), "identity-documents/"
    body = {"beneficiary": str(case.beneficiary_id), "kind": "passport", "state": "has", "number": "PA12"}
    doubted = asking.post(path, body)
    assert doubted.status_code == 400
    assert {error["field"] for error in problem_of(doubted)["errors"]} == {"number"}
    answer = asking.post(path, body | {"number_is_meant": True})
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert (row["number"], row["version"], row["issued_district"]) == ("PA12", 1, None)
    again = asking.post(path, body | {"number": "PA1234567"})
    assert again.status_code == 409
    assert (again.json()["current"]["number"], again.json()["sent"]["number"]) == ("PA12", "PA1234567")
    sent = {"version": 1, "number": "PA1234567", "reason": "Misread.", "issued_district": "302"}
    changed = asking.patch(f"{path}{row['id']}/", sent)
    assert changed.status_code == 200, changed.content
    assert (changed.json()["number"], changed.json()["version"]) == ("PA1234567", 2)
    late = asking.patch(f"{path}{row['id']}/", sent)
    assert late.status_code == 409
    assert (late.json()["current"]["version"], late.json()["sent"]) == (2, sent)
    unsaid = asking.patch(f"{path}{row['id']}/", {"version": 2, "number": "PA7654321"})
    assert {error["field"] for error in problem_of(unsaid)["errors"]} == {"reason"}
    assert asking.patch(f"{path}{row['id']}/", {"number": "PA7654321"}).status_code == 400, "no version"
    assert program(READER).patch(f"{path}{row['id']}/", sent).status_code == 403
    assert program(B).patch(f"{path}{row['id']}/", sent).status_code == 404
    hidden = program(B).post(path, body | {"kind": "citizenship"})
    assert {error["field"] for error in problem_of(hidden)["errors"]} >= {"beneficiary"}
    listed = asking.get(path, {"beneficiary": str(case.beneficiary_id)}).json()["results"]
    assert [found["id"] for found in listed] == [row["id"]]


def _at_once(demo_users, document, monkeypatch) -> list[int]:
    """Correct one version of a document from twenty threads; the status of each answer."""
    checked = operation._check
    monkeypatch.setattr(operation, "_check", lambda row, today: (time.sleep(0.1), checked(row, today)))
    programs = [Program(demo_users[A]) for _ in range(TRIES)]

    def send(number: int) -> int:
        body = {"version": 1, "number": f"27-01-70-100{number:02}", "reason": "Misread."}
        try:
            return programs[number].patch(f"identity-documents/{document.pk}/", body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return sorted(pool.map(send, range(TRIES)))


@pytest.fixture
def document_of_all(committed, demo_users) -> IdentityDocument:
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        return factories.an_identity_document(case, demo_users[A], "citizenship", number=NUMBER)


def test_of_twenty_at_once_one_wins(committed, owner, demo_users, document_of_all, monkeypatch):
    assert _at_once(demo_users, document_of_all, monkeypatch) == [200] + [409] * (TRIES - 1)
    owner.execute(
        "SELECT count(*) FROM beneficiaries_identitydocumentchange WHERE document_id = %s",
        [str(document_of_all.pk)],
    )
    assert owner.fetchone() == (1,)


def test_without_the_lock_and_the_trigger_several_win(
    committed, owner, demo_users, document_of_all, monkeypatch
):
    """The positive control: the race is there."""
    owner.execute("DROP TRIGGER identity_document_has_next_version ON beneficiaries_identitydocument")
    owner.execute(
        "ALTER TABLE beneficiaries_identitydocumentchange DROP CONSTRAINT beneficiaries_identity_changed_once"
    )
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *given, **named: self)
    assert _at_once(demo_users, document_of_all, monkeypatch).count(200) > 1


# Erasing and transfer


def test_an_erased_number_is_unreadable_and_not_found(committed, owner, demo_users):
    case, by = closed_case(demo_users), demo_users[READER]
    with acting_as(demo_users[A]):
        row = factories.an_identity_document(
            case,
            demo_users[A],
            "passport",
            state="kept",
            number="PA1234567",
            kept_by="Her uncle",
            issued_on=date(2020, 1, 1),
            expires_on=date(2030, 1, 1),
        )
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

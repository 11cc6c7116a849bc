"""Identity documents in the database: what it refuses, who reads and writes, and what a disk shows."""

import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from beneficiaries import identity
from beneficiaries.models import IdentityDocument, IdentityDocumentChange
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.beneficiaries import test_identity
from tests.beneficiaries.test_erasure import dumped

case = test_identity.case
document = test_identity.document

A, SUPERVISOR, READER, B = "ngo_a_caseworker", "ngo_a_supervisor", "ngo_a_reader", "ngo_b_caseworker"
IOM = "iom_supervisor"
NUMBER, OTHER = "27-01-70-12345", "27-01-70-54321"


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

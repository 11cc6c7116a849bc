"""An erased beneficiary: nothing about her is left anywhere, the audit log is whole, and aggregates are
unchanged.
"""

import subprocess

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from accounts.models import Membership, Role
from accounts.operations import save_membership
from beneficiaries import queries
from beneficiaries.models import Beneficiary, Case, CaseFile
from beneficiaries.operations import add_note, close_case, erase_beneficiary
from core import backup
from core.clock import now
from core.context import acting_as
from tests import databases, factories
from tests.pages import submit, text_of, visit

A, SUPERVISOR = "ngo_a_caseworker", "iom_supervisor"
WORD = "Zqerased"
PHONE = "+977 980-4417009"
PHONES = (PHONE, "980-4417021", "980-4417022")


def a_supervisor_of(demo_users, username: str, code: str) -> None:
    role = Role.objects.get(organisation__code=code, code="supervisor")
    given = Membership(user=demo_users[username], role=role, starts_on=now().date())
    factories.set_up()
    save_membership(membership=given, by=None, now=now())


def case_with_tokens(demo_users) -> Case:
    """Return an open case of the first NGO, whose reader supervises there, with a token in every text."""
    a_supervisor_of(demo_users, "ngo_a_reader", "NGO_A")
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(
            by,
            details=factories.beneficiary_details(
                first_name=f"{WORD}first",
                middle_name=f"{WORD}middle",
                second_name=f"{WORD}second",
                name_ne=f"{WORD}ne",
                home_place=f"{WORD}place",
                phone=", ".join(PHONES),
                safe_contact=f"{WORD}safe",
            ),
            situation=factories.a_situation(
                narrative=f"{WORD}narrative", needs=f"{WORD}needs", htcds={"vic_x": f"{WORD}htcds"}
            ),
        )
        add_note(case=case, text=f"{WORD}note", confidentiality="normal", by=by, now=now())
    return case


def closed_case(demo_users) -> Case:
    case = case_with_tokens(demo_users)
    with acting_as(demo_users[A]):
        close_case(case=case, by=demo_users[A], now=now())
    return case


def dumped(name: str) -> bytes:
    """Return everything in a database, as text."""
    address = databases.url("owner", name)
    argv = [backup.program("pg_dump"), "--format=plain", f"--dbname={address}"]
    return subprocess.run(argv, capture_output=True, check=True).stdout


def test_nothing_of_an_erased_beneficiary_is_left_anywhere(committed, owner, demo_users, client):
    case = closed_case(demo_users)
    by = demo_users["ngo_a_reader"]
    client.force_login(by)
    assert WORD in text_of(client.get(f"/cases/{case.reference}/"))
    assert dumped(committed).count(WORD.encode()) >= 5  # the names, in clear
    before = databases.manage(committed, "verify_audit").stdout
    assert before.endswith("broken 0\n")
    with acting_as(by):
        aggregates = _aggregates()
        assert [len(queries.case_list(by, find=number)) for number in PHONES] == [1, 1, 1]
        erase_beneficiary(case=case, by=by, now=now())
    assert WORD.encode() not in dumped(committed)
    assert databases.manage(committed, "verify_audit").stdout.endswith("broken 0\n")
    assert "drifted 0" in databases.manage(committed, "check_access").stdout
    for address in (f"/cases/{case.reference}/", f"/cases/{case.reference}/readers/", "/cases/"):
        assert WORD not in text_of(client.get(address)), address
    assert case.reference not in text_of(visit(client, f"/cases/?find={WORD}first"))
    with acting_as(by):
        assert _aggregates() == aggregates
        assert [len(queries.case_list(by, find=number)) for number in PHONES] == [0, 0, 0]
        person = Beneficiary.objects.get(pk=case.beneficiary_id)
        assert (person.name, person.phone, person.safe_contact) == ("–", "", "")
        assert (person.birth_on.isoformat(), person.sex, person.erased_on) == (
            "1996-01-01",
            "female",
            now().date(),
        )
        file = CaseFile.objects.get(case=case)
        assert (file.narrative, file.needs, file.htcds, file.risk) == ("", "", {}, "medium")
        owner.execute("SELECT id, encrypted_changes FROM core_auditevent WHERE case_id = %s", [str(case.pk)])
        from core.audit import changes_in
        from core.models import AuditEvent

        events = owner.fetchall()
        assert len(events) > 3
        left = [
            change
            for key, encrypted in events
            for change in changes_in(AuditEvent(id=key, encrypted_changes=encrypted))
        ]
        assert WORD not in str(left)


def _aggregates() -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), min(opened_on) FROM beneficiaries_case")
        return cursor.fetchall()


def test_another_beneficiarys_data_stay(committed, demo_users):
    case, by = closed_case(demo_users), demo_users["ngo_a_reader"]
    with acting_as(demo_users[A]):
        other = factories.a_case(
            demo_users[A], details=factories.beneficiary_details(phone="+977 980-4417010")
        )
    with acting_as(by):
        erase_beneficiary(case=case, by=by, now=now())
    with acting_as(by):
        assert CaseFile.objects.get(case=other).narrative == "Was not paid for a year."
        assert queries.case_list(by, find="9804417010")


@pytest.mark.django_db
def test_a_beneficiary_with_an_open_case_is_not_erased(demo_users):
    case, by = case_with_tokens(demo_users), demo_users["ngo_a_reader"]
    with acting_as(by):
        with pytest.raises(ValidationError, match="open"):
            erase_beneficiary(case=case, by=by, now=now())
        with (
            pytest.raises(DatabaseError, match="is open"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT access.erase_beneficiary(%s)", [case.beneficiary_id])


@pytest.mark.django_db
@pytest.mark.parametrize("username", [A, "ngo_b_caseworker", SUPERVISOR, "administrator", "data_steward"])
def test_nobody_else_erases_a_beneficiary(demo_users, username):
    case = closed_case(demo_users)
    with acting_as(demo_users[username]):
        with pytest.raises(PermissionDenied):
            erase_beneficiary(case=case, by=demo_users[username], now=now())
        with (
            pytest.raises(DatabaseError, match="not a person that you may erase"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT access.erase_beneficiary(%s)", [case.beneficiary_id])


@pytest.mark.django_db
def test_erasing_through_the_page(demo_users, sign_in):
    case = closed_case(demo_users)
    client = sign_in("ngo_a_reader")
    address = f"/cases/{case.reference}/erase/"
    assert address in client.get(f"/cases/{case.reference}/").content.decode()
    page = submit(client, address, {"typed": "ZZZZ-ZZZ-Z"})
    assert "not the reference" in text_of(page)
    page = submit(client, address, {"typed": case.reference.lower()})
    assert "Only data for statistics remain" in text_of(page)
    assert WORD not in text_of(page)
    assert address not in page.content.decode()

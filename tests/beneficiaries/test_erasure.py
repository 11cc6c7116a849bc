"""An erased beneficiary: nothing about her is left anywhere, the audit log is whole, and aggregates are
unchanged.
"""

import subprocess
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, models, transaction

from accounts.models import Membership, Role
from accounts.operations.users import save_membership
from beneficiaries.models import Beneficiary, Case, CaseFile
from beneficiaries.models.base import CaseLinked
from beneficiaries.operations.case import close_case
from beneficiaries.operations.erasure import erase_beneficiary
from beneficiaries.operations.note import add_note
from beneficiaries.queries.case_list import case_list
from core import backup
from core.clock import now
from core.context import acting_as
from core.encrypted_fields import EncryptedTextField
from core.policies import own_models
from core.record_fields import fields_of
from geography.models import LocalLevel
from tests import databases, factories
from tests.pages import submit, text_of, visit

A, SUPERVISOR = "ngo_a_caseworker", "iom_supervisor"
WORD = "Zqerased"
PHONE = "+977 980-4417009"
EMPTY = {None, "", "\\x"}  # of columns as text
PHONES = (PHONE, "980-4417021", "980-4417022")


def a_supervisor_of(demo_users, username: str, code: str) -> None:
    role = Role.objects.get(organisation__code=code, code="supervisor")
    given = Membership(user=demo_users[username], role=role, starts_on=now().date())
    factories.set_up()
    save_membership(membership=given, by=None, now=now())


def texts_of(model) -> dict[str, str]:
    """Return a token for every text in the record that is longer than a code."""
    columns = [model._meta.get_field(name) for field in fields_of(model).values() for name in field.columns]
    kinds = (models.CharField, EncryptedTextField)
    texts = [column for column in columns if isinstance(column, kinds) and column.max_length > 20]
    return {column.name: f"{WORD}{column.name}" for column in texts}


def case_with_tokens(demo_users) -> Case:
    """Return an open case of the first NGO, whose reader supervises there, with a token in every text."""
    a_supervisor_of(demo_users, "ngo_a_reader", "NGO_A")
    by, level = demo_users[A], LocalLevel.objects.first()
    home = {"home_district_id": level.district_id, "home_local_level_id": level.pk}
    with acting_as(by):
        case = factories.a_case(
            by,
            details=factories.beneficiary_details(
                **texts_of(Beneficiary) | home | {"phone": ", ".join(PHONES)}
            ),
            situation=factories.a_situation(
                narrative=f"{WORD}narrative", needs=f"{WORD}needs", htcds={"vic_x": f"{WORD}htcds"}
            ),
        )
        add_note(case=case, text=f"{WORD}note", confidentiality="normal", by=by, now=now())
        days = {"issued_on": date(2020, 1, 1), "expires_on": date(2030, 1, 1)}
        texts = {"number": f"{WORD}-1", "kept_by": f"{WORD}keeper", "issued_district_id": level.district_id}
        plan = factories.planned(case, by)
        factories.corrected_plan(plan, by, goal=f"{WORD}goal", steps=f"{WORD}steps", reason=f"{WORD}why")
        factories.visited(case, by, note=f"{WORD}visit")
        factories.an_identity_document(case, by, state="kept", **days, **texts)
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
        assert [len(case_list(by, find=number)) for number in PHONES] == [1, 1, 1]
        erase_beneficiary(case=case, by=by, now=now())
    assert WORD.encode() not in dumped(committed)
    assert databases.manage(committed, "verify_audit").stdout.endswith("broken 0\n")
    assert "drifted 0" in databases.manage(committed, "check_access").stdout
    for address in (f"/cases/{case.reference}/", f"/cases/{case.reference}/readers/", "/cases/"):
        assert WORD not in text_of(client.get(address)), address
    assert case.reference not in text_of(visit(client, f"/cases/?find={WORD}first"))
    with acting_as(by):
        assert _aggregates() == aggregates
        assert [len(case_list(by, find=number)) for number in PHONES] == [0, 0, 0]
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


def _record(owner, case: Case, columns: dict[Any, list[str]]) -> dict[Any, list[tuple]]:
    """Return these columns of every row about the beneficiary as text, by model."""
    found = {}
    for model, names in columns.items():
        key, value = ("id" if model is Beneficiary else "beneficiary_id"), case.beneficiary_id
        if issubclass(model, CaseLinked):
            key, value = "case_id", case.pk
        shown = ", ".join(f"{name}::text" for name in names)
        owner.execute(f"SELECT {shown} FROM {model._meta.db_table} WHERE {key} = %s", [str(value)])
        found[model] = sorted(owner.fetchall(), key=repr)
    return found


def test_every_erased_column_is_emptied(committed, owner, demo_users):
    case, by = closed_case(demo_users), demo_users["ngo_a_reader"]
    erased, others = {}, {}
    for model in filter(fields_of, own_models()):
        for columns, is_erased in ((erased, True), (others, False)):
            fields = [field for field in fields_of(model).values() if field.is_erased is is_erased]
            columns[model] = [column for field in fields for column in field.columns]
        erased[model] += getattr(model, "never_recorded", ())
    erased = {model: names for model, names in erased.items() if names}
    before = _record(owner, case, others)
    assert len(erased) > 2
    for model, rows in _record(owner, case, erased).items():
        empty = [name for name, *values in zip(erased[model], *rows, strict=True) if set(values) <= EMPTY]
        assert empty == [], f"the control: {model.__name__} has something to erase in each column"
    with acting_as(by):
        erase_beneficiary(case=case, by=by, now=now())
    assert _record(owner, case, others) == before
    for model, rows in _record(owner, case, erased).items():
        values = [pair for row in rows for pair in zip(erased[model], row, strict=True)]
        left = {name: value for name, value in values if value not in EMPTY}
        stays = {"first_name": "–", "birth_on": "1996-01-01", "birth_precision": "year"}
        assert left == (stays if model is Beneficiary else {}), model


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
        assert case_list(by, find="9804417010")


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

"""Corrections: the next version, the former value with its reason, and two users at one record."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import QuerySet

from beneficiaries.history import corrections_of
from beneficiaries.models import Beneficiary, BeneficiaryChange, Case, CaseChange, CaseFile
from beneficiaries.operations import correction
from beneficiaries.operations.correction import ChangedMeanwhile, correct_beneficiary, correct_situation
from beneficiaries.operations.intake import BeneficiaryDetails, Situation
from beneficiaries.queries.case import file_of
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from core.record_fields import fields_of
from tests import factories, pages
from tests.api.program import Program, problem_of

A, SUPERVISOR, READER, B = "ngo_a_caseworker", "ngo_a_supervisor", "ngo_a_reader", "ngo_b_caseworker"
WRONG = {"first_name": "Sarita", "phone": "9841234561", "safe_contact": "Her mother knows."}
TRIES = 20
WITH_FIELDS = [Beneficiary, CaseFile]


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A], details=factories.beneficiary_details(**WRONG))


def corrected(
    demo_users, case, *, by: str = A, version: int | None = None, reason="Misheard.", keep=(), **changes
):
    user = demo_users[by]
    with acting_as(user):
        row = Beneficiary.objects.get(pk=case.beneficiary_id)
        return correct_beneficiary(
            beneficiary=row,
            details=replace(BeneficiaryDetails.of(row), **changes),
            version=row.version if version is None else version,
            reason=reason,
            keep=keep,
            by=user,
            now=now(),
        )


# The table of fields


@pytest.mark.parametrize("model", WITH_FIELDS)
def test_every_column_is_a_field_or_the_systems(model):
    named = [column for field in fields_of(model).values() for column in field.columns]
    assert sorted([*named, *model.system_columns]) == sorted(
        field.attname for field in model._meta.concrete_fields
    )


# One user


@pytest.mark.django_db
def test_a_correction_keeps_what_was_before(demo_users, case):
    row = corrected(demo_users, case, first_name="Sabita", phone="9841234562")
    assert (row.first_name, row.phone, row.version) == ("Sabita", "9841234562", 2)
    with acting_as(demo_users[A]):
        changes = BeneficiaryChange.objects.visible_to(demo_users[A]).order_by("field")
        assert [(change.field, change.former, change.reason, change.version) for change in changes] == [
            ("first_name", {"first_name": "Sarita"}, "Misheard.", 2),
            ("phone", {"phone": "9841234561"}, "Misheard.", 2),
        ]
    with acting_as(demo_users["auditor"]):
        event = AuditEvent.objects.get(verb="beneficiary corrected")
        assert event.detail == {"fields": ["first_name", "phone"]}
        assert event.actor_id == demo_users[A].pk


@pytest.mark.django_db
def test_a_corrected_record_is_found_by_what_it_says_now(sign_in, demo_users, case):
    corrected(demo_users, case, first_name="Sabita", phone="9841234562")
    client = sign_in(A)
    for sought, is_found in (
        ("Sabita", True),
        ("Sarita", False),
        ("9841234562", True),
        ("9841234561", False),
    ):
        answer = pages.visit(client, f"/cases/?find={sought}")
        assert (case.reference in pages.text_of(answer)) is is_found, sought


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["first_name", "second_name", "name_ne"])
def test_a_name_is_corrected_with_a_reason(demo_users, case, field):
    with pytest.raises(ValidationError, match="Say why"):
        corrected(demo_users, case, reason=" ", **{field: "Sabita"})


@pytest.mark.django_db
def test_a_telephone_is_corrected_without_a_reason(demo_users, case):
    assert corrected(demo_users, case, reason="", phone="9841234562").version == 2


@pytest.mark.django_db
def test_nothing_corrected_is_no_version(demo_users, case):
    with pytest.raises(ValidationError, match="Nothing was changed"):
        corrected(demo_users, case)


@pytest.mark.django_db
def test_a_birth_is_corrected_with_its_precision(demo_users, case):
    born = now().date().replace(year=1992, month=1, day=1)
    row = corrected(demo_users, case, birth_on=born, birth_precision="year", birth_as_typed="1992 AD")
    assert (row.birth_on, row.birth_precision) == (born, "year")
    with pytest.raises(ValidationError, match="future"):
        corrected(demo_users, case, birth_on=born.replace(year=2090))


@pytest.mark.django_db
@pytest.mark.parametrize("username", [READER, B, "iom_supervisor", "ngo_a_focal_point", "administrator"])
def test_nobody_else_corrects(demo_users, case, username):
    row = case.beneficiary
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        correct_beneficiary(
            beneficiary=row,
            details=replace(BeneficiaryDetails.of(row), sex="male"),
            version=row.version,
            by=demo_users[username],
            now=now(),
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("username", "count"), [(A, 2), (READER, 2), (B, 0), ("iom_supervisor", 0), ("iom_finance", 0)]
)
def test_who_reads_the_record_reads_its_history(demo_users, case, username, count):
    corrected(demo_users, case, first_name="Sabita")
    with acting_as(demo_users[A]):
        file = file_of(case, demo_users[A])
        correct_situation(
            case=case,
            situation=replace(Situation.of(file), needs="A sewing machine."),
            version=file.version,
            by=demo_users[A],
            now=now(),
        )
    with acting_as(demo_users[username]), connection.cursor() as cursor:
        user = demo_users[username]
        seen = (
            BeneficiaryChange.objects.visible_to(user).count() + CaseChange.objects.visible_to(user).count()
        )
        cursor.execute(
            "SELECT (SELECT count(*) FROM beneficiaries_beneficiarychange) + count(*) FROM beneficiaries_casechange"
        )
        assert (seen, cursor.fetchone()[0]) == (count, count)


@pytest.mark.django_db
def test_the_history_says_before_and_after(sign_in, demo_users, case):
    corrected(demo_users, case, first_name="Sabita")
    corrected(demo_users, case, first_name="Savitri", reason="As on her certificate.")
    with acting_as(demo_users[A]):
        case = Case.objects.select_related("beneficiary").get(pk=case.pk)
        found = corrections_of(case, file_of(case, demo_users[A]), demo_users[A])
        assert [(row.label, row.before, row.after, row.reason) for row in found] == [
            ("First name", "Sabita", "Savitri", "As on her certificate."),
            ("First name", "Sarita", "Sabita", "Misheard."),
        ]
    page = pages.text_of(sign_in(READER).get(f"/cases/{case.reference}/"))
    assert "Corrected: First name" in page
    assert "Sabita → Savitri" in page


# The database


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "column"),
    [
        (model._meta.db_table, column)
        for model in WITH_FIELDS
        for field in fields_of(model).values()
        if field.is_corrected
        for column in field.columns
    ],
)
def test_no_column_changes_without_the_next_version(demo_users, case, table, column):
    changed = {
        "birth_on": "date '1990-01-01'",
        "home_district_id": "(SELECT id FROM geography_district ORDER BY id DESC LIMIT 1)",
        "current_district_id": "(SELECT id FROM geography_district ORDER BY id DESC LIMIT 1)",
        "home_local_level_id": "(SELECT id FROM geography_locallevel ORDER BY id DESC LIMIT 1)",
        "groups": "groups || '{trafficked}'::varchar[]",
        **dict.fromkeys(("phone", "safe_contact", "narrative", "needs"), "'\\x00'::bytea"),
    }.get(column, "'zz'")
    where = "id = %s" if table.endswith("beneficiary") else "case_id = %s"
    key = case.beneficiary_id if table.endswith("beneficiary") else case.pk
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="next version"), transaction.atomic():
            cursor.execute(f"UPDATE {table} SET {column} = {changed} WHERE {where}", [str(key)])


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE {} SET field = 'x'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["beneficiaries_beneficiarychange", "beneficiaries_casechange"])
def test_the_history_is_not_changed(demo_users, case, table, statement):
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            cursor.execute(statement.format(table))


# Two users at one record


@pytest.mark.django_db
def test_the_second_of_two_is_refused_and_loses_nothing(demo_users, case):
    corrected(demo_users, case, by=SUPERVISOR, version=1, phone="9841234562")
    with pytest.raises(ChangedMeanwhile) as error:
        corrected(demo_users, case, version=1, safe_contact="Her sister knows.")
    assert error.value.row.phone == "9841234562"
    kept = corrected(
        demo_users, case, version=2, phone="9841234563", safe_contact="Her sister knows.", keep={"phone"}
    )
    assert (kept.phone, kept.safe_contact, kept.version) == ("9841234562", "Her sister knows.", 3)


def _correction_page(client, case) -> dict[str, list[str]]:
    address = f"/cases/{case.reference}/beneficiary/"
    form = next(form for form in pages.forms_of(client.get(address)) if "version" in form["data"])
    form["data"].pop("csrfmiddlewaretoken", None)
    return form["data"]


@pytest.mark.django_db
def test_on_the_page_the_second_chooses(sign_in, demo_users, case):
    address, client = f"/cases/{case.reference}/beneficiary/", sign_in(A)
    typed = _correction_page(client, case) | {"phone": ["9841234563"], "safe_contact": ["Her sister knows."]}
    corrected(demo_users, case, by=SUPERVISOR, phone="9841234562", citizenship="IN")
    answer = client.post(address, typed)
    page = pages.text_of(answer)
    for words in (
        "Choose what is right",
        "9841234562",
        "9841234563",
        "Her sister knows.",
        'name="take_phone"',
    ):
        assert words in page
    again = next(form for form in pages.forms_of(answer) if "version" in form["data"])["data"]
    again.pop("csrfmiddlewaretoken", None)
    assert again["version"] == ["2"]
    assert again["take_citizenship"] == ["saved"], "left as it was read"
    assert "take_phone" not in again, "both changed it: nothing is chosen for the user"
    refused = pages.text_of(client.post(address, again))
    assert "Choose which of the two is right." in refused
    assert "Saved: 9841234562" in refused
    done = client.post(address, again | {"take_phone": ["typed"]}, follow=True)
    assert "The correction is saved." in pages.text_of(done)
    with acting_as(demo_users[A]):
        row = Beneficiary.objects.get(pk=case.beneficiary_id)
        assert (row.phone, row.safe_contact, row.citizenship, row.version) == (
            "9841234563",
            "Her sister knows.",
            "IN",
            3,
        )


@pytest.mark.django_db
def test_the_situation_is_corrected_on_its_page(sign_in, demo_users, case):
    client = sign_in(A)
    page = pages.submit(client, f"/cases/{case.reference}/situation/", {"needs": "A sewing machine."})
    assert "The correction is saved." in pages.text_of(page)
    assert "A sewing machine." in pages.text_of(page)
    refused = pages.submit(client, f"/cases/{case.reference}/situation/", {"narrative": "Another story."})
    assert "Say why this is corrected." in pages.text_of(refused)
    assert "Another story." in pages.text_of(refused)


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["beneficiary", "situation"])
def test_pages_open_for_who_may_correct(sign_in, case, page):
    address = f"/cases/{case.reference}/{page}/"
    statuses = {A: 200, SUPERVISOR: 200, READER: 403, B: 404, "iom_finance": 404, "administrator": 404}
    assert {username: sign_in(username).get(address).status_code for username in statuses} == statuses


# The API


@pytest.fixture
def program(demo_users):
    return lambda username: Program(demo_users[username])


def _patch(asking: Program, case, **body):
    return asking.patch(f"beneficiaries/{case.beneficiary_id}/", body)


@pytest.mark.django_db
def test_a_program_corrects_on_the_version_that_it_read(program, demo_users, case):
    asking = program(A)
    answer = _patch(asking, case, version=1, phone="9841234562", reason="")
    assert answer.status_code == 200, answer.content
    assert (answer.json()["phone"], answer.json()["version"]) == ("9841234562", 2)
    late = _patch(asking, case, version=1, phone="9841234563")
    assert late.status_code == 409
    body = late.json()
    assert (body["current"]["phone"], body["current"]["version"]) == ("9841234562", 2)
    assert body["sent"] == {"version": 1, "phone": "9841234563"}
    assert _patch(program(READER), case, version=2, phone="9841234563").status_code == 403
    assert _patch(program(B), case, version=2, phone="9841234563").status_code == 404
    refused = _patch(asking, case, version=2, first_name="Sabita")
    assert refused.status_code == 400
    assert {error["field"] for error in problem_of(refused)["errors"]} == {"reason"}
    assert _patch(asking, case, phone="9841234563").status_code == 400, "the version is needed"
    file = asking.patch(f"cases/{case.pk}/file/", {"version": 1, "needs": "A sewing machine."})
    assert (file.status_code, file.json()["file"]["needs"]) == (200, "A sewing machine.")


@pytest.mark.django_db
def test_a_number_that_no_answer_can_repeat_is_refused(program, demo_users, case):
    """The answer to a conflict has what was sent, and JSON has no infinite number: it was a 500."""
    corrected(demo_users, case, phone="9841234562")
    asking = program(A)
    answer = asking.client.patch(
        f"/api/v1/beneficiaries/{case.beneficiary_id}/",
        b'{"version": 1, "phone": "9841234563", "reason": 1e999}',
        content_type="application/json",
        headers={"Authorization": f"Token {asking.text}"},
    )
    assert answer.status_code == 400
    assert "not JSON" in problem_of(answer)["detail"]


def _at_once(demo_users, case, monkeypatch) -> list[int]:
    """Correct one version of one record from twenty threads; the status of each answer.

    Each takes a while between reading and saving, so that they do meet.
    """
    checked = correction.checked_details
    monkeypatch.setattr(correction, "checked_details", lambda details: (time.sleep(0.1), checked(details))[1])
    programs = [Program(demo_users[A]) for _ in range(TRIES)]  # one token would be waited for

    def send(number: int) -> int:
        try:
            return _patch(programs[number], case, version=1, phone=f"98412345{number:02}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return sorted(pool.map(send, range(TRIES)))


@pytest.fixture
def case_of_all(committed, demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A], details=factories.beneficiary_details(**WRONG))


def test_of_twenty_at_once_one_wins(committed, owner, demo_users, case_of_all, monkeypatch):
    assert _at_once(demo_users, case_of_all, monkeypatch) == [200] + [409] * (TRIES - 1)
    owner.execute("SELECT count(*) FROM beneficiaries_beneficiarychange")
    assert owner.fetchone() == (1,)


def test_without_the_lock_and_the_trigger_several_win(committed, owner, demo_users, case_of_all, monkeypatch):
    """The positive control: the race is there."""
    owner.execute("DROP TRIGGER beneficiary_has_next_version ON beneficiaries_beneficiary")
    owner.execute(
        "ALTER TABLE beneficiaries_beneficiarychange DROP CONSTRAINT beneficiaries_beneficiary_changed_once"
    )
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *given, **named: self)
    assert _at_once(demo_users, case_of_all, monkeypatch).count(200) > 1


@pytest.mark.django_db
def test_a_correction_is_added_in_ones_own_name_alone(demo_users, case):
    change = {"beneficiary": case.beneficiary, "field": "phone", "version": 99, "at": now()}
    with acting_as(demo_users[A]):
        BeneficiaryChange.objects.create(by=demo_users[A], **change)
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            BeneficiaryChange.objects.create(by=demo_users["ngo_a_supervisor"], **change | {"version": 100})

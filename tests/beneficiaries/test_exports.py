"""Exports: how many rows, who approves, who gets them; what is in the file, and what was removed since."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from msoffcrypto.exceptions import InvalidKeyError

from accounts.models import Membership, Notice, User
from accounts.operations.users import tailor_role
from beneficiaries import rules
from beneficiaries.models import Case, Consent, Export, ExportFile
from beneficiaries.operations import export as exporting
from beneficiaries.operations.consent import withdraw_consent
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.export import decide_export, expire_next_export, write_next_export
from core import files, spreadsheets
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.core.test_spreadsheets import opened
from tests.pages import text_of

pytestmark = pytest.mark.usefixtures("set_up")
A, READER, B, IOM = "ngo_a_caseworker", "ngo_a_reader", "ngo_b_caseworker", "iom_supervisor"
NAME = "Kanarikumari"
TRIES = 20
LONG_AGO = timedelta(hours=12)


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))


def asked(demo_users, username: str = A, code: str = "NGO_A", **changes) -> Export:
    with acting_as(demo_users[username]):
        return factories.asked_export(demo_users[username], code, **changes)


def written(demo_users, export: Export, username: str = A, at=None) -> Export:
    """Return the export after one sweep of the worker, as its requester sees it."""
    assert write_next_export(now=at or now())
    return seen(demo_users, export, username)


def seen(demo_users, export: Export, username: str = A) -> Export:
    with acting_as(demo_users[username]):
        return Export.objects.visible_to(demo_users[username]).get(pk=export.pk)


def file_of(demo_users, export: Export, username: str = A) -> tuple[bytes, str]:
    """Return the file on disk and its password."""
    with acting_as(demo_users[username]):
        file = ExportFile.objects.visible_to(demo_users[username]).get(export=export)
        return files.content(file.name), file.password


def rows_of(demo_users, export: Export, username: str = A) -> list[dict]:
    """Return the rows of the file, by column name."""
    sheet = opened(*file_of(demo_users, export, username)).worksheets[1]
    head, *exported = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return [dict(zip(head, line, strict=True)) for line in exported]


def short_day(monkeypatch, rows: int) -> None:
    """Allow only so many rows a day in Python; the database still uses its own, larger number."""
    monkeypatch.setattr(rules, "EXPORT_ROWS_A_DAY", rows)


def files_on_disk() -> list[Path]:
    """Return the files on disk."""
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def notices(demo_users, username: str, key: str) -> list[str]:
    with acting_as(demo_users[username]):
        found = Notice.objects.visible_to(demo_users[username]).filter(key__startswith=key)
        return sorted(found.values_list("text", flat=True))


def events(owner, export: Export) -> list[tuple]:
    owner.execute(
        "SELECT verb, detail->>'count' FROM core_auditevent WHERE object_id = %s ORDER BY at, verb",
        [str(export.pk)],
    )
    return owner.fetchall()


# ---- what is in the file


@pytest.mark.django_db
def test_the_file_contains_the_filtered_list_and_no_narrative(case, demo_users):
    with acting_as(demo_users[A]):
        factories.admitted(case, demo_users[A])
        person = factories.beneficiary_details(first_name='=HYPERLINK("http://x")', second_name=NAME)
        danger = factories.a_case(demo_users[A], details=person, situation=factories.a_situation(risk="high"))
    export = asked(demo_users, status="active", district="302", find=NAME)
    assert (export.counted_rows, export.state) == (1, "queued")
    (row,) = rows_of(demo_users, written(demo_users, export))
    assert row["Reference"] == case.reference
    assert (row["Name"], row["Sex"]) == (f"{NAME} Tamang", "Female")
    assert row["Age"] == rules.age_on(date(1996, 5, 4), now().date())
    assert (row["Programmes"], row["Risk level"], row["District"]) == (
        "RASNM-2",
        "Medium",
        "Sindhupalchok",
    )
    assert row["Opened on"] == now().date().isoformat()
    assert row["Copy"] == f"{export.reference} {A}"
    everything = written(demo_users, asked(demo_users, status="active", district="302"))
    exported = {line["Reference"]: line for line in rows_of(demo_users, everything)}
    assert exported[danger.reference]["Name"] == f'\'=HYPERLINK("http://x") {NAME}'
    assert "Was not paid" not in str(exported)


@pytest.mark.django_db
def test_the_file_says_whose_copy_it_is(case, demo_users):
    export = written(demo_users, asked(demo_users, find=NAME))
    book = opened(*file_of(demo_users, export))
    about = dict([cell.value for cell in row] for row in book.worksheets[0].iter_rows())
    requested_by = f"{demo_users[A].get_full_name()} ({A})"
    assert about["Requested by"] == requested_by
    assert (about["Export"], about["Rows"], about["Organisation"]) == (
        export.reference,
        "1",
        export.organisation.name,
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", about["Prepared at (Nepal time)"])
    assert about["Please note"].startswith("Personal data")
    for page in book.worksheets:
        for edge in (page.oddHeader.left.text, page.oddFooter.left.text):
            assert export.reference in edge
            assert A in edge
    assert {given.name for given in book.custom_doc_props.props} == set(about)


@pytest.mark.django_db
def test_the_bytes_on_the_disk_are_no_clear_workbook(case, demo_users):
    data, password = file_of(demo_users, written(demo_users, asked(demo_users, find=NAME)))
    assert data[:2] != b"PK"
    assert NAME.encode() not in data
    with pytest.raises(InvalidKeyError):
        opened(data, password[:-1])
    assert opened(data, password)


@pytest.mark.django_db
def test_another_ngos_beneficiaries_are_in_no_file(demo_users):
    """Neither those of the other NGO, nor one that IOM has emergency access to."""
    with acting_as(demo_users[B]):
        hers = factories.a_case(
            demo_users[B], "NGO_B", details=factories.beneficiary_details(first_name=NAME)
        )
    with acting_as(demo_users[A]):
        own = factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))
    exported = rows_of(demo_users, written(demo_users, asked(demo_users, find=NAME)))
    assert [line["Reference"] for line in exported] == [own.reference]
    protection = demo_users["protection_supervisor"]
    role = protection.memberships.get().role
    tailor_role(role=role, codenames=["read_cases", "break_glass", "export_cases"], by=None, now=now())
    with acting_as(protection):
        break_glass(typed=hers.reference, reason="She called and was then cut off.", by=protection, now=now())
        with pytest.raises(ValidationError, match="nothing on this list"):
            factories.asked_export(protection, "IOM", find=hers.reference)


@pytest.mark.django_db
def test_the_register_of_grants_names_nobody(case, demo_users):
    with acting_as(demo_users[A]):
        grant = factories.requested(factories.planned(case, demo_users[A]), demo_users[A])
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    export = written(demo_users, asked(demo_users, IOM, "IOM", kind="grants"), IOM)
    line = next(line for line in rows_of(demo_users, export, IOM) if line["Case"] == case.reference)
    assert (line["Amount, NPR"], line["Paid so far"], line["State"]) == (60000, 30000, "Approved")
    assert NAME not in str(rows_of(demo_users, export, IOM))
    with acting_as(demo_users[A]), pytest.raises(PermissionDenied):  # reads files, and has no summary access
        factories.asked_export(demo_users[A], kind="grants")


# ---- how many rows, and who approves


@pytest.mark.django_db
def test_above_the_days_rows_a_second_user_approves(case, demo_users, monkeypatch):
    factories.a_supervisor(READER, "NGO_A")
    short_day(monkeypatch, 2)
    first, second = asked(demo_users, find=NAME), asked(demo_users, find=NAME)
    third = asked(demo_users, find=NAME)
    assert [export.state for export in (first, second, third)] == ["queued", "queued", "waiting"]
    assert asked(demo_users, find=NAME, at=now() + timedelta(days=1)).state == "queued"  # another day
    (text,) = notices(demo_users, READER, f"export-asked:{third.pk}")
    assert third.reference in text
    with acting_as(demo_users[A]), pytest.raises(PermissionDenied):
        decide_export(export=third, agrees=True, answer="", by=demo_users[A], now=now())
    with acting_as(demo_users[READER]):
        decide_export(export=third, agrees=True, answer="", by=demo_users[READER], now=now())
        with pytest.raises(ValidationError, match="already decided"):
            decide_export(export=third, agrees=True, answer="", by=demo_users[READER], now=now())
    assert len(notices(demo_users, A, f"export-decided:{third.pk}")) == 1
    for _ in range(3):
        written(demo_users, third)
    assert (seen(demo_users, third).state, seen(demo_users, third).written_rows) == ("ready", 1)


@pytest.mark.django_db
def test_a_refusal_has_a_reason_and_frees_its_rows(case, demo_users, monkeypatch):
    factories.a_supervisor(READER, "NGO_A")
    short_day(monkeypatch, 0)
    export = asked(demo_users, find=NAME)
    with acting_as(demo_users[READER]):
        with pytest.raises(ValidationError, match="Say why you refuse"):
            decide_export(export=export, agrees=False, answer=" ", by=demo_users[READER], now=now())
        decide_export(export=export, agrees=False, answer="Not needed.", by=demo_users[READER], now=now())
    with acting_as(demo_users[A]):
        found = Export.objects.visible_to(demo_users[A]).get(pk=export.pk)
        assert (found.state, found.answer) == ("refused", "Not needed.")
    short_day(monkeypatch, 1)
    assert asked(demo_users, find=NAME).state == "queued"


@pytest.mark.django_db
def test_nobody_approves_an_export_of_another_organisation_or_their_own(case, demo_users, monkeypatch):
    factories.a_supervisor(READER, "NGO_A")
    factories.a_supervisor(A, "NGO_A")
    other = factories.a_supervisor(B, "NGO_B")
    short_day(monkeypatch, 0)
    export = asked(demo_users, find=NAME)
    for username in (B, IOM, A):
        with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
            decide_export(export=export, agrees=True, answer="", by=demo_users[username], now=now())
    for username in (B, IOM):
        with acting_as(demo_users[username]):
            assert Export.objects.visible_to(demo_users[username]).filter(pk=export.pk).count() == 0
            assert Export.objects.filter(pk=export.pk).count() == 0
    assert other.pk != export.requested_by_id


@pytest.mark.django_db
def test_without_an_approver_the_request_is_refused(case, demo_users, monkeypatch):
    Membership.objects.filter(user=demo_users["ngo_a_supervisor"]).update(
        ends_on=now().date() - timedelta(days=1)
    )
    short_day(monkeypatch, 0)
    with acting_as(demo_users[A]), pytest.raises(ValidationError, match="nobody there may"):
        factories.asked_export(demo_users[A], find=NAME)


@pytest.mark.django_db
@pytest.mark.parametrize("username", [READER, "ngo_a_focal_point", "iom_approver", "auditor", "researcher"])
def test_who_may_not_export(case, demo_users, username):
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        factories.asked_export(demo_users[username], find=NAME)


def _ask_at_once() -> list[str]:
    """Ask for the same export from many connections at once; return the outcome of each."""

    def once(_number: int) -> str:
        try:
            user = User.objects.get(username=A)
            with acting_as(user):
                return factories.asked_export(user).state
        except (ValidationError, IntegrityError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(once, range(TRIES)))


@pytest.fixture
def many(committed, demo_users) -> int:
    """Return so many rows in the first NGO's list that a day allows only a few exports of them."""
    factories.a_supervisor(READER, "NGO_A")
    with acting_as(demo_users[A]):
        found = exporting.kinds["cases"].rows(
            demo_users[A], factories.organisation("NGO_A").pk, {}, now().date()
        )
        rows = found.count()
        for _ in range(max(45 - rows, 0)):
            factories.a_case(demo_users[A])
        return max(rows, 45)


def test_twenty_exports_requested_at_once_stay_within_the_days_rows(many, committed, owner):
    results = _ask_at_once()
    within = rules.EXPORT_ROWS_A_DAY // many
    assert 0 < within < TRIES
    assert (results.count("queued"), results.count("waiting")) == (within, TRIES - within)
    owner.execute("SELECT sum(counted_rows) FROM beneficiaries_export WHERE NOT needs_approval")
    assert owner.fetchone() == (within * many,)


def test_without_the_locks_the_days_rows_are_exceeded(many, committed, owner, monkeypatch):
    """The positive control: without trigger and lock more rows are exported than one user may."""
    owner.execute("DROP TRIGGER export_starts ON beneficiaries_export")
    monkeypatch.setattr(exporting, "_one_after_the_other", lambda by: None)
    assert _ask_at_once().count("queued") > rules.EXPORT_ROWS_A_DAY // many


def test_without_pythons_lock_the_database_refuses_too_many_rows(many, committed, monkeypatch):
    monkeypatch.setattr(exporting, "_one_after_the_other", lambda by: None)
    results = _ask_at_once()
    assert results.count("queued") == rules.EXPORT_ROWS_A_DAY // many


# ---- what has changed since it was asked for


@pytest.mark.django_db
def test_a_beneficiary_who_withdrew_consent_is_not_in_the_file(case, demo_users):
    with acting_as(demo_users[A]):
        other = factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))
    export = asked(demo_users, find=NAME)
    with acting_as(demo_users[A]):
        consent = Consent.objects.visible_to(demo_users[A]).get(case=case, purpose="services")
        withdraw_consent(consent=consent, by=demo_users[A], now=now())
    export = written(demo_users, export)
    assert (export.counted_rows, export.written_rows) == (2, 1)
    assert [line["Reference"] for line in rows_of(demo_users, export)] == [other.reference]


@pytest.mark.django_db
def test_a_case_that_is_no_longer_shared_is_not_in_the_file(case, demo_users):
    with acting_as(demo_users[A]):
        consent = factories.share_with_iom(case, demo_users[A])
    with acting_as(demo_users[IOM]):
        own = factories.a_case(demo_users[IOM], "IOM", details=factories.beneficiary_details(first_name=NAME))
    export = asked(demo_users, IOM, "IOM", find=NAME)
    assert export.counted_rows == 2
    with acting_as(demo_users[A]):
        withdraw_consent(consent=consent, by=demo_users[A], now=now())
    exported = rows_of(demo_users, written(demo_users, export, IOM), IOM)
    assert [line["Reference"] for line in exported] == [own.reference]


@pytest.mark.django_db
def test_where_no_row_is_left_there_is_no_file(case, demo_users):
    export = asked(demo_users, find=NAME)
    with acting_as(demo_users[A]):
        consent = Consent.objects.visible_to(demo_users[A]).get(case=case, purpose="services")
        withdraw_consent(consent=consent, by=demo_users[A], now=now())
    assert (written(demo_users, export).state, seen(demo_users, export).failure) == ("failed", "no_rows")


def _leave(user) -> None:
    yesterday = now().date() - timedelta(days=1)
    Membership.objects.filter(user=user).update(starts_on=yesterday, ends_on=yesterday)


def _lose_permission(user) -> None:
    role = user.memberships.get().role
    tailor_role(role=role, codenames=["read_cases", "write_cases"], by=None, now=now())


def _lose_reading(user) -> None:
    tailor_role(role=user.memberships.get().role, codenames=["export_cases"], by=None, now=now())


def _close(user) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.django_db
@pytest.mark.parametrize("loses", [_leave, _lose_permission, _lose_reading, _close])
def test_a_user_who_may_no_longer_export_gets_no_file(case, demo_users, loses):
    export = asked(demo_users, find=NAME)
    loses(demo_users[A])
    assert write_next_export(now=now())
    assert not write_next_export(now=now())
    with connection.cursor() as cursor:
        User.objects.filter(username=A).update(is_active=True)
        cursor.execute("SELECT access.enter(%s)", [export.requested_by_id])
    found = Export.objects.get(pk=export.pk)
    assert (found.state, found.failure) == ("failed", "no_right")
    assert files_on_disk() == []


@pytest.mark.django_db
def test_more_rows_than_were_counted_make_no_file(case, demo_users, sign_in):
    export = asked(demo_users, find=NAME)
    with acting_as(demo_users[A]):
        factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))
    assert (written(demo_users, export).state, seen(demo_users, export).failure) == ("failed", "more_rows")
    assert len(notices(demo_users, A, f"export-failed:{export.pk}")) == 1
    page = text_of(sign_in(A).get(f"/exports/{export.reference}/"))
    assert "The list has more rows now than when you asked. Ask again." in page
    assert asked(demo_users, find=NAME).counted_rows == 2


# ---- the worker


@pytest.mark.django_db
def test_an_export_is_written_once(case, demo_users):
    export = asked(demo_users, find=NAME)
    assert write_next_export(now=now())
    assert not write_next_export(now=now())
    assert seen(demo_users, export).state == "ready"
    assert len(notices(demo_users, A, f"export-ready:{export.pk}")) == 1


@pytest.mark.django_db
def test_the_export_of_a_worker_that_died_is_written_by_the_next(case, demo_users):
    export, at = asked(demo_users, find=NAME), now() - LONG_AGO
    assert exporting._claim(at) is not None  # and its worker dies
    assert not write_next_export(now=at + rules.EXPORT_LEASE / 2)
    assert written(demo_users, export, at=at + rules.EXPORT_LEASE).state == "ready"


@pytest.mark.django_db
def test_a_slow_worker_does_not_overwrite_the_next_ones_file(case, demo_users):
    export, at = asked(demo_users, find=NAME), now() - LONG_AGO
    slow = exporting._claim(at)
    assert written(demo_users, export, at=at + rules.EXPORT_LEASE).state == "ready"
    data, _password = file_of(demo_users, export)
    with pytest.raises((RuntimeError, IntegrityError)), transaction.atomic():
        exporting._write(slow, at)
    assert file_of(demo_users, export)[0] == data
    assert len(files_on_disk()) == 1


@pytest.mark.django_db
def test_an_export_that_fails_repeatedly_is_given_up(case, demo_users, monkeypatch):
    export, at = asked(demo_users, find=NAME), now() - LONG_AGO

    def broken(plain, password):
        raise OSError("no space")

    monkeypatch.setattr(spreadsheets, "encrypted", broken)
    for number in range(rules.EXPORT_TRIES):
        assert write_next_export(now=at + number * rules.EXPORT_LEASE)
        assert seen(demo_users, export).state == "queued", "until its lease is over"
    assert write_next_export(now=at + rules.EXPORT_TRIES * rules.EXPORT_LEASE)
    assert (seen(demo_users, export).state, seen(demo_users, export).failure) == ("failed", "tried")


def test_workers_side_by_side_never_take_the_same_one(committed, demo_users):
    with acting_as(demo_users[A]):
        factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))
    exports = [asked(demo_users, find=NAME) for _ in range(4)]

    def sweep(_number: int) -> int:
        try:
            return sum(1 for _ in iter(lambda: write_next_export(now=now()), False))
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(sweep, range(3))) == len(exports)
    assert {seen(demo_users, export).state for export in exports} == {"ready"}
    assert len(files_on_disk()) == len(exports)


def test_after_a_day_file_and_password_are_destroyed(committed, demo_users, owner, sign_in):
    with acting_as(demo_users[A]):
        factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))
    export = written(demo_users, asked(demo_users, find=NAME))
    owner.execute("SELECT id FROM beneficiaries_exportfile")
    (key,) = owner.fetchone()
    assert not expire_next_export(now=now())
    assert not expire_next_export(now=now() + rules.EXPORT_LIVES), "no file is over because a caller says so"
    owner.execute("UPDATE beneficiaries_exportfile SET until = now() - interval '1 second'")
    owner.execute("SET ROLE iom_functions")
    owner.execute("UPDATE beneficiaries_export SET ready_at = now() - interval '1 day', expires_at = now()")
    owner.execute("RESET ROLE")
    client = sign_in(A)
    assert client.get(f"/exports/{export.reference}/file/").status_code == 404  # before any sweep
    assert expire_next_export(now=now())
    assert not expire_next_export(now=now())
    assert files_on_disk() == []
    owner.execute(
        "SELECT wrapped, destroyed_at IS NOT NULL FROM core_datakey WHERE subject_id = %s", [str(key)]
    )
    assert owner.fetchone() == (None, True)
    page = text_of(client.get(f"/exports/{export.reference}/"))
    assert "Ended: the file is deleted" in page
    assert "/file/" not in page
    assert events(owner, export) == [
        ("export asked", "1"),
        ("export written", "1"),
        ("export expired", None),
        ("export read", None),
    ]

"""The page of an export: for its requester only, after a recent proof, for a day; and what the database
refuses to everyone past the pages.
"""

import time
import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils.html import escape

from accounts.operations.users import tailor_role
from accounts.session_store import ABOUT
from beneficiaries.models import Export
from core.clock import now
from core.context import acting_as, as_nobody
from tests import factories
from tests.addresses import patterns
from tests.beneficiaries.test_exports import (
    IOM,
    NAME,
    READER,
    A,
    B,
    asked,
    file_of,
    notices,
    seen,
    short_day,
    written,
)
from tests.beneficiaries.test_exports import case as case
from tests.core.test_spreadsheets import opened
from tests.pages import submit, text_of, visit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
NOT_THERE = "/exports/ZZZZ-ZZZ-Z/"
LIST_QUERIES = 10


@pytest.fixture
def export(case, demo_users) -> Export:
    return written(demo_users, asked(demo_users, find=NAME))


def page_of(export: Export, part: str = "") -> str:
    return f"/exports/{export.reference}/{part}"


def long_ago(client) -> None:
    """Let the proof of identity expire while the session goes on."""
    session = client.session
    session[ABOUT] = session[ABOUT] | {"proven_at": 0}
    session.save()


def test_an_export_is_requested_on_the_list_and_downloaded_by_its_requester(case, demo_users, sign_in):
    client = sign_in(A)
    shown = visit(client, f"/cases/?find={NAME}&status=active")
    token = shown.wsgi_request.GET["q"]
    address = f"/exports/new/cases/?status=active&q={token}"
    assert f'href="{escape(address)}"' in text_of(shown)
    assert NAME not in shown.wsgi_request.get_full_path()
    answer = submit(client, address, {"reason": "For the yearly meeting."})
    assert "It will be ready in a minute or two." in text_of(answer)
    with acting_as(demo_users[A]):
        export = Export.objects.visible_to(demo_users[A]).get()
        assert (export.filters, export.reason) == (
            {"find": NAME, "status": "active"},
            "For the yearly meeting.",
        )
    assert "Refresh" in text_of(client.get(page_of(export)))
    written(demo_users, export)
    page = text_of(client.get(page_of(export)))
    assert page_of(export, "file/") in page
    _data, password = file_of(demo_users, export)
    assert password not in page
    assert password in text_of(client.get(page_of(export, "password/")))
    answer = client.get(page_of(export, "file/"))
    assert answer["Content-Disposition"] == f'attachment; filename="cases-{export.reference}.xlsx"'
    assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert opened(answer.content, password).worksheets[1]["A2"].value == case.reference
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.enter(%s)", [demo_users["auditor"].pk])
        cursor.execute(
            "SELECT verb, detail->>'count' FROM core_auditevent WHERE object_id = %s AND verb LIKE 'export %%'",
            [export.pk],
        )
        events = cursor.fetchall()
    assert {("export asked", "1"), ("export written", "1"), ("export fetched", "1")} <= set(events)
    assert ("export password read", None) in events


@pytest.mark.parametrize("part", ["", "password/", "file/"])
def test_an_exports_page_is_for_its_requester_only(export, demo_users, sign_in, part):
    factories.a_supervisor(READER, "NGO_A")
    for username in (B, IOM, "ngo_a_focal_point", "auditor", "administrator", *([READER] if part else [])):
        client = sign_in(username)
        answer, missing = client.get(page_of(export, part)), client.get(f"{NOT_THERE}{part}")
        assert (answer.status_code, answer.content) == (404, missing.content), username
    assert sign_in(A).get(page_of(export, part)).status_code == 200


def test_the_signed_out_are_sent_to_sign_in(export, client):
    for part in ("", "password/", "file/"):
        answer = client.get(page_of(export, part))
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_requesting_and_downloading_need_a_recent_proof(export, sign_in):
    client = sign_in(A)
    long_ago(client)
    assert client.get(page_of(export)).status_code == 200
    for address in ("/exports/new/cases/", page_of(export, "password/"), page_of(export, "file/")):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/confirm/")
    answer = client.post("/exports/new/cases/", {"reason": "x", "form_key": str(uuid.uuid4())})
    assert answer["Location"].startswith("/accounts/confirm/")


def test_a_user_who_may_no_longer_export_downloads_nothing(export, demo_users, sign_in):
    tailor_role(role=demo_users[A].memberships.get().role, codenames=["read_cases"], by=None, now=now())
    client = sign_in(A)
    assert client.get(page_of(export)).status_code == 200
    for part in ("password/", "file/"):
        assert client.get(page_of(export, part)).status_code == 404


def test_an_expired_export_cannot_be_downloaded(case, demo_users, sign_in):
    export = written(
        demo_users, asked(demo_users, find=NAME), at=now() - timedelta(hours=24) + timedelta(seconds=1)
    )
    time.sleep(1)
    assert export.state == "ready"
    client = sign_in(A)
    with connection.cursor() as cursor:
        cursor.execute("SELECT export FROM access.expire_export(%s)", [now()])
        assert cursor.fetchone() == (export.pk,)
    for part in ("password/", "file/"):
        assert client.get(page_of(export, part)).status_code == 404
    assert "Ended: the file is deleted" in text_of(client.get(page_of(export)))


def test_an_approver_sees_rows_and_reason_and_neither_file_nor_password(
    case, demo_users, sign_in, monkeypatch
):
    factories.a_supervisor(READER, "NGO_A")
    short_day(monkeypatch, 0)
    export = asked(demo_users, find=NAME, district="302")
    client = sign_in(READER)
    assert page_of(export) in text_of(client.get("/exports/"))
    page = text_of(client.get(page_of(export)))
    for word in ("For the yearly meeting.", "Sindhupalchok", "a name, telephone number or reference"):
        assert word in page
    assert NAME not in page
    refused = submit(client, page_of(export), {"agrees": "no", "answer": ""})
    assert "Say why you refuse." in text_of(refused)
    submit(client, page_of(export), {"agrees": "yes", "answer": ""})
    assert written(demo_users, export).state == "ready"
    assert "/file/" not in text_of(client.get(page_of(export)))
    assert client.post(page_of(export), {"agrees": "no", "answer": "x"}).status_code == 403
    assert "/file/" in text_of(sign_in(A).get(page_of(export)))
    _data, password = file_of(demo_users, export)
    for username in (A, READER):
        assert not any(password in text for text in notices(demo_users, username, "export"))


def test_pages_are_in_nepali(export, sign_in):
    client = sign_in(A)
    client.cookies["django_language"] = "ne"
    for address in ("/exports/", "/exports/new/cases/", page_of(export), page_of(export, "password/")):
        page = text_of(client.get(address))
        assert '<html lang="ne"' in page
        for english in ("Export", "Requested", "Password", "Deleted", "State"):
            assert english not in page, (address, english)


@pytest.mark.parametrize("more", [0, 2])
def test_the_list_of_exports_has_the_same_query_count_for_one_and_for_three(
    case, demo_users, sign_in, django_assert_num_queries, more
):
    client = sign_in(A)
    for _ in range(1 + more):
        asked(demo_users, find=NAME)
    client.get("/exports/")
    with django_assert_num_queries(LIST_QUERIES):
        client.get("/exports/")


# ---- past the pages


def raw(demo_users, username: str, statement: str, *values) -> int:
    """Return the rows that a statement changes, sent as this user."""
    with acting_as(demo_users[username]), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def test_the_database_shows_file_and_password_to_the_requester_only(export, demo_users):
    rows = "SELECT 1 FROM beneficiaries_export"
    assert raw(demo_users, READER, rows) == 0
    factories.a_supervisor(READER, "NGO_A")
    file = "SELECT 1 FROM beneficiaries_exportfile"
    shown = {username: raw(demo_users, username, file) for username in (A, READER, B, IOM, "auditor")}
    assert shown == {A: 1, READER: 0, B: 0, IOM: 0, "auditor": 0}
    shown = {username: raw(demo_users, username, rows) for username in (A, READER, B, IOM, "auditor")}
    assert shown == {A: 1, READER: 1, B: 0, IOM: 0, "auditor": 0}


@pytest.mark.parametrize(
    "change",
    [
        "state = 'queued', decided_by_id = access.user_id(), decided_at = now(), counted_rows = counted_rows + 1",
        "state = 'queued', decided_by_id = requested_by_id, decided_at = now()",
        "state = 'ready', decided_by_id = access.user_id(), decided_at = now(), written_rows = 1, ready_at = now(), "
        "expires_at = now() + interval '1 day'",
        "state = 'queued', decided_by_id = access.user_id(), decided_at = now(), attempts = 9",
        "requested_by_id = access.user_id()",
        "filters = ''",
    ],
)
def test_an_approver_changes_nothing_but_the_answer(case, demo_users, monkeypatch, change):
    factories.a_supervisor(READER, "NGO_A")
    short_day(monkeypatch, 0)
    export = asked(demo_users, find=NAME)
    with pytest.raises(DatabaseError, match=r"export keeps what was asked for|row-level security"):
        with transaction.atomic():
            raw(demo_users, READER, f"UPDATE beneficiaries_export SET {change}")
    assert raw(demo_users, A, "UPDATE beneficiaries_export SET state = 'queued'") == 0
    assert seen(demo_users, export).state == "waiting"


def test_nobody_deletes_an_export(export, demo_users):
    for table in ("beneficiaries_exportfile", "beneficiaries_export"):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            raw(demo_users, A, f"DELETE FROM {table}")


def an_export(demo_users, **changes) -> Export:
    given = {
        "reference": "K7QM-4XW-T",
        "kind": "cases",
        "organisation": factories.organisation("NGO_A"),
        "requested_by": demo_users[A],
        "reason": "For the yearly meeting.",
        "counted_rows": 1,
        "needs_approval": False,
        "state": "queued",
        "asked_at": now(),
    }
    return Export(**given | changes)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"counted_rows": 0}, "has_rows"),
        ({"reason": ""}, "has_reason"),
        ({"state": "waiting"}, "long_one_is_decided"),
        ({"needs_approval": True}, "long_one_is_decided"),
        ({"failure": "tried"}, "failed_says_why"),
        ({"written_rows": 1}, "written_says_how_much"),
        ({"expires_at": now()}, "written_says_how_much"),
        ({"lease_until": now(), "state": "waiting", "needs_approval": True}, "held_while_queued"),
        ({"state": "ready"}, "starts as|starts with"),
        ({"token": uuid.UUID(int=1)}, "starts with"),
        ({"counted_rows": 201}, "more rows than one user"),
    ],
)
def test_each_constraint_of_an_export_refuses_a_wrong_row(demo_users, changes, name):
    with acting_as(demo_users[A]), pytest.raises(IntegrityError, match=name), transaction.atomic():
        an_export(demo_users, **changes).save(force_insert=True)


def test_an_export_is_requested_in_ones_own_name_and_organisation(demo_users):
    for changes in ({"requested_by": demo_users[READER]}, {"organisation": factories.organisation("NGO_B")}):
        with acting_as(demo_users[A]), pytest.raises(DatabaseError), transaction.atomic():
            an_export(demo_users, **changes).save(force_insert=True)
    with acting_as(demo_users[READER]), pytest.raises(DatabaseError, match="row-level"), transaction.atomic():
        an_export(demo_users, requested_by=demo_users[READER]).save(force_insert=True)


def test_the_database_says_on_which_day_an_export_was_requested(demo_users):
    """With days of the caller's choice, 8,000 rows were exported without approval."""
    with acting_as(demo_users[A]):
        an_export(demo_users, counted_rows=150, asked_at=now() - timedelta(days=40)).save(force_insert=True)
        assert Export.objects.get(counted_rows=150).asked_at > now() - timedelta(minutes=5)
        for days in (-1, 1, 41):
            other = an_export(
                demo_users, reference="SH4K-9TQ-X", counted_rows=51, asked_at=now() - timedelta(days=days)
            )
            with pytest.raises(IntegrityError, match="more rows than one user"), transaction.atomic():
                other.save(force_insert=True)


def test_only_the_user_who_asked_or_nobody_settles_an_export(demo_users):
    with acting_as(demo_users[A]):
        an_export(demo_users).save(force_insert=True)
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT id, token FROM access.claim_export(now(), '1 minute')")
        claim = cursor.fetchone()
    for username, settled in ((READER, False), (A, True)):
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            cursor.execute("SELECT access.settle_export(%s, %s, now(), 0, NULL, 'tried')", claim)
            assert cursor.fetchone() == (settled,), username


def test_an_exports_reference_is_unique(demo_users):
    with acting_as(demo_users[A]):
        an_export(demo_users).save(force_insert=True)
        with pytest.raises(IntegrityError, match="reference_once"), transaction.atomic():
            an_export(demo_users).save(force_insert=True)


def test_a_token_gives_no_export():
    """A program can't export: the API has no address for it."""
    assert [route for name, route in patterns() if name.startswith("api:") and "export" in route] == []


@pytest.mark.parametrize("query", ["find=%00", "district=%00", "status=nothing", "find=" + 101 * "x"])
def test_an_export_ignores_filters_that_the_list_ignores(demo_users, sign_in, query):
    client = sign_in("ngo_a_caseworker")
    shown = visit(client, f"/cases/?{query}")
    assert shown.status_code == 200
    page = submit(
        client,
        f"/exports/new/cases/?{shown.wsgi_request.GET.urlencode()}",
        {"reason": "For the committee."},
    )
    assert "The export is requested." in text_of(page)
    with acting_as(demo_users["ngo_a_caseworker"]):
        assert Export.objects.visible_to(demo_users["ngo_a_caseworker"]).latest("asked_at").filters == {}

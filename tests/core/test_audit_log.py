"""The audit log: read by IOM's auditor only, in words and without names; reading it is recorded."""

import ast
import re
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import translation

from accounts.models import Membership, Role
from accounts.operations.users import save_membership, tailor_role
from accounts.queries import audit_events
from core import audit
from core.clock import now
from core.context import acting_as, enter
from core.models import AuditEvent
from reintegration.demo import DEMO_USERS
from tests import factories
from tests.api.program import Program
from tests.pages import text_of, visit
from tests.repository.test_habits import sources

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
LOG_QUERIES = 10


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_auditevent")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("username", DEMO_USERS)
def test_only_the_auditor_reads_the_audit_log(demo_users, username):
    """By SQL, past Python."""
    with acting_as(demo_users[username]):
        audit.record(by=demo_users[username], verb="case file read", now=now())
        assert (count() > 0) == (username == "auditor")
        assert (audit_events(demo_users[username]).count() > 0) == (username == "auditor")
        with connection.cursor() as cursor:
            for statement in ("UPDATE core_auditevent SET verb = 'x'", "DELETE FROM core_auditevent"):
                with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                    cursor.execute(statement)


def test_without_a_user_no_row_is_read(demo_users):
    enter(None)
    assert count() == 0


def test_a_partners_auditor_reads_nothing(demo_users, sign_in):
    user = demo_users["ngo_a_reader"]
    role = Role.objects.get(organisation__code="NGO_A", code="auditor")
    save_membership(membership=Membership(user=user, role=role, starts_on=now().date()), by=None, now=now())
    with acting_as(user):
        assert count() == 0
    assert sign_in("ngo_a_reader").get("/audit/").status_code == 403


def test_an_auditor_whose_role_ended_reads_nothing(demo_users, sign_in):
    role = Role.objects.get(organisation__code="IOM", code="auditor")
    tailor_role(role=role, codenames=[], by=None, now=now())
    with acting_as(demo_users["auditor"]):
        assert count() == 0
    assert sign_in("auditor").get("/audit/").status_code == 403


def test_a_case_is_looked_up_for_the_auditor_alone(demo_users):
    with acting_as(demo_users["ngo_a_caseworker"]):
        case = factories.a_case(demo_users["ngo_a_caseworker"])
    for username in DEMO_USERS:
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM access.references_in_log(%s::uuid[])", [[str(case.pk)]])
            found = cursor.fetchall()
            cursor.execute("SELECT access.case_in_log(%s)", [case.reference])
            key = cursor.fetchone()[0]
        if username == "auditor":
            assert (found, key) == ([(case.pk, case.reference)], case.pk)
        else:
            assert (found, key) == ([], None)


@pytest.fixture
def case(demo_users, sign_in):
    """Return a case whose file was read by its caseworker and denied to somebody else."""
    with acting_as(demo_users["ngo_a_caseworker"]):
        case = factories.a_case(demo_users["ngo_a_caseworker"])
    sign_in("ngo_a_caseworker").get(f"/cases/{case.reference}/")
    sign_in("ngo_b_caseworker").get(f"/cases/{case.reference}/?find=Sunita")
    sign_in("ngo_b_caseworker").get("/cases/Sunita Tamang/")
    return case


def test_the_page_shows_events_in_words_and_nobodys_name(case, sign_in):
    page = text_of(sign_in("auditor").get("/audit/"))
    assert "Read a case file" in page
    assert "Was not allowed" in page
    assert "address: cases/&lt;str:reference&gt;/" in page
    assert case.reference in page
    assert "ngo_b_caseworker" in page
    assert not [word for word in ("Sunita", "Tamang", "सुनिता", "Maya", "Gurung", "Nima") if word in page]


def test_reading_the_log_is_in_the_log(case, sign_in):
    client = sign_in("auditor")
    assert "Read the audit log" not in re.sub(r"<option.*?</option>", "", text_of(client.get("/audit/")))
    visit(client, f"/audit/?reference={case.reference}")
    page = re.sub(r"<option.*?</option>", "", text_of(client.get("/audit/", {"verb": "log read"})))
    assert page.count("Read the audit log") == 2
    assert "filters: reference" in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"username": "ngo_a_caseworker", "verb": "case file read"}, 1),
        ({"username": "no-such-person"}, 0),
        ({"verb": "case file read"}, 1),
        ({"reference": "the case", "verb": "case file read"}, 1),
        ({"reference": "ZZZZ-ZZZ-Z"}, 0),
        ({"reference": "K7QM-4XW-T"}, 0),
        ({"first_on": "today", "verb": "case file read"}, 1),
        ({"last_on": "yesterday", "verb": "case file read"}, 0),
        ({"first_on": "tomorrow"}, 0),
    ],
)
def test_filters(case, sign_in, asked, found):
    today = now().date()
    worded = {
        "the case": case.reference,
        "today": today.isoformat(),
        "yesterday": (today - timedelta(days=1)).isoformat(),
        "tomorrow": (today + timedelta(days=1)).isoformat(),
    }
    page = text_of(
        visit(
            sign_in("auditor"),
            "/audit/?" + urlencode({name: worded.get(text, text) for name, text in asked.items()}),
        )
    )
    assert page.count('<th scope="row"') == found


def test_an_invalid_filter_is_ignored_with_a_message(case, sign_in):
    page = text_of(sign_in("auditor").get("/audit/", {"first_on": "soon", "after": "no mark"}))
    assert "govuk-error-message" in page
    assert '<th scope="row"' in page


def test_pages_follow_each_other_without_a_gap(demo_users, sign_in):
    with acting_as(demo_users["auditor"]):
        AuditEvent.objects.bulk_create(
            [
                AuditEvent(at=now() + timedelta(days=1), verb="case file read", detail={"count": n})
                for n in range(120)
            ]
        )
    client, seen, where = sign_in("auditor"), [], "?verb=case+file+read"
    while where:
        page = text_of(client.get(f"/audit/{where}"))
        seen += re.findall(r"how many: (\d+)", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        where = following[1].replace("&amp;", "&") if following else ""
    assert sorted(map(int, seen)) == list(range(120))


def test_the_log_has_the_same_query_count_for_one_event_and_for_three(
    case, sign_in, demo_users, django_assert_num_queries
):
    client = sign_in("auditor")
    client.get("/audit/")
    with django_assert_num_queries(LOG_QUERIES):
        client.get("/audit/", {"verb": "case file read"})
    for username in ("iom_finance", "iom_approver"):
        with acting_as(demo_users[username]):
            audit.record(by=demo_users[username], verb="case file read", case_id=case.pk, now=now())
    with django_assert_num_queries(LOG_QUERIES):
        client.get("/audit/", {"verb": "case file read"})


def test_every_verb_has_words():
    """Each `verb=` in the source; one that is put together would have to be listed by hand."""
    found = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_verb = isinstance(node, ast.keyword) and node.arg == "verb"
            if is_verb and isinstance(node.value, ast.Constant):
                found.add(node.value.value)
    assert found <= set(audit.event_texts())
    assert {"referral accepted", "referral declined"} <= set(audit.event_texts())


def test_no_two_models_declare_one_verb():
    declared = [verb for model in apps.get_models() for verb in getattr(model, "audit_events", {})]
    assert sorted(declared) == sorted(audit.event_texts())


def test_details_are_shown_without_values_about_users():
    someone = uuid.uuid4()
    detail = audit.shown_detail(
        {
            "status": 404,
            "path": "/cases/K7QM-4XW-T/",
            "items": ["Her telephone"],
            "user": str(someone),
            "given": True,
            "note": "Sunita called.",
        }
    )
    assert detail == {"status": 404, "path": "cases/<str:reference>/", "user": someone, "given": True}
    assert audit.shown_detail({"path": "/cases/Sunita Tamang/at home/"}) == {"path": "–"}


def test_the_words_are_in_nepali_too():
    with translation.override("ne"):
        assert not [verb for verb, text in audit.event_texts().items() if re.search("[a-z]{3}", str(text))]


# --- the API


def test_the_api_gives_the_auditor_events_and_everybody_else_none(case, demo_users):
    for username in DEMO_USERS:
        answer = Program(demo_users[username]).get("audit-events/")
        assert answer.status_code == 200
        assert bool(answer.json()["results"]) == (username == "auditor")
    row = Program(demo_users["auditor"]).get("audit-events/?verb=case+file+read").json()["results"][0]
    assert (row["verb"], row["case"], row["actor"]) == (
        "case file read",
        str(case.pk),
        str(demo_users["ngo_a_caseworker"].pk),
    )
    assert Program(demo_users["auditor"]).get(f"audit-events/{row['id']}/").json() == row
    assert Program(demo_users["iom_supervisor"]).get(f"audit-events/{row['id']}/").status_code == 404


def test_the_api_records_that_the_log_was_read(case, demo_users):
    Program(demo_users["auditor"]).get("audit-events/?verb=denied")
    read = Program(demo_users["auditor"]).get("audit-events/?verb=log+read").json()["results"]
    assert [row["detail"] for row in read] == [{"filters": ["verb"]}]


ODD_DETAILS = ['{"user": "not-a-key"}', '{"user": 5}', '{"user": null}', "[]", '"words"', "null"]


@pytest.mark.parametrize("detail", ODD_DETAILS)
def test_the_database_takes_no_detail_that_the_log_could_not_show(demo_users, detail):
    for entered in ("ngo_a_caseworker", None):
        with pytest.raises(IntegrityError, match="core_auditevent_detail"), transaction.atomic():
            enter(demo_users[entered].pk if entered else None)
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO core_auditevent (id, at, verb, object_type, detail) "
                    "VALUES (gen_random_uuid(), now(), 'tried', '', %s)",
                    [detail],
                )

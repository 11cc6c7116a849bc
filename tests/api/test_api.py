"""The API: tokens, scope, writes, ids, pages, problems and schema."""

import hashlib
import json
import uuid
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Q
from django.test import Client
from django.urls import reverse
from drf_spectacular.validation import validate_schema
from rest_framework import exceptions, serializers

from accounts.models import ApiToken, User
from accounts.operations import create_api_token, revoke_api_tokens, save_user
from api.bodies import LARGEST
from api.problems import Conflict, as_api_errors
from api.resources import RESOURCES
from api.schema import document
from api.serializers.base import NoInput
from beneficiaries.models import Beneficiary, Case, Consent
from core import policies
from core.clock import now
from core.context import acting_as, entered_as
from projects.facts import FACTS
from projects.models import BudgetLine, LedgerEntry
from reintegration.demo import DEMO_USERS
from reintegration.models import FollowUp, Grant, Instalment
from tests import factories
from tests.repository.test_look import inline_in

pytestmark = pytest.mark.django_db
A, B, READER, A_SUPERVISOR = "ngo_a_caseworker", "ngo_b_caseworker", "ngo_a_reader", "ngo_a_supervisor"
SUPERVISOR, APPROVER, FINANCE = "iom_supervisor", "iom_approver", "iom_finance"
ROOT = "/api/v1/"
MISSING = uuid.UUID(int=7)
TOKEN, NUMBER = "Kanari", "980-4417123"
WORKING = {
    *(
        "beneficiaries",
        "identity-documents",
        "consents",
        "screenings",
        "assessments",
        "documents",
        "plans",
        "follow-ups",
        "reminders",
    ),
    *("referrals", "transfers", "risk-assessments"),
}
WITH_SUMMARY_ACCESS = {"cases", "enrolments", "grants", "instalments"}
OPEN = {"organisations", "projects", "criteria", "indicators"}
LOG = {"audit-events"}  # the auditor's alone: tests/core/test_audit_log.py
KINDS = {kind.path: kind for kind in RESOURCES}


class Program:
    """A program with one user's token."""

    def __init__(self, user) -> None:
        self.client, self.user = Client(), user
        _token, self.text = create_api_token(user=user, name="test", by=None, now=now())

    def _headers(self, more: dict) -> dict:
        return {"Authorization": f"Token {self.text}", **more}

    def get(self, path: str, query: dict | None = None, **headers):
        address = path if path.startswith("/") else ROOT + path
        return self.client.get(address, query, headers=self._headers(headers))

    def asks(self, method: str, path: str):
        return self.client.generic(method, f"{ROOT}{path}", headers=self._headers({}))

    def post(self, path: str, body=None, *, raw: bytes | None = None, kind="application/json", **headers):
        sent = raw if raw is not None else json.dumps(body if body is not None else {}).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{ROOT}{path}", sent, content_type=kind, headers=self._headers(names))

    def patch(self, path: str, body):
        return self.client.patch(
            f"{ROOT}{path}", json.dumps(body), content_type="application/json", headers=self._headers({})
        )

    def keys(self, path: str, **query) -> list[str]:
        """Return all ids of a list, page after page."""
        found, response = [], self.get(f"{path}/", {"page_size": 200, **query})
        while True:
            assert response.status_code == 200, response.content
            found += [row["id"] for row in response.json()["results"]]
            if response.json()["next"] is None:
                return found
            response = self.get(response.json()["next"].removeprefix("http://testserver"))


@pytest.fixture
def program(demo_users):
    return lambda username: Program(demo_users[username])


@pytest.fixture
def whole_case(demo_users) -> Case:
    """Return a case of the first NGO with a row in every resource and a token in each text about the
    beneficiary.
    """
    by = demo_users[A]
    person = factories.beneficiary_details(
        first_name=f"{TOKEN}First", second_name=f"{TOKEN}Second", phone=NUMBER, home_place=TOKEN
    )
    with acting_as(by):
        situation = factories.a_situation(narrative=f"{TOKEN}Narrative", needs=f"{TOKEN}Needs")
        case = factories.a_case(by, details=person, situation=situation)
        grant = factories.requested(factories.planned(case, by), by)
        factories.a_document(case, by, title=TOKEN)
        factories.an_identity_document(case, by, number=f"{TOKEN}1")
        third = factories.a_third_ngo()
        factories.referred(case, by, third, reason=TOKEN)
        factories.offered(case, by, third.code, reason=TOKEN)
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    return case


def key_in(path: str, case: Case, user) -> str:
    """Return the id of a row of this case in a resource, as its caseworker finds it; of the log, as the
    auditor.
    """
    if path in LOG:
        user = User.objects.get(username="auditor")
    with acting_as(user):
        rows = KINDS[path].rows(user)
        if path == "beneficiaries":
            return str(rows.get(pk=case.beneficiary_id).pk)
        if path == "identity-documents":
            return str(rows.get(beneficiary=case.beneficiary_id).pk)
        return str(rows.filter(**{"pk" if path == "cases" else "case_id": case.pk})[0].pk)


def problem_of(response) -> dict:
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == response.status_code
    return problem


def fields_of(response) -> set[str]:
    return {error["field"] for error in problem_of(response)["errors"]}


# Tokens and sessions


def test_the_command_prints_a_token_once_and_the_database_stores_its_digest(demo_users, client):
    out = StringIO()
    call_command("create_api_token", A, stdout=out)
    text = out.getvalue().strip()
    assert len(text) == 43
    token = ApiToken.objects.visible_to(demo_users[A]).get()
    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert token.expires_on == now().date() + timedelta(days=90)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM accounts_apitoken t")
        assert text not in str(cursor.fetchall())
    answer = client.get(f"{ROOT}cases/", headers={"Authorization": f"Token {text}"})
    assert answer.status_code == 200
    assert ApiToken.objects.get(pk=token.pk).last_used_on == now().date()


@pytest.mark.parametrize(
    "arguments", [["nobody"], [A, "--days", "0"], [A, "--days", "367"], [A, "--name", "x" * 101]]
)
def test_the_command_refuses_in_one_line(demo_users, arguments):
    said = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("create_api_token", *arguments, stderr=said)
    assert stopped.value.code == 1
    assert len(said.getvalue().splitlines()) == 1
    assert ApiToken.objects.count() == 0


def test_nobody_makes_a_token_for_another(demo_users):
    with pytest.raises(PermissionDenied):
        create_api_token(user=demo_users[A], name="x", by=demo_users["administrator"], now=now())
    with pytest.raises(PermissionDenied):
        revoke_api_tokens(user=demo_users[A], by=demo_users[B], now=now())


def test_the_command_revokes_all_tokens_of_a_user(program, demo_users):
    first, second, other = program(A), program(A), program(B)
    out = StringIO()
    call_command("create_api_token", A, "--revoke", stdout=out)
    assert out.getvalue() == f"2 tokens of {A} ended\n"
    assert [p.get("cases/").status_code for p in (first, second, other)] == [401, 401, 200]


@pytest.mark.parametrize(
    "how", ["ended", "revoked", "inactive", "unknown", "not ascii", "empty", "other scheme"]
)
def test_a_revoked_expired_or_unknown_token_is_refused(program, demo_users, how):
    asking = program(A)
    if how == "ended":
        ApiToken.objects.update(expires_on=now().date() - timedelta(days=1))
    elif how == "revoked":
        revoke_api_tokens(user=demo_users[A], by=demo_users[A], now=now())
    elif how == "inactive":
        user = demo_users[A]
        user.is_active = False
        save_user(user=user, by=None, now=now())
    else:
        asking.text = {"unknown": "x" * 43, "not ascii": "ñ" * 43, "empty": ""}.get(how, asking.text)
    header = f"Bearer {asking.text}" if how == "other scheme" else f"Token {asking.text}"
    response = asking.client.get(f"{ROOT}cases/", headers={"Authorization": header})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"
    assert problem_of(response)["errors"] == []


def test_the_last_day_of_a_token_counts(program):
    asking = program(A)
    ApiToken.objects.update(expires_on=now().date())
    assert asking.get("cases/").status_code == 200


def test_a_token_acts_as_its_user_even_with_somebody_elses_session(program, demo_users, whole_case):
    asking = program(B)
    asking.client.force_login(demo_users[A])
    assert asking.get(f"cases/{whole_case.pk}/").status_code == 404
    assert asking.get("cases/").status_code == 200
    assert entered_as() == demo_users[B].pk


def test_a_session_reads_and_writes_with_the_csrf_token_alone(demo_users, whole_case):
    client = Client(enforce_csrf_checks=True)
    client.force_login(demo_users[A])
    assert client.get(f"{ROOT}cases/{whole_case.pk}/").status_code == 200
    response = client.post(f"{ROOT}cases/{whole_case.pk}/close/")
    assert response.status_code == 403
    assert "CSRF" in problem_of(response)["detail"]


def test_signed_out_only_the_schema_is_served(client):
    for name in KINDS:
        assert client.get(f"{ROOT}{name}/").status_code == 401
        assert client.post(f"{ROOT}{name}/").status_code == 401
    assert client.get(ROOT).status_code == 401
    assert client.get(f"{ROOT}nowhere/").status_code == 401
    assert client.get(f"{ROOT}schema/").status_code == 200
    assert client.get(f"{ROOT}docs/").status_code == 200


def test_a_token_opens_nothing_after_its_users_role_ended(program, demo_users, whole_case):
    asking = program(A)
    assert asking.get(f"cases/{whole_case.pk}/").status_code == 200
    demo_users[A].memberships.update(ends_on=now().date() - timedelta(days=1))
    assert asking.get(f"cases/{whole_case.pk}/").status_code == 404


# Scope


def test_the_sets_above_name_every_resource():
    assert set(KINDS) == WORKING | WITH_SUMMARY_ACCESS | OPEN | LOG


# Nothing is due on a closed case: its open visits aren't listed.
NOTHING_DUE = {
    "follow-ups": Q(done_on=None, case__status="closed"),
    "reminders": Q(sent_at=None, case__status="closed"),
}


@pytest.mark.parametrize("username", DEMO_USERS)
def test_a_list_contains_the_rows_its_user_may_see_only(username, program, demo_users, whole_case):
    asking, user = program(username), demo_users[username]
    for path in WORKING | WITH_SUMMARY_ACCESS:
        with acting_as(user):
            rows = KINDS[path].serializer_class.Meta.model.objects.visible_to(user)
            rows = rows.exclude(NOTHING_DUE[path]) if path in NOTHING_DUE else rows
            seen = {str(key) for key in rows.values_list("pk", flat=True)}
        listed = asking.keys(path)
        assert len(listed) == len(set(listed)), path
        assert set(listed) == seen, path


OWN = {A, READER, A_SUPERVISOR}
SUMMARY_READERS = {SUPERVISOR, APPROVER, FINANCE, "programme_manager"}


@pytest.mark.parametrize("path", sorted(WORKING | WITH_SUMMARY_ACCESS))
def test_a_row_is_shown_to_those_who_may_read_it(path, program, demo_users, whole_case):
    """The case isn't shared: IOM has summary access, the second NGO no access."""
    key, readers = (
        key_in(path, whole_case, demo_users[A]),
        OWN | (SUMMARY_READERS if path in WITH_SUMMARY_ACCESS else set()),
    )
    for username in DEMO_USERS:
        status = program(username).get(f"{path}/{key}/").status_code
        assert status == (200 if username in readers else 404), username


@pytest.mark.parametrize("path", sorted(OPEN))
def test_configuration_is_the_same_for_everyone(path, program):
    first = program("auditor").get(f"{path}/")
    assert first.status_code == 200
    key = first.json()["results"][0]["id"]
    assert program(B).get(f"{path}/{key}/").json() == first.json()["results"][0]
    assert program(B).get(f"{path}/").json() == first.json()


@pytest.mark.parametrize("path", sorted(WORKING | WITH_SUMMARY_ACCESS))
def test_hidden_and_missing_rows_answer_the_same_bytes(path, program, demo_users, whole_case):
    asking, key = program(B), key_in(path, whole_case, demo_users[A])
    hidden, missing = asking.get(f"{path}/{key}/"), asking.get(f"{path}/{MISSING}/")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content
    assert dict(hidden.headers) == dict(missing.headers)
    assert problem_of(hidden)["errors"] == []


ACTIONS = [
    ("cases", "close"),
    ("consents", "withdraw"),
    ("grants", "endorse"),
    ("grants", "approve"),
    ("grants", "refuse"),
    ("grants", "pay"),
    ("follow-ups", "record"),
    ("referrals", "answer"),
    ("transfers", "answer"),
]
MAY = {
    "close": {A, A_SUPERVISOR},
    "withdraw": {A, A_SUPERVISOR},
    "record": {A, A_SUPERVISOR},
    "answer": {A, A_SUPERVISOR},
    "endorse": {SUPERVISOR},
    "approve": {APPROVER},
    "refuse": {SUPERVISOR, APPROVER},
    "pay": {FINANCE},
}


@pytest.mark.parametrize(("path", "action"), ACTIONS)
def test_an_action_is_hidden_refused_or_allowed(path, action, program, demo_users, whole_case):
    """404 for those who can't see the row, 403 for those who may not do the action; another 4xx for those who
    may.
    """
    key, readers = (
        key_in(path, whole_case, demo_users[A]),
        OWN | (SUMMARY_READERS if path in WITH_SUMMARY_ACCESS else set()),
    )
    for username in DEMO_USERS:
        asking = program(username)
        response = asking.post(f"{path}/{key}/{action}/", raw=b"[")
        expected = 404 if username not in readers else 400 if username in MAY[action] else 403
        assert response.status_code == expected, username
        assert asking.post(f"{path}/{MISSING}/{action}/", {}).status_code == 404


@pytest.mark.parametrize("path", [path for path, kind in KINDS.items() if hasattr(kind, "create")])
def test_adding_rows_is_for_those_who_write_cases(path, program):
    for username in DEMO_USERS:
        expected = 400 if username in {A, A_SUPERVISOR, B, SUPERVISOR} else 403
        assert program(username).post(f"{path}/", {}).status_code == expected, username


def _everything(asking: Program, case: Case, demo_users) -> str:
    """Return everything that a program gets: each list to its end, and each row of the case by its id."""
    answers = [asking.get("").content]
    for path in KINDS:
        response = asking.get(f"{path}/", {"page_size": 200})
        answers += [response.content, str(dict(response.headers)).encode()]
        if path not in OPEN:
            answers.append(asking.get(f"{path}/{key_in(path, case, demo_users[A])}/").content)
            answers.append(asking.get(f"{path}/", {"case": case.pk}).content)
    return b"".join(answers).decode()


def test_the_second_ngo_finds_no_trace(program, demo_users, whole_case):
    assert TOKEN in _everything(program(A), whole_case, demo_users), "the data that could leak must be there"
    text = _everything(program(B), whole_case, demo_users)
    assert TOKEN not in text
    assert NUMBER not in text
    assert whole_case.reference not in text


@pytest.mark.parametrize("username", [APPROVER, FINANCE, "programme_manager", SUPERVISOR])
def test_summary_access_shows_a_reference_and_no_name(username, program, demo_users, whole_case):
    text = _everything(program(username), whole_case, demo_users)
    assert whole_case.reference in text
    assert TOKEN not in text
    assert NUMBER not in text
    assert str(whole_case.beneficiary_id) not in text


def test_a_case_with_summary_access_has_no_beneficiary_and_no_file(program, whole_case):
    row = program(APPROVER).get(f"cases/{whole_case.pk}/").json()
    assert (row["beneficiary"], row["file"]) == (None, None)
    own = program(A).get(f"cases/{whole_case.pk}/").json()
    assert own["beneficiary"] == str(whole_case.beneficiary_id)
    assert own["file"]["narrative"] == f"{TOKEN}Narrative"


def test_an_id_of_another_organisation_is_refused(program, demo_users, whole_case):
    """Hidden and missing ids are refused in the same words."""
    asking = program(B)
    bodies = {
        "consents": ("case", {"purpose": "research", "is_given": True}, "cases"),
        "screenings": ("case", {"answers": {"is_nepali": True}}, "cases"),
        "enrolments": (
            "case",
            {"decision": "not_admitted", "reason": "x", "enrolled_on": "2026-01-01"},
            "cases",
        ),
        "plans": ("enrolment", {"livelihood": "job", "goal": "x", "agreed_on": "2026-01-01"}, "enrolments"),
        "grants": ("plan", {"amount_npr": "10", "purpose": "A stove."}, "plans"),
    }
    for path, (field, body, source) in bodies.items():
        hidden = asking.post(f"{path}/", body | {field: key_in(source, whole_case, demo_users[A])})
        missing = asking.post(f"{path}/", body | {field: str(MISSING)})
        assert hidden.status_code == 400
        assert field in fields_of(hidden)
        assert hidden.content == missing.content


def test_a_filter_finds_only_visible_rows(program, whole_case):
    assert program(B).keys("cases", reference=whole_case.reference) == []
    assert program(A).keys("cases", reference=whole_case.reference) == [str(whole_case.pk)]
    assert len(program(A).keys("grants", case=whole_case.pk, state="approved")) == 1
    assert program(A).keys("grants", case=whole_case.pk, state="refused") == []
    tomorrow = (now().date() + timedelta(days=1)).isoformat()
    assert program(A).keys("cases", changed_from=tomorrow) == []


# Writes


def opening(**changes) -> dict:
    body = {
        "organisation": str(factories.organisation("NGO_A").pk),
        "consent": {"given_by": "self", "how": "spoken"},
        "beneficiary": {
            "first_name": "सुनिता",
            "second_name": "Tamang",
            "sex": "female",
            "birth": "2053-01-22",
            "birth_calendar": "bs",
            "citizenship": "NP",
            "home_district": "302",
        },
        "situation": {
            "groups": ["stranded_migrant", "survivor_of_trafficking"],
            "primary_group": "stranded_migrant",
            "country_of_stay": "KW",
            "current_district": "302",
            "risk": "medium",
            "narrative": "Was not paid for a year.",
        },
    }
    for name, value in changes.items():
        body[name] = {**body[name], **value} if isinstance(value, dict) else value
    return body


def test_one_case_from_the_interview_to_the_visit(program, demo_users):
    """Every action, each by a user who may do it, and each answer the row as that user sees it."""
    caseworker = program(A)
    made = caseworker.post("cases/", opening())
    assert made.status_code == 201, made.content
    case = made.json()
    assert made["Location"] == f"{ROOT}cases/{case['id']}/"
    assert caseworker.get(made["Location"]).json() == case
    assert (case["version"], case["status"], case["file"]["current_district"]) == (1, "active", "302")
    person = caseworker.get(f"beneficiaries/{case['beneficiary']}/").json()
    assert (person["first_name"], person["birth_on"], person["birth_as_typed"]) == (
        "सुनिता",
        "1996-05-04",
        "2053-01-22 BS",
    )
    iom = str(factories.organisation("IOM").pk)
    shared = caseworker.post(
        "consents/", {"case": case["id"], "purpose": "sharing", "organisation": iom, "is_given": True}
    )
    assert shared.status_code == 201, shared.content
    assert program(SUPERVISOR).get(f"beneficiaries/{case['beneficiary']}/").status_code == 200
    answers = {name: True for name, fact in FACTS.items() if fact.asked}
    assert caseworker.post("screenings/", {"case": case["id"], "answers": answers}).status_code == 201
    today = now().date().isoformat()
    project = next(row for row in caseworker.get("projects/").json()["results"] if row["code"] == "RASNM-2")
    decided = caseworker.post(
        "enrolments/",
        {"case": case["id"], "project": project["id"], "decision": "admitted", "enrolled_on": today},
    )
    assert decided.status_code == 201, decided.content
    assert decided["Location"] == f"{ROOT}assessments/{decided.json()['id']}/"
    enrolment = caseworker.get(f"enrolments/{decided.json()['enrolment']}/").json()
    assert (enrolment["assessment"], enrolment["project"]) == (decided.json()["id"], project["id"])
    plan = caseworker.post(
        "plans/",
        {"enrolment": enrolment["id"], "livelihood": "tea_shop", "goal": "A tea shop.", "agreed_on": today},
    ).json()
    line = next(row for row in project["budget_lines"] if row["code"] == "grants")
    grant = caseworker.post(
        "grants/",
        {"plan": plan["id"], "budget_line": line["id"], "amount_npr": "60000.00", "purpose": "A stove."},
    ).json()
    assert (grant["state"], grant["amount_npr"], grant["case_reference"]) == (
        "requested",
        "60000.00",
        case["reference"],
    )
    endorsed = program(SUPERVISOR).post(f"grants/{grant['id']}/endorse/")
    assert (endorsed.status_code, endorsed.json()["state"], endorsed.json()["version"]) == (
        200,
        "endorsed",
        2,
    )
    approved = program(APPROVER).post(f"grants/{grant['id']}/approve/")
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    owed = caseworker.post(f"cases/{case['id']}/close/")
    assert owed.status_code == 409
    assert "open grant" in problem_of(owed)["detail"]
    paid = program(FINANCE).post(
        f"grants/{grant['id']}/pay/", {"amount_npr": "60000", "voucher": "V-1", "paid_on": today}
    )
    assert paid.status_code == 201, paid.content
    assert paid["Location"] == f"{ROOT}instalments/{paid.json()['id']}/"
    assert program(FINANCE).get(f"grants/{grant['id']}/").json()["state"] == "paid"
    visit = caseworker.get("follow-ups/", {"case": case["id"]}).json()["results"][0]
    seen = caseworker.post(
        f"follow-ups/{visit['id']}/record/",
        {
            "done_on": today,
            "outcome": "seen",
            "wellbeing": "good",
            "note": "The shop is open.",
            "counts": True,
        },
    )
    assert (seen.status_code, seen.json()["outcome"], seen.json()["version"]) == (200, "seen", 2)
    gone = caseworker.post(f"consents/{shared.json()['id']}/withdraw/")
    assert (gone.status_code, gone.json()["withdrawn_on"]) == (200, today)
    assert program(SUPERVISOR).get(f"beneficiaries/{case['beneficiary']}/").status_code == 404
    closed = caseworker.post(f"cases/{case['id']}/close/")
    assert (closed.status_code, closed.json()["status"], closed.json()["version"]) == (200, "closed", 2)


def test_a_refused_admission_leads_to_no_enrolment(program, demo_users, whole_case):
    body = {
        "case": str(whole_case.pk),
        "project": str(factories.project("RASNM").pk),
        "decision": "not_admitted",
        "enrolled_on": now().date().isoformat(),
    }
    refused = program(A).post("enrolments/", body)
    assert refused.status_code == 400
    assert fields_of(refused) == {"reason"}
    decided = program(A).post("enrolments/", body | {"reason": "She has left the country."})
    assert decided.status_code == 201
    assert decided.json()["enrolment"] is None


def test_a_grant_is_refused_with_its_reason(program, demo_users):
    by = demo_users[A]
    with acting_as(by):
        grant = factories.requested(factories.planned(factories.a_case(by), by), by)
    asking = program(SUPERVISOR)
    assert fields_of(asking.post(f"grants/{grant.pk}/refuse/", {"refusal": "  "})) == {"refusal"}
    done = asking.post(f"grants/{grant.pk}/refuse/", {"refusal": "The line is spent."})
    assert (done.status_code, done.json()["state"], done.json()["refusal"]) == (
        200,
        "refused",
        "The line is spent.",
    )
    again = program(APPROVER).post(f"grants/{grant.pk}/refuse/", {"refusal": "x"})
    assert again.status_code == 409


def written(user) -> dict[str, int]:
    """Return how many rows of each kind this user sees."""
    with acting_as(user):
        return {
            model._meta.label: model.objects.count() for model in [*policies.linked_models(), Beneficiary]
        }


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"beneficiary": {"first_name": ""}}, {"beneficiary.first_name"}),
        ({"beneficiary": {"first_name": "M" * 101}}, {"beneficiary.first_name"}),
        ({"beneficiary": {"sex": "unheard-of"}}, {"beneficiary.sex"}),
        ({"beneficiary": {"birth": "2099-01-01", "birth_calendar": "ad"}}, {"beneficiary.birth"}),
        ({"beneficiary": {"birth": "2053-13-40"}}, {"beneficiary.birth"}),
        ({"beneficiary": {"first_name": "\u200b"}}, {"beneficiary.first_name"}),
        ({"beneficiary": {"first_name": "\u3164\u202e"}}, {"beneficiary.first_name"}),
        ({"beneficiary": {"phone": "ask her mother"}}, {"beneficiary.phone"}),
        ({"beneficiary": {"phone": "9.84E+09"}}, {"beneficiary.phone"}),
        ({"beneficiary": {"phone": "9841234562 / unknown"}}, {"beneficiary.phone"}),
        (
            {"beneficiary": {"birth": f"{date.today().year - 12}-01-01", "birth_calendar": "ad"}},
            {"beneficiary.birth"},
        ),
        ({"beneficiary": {"home_district": "999"}}, {"beneficiary.home_district"}),
        ({"beneficiary": {"home_district": 302.5}}, {"beneficiary.home_district"}),
        ({"beneficiary": {"citizenship": "XX"}}, {"beneficiary.citizenship"}),
        ({"beneficiary": {"home_local_level": "30501"}}, {"beneficiary.home_local_level"}),
        ({"beneficiary": {"nickname": "Maya"}}, {"beneficiary.nickname"}),
        ({"beneficiary": []}, {"beneficiary"}),
        ({"beneficiary": None}, {"beneficiary"}),
        ({"consent": {"given_by": "best_interests"}}, {"beneficiary.birth"}),
        ({"consent": {"given_by": "legacy"}}, {"consent.given_by"}),
        ({"situation": {"groups": []}}, {"situation.groups"}),
        ({"situation": {"groups": ["unheard-of"]}}, {"situation.groups.0"}),
        ({"situation": {"groups": "stranded_migrant"}}, {"situation.groups"}),
        ({"situation": {"primary_group": "street_child"}}, {"situation.primary_group"}),
        ({"organisation": str(MISSING)}, {"organisation"}),
        ({"organisation": 7}, {"organisation"}),
        ({"organisation": 10**30}, {"organisation"}),
        ({"surprise": 1}, {"surprise"}),
    ],
)
def test_an_invalid_interview_is_refused(program, demo_users, changes, fields):
    before = written(demo_users[A])
    response = program(A).post("cases/", opening(**changes))
    assert response.status_code == 400, response.content
    assert fields_of(response) == fields
    assert written(demo_users[A]) == before


def test_a_case_is_opened_in_ones_own_organisation_only(program):
    response = program(A).post("cases/", opening(organisation=str(factories.organisation("NGO_B").pk)))
    assert fields_of(response) == {"organisation"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purpose": "sharing"}, "organisation"),
        ({"organisation": "iom"}, "organisation"),
        ({"purpose": "services"}, "purpose"),
        ({"purpose": "referral"}, "purpose"),
        ({"is_given": "yes"}, "is_given"),
        ({"is_given": 1}, "is_given"),
        ({"given_by": "guardian"}, "given_by"),
        ({"until_on": "soon"}, "until_on"),
        ({"until_on": 20260101}, "until_on"),
    ],
)
def test_an_invalid_consent_is_refused(program, demo_users, whole_case, changes, field):
    before = written(demo_users[A])
    if changes.get("organisation") == "iom":
        changes = {"organisation": str(factories.organisation("IOM").pk)}
    body = {"case": str(whole_case.pk), "purpose": "research", "is_given": True, "given_by": "self"}
    response = program(A).post("consents/", body | changes)
    assert response.status_code == 400, response.content
    assert fields_of(response) == {field}
    assert written(demo_users[A]) == before


def test_only_the_lead_records_and_withdraws_consent(program, demo_users, whole_case):
    with acting_as(demo_users[A]):
        shared = factories.share_with_iom(whole_case, demo_users[A])
    body = {"case": str(whole_case.pk), "purpose": "research", "is_given": True}
    assert program(SUPERVISOR).post("consents/", body).status_code == 403
    assert program(SUPERVISOR).post(f"consents/{shared.pk}/withdraw/").status_code == 403
    with acting_as(demo_users[A]):
        services = Consent.objects.visible_to(demo_users[A]).get(case=whole_case, purpose="services")
    caseworker = program(A)
    assert caseworker.post(f"consents/{services.pk}/withdraw/").status_code == 409
    assert caseworker.post(f"consents/{shared.pk}/withdraw/").status_code == 200
    assert caseworker.post(f"consents/{shared.pk}/withdraw/").status_code == 409


def test_screening_answers_belong_to_questions_of_programmes(program, whole_case):
    asking, case = program(A), str(whole_case.pk)
    for answers in ({}, {"age": True}, {"is_nepali": "yes"}, {"is_nepali": 1}, [], None):
        response = asking.post("screenings/", {"case": case, "answers": answers})
        assert response.status_code == 400, answers
        assert all(field.startswith("answers") for field in fields_of(response))
    answer = asking.post(
        "screenings/", {"case": case, "answers": {"is_nepali": None, "willing_to_return": False}}
    )
    assert answer.json()["answers"] == {"is_nepali": None, "willing_to_return": False}


@pytest.mark.parametrize(
    "amount", ["0", "-5", "20001", "NaN", "1e400", 10**400, "many", True, None, "9" * 40, 0.001]
)
def test_an_invalid_instalment_is_refused(program, demo_users, amount):
    by = demo_users[A]
    with acting_as(by):
        grant = factories.requested(factories.planned(factories.a_case(by), by), by, 20000)
    factories.approved(grant, demo_users)
    body = {"amount_npr": amount, "voucher": "V", "paid_on": now().date().isoformat()}
    response = program(FINANCE).post(f"grants/{grant.pk}/pay/", body)
    assert response.status_code == 400
    assert fields_of(response) == {"amount_npr"}
    with acting_as(demo_users[FINANCE]):
        assert not Instalment.objects.visible_to(demo_users[FINANCE]).filter(grant=grant).exists()


def test_an_action_on_an_outdated_state_is_a_conflict(program, demo_users, whole_case):
    with acting_as(demo_users[A]):
        grant = Grant.objects.visible_to(demo_users[A]).get(case=whole_case)
        visit = FollowUp.objects.visible_to(demo_users[A]).filter(case=whole_case)[0]
    assert program(SUPERVISOR).post(f"grants/{grant.pk}/endorse/").status_code == 409
    assert program(APPROVER).post(f"grants/{grant.pk}/approve/").status_code == 409
    body = {"done_on": now().date().isoformat(), "outcome": "not_found", "counts": True}
    assert program(A).post(f"follow-ups/{visit.pk}/record/", body).status_code == 200
    assert program(A).post(f"follow-ups/{visit.pk}/record/", body).status_code == 409


def test_a_spent_budget_line_is_a_conflict(program, demo_users, whole_case):
    line = BudgetLine.objects.get(project=factories.project(), code="grants")
    with acting_as(demo_users[FINANCE]):
        spent = LedgerEntry.objects.visible_to(demo_users[FINANCE]).filter(budget_line=line)
        line.amount_npr = sum(entry.amount_npr for entry in spent) + 29999
        grant = Grant.objects.visible_to(demo_users[FINANCE]).get(case=whole_case)
    line.save()
    body = {"amount_npr": "30000", "voucher": "V-2", "paid_on": now().date().isoformat()}
    response = program(FINANCE).post(f"grants/{grant.pk}/pay/", body)
    assert response.status_code == 409
    assert "not have enough left" in problem_of(response)["detail"]


def test_a_constraint_violation_is_a_conflict(demo_users, whole_case):
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(Conflict), as_api_errors(NoInput()), transaction.atomic():
            cursor.execute(
                "UPDATE beneficiaries_beneficiary SET first_name = '' WHERE id = %s",
                [whole_case.beneficiary_id],
            )
        with pytest.raises(exceptions.ValidationError), as_api_errors(NoInput()), transaction.atomic():
            cursor.execute("SELECT 1 / 0")


# Idempotency keys


def test_the_same_idempotency_key_gets_the_first_answer_again(program, demo_users):
    asking, key, body = program(A), str(uuid.uuid4()), opening()
    before = written(demo_users[A])["beneficiaries.Case"]
    answers = [asking.post("cases/", body, Idempotency_Key=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer["Location"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert written(demo_users[A])["beneficiaries.Case"] == before + 1


def test_an_action_with_the_same_idempotency_key_is_done_once(program, demo_users):
    by = demo_users[A]
    with acting_as(by):
        grant = factories.requested(factories.planned(factories.a_case(by), by), by)
    factories.approved(grant, demo_users)
    body = {"amount_npr": "100", "voucher": "V", "paid_on": now().date().isoformat()}
    finance, key = program(FINANCE), str(uuid.uuid4())
    answers = [finance.post(f"grants/{grant.pk}/pay/", body, Idempotency_Key=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    without = finance.post(f"grants/{grant.pk}/pay/", body)
    assert without.json()["id"] != answers[0].json()["id"], "without a key it is another payment"


def test_a_grants_action_with_the_same_idempotency_key_is_answered_again(program, demo_users, whole_case):
    with acting_as(demo_users[A]):
        shared = factories.share_with_iom(whole_case, demo_users[A])
    asking, key = program(A), str(uuid.uuid4())
    answers = [asking.post(f"consents/{shared.pk}/withdraw/", Idempotency_Key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


def test_an_idempotency_key_is_for_one_body_one_address_and_one_user(program, demo_users):
    asking, key = program(A), str(uuid.uuid4())
    assert asking.post("cases/", opening(), Idempotency_Key=key).status_code == 201
    other_body = asking.post("cases/", opening(beneficiary={"first_name": "Maya"}), Idempotency_Key=key)
    assert other_body.status_code == 409
    with acting_as(demo_users[A]):
        case = Case.objects.visible_to(demo_users[A]).latest("created_at")
    body = {"case": str(case.pk), "answers": {"is_nepali": True}}
    assert asking.post("screenings/", body, Idempotency_Key=key).status_code == 409
    elsewhere = opening(organisation=str(factories.organisation("NGO_B").pk))
    other = program(B).post("cases/", elsewhere, Idempotency_Key=key)
    assert other.status_code == 201, "another person's key is neither shown nor in the way"
    assert fields_of(asking.post("cases/", opening(), Idempotency_Key="again")) == {"Idempotency-Key"}


def test_a_refused_request_leaves_its_idempotency_key_free(program):
    asking, key = program(A), str(uuid.uuid4())
    child = opening(beneficiary={"birth": f"{date.today().year - 12}-01-01", "birth_calendar": "ad"})
    assert asking.post("cases/", child, Idempotency_Key=key).status_code == 400
    assert asking.post("cases/", opening(), Idempotency_Key=key).status_code == 201


def test_an_idempotency_key_stores_nothing_of_the_body(program, demo_users):
    asking, key = program(A), str(uuid.uuid4())
    asking.post("cases/", opening(beneficiary={"first_name": TOKEN}), Idempotency_Key=key)
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM core_idempotencykey k")
        ((stored,),) = cursor.fetchall()
    assert TOKEN not in stored
    assert "api:case:create" in stored


# Pages


@pytest.mark.parametrize(
    "path", ["cases", "follow-ups", "grants", "indicators", "organisations", "beneficiaries"]
)
def test_pages_contain_each_row_once_forwards_and_backwards(path, program):
    asking = program(A)
    every = asking.keys(path)
    assert len(every) > 3
    forward, pages, address = [], [], f"{ROOT}{path}/?page_size=3"
    while address:
        page = asking.get(address).json()
        assert len(page["results"]) <= 3
        forward += [row["id"] for row in page["results"]]
        pages.append([row["id"] for row in page["results"]])
        last, address = page, (page["next"] or "").removeprefix("http://testserver")
    assert forward == every
    backward = [pages[-1]]
    while last["previous"]:
        last = asking.get(last["previous"].removeprefix("http://testserver")).json()
        backward.insert(0, [row["id"] for row in last["results"]])
    assert backward == pages
    assert last["previous"] is None


def test_many_rows_of_one_day_are_paged_without_a_gap(program, demo_users):
    by = demo_users[A]
    with acting_as(by):
        made = {str(factories.a_case(by).pk) for _ in range(9)}
    address, found = f"{ROOT}cases/?page_size=2", []
    while address:
        page = program(A).get(address).json()
        found += [row["id"] for row in page["results"]]
        address = (page["next"] or "").removeprefix("http://testserver")
    assert made <= set(found)
    assert len(found) == len(set(found))


def test_pages_have_50_rows_and_at_most_200_and_no_total(program):
    asking = program(A)
    page = asking.get("indicators/").json()
    assert set(page) == {"next", "previous", "results"}
    assert len(page["results"]) <= 50
    for size in ("0", "201", "-1", "many", "9" * 30):
        assert fields_of(asking.get("cases/", {"page_size": size})) == {"page_size"}


@pytest.mark.parametrize(
    "mark",
    [
        "x",
        "ñ",
        "bnVsbA==",
        "W10=",
        "W3RydWVd",
        "WzEsIjIwMjYtMDEtMDEiLCIxIl0=",
        "W3RydWUsIjIwMjYtMDEtMDEiLCJ4Il0=",
        "W3RydWUsIjIwMjYtMDEtMDEiLCJcdTAwMDAiXQ==",
        "W3RydWUsWzFdLHt9XQ==",
        "[" * 900,
    ],
)
def test_a_forged_cursor_is_refused(program, mark):
    for path in ("cases", "grants"):
        assert fields_of(program(A).get(f"{path}/", {"cursor": mark})) == {"cursor"}


def test_a_cursor_shows_another_user_nothing(program, whole_case):
    mark = program(A).get("cases/", {"page_size": 1}).json()["next"].removeprefix("http://testserver")
    assert str(whole_case.pk) not in program(B).get(mark).content.decode()


def test_an_unknown_filter_is_refused(program):
    asking = program(A)
    assert fields_of(asking.get("cases/", {"staus": "active"})) == {"staus"}
    assert fields_of(asking.get("cases/", {"status": "x"})) == {"status"}
    assert fields_of(asking.get("grants/", {"case": "x"})) == {"case"}
    assert fields_of(asking.get("cases/", {"reference": "\x00"})) == {"reference"}


@pytest.mark.parametrize("rows", [1, 3])
def test_a_list_has_the_same_query_count_for_1_row_and_for_3(
    program, demo_users, rows, django_assert_num_queries
):
    by = demo_users[A]
    with acting_as(by):
        for _ in range(rows):
            factories.a_case(by)
    asking = program(A)
    asking.get("cases/")  # the token's first use of the day is recorded
    # Savepoint, context, token, savepoint's enter, authority, page, files, ids, audit log; and the release.
    with django_assert_num_queries(10):
        assert len(asking.get("cases/", {"page_size": rows}).json()["results"]) == rows


# Problems


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"7", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"NaN", "application/json", 400),
        (b'{"organisation": Infinity}', "application/json", 400),
        (b'{"organisation": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "application/json", 400),
        (b'{"organisation": "\\u0000"}', "application/json", 400),
        (b'{"\\u0000": 1}', "application/json", 400),
        (b'{"\\ud800": 1}', "application/json", 400),
        (b'{"organisation": "\\ud800"}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"x": "' + b"y" * LARGEST + b'"}', "application/json", 413),
        (b"<x/>", "application/xml", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
    ],
)
def test_malformed_bodies_are_answered_with_problem_details(program, raw, kind, status):
    response = program(A).post("cases/", raw=raw, kind=kind)
    assert response.status_code == status
    problem_of(response)


def test_other_errors_are_answered_with_problem_details(program):
    asking = program(A)
    for response, status in [
        (asking.get("cases/", Accept="application/xml"), 406),
        (asking.asks("PUT", "cases/"), 405),
        (asking.asks("OPTIONS", "cases/"), 405),
        (asking.post("organisations/", {}), 405),
        (asking.get("nowhere/"), 404),
        (asking.get("cases/17/"), 404),
        (asking.get("cases/%00/"), 400),
        (asking.get("cases/%0A/"), 404),
        (asking.get("cases"), 404),
    ]:
        assert response.status_code == status
        assert problem_of(response)["title"]
    assert asking.get("cases/17/").content == asking.get(f"cases/{MISSING}/").content


def test_a_refusal_is_in_the_language_asked_for(program):
    body = opening(beneficiary={"first_name": ""})
    response = program(A).post("cases/", body, Accept_Language="ne")
    assert response["Content-Language"] == "ne"


def test_an_empty_body_is_accepted_where_an_action_needs_nothing(program, demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
    assert fields_of(program(A).post(f"cases/{case.pk}/close/", {"why": "x"})) == {"why"}
    assert program(A).asks("POST", f"cases/{case.pk}/close/").status_code == 200


ODD = [None, True, 10**30, 1e308, "", "x" * 20_000, "0001-01-01", "9999-12-31", [None], {"x": {}}]


def sharing(case: Case, code: str) -> dict:
    return {
        "case": str(case.pk),
        "receiver": str(factories.organisation(code).pk),
        "reason": "She moves.",
        "consent": {"given_by": "self", "how": "spoken"},
    }


def _with_each_leaf_odd(body: dict):
    """Yield the body once for each of its values and each odd value in its place."""
    for name, value in body.items():
        for odd in ODD:
            yield {**body, name: odd}
        if isinstance(value, dict):
            for below in _with_each_leaf_odd(value):
                yield {**body, name: below}


def _bodies(demo_users) -> dict[str, tuple[str, dict]]:
    """Return for each action with a body: who does it, and a body that is accepted."""
    by, today = demo_users[A], now().date().isoformat()
    with acting_as(by):
        asked, case = factories.a_case(by), factories.a_case(by)
        enrolment, plan = (
            factories.admitted(factories.a_case(by), by),
            factories.planned(factories.a_case(by), by),
        )
        grant = factories.requested(factories.planned(case, by), by)
        visit = FollowUp.objects.visible_to(by).filter(case=case)[0]
        third = factories.a_third_ngo()
        referral, offer = factories.referred(asked, by, third), factories.offered(case, by, third.code)
        line = BudgetLine.objects.get(project=factories.project(), code="grants")
    factories.approved(grant, demo_users)
    key = str(asked.pk)
    admission = {"project": str(factories.project().pk), "decision": "not_admitted", "enrolled_on": today}
    return {
        "cases/": (A, opening()),
        "consents/": (A, {"case": key, "purpose": "research", "is_given": True, "until_on": today}),
        "screenings/": (A, {"case": key, "answers": {"is_nepali": True}}),
        "enrolments/": (A, {"case": key, "reason": "No.", **admission}),
        "plans/": (
            A,
            {"enrolment": str(enrolment.pk), "livelihood": "job", "goal": "A job.", "agreed_on": today},
        ),
        "grants/": (
            A,
            {"plan": str(plan.pk), "budget_line": str(line.pk), "amount_npr": "10", "purpose": "A stove."},
        ),
        "referrals/": (A, {"service": "Law", "items": ["name"], **sharing(case, "NGO_B")}),
        f"referrals/{referral.pk}/answer/": ("third", {"state": "accepted", "answer": "x"}),
        "transfers/": (A, sharing(asked, "NGO_B")),
        f"transfers/{offer.pk}/answer/": ("third", {"state": "declined", "caseworker": None}),
        f"grants/{grant.pk}/pay/": (FINANCE, {"amount_npr": "10", "voucher": "V", "paid_on": today}),
        f"follow-ups/{visit.pk}/record/": (
            A,
            {"done_on": today, "outcome": "not_found", "note": "x", "counts": True},
        ),
    }


def test_no_odd_value_anywhere_is_a_server_error(demo_users, program):
    """An accepted body with each of its values made odd: accepted, refused or in conflict, never 500."""
    statuses: dict[str, set[int]] = {}
    for path, (username, body) in _bodies(demo_users).items():
        asking = program(username)
        for odd in _with_each_leaf_odd(body):
            statuses.setdefault(path, set()).add(asking.post(path, odd).status_code)
        assert asking.post(path, body).status_code in (200, 201, 204, 400, 409, 404), (
            "taken, or done by an odd one"
        )
    assert set().union(*statuses.values()) <= {200, 201, 204, 400, 404, 409}, statuses


# The schema and its page


def test_the_schema_is_valid_and_lists_every_address():
    made = document()
    validate_schema(made)
    paths = {path.removeprefix(ROOT).split("/")[0] for path in made["paths"]}
    assert paths == set(KINDS) | {""}
    for path, item in made["paths"].items():
        for method, operation in item.items():
            codes = set(operation["responses"])
            assert {"401", "405", "406"} <= codes, (method, path)
            if method == "post":
                assert {"400", "403", "409", "413", "415"} <= codes, path
            if "{" in path:
                assert "404" in codes, path
            for code in codes - {"200", "201", "204", "414", "431"}:
                assert list(operation["responses"][code]["content"]) == ["application/problem+json"]


def test_the_served_schema_is_the_generated_one(client):
    assert client.get(f"{ROOT}schema/").json() == json.loads(json.dumps(document(), default=str))
    assert client.post(f"{ROOT}schema/").status_code == 405


def test_every_answer_follows_the_schema(program, whole_case):
    """Each field of each row, and no other."""
    made = document()["components"]["schemas"]
    for path, kind in KINDS.items():
        name = kind.serializer_class.__name__.removesuffix("Serializer")
        rows = program("auditor" if path in LOG else A).get(f"{path}/").json()["results"]
        assert rows, path
        assert set(rows[0]) == set(made[name]["properties"]), path


def test_editable_rows_show_their_version(program, whole_case):
    for path in ("cases", "beneficiaries", "plans", "grants", "follow-ups"):
        assert program(A).get(f"{path}/").json()["results"][0]["version"] >= 1


def test_the_documentation_page_is_public_and_has_nothing_inline(client):
    response = client.get(reverse("api:docs"))
    page = response.content.decode()
    assert inline_in(page) == []
    assert "https://" not in page
    for path in document()["paths"]:
        assert path in page
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_every_serializer_names_its_fields():
    """Each names its fields: a new column of a model isn't shown by itself."""
    for kind in RESOURCES:
        meta = kind.serializer_class.Meta
        assert isinstance(meta.fields, list)
        assert meta.read_only_fields == meta.fields
        assert issubclass(kind.serializer_class, serializers.ModelSerializer)

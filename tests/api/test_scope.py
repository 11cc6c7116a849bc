"""Who finds which rows by the API, and who may do which action."""

import re
from datetime import timedelta

import pytest
from django.db.models import Q

from beneficiaries.models import Case
from core.clock import now
from core.context import acting_as
from reintegration.demo import DEMO_USERS
from tests.api.program import (
    A_SUPERVISOR,
    APPROVER,
    FINANCE,
    KINDS,
    LOG,
    MISSING,
    OPEN,
    READER,
    SUPERVISOR,
    WITH_SUMMARY_ACCESS,
    WORKING,
    A,
    B,
    Program,
    fields_of,
    key_in,
    problem_of,
)
from tests.factories.scene import NUMBER, TOKEN

pytestmark = pytest.mark.django_db


def test_every_resource_has_rows_of_a_factory_or_is_open_to_everyone():
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
    assert set(re.findall(rf"{TOKEN}\w+", text)) == {f"{TOKEN}Purpose", f"{TOKEN}Voucher"}
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

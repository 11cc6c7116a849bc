"""Writing by the API: from the interview to the visit, and what is refused."""

from datetime import date

import pytest
from django.db import connection, transaction
from rest_framework import exceptions

from api.problems import Conflict, as_api_errors
from api.serializers import NoInput
from beneficiaries.models import Beneficiary, Consent
from beneficiaries.same_case import linked_models
from core.clock import now
from core.context import acting_as
from projects.facts import FACTS
from projects.models import BudgetLine, LedgerEntry
from reintegration.models import FollowUp, Grant, Instalment
from tests import factories
from tests.api.program import APPROVER, FINANCE, MISSING, ROOT, SUPERVISOR, A, fields_of, opening, problem_of

pytestmark = pytest.mark.django_db


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
        return {model._meta.label: model.objects.count() for model in [*linked_models(), Beneficiary]}


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
        visit = FollowUp.objects.visible_to(demo_users[A]).filter(case=whole_case, done_on=None)[0]
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

"""Who may do each action: the operation itself refuses every other demo user, whatever a page checked before."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction

from accounts.models import ApiToken, Membership, Organisation, Role, User
from accounts.operations.organisation import save_organisation
from accounts.operations.token import create_api_token, revoke_api_tokens
from accounts.operations.users import save_membership, save_user, tailor_role
from beneficiaries.operations.admission import record_screening
from beneficiaries.operations.case import close_case
from beneficiaries.operations.consent import withdraw_consent
from beneficiaries.operations.document import remove_document
from beneficiaries.operations.draft import start_draft
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.intake import ConsentGiven
from beneficiaries.operations.note import add_note
from beneficiaries.operations.referral import answer_referral, send_referral
from beneficiaries.operations.risk import assess_risk
from core.clock import now
from core.context import acting_as
from projects.models import Donor
from projects.operations import remove_configuration, revise_criteria, save_configuration, start_new_phase
from projects.queries import current_criteria
from reintegration.demo import DEMO_USERS
from reintegration.models import FollowUp
from reintegration.operations.admission import admit
from reintegration.operations.follow_up import record_follow_up
from reintegration.operations.grant import GrantActionRefused, endorse_grant
from reintegration.operations.plan import agree_plan
from tests import factories

A, B, SUPERVISOR = "ngo_a_caseworker", "ngo_b_caseworker", "iom_supervisor"
LEADS, ADMINISTRATOR = {A, "ngo_a_supervisor"}, {"administrator"}
WRITES = LEADS | {SUPERVISOR}
ASKED = {"given_by": "self", "how": "spoken"}
EMERGENCY = "She called and was then cut off; no one answers."


@pytest.fixture
def rows(demo_users):
    """Return a case of the first NGO with a plan, shared with IOM and referred to the second NGO, and its
    rows by name.
    """
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        consent = factories.share_with_iom(case, demo_users[A])
        plan = factories.planned(case, demo_users[A])
        other = factories.a_case(demo_users[A])
        factories.share_with_iom(other, demo_users[A])
        enrolment = factories.admitted(other, demo_users[A])
        return {
            "case": case,
            "consent": consent,
            "document": factories.a_document(case, demo_users[A]),
            "plan": plan,
            "enrolment": enrolment,
            "referral": factories.referred(case, demo_users[A], factories.organisation("NGO_B")),
            "visit": FollowUp.objects.visible_to(demo_users[A]).filter(case=case)[0],
        }


def _role(code: str) -> Role:
    return Role.objects.get(organisation__code="IOM", code=code)


# Each action: who alone may do it, and how it is done.
ACTIONS = {
    "open a case": (LEADS, lambda rows, by: factories.a_case(by)),
    "start an interview": (
        LEADS,
        lambda rows, by: start_draft(
            organisation=factories.organisation("NGO_A"),
            consent=ConsentGiven(**ASKED),
            by=by,
            now=now(),
        ),
    ),
    "ask for consent": (LEADS, lambda rows, by: factories.share_with_iom(rows["case"], by)),
    "withdraw consent": (
        LEADS,
        lambda rows, by: withdraw_consent(consent=rows["consent"], by=by, now=now()),
    ),
    "close a case": (WRITES, lambda rows, by: close_case(case=rows["case"], by=by, now=now())),
    "write a note": (
        WRITES,
        lambda rows, by: add_note(
            case=rows["case"], text="Seen.", confidentiality="normal", by=by, now=now()
        ),
    ),
    "assess the risk": (
        WRITES,
        lambda rows, by: assess_risk(
            case=rows["case"], level="high", source="review", reason="", by=by, now=now()
        ),
    ),
    "add a document": (WRITES, lambda rows, by: factories.a_document(rows["case"], by)),
    "throw a document away": (
        LEADS,
        lambda rows, by: remove_document(document=rows["document"], why="Not hers.", by=by, now=now()),
    ),
    "write down answers": (
        WRITES,
        lambda rows, by: record_screening(case=rows["case"], answers={}, by=by, now=now()),
    ),
    "decide on admission": (
        WRITES,
        lambda rows, by: admit(
            case=rows["case"],
            project=factories.project("TRRIN"),
            decision="not_admitted",
            enrolled_on=now().date(),
            reason="Another programme fits.",
            by=by,
            now=now(),
        ),
    ),
    "refer a case": ({A}, lambda rows, by: _send(rows, by)),
    "accept a referral": (
        {B},
        lambda rows, by: answer_referral(
            referral=rows["referral"], state="accepted", answer="", by=by, now=now()
        ),
    ),
    "open a file in an emergency": (
        {"protection_supervisor", "protection_supervisor_2"},
        lambda rows, by: break_glass(typed=rows["case"].reference, reason=EMERGENCY, by=by, now=now()),
    ),
    "export lists": (LEADS, lambda rows, by: factories.asked_export(by)),
    "agree a plan": (
        WRITES,
        lambda rows, by: agree_plan(
            enrolment=rows["enrolment"],
            livelihood="tea_shop",
            goal="A tea shop.",
            steps="",
            agreed_on=now().date(),
            by=by,
            now=now(),
        ),
    ),
    "ask for a grant": (WRITES, lambda rows, by: factories.requested(rows["plan"], by)),
    "record a visit": (
        WRITES,
        lambda rows, by: record_follow_up(
            follow_up=rows["visit"],
            done_on=now().date(),
            outcome="seen",
            wellbeing="good",
            note="",
            counts=True,
            by=by,
            now=now(),
        ),
    ),
    "save an organisation": (
        ADMINISTRATOR,
        lambda rows, by: save_organisation(
            organisation=Organisation(code="NGO_D", name_en="Fourth", kind="ngo"), by=by, now=now()
        ),
    ),
    "save a person": (
        ADMINISTRATOR,
        lambda rows, by: save_user(user=User(username="new", email="new@example.org"), by=by, now=now()),
    ),
    "give a role": (
        ADMINISTRATOR,
        lambda rows, by: save_membership(
            membership=Membership(
                user=User.objects.create(username="newcomer", email="newcomer@example.org"),
                role=_role("supervisor"),
                starts_on=date(2020, 1, 1),
            ),
            by=by,
            now=now(),
        ),
    ),
    "tailor a role": (
        ADMINISTRATOR,
        lambda rows, by: tailor_role(role=_role("reader"), codenames=["write_cases"], by=by, now=now()),
    ),
    "revoke the reader's tokens": (
        ADMINISTRATOR | {"ngo_a_reader"},
        lambda rows, by: revoke_api_tokens(user=User.objects.get(username="ngo_a_reader"), by=by, now=now()),
    ),
    "configure": (
        ADMINISTRATOR,
        lambda rows, by: save_configuration(obj=Donor(code="NEW", name_en="New donor"), by=by, now=now()),
    ),
    "remove what was configured": (
        ADMINISTRATOR,
        lambda rows, by: remove_configuration(obj=Donor.objects.all()[0], by=by, now=now()),
    ),
    "revise criteria": (
        ADMINISTRATOR,
        lambda rows, by: revise_criteria(
            project=factories.project(), tree=current_criteria(factories.project()).tree, by=by, now=now()
        ),
    ),
    "start a phase": (
        ADMINISTRATOR,
        lambda rows, by: start_new_phase(
            project=factories.project(),
            code="RASNM-9",
            starts_on=date(2030, 1, 1),
            ends_on=date(2031, 1, 1),
            by=by,
            now=now(),
        ),
    ),
}


def _send(rows, by):
    receiver = factories.organisation("IOM")
    return send_referral(
        case=rows["case"], receiver=receiver, service="Legal", reason="x", items={}, by=by, now=now()
    )


def _is_refused(action, rows, user) -> bool:
    """Whether the operation refuses this user; everything it wrote is rolled back."""
    try:
        with acting_as(user), transaction.atomic():
            action(rows, user)
            transaction.set_rollback(True)
    except PermissionDenied:
        return True
    except (ValidationError, DatabaseError):
        return False
    return False


@pytest.mark.django_db
@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_for_those_who_may_do_it(rows, demo_users, name):
    allowed, action = ACTIONS[name]
    refused = {username for username in DEMO_USERS if _is_refused(action, rows, demo_users[username])}
    assert refused == set(DEMO_USERS) - allowed


@pytest.mark.django_db
def test_nobody_makes_a_token_for_another_or_endorses_what_they_asked_for(rows, demo_users):
    supervisor = demo_users[SUPERVISOR]
    with pytest.raises(PermissionDenied):
        create_api_token(user=demo_users[A], name="x", by=demo_users["administrator"], now=now())
    assert ApiToken.objects.visible_to(demo_users[A]).count() == 0
    with acting_as(supervisor):
        grant = factories.requested(rows["plan"], supervisor)
        with pytest.raises(GrantActionRefused, match="Another user must do this"):
            endorse_grant(grant=grant, by=supervisor, now=now())


@pytest.mark.django_db
def test_pages_are_not_cached(sign_in):
    assert sign_in(A).get("/cases/").headers["Cache-Control"] == "no-store"


def test_a_refusal_is_recorded_and_earlier_writes_are_rolled_back(client, demo_users, committed, owner):
    _token, text = create_api_token(user=demo_users[A], name="test", by=None, now=now())
    headers = {"Authorization": f"Token {text}"}
    assert (
        client.get("/api/v1/cases/00000000-0000-0000-0000-000000000007/", headers=headers).status_code == 404
    )
    assert ApiToken.objects.visible_to(demo_users[A]).get().last_used_on is None, (
        "rolled back with the request"
    )
    client.force_login(demo_users[B])
    for address, status in (("/cases/ZZZZ-ZZZ-Z/", 404), ("/emergency/", 403)):
        assert client.get(address).status_code == status
    owner.execute(
        "SELECT detail->>'status' FROM core_auditevent WHERE verb = 'denied' AND actor_id = %s ORDER BY at, id",
        [str(demo_users[B].pk)],
    )
    assert sorted(row[0] for row in owner.fetchall()) == ["403", "404"]

"""Bad input through the pages: a clear message, the input is shown again, and nothing is written."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import Membership, Role
from beneficiaries.models import Beneficiary, Case, Enrolment, IntakeDraft
from core.clock import now
from core.context import acting_as
from projects.models import LedgerEntry
from reintegration.models import Grant, Instalment
from reintegration.operations.grant import endorse_grant
from tests import factories
from tests.pages import forms_of, submit, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
A = "ngo_a_caseworker"


def written(user) -> dict[str, int]:
    """Return how many rows of each kind this user sees."""
    with acting_as(user):
        return {
            model._meta.label: model.objects.count()
            for app in ("beneficiaries", "reintegration")
            for model in apps.get_app_config(app).get_models()
        }


@pytest.fixture
def interview(sign_in):
    """Return the address of the page about the beneficiary, of an interview with consent."""
    client = sign_in(A)
    response = submit(
        client, "/cases/new/", {"was_told": "on", "agrees": "yes", "given_by": "self", "how": "spoken"}
    )
    return client, response.request["PATH_INFO"]


PERSON = {"first_name": "Maya", "sex": "female", "birth": "1996-05-04", "birth_calendar": "ad"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"birth": f"{date.today().year + 1}-01-01"}, "AD is in the future. Is it Bikram Sambat?"),
        ({"birth": "2099-01-01", "birth_calendar": "bs"}, "2090"),
        ({"birth": "32 May"}, "Write the date as year, month and day"),
        ({"birth": "1996-02-30"}, "1996"),
        ({"first_name": ""}, "required"),
        ({"first_name": "M" * 10_000}, "at most 100 characters"),
        ({"name_ne": "म" * 10_000}, "at most 200 characters"),
        ({"home_district": "Sindupalchok Dholaka"}, "district"),
        ({"home_district": "x" * 10_000}, "at most 100 characters"),
        ({"home_district": "Dhading", "home_local_level": "Dhunibenshy"}, "Similar: Dhunibenshi"),
        ({"sex": "unheard-of"}, "Select a valid choice"),
        ({"first_name": "Ma\x00ya"}, "Null characters"),
        ({"birth": f"{date.today().year - 12}-01-01"}, "under 18 and can&#x27;t consent alone"),
    ],
)
def test_an_invalid_page_about_the_beneficiary(interview, demo_users, changes, message):
    client, address = interview
    before = written(demo_users[A])
    response = submit(client, address, PERSON | changes)
    assert response.status_code == 200
    assert message in text_of(response)
    assert "There is a problem" in text_of(response) or "error" in text_of(response)
    if changes.get("first_name") != "":
        typed = (PERSON | changes)["first_name"].replace("\x00", "")
        assert typed[:50] in text_of(response), "what was typed is shown again"
    assert written(demo_users[A]) == before
    with acting_as(demo_users[A]):
        assert IntakeDraft.objects.visible_to(demo_users[A]).latest("created_at").details == {}


def test_devanagari_everywhere(interview, demo_users):
    client, address = interview
    response = submit(
        client,
        address,
        {
            "first_name": "सुनिता",
            "middle_name": "कुमारी",
            "second_name": "तामाङ",
            "name_ne": "सुनिता कुमारी तामाङ",
            "sex": "female",
            "birth": "२०५३-०१-२२",
            "birth_calendar": "bs",
            "home_district": "सिन्धुपाल्चोक",
            "home_place": "वडा नं. ३, थुम्पाखर",
            "phone": "९८०-७४७२३५७",
            "safe_contact": "बेलुका मात्र फोन गर्ने।",
        },
    )
    assert response.request["PATH_INFO"].endswith("/situation/"), text_of(response)
    response = submit(
        client,
        response.request["PATH_INFO"],
        {
            "groups": ["stranded_migrant"],
            "primary_group": "stranded_migrant",
            "current_district": "धादिङ",
            "narrative": "सात महिना तलब पाइएन।",
        },
    )
    page = text_of(response)
    assert "सुनिता कुमारी तामाङ" in page
    assert "सात महिना तलब पाइएन।" in page
    with acting_as(demo_users[A]):
        person = Beneficiary.objects.visible_to(demo_users[A]).get(first_name="सुनिता", middle_name="कुमारी")
    assert person.birth_on == date(1996, 5, 4)
    assert person.home_district.code == "302"


def test_the_main_situation_must_be_one_of_the_chosen_ones(interview, demo_users):
    client, address = interview
    response = submit(client, address, PERSON)
    before = written(demo_users[A])
    response = submit(
        client,
        response.request["PATH_INFO"],
        {"groups": ["returnee_migrant"], "primary_group": "stranded_migrant"},
    )
    assert "The main situation must be one of those that you chose." in text_of(response)
    assert written(demo_users[A]) == before


def test_nothing_is_stored_of_somebody_who_refuses(sign_in, demo_users):
    client, before = sign_in(A), written(demo_users[A])
    response = submit(
        client, "/cases/new/", {"was_told": "on", "agrees": "no", "given_by": "self", "how": "spoken"}
    )
    assert "Nothing was kept" in text_of(response)
    assert written(demo_users[A]) == before


def test_consent_without_an_explanation_is_refused(sign_in, demo_users):
    client, before = sign_in(A), written(demo_users[A])
    response = submit(client, "/cases/new/", {"agrees": "yes", "given_by": "self", "how": "spoken"})
    assert "First explain what is confidential" in text_of(response)
    assert written(demo_users[A]) == before


def test_a_form_sent_twice_opens_one_case(interview, demo_users):
    client, address = interview
    response = submit(client, address, PERSON)
    page = client.get(response.request["PATH_INFO"])
    data = forms_of(page)[0]["data"] | {"groups": ["stranded_migrant"], "primary_group": ["stranded_migrant"]}
    with acting_as(demo_users[A]):
        before = Case.objects.count()
    answers = [client.post(page.request["PATH_INFO"], data) for _ in range(3)]
    assert len({answer["Location"] for answer in answers}) == 1
    with acting_as(demo_users[A]):
        assert Case.objects.count() == before + 1


def test_a_payment_form_sent_twice_pays_once(sign_in, demo_users):
    by = demo_users[A]
    with acting_as(by):
        grant = factories.requested(factories.planned(factories.a_case(by), by), by)
    factories.approved(grant, demo_users)
    client = sign_in("iom_finance")
    form = next(f for f in forms_of(client.get(f"/grants/{grant.pk}/")) if f["action"].endswith("/pay/"))
    data = form["data"] | {"amount_npr": ["20000"], "voucher": ["V-7"]}
    for _ in range(3):
        assert client.post(form["action"], data).status_code == 302
    with acting_as(demo_users["iom_finance"]):
        assert Instalment.objects.filter(grant=grant).count() == 1
        assert (
            LedgerEntry.objects.filter(
                source_kind="instalment",
                posted_by__username="iom_finance",
                amount_npr=20000,
                posted_on=now().date(),
            ).count()
            >= 1
        )


def test_a_grant_above_the_ceiling(sign_in, demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        plan = factories.planned(case, by)
    before = written(by)
    response = submit(
        sign_in(A),
        f"/cases/{case.reference}/plans/{plan.pk}/grant/",
        {"amount_npr": "65001", **factories.asks_for(plan)},
    )
    assert "One grant of this programme can be at most NPR 65,000." in text_of(response)
    assert "65001" in text_of(response)
    assert written(by) == before


def test_an_instalment_larger_than_the_grant(sign_in, demo_users):
    by = demo_users[A]
    with acting_as(by):
        grant = factories.requested(factories.planned(factories.a_case(by), by), by, 50000)
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users, 30000)
    before = written(demo_users["iom_finance"])
    response = submit(
        sign_in("iom_finance"),
        f"/grants/{grant.pk}/",
        {"amount_npr": "20001", "voucher": "V-2"},
        action="/pay/",
    )
    assert "Of this grant NPR 20,000 is left" in text_of(response)
    assert written(demo_users["iom_finance"]) == before


def test_approval_by_the_requester(sign_in, demo_users):
    by, supervisor = demo_users[A], demo_users["iom_supervisor"]
    approver_role = Role.objects.get(organisation__code="IOM", code="grant_approver")
    Membership.objects.create(user=supervisor, role=approver_role, starts_on=date(2020, 1, 1))
    second = demo_users["programme_manager"]
    Membership.objects.create(
        user=second,
        role=Role.objects.get(organisation__code="IOM", code="supervisor"),
        starts_on=date(2020, 1, 1),
    )
    with acting_as(by):
        case = factories.a_case(by)
        factories.share_with_iom(case, by)
        plan = factories.planned(case, by)
    with acting_as(demo_users["iom_supervisor"]):
        grant = factories.requested(plan, demo_users["iom_supervisor"])
    with acting_as(demo_users["programme_manager"]):
        endorse_grant(grant=grant, by=demo_users["programme_manager"], now=now())
    client = sign_in("iom_supervisor")
    page = client.get(f"/grants/{grant.pk}/")
    assert "/approve/" not in text_of(page), "the button isn't offered"
    key = "8d6a2f5e-0000-4000-8000-000000000001"
    response = client.post(f"/grants/{grant.pk}/approve/", {"form_key": key}, follow=True)
    assert "Another user must do this" in text_of(response)
    with acting_as(demo_users["iom_supervisor"]):
        assert Grant.objects.get(pk=grant.pk).state == "endorsed"


@pytest.mark.parametrize(
    ("day", "message"),
    [
        (lambda today: today + timedelta(days=1), "The date is in the future."),
        (lambda today: date(today.year - 5, 1, 1), "The date of admission must be within that period."),
    ],
)
def test_admission_outside_the_period(sign_in, demo_users, day, message):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        factories.screened(case, by)
    before = written(by)
    response = submit(
        sign_in(A),
        f"/cases/{case.reference}/programmes/RASNM-2/",
        {
            "which": "decision",
            "decide-decision": "admitted",
            "decide-enrolled_on": day(now().date()).isoformat(),
        },
    )
    assert message in text_of(response)
    assert written(by) == before


def test_an_ended_programme_admits_nobody_today(sign_in, demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        factories.screened(case, by, "RASNM")
    response = submit(
        sign_in(A),
        f"/cases/{case.reference}/programmes/RASNM/",
        {"which": "decision", "decide-decision": "admitted"},
    )
    assert "The date of admission must be within that period." in text_of(response)
    with acting_as(by):
        assert not Enrolment.objects.visible_to(by).filter(case=case).exists()


def test_admission_against_the_criteria_needs_the_right_and_a_reason(sign_in, demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        factories.share_with_iom(case, by)
        factories.screened(case, by, willing_to_return=False)
    address = f"/cases/{case.reference}/programmes/RASNM-2/"
    wanted = {"which": "decision", "decide-decision": "admitted"}
    assert "Only a user who may admit against the criteria" in text_of(submit(sign_in(A), address, wanted))
    supervisor = sign_in("iom_supervisor")
    assert "Say why the person is admitted although the criteria are not met." in text_of(
        submit(supervisor, address, wanted)
    )
    page = text_of(
        submit(supervisor, address, wanted | {"decide-reason": "Her brother is in hospital there."})
    )
    assert "Against the criteria" in page


def test_invalid_numbers_are_refused(sign_in, demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        plan = factories.planned(case, by)
    client, before = sign_in(A), written(by)
    for amount in ("", "-5", "0", "NaN", "1e9", "many", "१२३abc", "9" * 40):
        response = submit(
            client,
            f"/cases/{case.reference}/plans/{plan.pk}/grant/",
            {"amount_npr": amount, **factories.asks_for(plan)},
        )
        assert response.status_code == 200
        assert "govuk-error" in text_of(response), amount
    assert written(by) == before
    assert Decimal(plan.enrolment.project.grant_ceiling_npr) == 65000


def test_the_database_refuses_what_the_pages_refuse(demo_users):
    """The same rules past every form: named constraints."""
    by = demo_users[A]
    with acting_as(by), connection.cursor() as cursor:
        case = factories.a_case(by)
        for statement, name in [
            (
                "UPDATE beneficiaries_beneficiary SET birth_on = '2199-01-01', version = version + 1 WHERE id = %s",
                "born_before_registered",
            ),
            (
                "UPDATE beneficiaries_beneficiary SET first_name = '', version = version + 1 WHERE id = %s",
                "has_a_name",
            ),
        ]:
            from django.db import IntegrityError, transaction

            with pytest.raises(IntegrityError, match=name), transaction.atomic():
                cursor.execute(statement, [case.beneficiary_id])

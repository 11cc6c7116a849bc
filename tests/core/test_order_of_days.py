"""No event is dated before the one that it follows."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError

from core.clock import now
from core.context import acting_as
from reintegration.models import FollowUp, Plan
from reintegration.operations.follow_up import record_follow_up
from tests import factories
from tests.pages import submit, text_of

A, FINANCE = "ngo_a_caseworker", "iom_finance"


@pytest.mark.django_db
def test_a_plan_is_not_agreed_before_its_enrolment(sign_in, demo_users):
    by, yesterday = demo_users[A], now().date() - timedelta(days=1)
    with acting_as(by):
        case = factories.a_case(by)
        factories.admitted(case, by)
    address = f"/cases/{case.reference}/programmes/RASNM-2/plan/"
    wanted = {"livelihood": "tea_shop", "goal": "A shop.", "agreed_on": yesterday.isoformat()}
    page = text_of(submit(sign_in(A), address, wanted))
    assert "The date is before the admission to the programme." in page
    with acting_as(by):
        assert not Plan.objects.visible_to(by).filter(case=case).exists()


@pytest.mark.django_db
def test_a_visit_is_not_made_before_the_enrolment_or_the_payment_that_it_follows(demo_users):
    by, today = demo_users[A], now().date()
    with acting_as(by):
        plan = factories.planned(factories.a_case(by), by)
        grant = factories.requested(plan, by)
        call = FollowUp.objects.visible_to(by).get(case_id=plan.case_id)
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    with acting_as(by):
        visit = FollowUp.objects.visible_to(by).get(case_id=plan.case_id, origin__endswith=":visit_30")
        for follow_up, sentence in ((call, "before the admission"), (visit, "before the")):
            with pytest.raises(ValidationError, match=sentence):
                _recorded(follow_up, today - timedelta(days=1), by)
        with pytest.raises(ValidationError, match="in the future"):
            _recorded(call, today + timedelta(days=1), by)
        assert _recorded(call, today, by).done_on == today


@pytest.mark.django_db
def test_a_visit_that_follows_a_payment_is_not_made_between_admission_and_payment(demo_users, owner_of_rows):
    by, today = demo_users[A], now().date()
    with acting_as(by):
        plan = factories.planned(factories.a_case(by), by)
        grant = factories.requested(plan, by)
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    owner_of_rows(plan, enrolled_on=today - timedelta(days=10))
    with acting_as(by):
        found = FollowUp.objects.visible_to(by).filter(case_id=plan.case_id)
        with pytest.raises(ValidationError, match="before the first instalment was paid"):
            _recorded(found.get(origin__endswith=":visit_30"), today - timedelta(days=1), by)
        assert _recorded(found.get(origin__endswith=":call_7"), today - timedelta(days=1), by)


@pytest.fixture
def owner_of_rows(demo_users):
    """Return a function that changes the day of an enrolment, as if it had been entered then."""

    def change(plan: Plan, enrolled_on: date) -> None:
        with acting_as(demo_users[A]):
            type(plan.enrolment).objects.filter(pk=plan.enrolment_id).update(enrolled_on=enrolled_on)

    return change


def _recorded(follow_up: FollowUp, day: date, by) -> FollowUp:
    return record_follow_up(
        follow_up=follow_up,
        done_on=day,
        outcome="not_found",
        wellbeing="",
        note="",
        counts=True,
        by=by,
        now=now(),
    )


@pytest.mark.django_db
def test_nobody_is_admitted_or_registered_before_their_birth(demo_users):
    by = demo_users[A]
    with acting_as(by):
        child = factories.beneficiary_details(birth_on=now().date() - timedelta(days=400))
        with pytest.raises(ValidationError, match="before the person was born"):
            _opened(by, child, now().date() - timedelta(days=401))
        with pytest.raises(ValidationError, match="before 1900"):
            _opened(by, factories.beneficiary_details(birth_on=None, birth_precision=""), date(1, 1, 1))


def _opened(by, person, opened_on: date):
    from beneficiaries.operations.intake import ConsentGiven, open_case

    return open_case(
        organisation=factories.organisation("NGO_A"),
        consent=ConsentGiven(given_by="guardian", how="spoken"),
        details=person,
        situation=factories.a_situation(),
        opened_on=opened_on,
        by=by,
        now=now(),
    )


@pytest.mark.django_db
def test_a_consent_does_not_end_before_it_is_given(demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        with pytest.raises(ValidationError, match="The last day is already over"):
            factories.share_with_iom(case, by, until_on=now().date() - timedelta(days=1))
        assert factories.share_with_iom(case, by, until_on=now().date())

"""If a birth date leaves open whether somebody is 18, they count as a child, wherever an age decides."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError

from beneficiaries import rules
from beneficiaries.operations.consent import record_consent
from beneficiaries.operations.intake import ConsentGiven, open_case
from beneficiaries.operations.referral import ask_and_refer
from beneficiaries.operations.transfer import ask_and_offer
from beneficiaries.queries.case import case_by_reference
from beneficiaries.queries.fact import facts_of
from core import bikram_sambat, days
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.pages import submit, text_of

A, SUPERVISOR = "ngo_a_caseworker", "iom_supervisor"
GUARDIAN = {"given_by": "guardian", "how": "spoken", "reason": ""}
MAY_NOT_ALONE, MUST_BE_OWN = "can't consent alone", "must be their own"


def open_year() -> int:
    """Return a birth year that leaves open today whether somebody is 18."""
    return now().year - 18


def may_be_17(**changes):
    """Known by year only: 17 or 18 today."""
    year = open_year()
    given = {"birth_on": date(year, 1, 1), "birth_precision": "year", "birth_as_typed": f"{year} AD"}
    return factories.beneficiary_details(**given | changes)


def a_childs_case(by, **consent):
    return open_case(
        organisation=factories.organisation("NGO_A"),
        consent=ConsentGiven(**GUARDIAN | consent),
        details=may_be_17(),
        situation=factories.a_situation(),
        by=by,
        now=now(),
    )


ON = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("birth", "precision", "youngest", "words"),
    [
        (date(2008, 11, 30), "day", 18, "18"),
        (date(2008, 12, 1), "day", 17, "17"),
        (date(2008, 4, 13), "year", 17, "17 or 18, counts as a child"),  # 2065 BS
        (date(2008, 11, 16), "month", 17, "17 or 18, counts as a child"),
        (date(2008, 10, 17), "month", 18, "18"),
        (date(2007, 4, 14), "year", 18, "18 or 19"),
        (date(2012, 1, 1), "year", 13, "13 or 14"),
        (date(2026, 1, 1), "year", 0, "0"),
        (days.born_about(15, ON), "age", 14, "14 to 16"),
        (days.born_about(17, ON), "age", 16, "16 to 18, counts as a child"),
        (days.born_about(18, ON), "age", 17, "17 to 19, counts as a child"),
        (days.born_about(19, ON), "age", 18, "18 to 20"),
        (days.born_about(18, date(2025, 11, 30)), "age", 18, "18 to 20"),
        (days.born_about(18, date(2025, 12, 1)), "age", 17, "17 to 20, counts as a child"),
        (days.born_about(0, ON), "age", 0, "0 or 1"),
        (None, "", None, "not known"),
    ],
)
def test_the_youngest_possible_age_counts_and_an_uncertain_age_is_shown_as_such(
    birth, precision, youngest, words
):
    assert rules.youngest_age(birth, precision, ON) == youngest
    assert rules.counts_as_child(birth, precision, ON) == (youngest is not None and youngest < 18)
    assert str(rules.age_words(birth, precision, ON)) == words


@pytest.mark.parametrize("age", [1, 14, 17, 18, 40])
def test_of_an_age_on_a_day_both_ends_are_one_year_away_whatever_the_day(age):
    for number in range(0, 4 * 366, 7):
        on = date(2024, 2, 26) + timedelta(days=number % 5 + number)
        first = days.born_about(age, on)
        assert rules.age_on(first, on) == age + 1
        assert rules.age_on(first - timedelta(days=1), on) == age + 2
        youngest = rules.youngest_age(first, "age", on)
        assert youngest == age - 1 or (on.month == 2 and youngest == age - 2), on


@pytest.mark.django_db
@pytest.mark.parametrize(("age", "is_refused"), [(17, True), (18, True), (19, False)])
def test_who_is_about_18_does_not_consent_alone(demo_users, age, is_refused):
    born = days.birth_of(str(age), calendar="bs", today=now().date())
    details = {"birth_on": born.date, "birth_precision": born.precision.value}
    details["birth_as_typed"] = f"{born.as_typed} BS"
    with acting_as(demo_users[A]):
        opened = {"details": factories.beneficiary_details(**details)}
        if not is_refused:
            assert factories.a_case(demo_users[A], **opened).beneficiary.birth_precision == "age"
            return
        with pytest.raises(ValidationError, match=MAY_NOT_ALONE):
            factories.a_case(demo_users[A], **opened)
        case = factories.a_case(demo_users[A], given_by="guardian", **opened)
        assert facts_of(case, by=demo_users[A], on=now().date())["age"] in (None, age - 1)


@pytest.mark.django_db
def test_an_age_on_a_day_is_typed_shown_and_corrected(sign_in, demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    client, address = sign_in(A), f"/cases/{case.reference}/beneficiary/"
    said = now().date() - timedelta(days=100)
    bs = "{}-{:02}-{:02}".format(*bikram_sambat.to_bs(said))
    typed = {"birth": f"२५ {bs}", "birth_calendar": "bs", "reason": "She knows her age only."}
    page = text_of(submit(client, address, typed))
    assert f"about 25 (said on {said.day} {said:%B %Y} AD, {bs} BS)" in page
    assert "24 to 27" in page, "three years and the hundred days since"
    assert f'value="25 {bs}"' in text_of(client.get(address))
    doubted = text_of(submit(client, address, {"birth": f"26 {said}", "birth_calendar": "bs", "reason": "x"}))
    assert "In which calendar is the day on which the age was said?" in doubted
    assert f'value="ad 26 {said}"' in doubted


@pytest.mark.parametrize(
    ("given_by", "age", "problem"),
    [
        ("self", 17, MAY_NOT_ALONE),
        ("self", 18, ""),
        ("guardian", 17, ""),
        ("guardian", 18, MUST_BE_OWN),
        ("best_interests", 17, ""),
        ("self", None, ""),
        ("guardian", None, ""),
    ],
)
def test_who_may_consent_at_which_age(given_by, age, problem):
    said = rules.consent_problem(given_by=given_by, reason="Nobody was safe.", age=age)
    assert problem in said if problem else said == ""


@pytest.mark.parametrize(
    ("birth", "known"),
    [(date(2008, 4, 13), 17), (date(2010, 4, 14), None), (date(2012, 4, 13), None), (date(2000, 4, 13), 25)],
)
def test_criteria_treat_an_uncertain_age_as_a_childs_at_18_and_as_unknown_at_the_working_age(birth, known):
    assert rules.known_age(birth, "year", ON) == known


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given_by", "is_taken"), [("self", False), ("guardian", True), ("best_interests", True)]
)
@pytest.mark.parametrize("calendar", ["ad", "bs"])
def test_the_interview_page_asks_a_guardian_for_a_childs_consent(
    sign_in, demo_users, given_by, is_taken, calendar
):
    client = sign_in(A)
    response = submit(
        client,
        "/cases/new/",
        {"was_told": "on", "agrees": "yes", "given_by": given_by, "how": "spoken", "reason": "He sold her."},
    )
    address = response.request["PATH_INFO"]
    year = open_year() + (57 if calendar == "bs" else 0)  # 2065 BS is 2008-09 AD
    page = submit(
        client,
        address,
        {"first_name": "Maya", "sex": "female", "birth": str(year), "birth_calendar": calendar},
    )
    assert page.request["PATH_INFO"].endswith("/situation/") == is_taken, text_of(page)
    if not is_taken:
        assert "is, or may be, under 18 and can&#x27;t consent alone" in text_of(page)
        assert f'value="{year}"' in text_of(page), "what was typed is shown again"


@pytest.mark.django_db
@pytest.mark.parametrize(("given_by", "status"), [("self", 400), ("guardian", 201)])
def test_the_api_asks_a_guardian_for_a_childs_consent(sign_in, demo_users, given_by, status):
    client = sign_in(A)
    body = {
        "organisation": str(factories.organisation("NGO_A").pk),
        "consent": {"given_by": given_by, "how": "spoken"},
        "beneficiary": {"first_name": "Maya", "sex": "female", "birth": str(open_year())},
        "situation": {"groups": ["street_child"], "primary_group": "street_child"},
    }
    response = client.post("/api/v1/cases/", body, content_type="application/json")
    assert response.status_code == status, response.content
    if status == 400:
        assert MAY_NOT_ALONE in str(response.json())
    else:
        person = client.get(f"/api/v1/beneficiaries/{response.json()['beneficiary']}/").json()
        assert (person["birth_precision"], person["counts_as_child"]) == ("year", True)


@pytest.mark.django_db
def test_a_later_consent_a_referral_and_a_transfer_of_a_child_need_a_guardian(demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = a_childs_case(by)
        with pytest.raises(ValidationError, match=MAY_NOT_ALONE):
            factories.share_with_iom(case, by)
        alone = {
            "agrees": True,
            "given_by": "self",
            "why_nobody_asked": "",
            "how": "spoken",
            "by": by,
            "now": now(),
        }
        receiver = factories.organisation("NGO_B")
        with pytest.raises(ValidationError, match=MAY_NOT_ALONE):
            ask_and_refer(
                case=case,
                receiver=receiver,
                service="School",
                reason="To learn.",
                items={"Name": "x"},
                **alone,
            )
        with pytest.raises(ValidationError, match=MAY_NOT_ALONE):
            ask_and_offer(case=case, receiver=receiver, reason="She moves.", **alone)
        record_consent(
            case=case, purpose="sharing", organisation=receiver, is_given=True, by=by, now=now(), **GUARDIAN
        )
        with pytest.raises(ValidationError, match=MAY_NOT_ALONE):
            ask_and_offer(case=case, receiver=receiver, reason="She moves.", **alone)
        assert ask_and_offer(
            case=case, receiver=receiver, reason="She moves.", **alone | {"given_by": "guardian"}
        )


@pytest.mark.django_db
def test_an_imported_row_and_a_case_opened_in_the_past_count_the_age_at_consent(demo_users):
    """The age on the day of consent counts."""
    by = demo_users[A]
    asked_on = now().date() - timedelta(days=400)
    was_17 = factories.beneficiary_details(
        birth_on=date(asked_on.year - 18, 1, 1), birth_precision="year", birth_as_typed="x"
    )
    with acting_as(by), pytest.raises(ValidationError, match=MAY_NOT_ALONE):
        open_case(
            organisation=factories.organisation("NGO_A"),
            consent=ConsentGiven(given_by="self", how="file"),
            details=was_17,
            situation=factories.a_situation(),
            opened_on=asked_on,
            by=by,
            now=now(),
        )


@pytest.mark.django_db
def test_the_case_file_the_criteria_and_the_export_count_a_child(demo_users, sign_in):
    by = demo_users[A]
    with acting_as(by):
        case = a_childs_case(by)
        found = case_by_reference(by, case.reference)
        assert facts_of(found, by=by, on=now().date())["age"] == 17
    page = text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    assert "17 or 18, counts as a child" in page


@pytest.mark.django_db
def test_an_export_shows_an_uncertain_age_as_such(demo_users):
    from beneficiaries.exports.cases import CASES, columns  # models must be loaded first

    by = demo_users[A]
    with acting_as(by):
        case = a_childs_case(by)
        grown = factories.a_case(by)
        rows = CASES.rows(by, factories.organisation("NGO_A").pk, {}, now().date())
        rows_by_reference = {
            row[0]: dict(zip(columns(), row, strict=True)) for row in CASES.cells(by, rows, now().date())
        }
    assert rows_by_reference[case.reference]["Age"] == "17 or 18, counts as a child"
    assert rows_by_reference[grown.reference]["Age"] == rules.age_on(date(1996, 5, 4), now().date())

"""Valid dates: one set of limits on every page, in the API, in the import and in the database."""

import re
from datetime import date

import pytest
from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils import translation
from rest_framework.serializers import DateField

from api.resources import RESOURCES
from beneficiaries.models import Beneficiary, IntakeDraft
from core import days
from core.clock import now
from core.context import acting_as
from core.forms import CalendarDayInput, DayField
from reintegration.models import Plan
from tests import factories
from tests.access import test_addresses
from tests.access.test_addresses import TABLE, address_of, enter
from tests.addresses import patterns
from tests.api.program import Program, opening
from tests.forms import every_form
from tests.pages import forms_of, submit, text_of

A, FINANCE = "ngo_a_caseworker", "iom_finance"
IMPOSSIBLE = (
    "0001-01-01",
    "1000-01-01",
    "1899-12-31",
    "9999-12-31",
    "२०९९-१२-३१",
    "soon",
    "2026-02-30",
    "2026",
)
TODAY = date(2026, 11, 30)
keys = test_addresses.keys


# Reading


@pytest.mark.parametrize(
    "typed", ["2026-03-27", "2026/3/27", "२०२६-०३-२७", "2०26/०3/27", " २०२६.३.२७ "], ids=str
)
def test_a_day_is_read_in_either_script(typed):
    assert days.day_of(typed, today=TODAY, is_record=True) == date(2026, 3, 27)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Write the date as year, month and day"),
        ("soon", "Write the date as year, month and day"),
        ("2026-11", "Write the whole date"),
        ("2026", "Write the whole date"),
        ("0001-01-01", "before 1900"),
        ("1899-12-31", "before 1900"),
        ("9999-12-31", "more than 30 years ahead"),
        ("2026-02-30", "30 is not a day of month 2"),
        ("0000-00-00", "no month 0"),
    ],
)
def test_an_invalid_day_is_refused_in_words(typed, message):
    with pytest.raises(days.NotADate, match=message):
        days.day_of(typed, today=TODAY, is_record=True)


def test_a_bikram_sambat_day_in_an_ad_field_is_asked_about():
    with pytest.raises(days.Doubt, match="In Bikram Sambat it is 30 November 2026 AD") as asked:
        days.day_of("२०८३-०८-१४", today=TODAY, is_record=True)
    assert asked.value.readings == {
        "bs २०८३-०८-१४": "Bikram Sambat: 30 November 2026 AD",
        "ad २०८३-०८-१४": "AD: 14 August 2083",
    }
    said = {"today": TODAY, "is_record": True}
    assert days.day_of("२०८३-०८-१४", meant="bs २०८३-०८-१४", **said) == TODAY
    with pytest.raises(days.NotADate, match="30 years ahead"):
        days.day_of("२०८३-०८-१४", meant="ad २०८३-०८-१४", **said)
    with pytest.raises(days.Doubt):  # the answer was about another day
        days.day_of("2083-08-13", meant="bs २०८३-०८-१४", **said)


def test_a_day_that_only_the_other_calendar_has_is_asked_about():
    with pytest.raises(days.Doubt) as asked:
        days.day_of("2082-02-31", today=TODAY, is_record=True)
    assert list(asked.value.readings) == ["bs 2082-02-31"]


def test_a_future_day_is_asked_about_only_if_it_is_far_away():
    assert days.day_of("2030-01-01", today=TODAY, is_record=False) == date(2030, 1, 1)
    with pytest.raises(days.Doubt):
        days.day_of("2068-01-01", today=TODAY, is_record=False)


@pytest.mark.parametrize(
    ("typed", "calendar", "question", "answers"),
    [
        (
            "1990",
            "bs",
            "1990 BS is 1933 AD: 93 years old. Is it AD?",
            ["AD: 36 years old", "Bikram Sambat: 1933 AD, 93 years old"],
        ),
        ("२०१५-०१-०१", "bs", "68 years old. Is it AD?", None),
        ("1965", "bs", "no such day in this calendar", ["AD: 61 years old"]),
        (
            "2049-11-16",
            "ad",
            "2049-11-16 AD is in the future. Is it Bikram Sambat? That is 1993 AD.",
            ["Bikram Sambat: 1993 AD, 33 years old", "AD: in the future"],
        ),
        ("2049-02-32", "ad", "no such day in this calendar", ["Bikram Sambat: 1992 AD, 34 years old"]),
    ],
)
def test_a_birth_that_is_likely_in_the_other_calendar_is_asked_about(typed, calendar, question, answers):
    with pytest.raises(days.Doubt, match=re.escape(question)) as asked:
        days.birth_of(typed, calendar=calendar, today=TODAY)
    if answers:
        assert list(asked.value.readings.values()) == answers
    for meant in asked.value.readings:
        assert days.birth_of(typed, calendar=calendar, today=TODAY, meant=meant).calendar == meant[:2]


@pytest.mark.parametrize(("typed", "calendar"), [("2049-11-16", "bs"), ("1993", "ad"), ("1930", "ad")])
def test_a_likely_birth_is_not_asked_about(typed, calendar):
    assert days.birth_of(typed, calendar=calendar, today=TODAY).as_typed == typed


@pytest.mark.parametrize(
    ("birth", "problem"),
    [
        (date(2026, 11, 30), ""),
        (date(1906, 11, 30), ""),
        (date(2026, 12, 1), "in the future"),
        (date(1905, 11, 30), "more than 120 years ago"),
        (date(1, 1, 1), "more than 120 years ago"),
    ],
)
def test_somebody_is_at_most_120_years_old(birth, problem):
    assert problem in days.birth_problem(birth, today=TODAY)
    assert bool(problem) == bool(days.birth_problem(birth, today=TODAY))


# Every field


def test_every_date_in_every_form_uses_this_field():
    others = [
        f"{form.__module__}.{form.__qualname__}.{name}"
        for form in every_form()
        for name, field in form.base_fields.items()
        if isinstance(field, forms.DateField) and not isinstance(field, DayField)
    ]
    assert others == []


def test_every_form_refuses_an_impossible_date():
    found = [
        field for form in every_form() for field in form.base_fields.values() if isinstance(field, DayField)
    ]
    assert len(found) > 10
    for field in found:
        for typed in IMPOSSIBLE:
            with pytest.raises(ValidationError):
                field.clean(typed)


def _forms_shown(response) -> list[forms.BaseForm]:
    """Return the forms in the page's context."""
    values = (value for context in response.context for layer in context.dicts for value in layer.values())
    return list({id(value): value for value in values if isinstance(value, forms.BaseForm)}.values())


PAGES = ("reintegration:", "beneficiaries:", "accounts:")


@pytest.mark.django_db
def test_every_page_with_a_date_names_the_field_of_an_impossible_one(client, demo_users, keys):
    """Each address as a user who may fill it in; the page's own forms show which fields are dates."""
    routes, tried = dict(patterns()), set()
    for person in ("ngo_a_caseworker", "ngo_a_focal_point", "iom_finance", "auditor"):
        for name in TABLE:
            if name.startswith(PAGES):
                enter(client, demo_users, person)
                codes = ("RASNM-2", "RASNM")  # the case is enrolled in the first already
                for address in {address_of(routes[name], keys["a"] | {"code": code}) for code in codes}:
                    tried |= _try_dates(client, name, address)
    assert tried >= {
        ("reintegration:admission-assess", "enrolled_on"),
        ("reintegration:plan-agree", "agreed_on"),
        ("reintegration:follow-up-record", "done_on"),
        ("reintegration:log-list", "first_on"),
        ("reintegration:log-list", "last_on"),
        ("accounts:membership-change", "starts_on"),
        ("accounts:membership-change", "ends_on"),
        ("accounts:user-give-role", "starts_on"),
        ("accounts:user-add", "ends_on"),
    }


def _try_dates(client, name: str, address: str) -> set[tuple[str, str]]:
    page = client.get(address)
    if page.status_code != 200 or not page.context:
        return set()
    tried = set()
    for form in _forms_shown(page):
        for field in [field for field in form.fields if isinstance(form.fields[field], DayField)]:
            html = form.add_prefix(field)
            sent = next((made for made in forms_of(page) if html in made["data"]), None)
            if sent is None:
                continue
            for typed in IMPOSSIBLE:
                send = client.post if sent["method"] == "post" else client.get
                answer = send(sent["action"] or address, sent["data"] | {html: [typed]}, follow=True)
                assert answer.status_code == 200, (name, field, typed)
                text = text_of(answer)
                assert f'id="id_{html}_error"' in text, (name, field, typed)
                assert f'value="{typed}"' in text, (name, field, typed)
            tried.add((name, field))
    return tried


@pytest.mark.django_db
def test_the_api_names_the_field_of_an_impossible_date(demo_users, keys):
    tried, impossible = set(), [typed for typed in IMPOSSIBLE if typed != "2026"]
    for kind in RESOURCES:
        program = Program(demo_users["auditor" if kind.noun == "audit-event" else A])
        for name, field in kind.query_class().fields.items():
            for typed in impossible if isinstance(field, DateField) else ():
                answer = program.get(f"{kind.path}/", {name: typed})
                assert (answer.status_code, _named(answer)) == (400, {name}), (kind.path, name, typed)
                tried.add(name)
        for action, given in getattr(kind, "inputs", {}).items():
            row = f"{kind.path}/{keys['a'].get(kind.lookup_url_kwarg, '')}/"
            who = Program(demo_users[FINANCE if action == "pay" else A])
            for name, field in given().fields.items():
                for typed in impossible if isinstance(field, DateField) else ():
                    if action == "partial_update":
                        answer = who.patch(row, {name: typed})
                    else:
                        path = f"{kind.path}/" if action == "create" else f"{row}{action}/"
                        answer = who.post(path, {name: typed})
                    assert name in _named(answer), (kind.path, action, name, typed)
                    tried.add(name)
    assert tried >= {
        "agreed_on",
        "paid_on",
        "done_on",
        "enrolled_on",
        "until_on",
        "changed_from",
        "due_until",
    }


def _named(answer) -> set[str]:
    return {error["field"] for error in answer.json()["errors"]}


@pytest.mark.django_db
@pytest.mark.parametrize("typed", [typed for typed in IMPOSSIBLE if typed not in ("2026",)])
def test_the_api_names_the_field_of_an_impossible_birth(demo_users, typed):
    body = opening()
    body["beneficiary"] |= {"birth": typed, "birth_calendar": "ad"}
    assert _named(Program(demo_users[A]).post("cases/", body)) == {"beneficiary.birth"}


# The question on the page


@pytest.fixture
def interview(sign_in):
    client = sign_in(A)
    agreed = {"was_told": "on", "agrees": "yes", "given_by": "self", "how": "spoken"}
    return client, submit(client, "/cases/new/", agreed).request["PATH_INFO"]


@pytest.mark.django_db
@pytest.mark.parametrize(("meant", "year"), [("ad", 1990), ("bs", 1933)])
def test_1990_as_bikram_sambat_is_asked_about_and_saved_as_meant(interview, demo_users, meant, year):
    client, address = interview
    given = {"first_name": "Maya", "sex": "female", "birth": "१९९०", "birth_calendar": "bs"}
    answer = submit(client, address, given)
    page = text_of(answer)
    assert "१९९० BS is 1933 AD: 93 years old. Is it AD?" in page
    assert 'value="१९९०"' in page
    assert 'value="ad १९९०"' in page
    with acting_as(demo_users[A]):
        assert IntakeDraft.objects.visible_to(demo_users[A]).latest("created_at").details == {}
    submit(client, address, given | {"birth_meant": f"{meant} १९९०"})
    with acting_as(demo_users[A]):
        person = IntakeDraft.objects.visible_to(demo_users[A]).latest("created_at").details
    assert person["birth_on"].startswith(str(year))
    assert person["birth_as_typed"] == f"१९९० {meant.upper()}"


@pytest.mark.django_db
def test_a_bikram_sambat_day_on_a_page_is_asked_about_and_accepted_once_confirmed(sign_in, demo_users):
    from core.bikram_sambat import to_bs

    by, client = demo_users[A], sign_in(A)
    with acting_as(by):
        case = factories.a_case(by)
        factories.admitted(case, by)
    typed = "{:04}-{:02}-{:02}".format(*to_bs(now().date()))
    address = f"/cases/{case.reference}/programmes/RASNM-2/plan/"
    wanted = {"livelihood": "tea_shop", "goal": "A shop.", "agreed_on": typed}
    page = text_of(submit(client, address, wanted))
    assert "This is probably not an AD date." in page
    assert f'value="bs {typed}"' in page
    with acting_as(by):
        assert not Plan.objects.visible_to(by).filter(case=case).exists()
    submit(client, address, wanted | {"agreed_on_meant": f"bs {typed}"})
    with acting_as(by):
        assert Plan.objects.visible_to(by).get(case=case).agreed_on == now().date()


@pytest.fixture
def agreed(demo_users):
    """A case without a plan, the address of its plan's page, and what is typed there beside the day."""
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        factories.admitted(case, by)
    return case, f"/cases/{case.reference}/programmes/RASNM-2/plan/", {"livelihood": "tea_shop", "goal": "A."}


@pytest.mark.django_db
@pytest.mark.parametrize("digits", ["0123456789", "०१२३४५६७८९"])
def test_a_day_is_typed_in_the_chosen_calendar(sign_in, demo_users, agreed, digits):
    case, address, wanted = agreed
    typed = days.written(now().date(), "bs").translate(str.maketrans("0123456789", digits))
    submit(sign_in(A), address, wanted | {"agreed_on": typed, "agreed_on_calendar": "bs"})
    with acting_as(demo_users[A]):
        assert Plan.objects.visible_to(demo_users[A]).get(case=case).agreed_on == now().date()


@pytest.mark.django_db
def test_an_ad_day_under_bikram_sambat_is_asked_about(sign_in, agreed):
    _case, address, wanted = agreed
    typed = now().date().isoformat()
    page = text_of(submit(sign_in(A), address, wanted | {"agreed_on": typed, "agreed_on_calendar": "bs"}))
    assert "This is probably not a Bikram Sambat date." in page
    assert f'value="ad {typed}"' in page
    assert '<option value="bs" selected>' in page


@pytest.mark.parametrize(("language", "calendar"), [("ne", "bs"), ("en", "ad")])
def test_a_saved_day_is_shown_in_the_calendar_of_the_language(language, calendar):
    day = date(2026, 3, 27)
    with translation.override(language):
        shown = CalendarDayInput().render("day", day, {"id": "id_day"})
        beyond = CalendarDayInput().render("day", date(2045, 3, 27), {"id": "id_day"})
    assert f'value="{days.written(day, calendar)}"' in shown
    assert f'<option value="{calendar}" selected>' in shown
    assert 'value="2045-03-27"' in beyond, "the months of Bikram Sambat aren't known so far ahead"
    assert '<option value="ad" selected>' in beyond


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "calendar", "words"),
    [
        ("2082-12-13", "bs", "27 March 2026 AD"),
        ("२०८२-१२-१३", "bs", "27 March 2026 AD"),
        ("2026-03-27", "ad", "2082-12-13 BS"),
        ("2045-03-27", "ad", ""),
        ("2070-05-06", "ad", "In Bikram Sambat it is 22 August 2013 AD"),
        ("2026-03", "ad", "Write the whole date"),
        ("2026-13-01", "ad", "month"),
        ("", "ad", ""),
        ("<b>", "bs", "Write the date as year"),
    ],
)
def test_a_day_is_read_while_it_is_typed(sign_in, typed, calendar, words):
    sent = {"field": "done_on", "done_on": typed, "done_on_calendar": calendar}
    answer = sign_in(A).get("/day/", sent)
    text = re.fullmatch(r'<span class="app-read">([^<]*)</span>', answer.content.decode())[1]
    assert words in text if words else text == ""


@pytest.mark.django_db
def test_the_api_asks_with_a_problem_and_accepts_the_answer(demo_users):
    program, body = Program(demo_users[A]), opening()
    body["beneficiary"] |= {"birth": "1990", "birth_calendar": "bs"}
    answer = program.post("cases/", body)
    (error,) = answer.json()["errors"]
    assert error["field"] == "beneficiary.birth"
    assert error["message"].startswith("1990 BS is 1933 AD: 93 years old. Is it AD?")
    assert "birth_is_meant" in error["message"]
    body["beneficiary"]["birth_is_meant"] = True
    made = program.post("cases/", body)
    assert made.status_code == 201
    with acting_as(demo_users[A]):
        person = Beneficiary.objects.visible_to(demo_users[A]).get(pk=made.json()["beneficiary"])
    assert person.birth_on.year == 1933


# The database

# The constraint of each date, as far as its row can check it; a date that no user enters has its source
# instead.
BOUND = {
    "accounts.AccessRequest.starts_on": "accounts_request_after_1900",
    "accounts.AccessRequest.ends_on": "accounts_request_ends_after_start",
    "accounts.Membership.starts_on": "accounts_membership_after_1900",
    "accounts.Membership.ends_on": "accounts_membership_ends_after_start",
    "projects.Project.starts_on": "projects_project_after_1900",
    "projects.Project.ends_on": "projects_project_period",
    "projects.LedgerEntry.posted_on": "projects_ledger_posted_by_then",
    "beneficiaries.Beneficiary.birth_on": "beneficiaries_born_after_1900",
    "beneficiaries.Case.opened_on": "beneficiaries_case_opened_by_then",
    "beneficiaries.Case.closed_on": "beneficiaries_case_closed_after_opened",
    "beneficiaries.Consent.asked_on": "beneficiaries_consent_asked_by_then",
    "beneficiaries.Consent.until_on": "beneficiaries_consent_until_after_asked",
    "beneficiaries.Consent.withdrawn_on": "beneficiaries_consent_withdrawn_after_asked",
    "beneficiaries.IdentityDocument.issued_on": "beneficiaries_identity_issued_after_1900",
    "beneficiaries.IdentityDocument.expires_on": "beneficiaries_identity_expires_after_1900",
    "beneficiaries.Enrolment.enrolled_on": "beneficiaries_enrolment_by_then",
    "beneficiaries.Enrolment.ended_on": "beneficiaries_enrolment_ended_after_it_began",
    "reintegration.Plan.agreed_on": "reintegration_plan_agreed_by_then",
    "reintegration.Instalment.paid_on": "reintegration_instalment_paid_by_then",
    "reintegration.FollowUp.done_on": "reintegration_follow_up_done_by_then",
}
MACHINE = {
    "beneficiaries.RiskAssessment.assessed_on": "the day on which it is recorded",
    "accounts.ApiToken.expires_on": "counted by the operation",
    "accounts.ApiToken.last_used_on": "today",
    "beneficiaries.Beneficiary.registered_on": "today",
    "beneficiaries.Beneficiary.erased_on": "today, by a reviewed function",
    "beneficiaries.Case.changed_on": "today",
    "beneficiaries.CaseAccess.changed_on": "copied by a trigger",
    "beneficiaries.IntakeDraft.expires_on": "counted by the operation",
    "beneficiaries.IntakeDraft.warned_on": "today",
    "beneficiaries.Screening.answered_on": "today",
    "beneficiaries.Assessment.assessed_on": "today",
    "beneficiaries.Enrolment.entered_on": "today",
    "reintegration.FollowUp.counted_from": "the day of an admission or a payment, which is bounded",
    "reintegration.FollowUp.due_on": "counted from a date that is bounded",
    "reintegration.Reminder.due_on": "counted from a date that is bounded",
}


def test_the_database_refuses_dates_that_no_page_accepts(demo_users, committed, owner):
    """Years 1 and 9999 in each date column of a whole case, past every rule."""
    factories.Scene().whole()
    factories.asked_role(demo_users["ngo_a_focal_point"], demo_users["researcher"], "reader", "NGO_A")
    for label, constraint in BOUND.items():
        model_label, _dot, column = label.rpartition(".")
        table = apps.get_model(model_label)._meta.db_table
        days_tried = ["0001-01-01"] + ["9999-12-31"] * constraint.endswith("by_then")
        for day in days_tried:
            owner.execute("BEGIN")
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            with pytest.raises(Exception, match=constraint):
                owner.execute(f"UPDATE {table} SET {column} = %s", [day])
            owner.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("typed", "calendar", "words"),
    [
        ("2049-11-16", "bs", "27 February 1993 AD. Age: "),
        ("२०४९-११-१६", "bs", "27 February 1993 AD. Age: "),
        ("1993-02-28", "ad", "2049-11-17 BS. Age: "),
        ("2049", "bs", "1992 or 1993 AD. Age: "),
        ("1993", "ad", "2049 or 2050 BS. Age: "),
        ("2049-11", "bs", "1993 AD. Age: "),
        ("2049-09", "bs", "1992 or 1993 AD. Age: "),
        ("1993-02", "ad", "2049 BS. Age: "),
        ("1993-04", "ad", "2049 or 2050 BS. Age: "),
        ("2049-13-01", "bs", "13 is not a month"),
        ("2999", "bs", "outside"),
        ("15", "bs", " AD. Age: 14 to 16"),
        ("१५", "ad", " BS. Age: 14 to 16"),
        ("18", "ad", "Age: 17 to 19, counts as a child"),
        ("15 2081-01-20", "ad", "In which calendar"),
        ("15 2081-01-20", "bs", "2 May 2024 AD. Age: "),
        ("121", "ad", "An age is at most 120 years"),
        ("15 1969-05-03", "ad", "too long ago"),
        ("15 2081-01", "bs", "Write the whole date"),
        ("", "bs", ""),
        ("<b>", "bs", "Write the date as year"),
    ],
)
@pytest.mark.django_db
def test_a_birth_date_is_read_while_it_is_typed(sign_in, typed, calendar, words):
    answer = sign_in(A).post("/cases/new/birth/", {"birth": typed, "birth_calendar": calendar})
    text = re.fullmatch(r'<span class="app-read">([^<]*)</span>', answer.content.decode())[1]
    assert words in text

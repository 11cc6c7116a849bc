"""The risk level: an assessment with date, author and source, and who is notified when it is high."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from accounts.models import Membership, Notice
from beneficiaries.models import CaseFile, RiskAssessment
from beneficiaries.operations.case import close_case
from beneficiaries.operations.risk import assess_risk
from core.clock import now
from core.context import acting_as
from reintegration.models import Reminder
from reintegration.operations.reminder import send_due_reminders
from tests import factories, pages
from tests.api.program import Program
from tests.reintegration.test_visits import A, case, follow_ups_of, visited

__all__ = ["case"]
SUPERVISOR, PROTECTION = "ngo_a_supervisor", ("protection_supervisor", "protection_supervisor_2")
REVIEWED = {"source": "review", "reason": "She lives with her sister now."}
TRIES = 20


def notices(demo_users, username: str, case) -> list[Notice]:
    with acting_as(demo_users[username]):
        return list(Notice.objects.visible_to(demo_users[username]).filter(text__contains=case.reference))


def assessments(demo_users, case) -> list[RiskAssessment]:
    with acting_as(demo_users[A]):
        return list(RiskAssessment.objects.visible_to(demo_users[A]).filter(case=case).order_by("at", "id"))


def assessed(demo_users, case, level: str, by: str = A, **changes) -> RiskAssessment:
    with acting_as(demo_users[by]):
        return assess_risk(case=case, level=level, by=demo_users[by], now=now(), **REVIEWED | changes)


def bar_of(client, case) -> str:
    """Return the facts in the case file's bar."""
    page = client.get(f"/cases/{case.reference}/").content.decode()
    return page[page.index("app-identity__facts") : page.index("</dl>")]


@pytest.mark.django_db
def test_in_danger_at_a_visit_raises_the_risk_and_notifies(sign_in, demo_users, case):
    client = sign_in(A)
    visited(client, demo_users, case)
    bar, page = bar_of(client, case), client.get(f"/cases/{case.reference}/").content.decode()
    for words in ("High", "Maya Gurung", "visit or call"):
        assert words in bar
    [step] = [row for row in follow_ups_of(case, demo_users[A]) if row.kind == "safety"]
    assert (step.due_on, step.project_id, step.done_on) == (now().date(), None, None)
    assert page.index(f"/follow-ups/{step.pk}/") < page.index("Due next"), "first, and before all else"
    [notice] = notices(demo_users, SUPERVISOR, case)
    assert notice.url == f"/cases/{case.reference}/"
    for username in PROTECTION:
        [notice] = notices(demo_users, username, case)
        assert notice.url == f"/emergency/{case.reference}/"
    assert notices(demo_users, A, case) == [], "who wrote it knows"
    for username in ("ngo_b_caseworker", "ngo_a_reader", "ngo_a_focal_point", "iom_supervisor"):
        assert notices(demo_users, username, case) == []


def test_the_mail_about_a_high_risk_names_nobody(committed, owner, demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A], situation=factories.a_situation(risk="high"))
    owner.execute(
        "SELECT recipient, subject, body FROM core_outboxmessage WHERE subject LIKE %s ORDER BY 1",
        [f"%{case.reference}%"],
    )
    mails = owner.fetchall()
    assert [recipient for recipient, _subject, _body in mails] == [
        f"{username}@example.org" for username in (SUPERVISOR, *PROTECTION)
    ]
    for _recipient, subject, body in mails:
        for personal in ("Sunita", "Tamang", "सुनिता", "Was not paid", "980"):
            assert personal not in subject + body


def _mails(owner, case) -> Counter:
    """How many mails name the case, by recipient."""
    owner.execute("SELECT recipient FROM core_outboxmessage WHERE subject LIKE %s", [f"%{case.reference}%"])
    return Counter(recipient.removesuffix("@example.org") for (recipient,) in owner.fetchall())


def test_one_mail_a_case_recipient_and_hour_and_each_high_risk_in_the_app(committed, owner, demo_users, case):
    """Setting the level up and down ten times sent forty mails."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    expected = dict.fromkeys((SUPERVISOR, *PROTECTION), 1)
    with acting_as(demo_users[A]):
        other = factories.a_case(demo_users[A])
        for minute in range(0, 50, 10):
            for place, level in enumerate(("high", "low")):
                given = REVIEWED | {"level": level, "by": demo_users[A]}
                assess_risk(case=case, now=hour + timedelta(minutes=minute + place), **given)
    assert _mails(owner, case) == expected
    assert len(notices(demo_users, SUPERVISOR, case)) == 5, "each time at once"
    assessed(demo_users, other, "high")
    assert _mails(owner, other) == expected, "another case is no repetition"
    with acting_as(demo_users[A]):
        assess_risk(case=case, level="high", by=demo_users[A], now=hour + timedelta(minutes=60), **REVIEWED)
    assert _mails(owner, case) == dict.fromkeys(expected, 2)


@pytest.mark.django_db
def test_a_high_risk_at_the_first_interview_notifies_and_adds_a_safety_step(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A], situation=factories.a_situation(risk="high"))
    [assessment] = assessments(demo_users, case)
    assert (assessment.level, assessment.former, assessment.source) == ("high", "unknown", "intake")
    assert len(notices(demo_users, SUPERVISOR, case)) == 1
    assert [row.kind for row in follow_ups_of(case, demo_users[A])] == ["safety"]


@pytest.mark.django_db
def test_a_risk_that_was_not_assessed_has_no_assessment(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A], situation=factories.a_situation(risk="unknown"))
    assert assessments(demo_users, case) == []
    assert notices(demo_users, SUPERVISOR, case) == []


@pytest.mark.django_db
def test_the_page_changes_the_level_and_lowering_needs_a_reason(sign_in, demo_users, case):
    client, page = sign_in(A), f"/cases/{case.reference}/risk/"
    pages.submit(client, page, {"level": "high", "reason": "Her uncle found out where she lives."})
    assert "review of the case" in bar_of(client, case)
    answer = pages.submit(client, page, {"level": "low", "reason": " "}).content.decode()
    assert "Say why the risk level is lower now." in answer
    assert "High" in bar_of(client, case)
    answer = pages.submit(client, page, {"level": "", "reason": "He was arrested."}).content.decode()
    assert "He was arrested." in answer, "what was typed stays"
    pages.submit(client, page, {"level": "low", "reason": "He was arrested."})
    assert "Low" in bar_of(client, case)
    assert "He was arrested." in client.get(f"/cases/{case.reference}/").content.decode()
    assert [row.level for row in assessments(demo_users, case)] == ["medium", "high", "low"]


@pytest.mark.django_db
def test_the_api_assesses_and_lowering_needs_a_reason(demo_users, case):
    program = Program(demo_users[A])
    body = {"case": str(case.pk), "level": "low"}
    refused = program.post("risk-assessments/", body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "reason")
    made = program.post("risk-assessments/", body | {"reason": "He was arrested."})
    assert made.status_code == 201, made.content
    shown = {name: made.json()[name] for name in ("level", "former", "source", "reason")}
    assert shown == {"level": "low", "former": "medium", "source": "review", "reason": "He was arrested."}
    assert program.get(f"cases/{case.pk}/").json()["file"]["risk"] == "low"
    assert program.post("risk-assessments/", body | {"level": "unknown"}).status_code == 400


@pytest.mark.django_db
def test_the_caseworker_is_notified_of_a_high_risk_that_another_user_assessed(demo_users, case):
    assessed(demo_users, case, "high", by=SUPERVISOR)
    assert [notice.url for notice in notices(demo_users, A, case)] == [f"/cases/{case.reference}/"]
    assert notices(demo_users, SUPERVISOR, case) == []


@pytest.mark.django_db
def test_a_high_risk_that_stays_high_is_notified_once_unless_found_at_a_visit(demo_users, case):
    assessed(demo_users, case, "high")
    assessed(demo_users, case, "high")
    assert len(notices(demo_users, SUPERVISOR, case)) == 1
    assessed(demo_users, case, "high", source="visit")
    assert len(notices(demo_users, SUPERVISOR, case)) == 2
    assert [row.kind for row in follow_ups_of(case, demo_users[A])].count("safety") == 1


@pytest.mark.django_db
def test_the_safety_step_is_listed_first_and_has_a_reminder(sign_in, demo_users, case):
    assessed(demo_users, case, "high")
    call, step = sorted(follow_ups_of(case, demo_users[A]), key=lambda row: row.kind)
    assert (call.kind, step.kind) == ("call", "safety")
    assert call.due_on < step.due_on
    client = sign_in(A)
    assert f"/follow-ups/{step.pk}/" in client.get("/").content.decode()
    shown = client.get("/follow-ups/").content.decode()
    assert shown.index(f"/follow-ups/{step.pk}/") < shown.index(f"/follow-ups/{call.pk}/")
    with acting_as(demo_users[A]):
        assert Reminder.objects.visible_to(demo_users[A]).get(follow_up=step).due_on == now().date()
    send_due_reminders(now=now())
    assert any("Safety step" in notice.text for notice in notices(demo_users, A, case))


@pytest.mark.django_db
def test_a_case_at_high_risk_is_not_closed_before_its_safety_step(demo_users, case):
    assessed(demo_users, case, "high")
    with acting_as(demo_users[A]):
        with pytest.raises(ValidationError, match="safety step is due"):
            close_case(case=case, by=demo_users[A], now=now())
        assess_risk(case=case, level="low", by=demo_users[A], now=now(), **REVIEWED)
        close_case(case=case, by=demo_users[A], now=now())
        with pytest.raises(ValidationError, match="closed"):
            assess_risk(case=case, level="high", by=demo_users[A], now=now(), **REVIEWED)


@pytest.mark.django_db
def test_without_a_supervisor_the_protection_supervisors_and_colleagues_are_notified(demo_users, case):
    Membership.objects.filter(user=demo_users[SUPERVISOR]).update(ends_on=now().date() - timedelta(days=1))
    assessed(demo_users, case, "high")
    assert notices(demo_users, SUPERVISOR, case) == []
    assert [len(notices(demo_users, username, case)) for username in PROTECTION] == [1, 1]


@pytest.mark.django_db
def test_the_notice_leads_a_protection_supervisor_to_a_page_that_they_may_open(sign_in, demo_users, case):
    assessed(demo_users, case, "high")
    [notice] = notices(demo_users, PROTECTION[0], case)
    client = sign_in(PROTECTION[0])
    assert client.get(f"/cases/{case.reference}/").status_code == 404
    page = client.get(notice.url)
    assert page.status_code == 200
    assert f'value="{case.reference}"' in page.content.decode()
    assert "Sunita" not in page.content.decode()
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    assert client.get(notice.url)["Location"] == f"/cases/{case.reference}/"


# What the database checks, whoever asks.


def _refused(constraint: str, write) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    assert refusal.value.__cause__.diag.constraint_name == constraint


def _copy(assessment: RiskAssessment, **changes) -> None:
    assessment.pk = uuid.uuid4()
    for name, value in changes.items():
        setattr(assessment, name, value)
    assessment.save(force_insert=True)


@pytest.mark.django_db
def test_the_database_checks_the_level_and_its_reason(demo_users, case):
    [first] = assessments(demo_users, case)
    with acting_as(demo_users[A]):
        file = CaseFile.objects.get(case=case)
        _refused(
            "beneficiaries_file_risk_is_assessed",
            lambda: CaseFile.objects.filter(pk=file.pk).update(risk="low"),
        )
        lower = {"former": "medium", "level": "low", "reason": ""}
        _refused("beneficiaries_risk_lowered_has_reason", lambda: _copy(first, **lower))
        _refused("beneficiaries_risk_has_a_level", lambda: _copy(first, level="unknown", reason="Why."))
        wrong = {"former": "low", "level": "high"}
        _refused("beneficiaries_risk_follows_the_last", lambda: _copy(first, **wrong))
        _copy(first, former="medium", level="high")
        assert CaseFile.objects.get(case=case).risk == "high"


@pytest.mark.django_db
def test_a_new_case_file_has_no_risk_level_of_its_own(demo_users, case):
    with acting_as(demo_users[A]):
        file = CaseFile.objects.get(case=case)

        def write() -> None:
            made = factories.another_case_of(case)
            CaseFile.objects.filter(case=made).update(risk="high")

        _refused("beneficiaries_file_risk_is_assessed", write)
        assert file.risk == "medium"


@pytest.mark.django_db
def test_one_safety_step_is_open_at_a_time_and_only_it_has_no_programme(demo_users, case):
    assessed(demo_users, case, "high")
    [step] = [row for row in follow_ups_of(case, demo_users[A]) if row.kind == "safety"]
    with acting_as(demo_users[A]):
        step.pk, step.origin = uuid.uuid4(), "safety:again"
        _refused("reintegration_follow_up_one_safety_step", lambda: step.save(force_insert=True))
        step.kind = "visit"
        _refused("reintegration_follow_up_has_programme", lambda: step.save(force_insert=True))


def _at_once(demo_users, case, tries: int = TRIES) -> list[str]:
    """Let so many users assess a case's risk as high at once; return the error of each."""

    def once(_number: int) -> str:
        try:
            assessed(demo_users, case, "high", source="visit")
        except IntegrityError as error:
            return error.__cause__.diag.constraint_name
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(tries) as pool:
        return list(pool.map(once, range(tries)))


def test_twenty_assessments_at_once_follow_one_another_and_add_one_safety_step(committed, owner, demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    assert _at_once(demo_users, case) == [""] * TRIES
    steps = Counter((row.former, row.level) for row in assessments(demo_users, case))
    assert steps == {("unknown", "medium"): 1, ("medium", "high"): 1, ("high", "high"): TRIES - 1}
    assert [row.kind for row in follow_ups_of(case, demo_users[A])] == ["safety"]


def test_without_the_lock_the_database_refuses_the_second_assessment(
    committed, owner, demo_users, monkeypatch
):
    """The control of the test above: without the lock some assess a level that has changed."""
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows)
    refused = [error for error in _at_once(demo_users, case) if error]
    assert refused
    assert set(refused) <= {"beneficiaries_risk_follows_the_last", "reintegration_follow_up_one_safety_step"}

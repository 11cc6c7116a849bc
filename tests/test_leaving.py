"""Somebody leaves, or an organisation ends: what they carried goes to somebody, whichever way it happens."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Handover, Membership, Organisation, User
from accounts.operations import (
    StillCarrying,
    end_access,
    save_membership,
    save_organisation,
    save_user,
    tailor_role,
)
from beneficiaries.models import Assignment, Case, CaseFile
from beneficiaries.operations import answer_referral, close_case, notify_of_cases_of_nobody, reassign_cases
from core import outbox
from core.clock import now
from core.context import acting_as, enter
from reintegration.models import FollowUp, Reminder
from reintegration.operations import send_due_reminders
from tests import story
from tests.pages import submit, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
A, FOCAL = "ngo_a_caseworker", "ngo_a_focal_point"
TO_CASES = "to_cases_NGO_A"


def count_of(user: User) -> int:
    """Open cases of the first NGO with this caseworker, as one who writes there sees them."""
    colleague = story.a_colleague("second_caseworker")
    with acting_as(colleague):
        return CaseFile.objects.filter(caseworker=user).exclude(case__status="closed").count()


def told(user: User, **chosen: str) -> list[str]:
    """Texts of notices, which only their recipient reads."""
    with acting_as(user):
        return list(user.notices.filter(**chosen).values_list("text", flat=True))


def answers(user: User, receiver: User | None) -> dict[str, User | None]:
    return {f"to_{work}_NGO_A": receiver for work in ("cases", "referrals", "grants", "drafts")}


# --- ending access asks


def test_ending_access_asks_where_open_cases_go_and_refuses_without_an_answer(sign_in, cast):
    address = f"/people/{cast[A].pk}/end/"
    before = count_of(cast[A])
    assert before > 0
    page = submit(sign_in(FOCAL), address, {})
    assert f"Open cases, with their follow-ups and reminders, Asha Kendra: {before}" in text_of(page)
    assert "Say who takes it over." in text_of(page)
    assert cast[A].is_active
    assert Membership.objects.get(user=cast[A]).ends_on is None


def test_a_focal_point_reads_counts_and_no_case(sign_in, cast):
    with acting_as(cast[A]):
        references = list(Case.objects.values_list("reference", flat=True))
    client = sign_in(FOCAL)
    for rest in ("", "end/", f"roles/{Membership.objects.get(user=cast[A]).pk}/"):
        page = text_of(client.get(f"/people/{cast[A].pk}/{rest}"))
        assert f": {count_of(cast[A])}" in page or f">{count_of(cast[A])}<" in page
        assert not [reference for reference in references if reference in page]


def test_open_cases_go_to_the_colleague_who_was_chosen(sign_in, cast):
    second, leaver = story.a_colleague("second_caseworker"), cast[A]
    before = count_of(leaver)
    chosen = {name: str(second.pk) for name in _asked(leaver)}
    page = submit(sign_in(FOCAL), f"/people/{leaver.pk}/end/", chosen)
    assert "Nothing here is open to this person any more." in text_of(page)
    assert (count_of(leaver), count_of(second)) == (0, before)
    with acting_as(second):
        rows = Assignment.objects.visible_to(second)
        assert {(row.former, row.caseworker, row.by) for row in rows} == {(leaver, second, cast[FOCAL])}
        assert rows.count() == before
    assert told(second, key__startswith="handed-over") == [
        f"You are the caseworker of more cases now: {before}."
    ]
    assert {row.receiver for row in Handover.objects.filter(user=leaver)} == {second}
    with acting_as(cast["auditor"]):
        from accounts.queries import audit_events

        events = audit_events(cast["auditor"]).filter(verb="case reassigned", actor_id=cast[FOCAL].pk)
        assert events.values("case_id").distinct().count() == before


def _asked(user: User) -> list[str]:
    """The questions that stand on the page which ends this user's access."""
    from accounts.queries import carried_by

    focal = User.objects.get(username=FOCAL)
    with acting_as(focal):
        return [item.name for item in carried_by(user, [story.organisation("NGO_A").pk])]


def test_to_the_supervisors_leaves_nothing_behind(sign_in, cast):
    supervisor, leaver = cast["ngo_a_supervisor"], cast[A]
    before = count_of(leaver)
    submit(sign_in(FOCAL), f"/people/{leaver.pk}/end/", dict.fromkeys(_asked(leaver), "supervisors"))
    assert len(told(supervisor, key__startswith="left:to_cases")) == 1
    client = Client()
    client.force_login(supervisor)
    assert "Nobody works on these" in text_of(client.get("/"))
    page = text_of(client.get("/caseload/nobody/"))
    assert page.count(f"was with {leaver.name}") == before
    second = story.a_colleague("second_caseworker")
    with acting_as(supervisor):
        first = Case.objects.led_by(supervisor).filter(file__caseworker=leaver).exclude(status="closed")[0]
    changes = {"cases": [str(first.pk)], "caseworker": str(second.pk), "note": "She phones on Mondays."}
    done = text_of(submit(client, "/caseload/nobody/", changes))
    assert f"1 case is with {second.name} now." in done
    file = text_of(client.get(f"/cases/{first.reference}/"))
    assert f"Caseworker: {second.name}, until then {leaver.name}" in file
    assert "She phones on Mondays." in file
    assert text_of(client.get("/caseload/nobody/")).count(f"was with {leaver.name}") == before - 1


def _end(user, cast, to):
    with acting_as(cast[FOCAL]):
        end_access(person=user, by=cast[FOCAL], now=now(), to=to)


def _close(user, cast, to):
    with acting_as(cast["administrator"]):
        user.is_active = False
        save_user(user=user, by=cast["administrator"], now=now(), to=to)


def _end_role(user, cast, to):
    held = user.memberships.get()
    held.ends_on = now().date() - timedelta(days=1)
    with acting_as(cast["administrator"]):
        save_membership(membership=held, by=cast["administrator"], now=now(), to=to)


def _begin_later(user, cast, to):
    held = user.memberships.get()
    held.starts_on = now().date() + timedelta(days=30)
    with acting_as(cast[FOCAL]):
        save_membership(membership=held, by=cast[FOCAL], now=now(), to=to)


def _tailor(user, cast, to):
    role = user.memberships.get().role
    with acting_as(cast["administrator"]):
        tailor_role(role=role, codenames=["read_cases"], by=cast["administrator"], now=now(), to=to)


WAYS = [_end, _close, _end_role, _begin_later, _tailor]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_ending_access_leaves_work_behind_unasked(cast, way):
    before = count_of(cast[A])
    with pytest.raises(StillCarrying, match="Say who takes it over"), transaction.atomic():
        way(cast[A], cast, None)
    supervisor = cast["ngo_a_supervisor"]
    way(cast[A], cast, answers(cast[A], supervisor))
    assert (count_of(cast[A]), count_of(supervisor)) == (0, before)


@pytest.mark.parametrize("way", WAYS)
def test_work_goes_to_nobody_who_may_not_do_it(cast, way):
    for username in ("ngo_a_reader", "ngo_b_caseworker"):
        with pytest.raises((ValidationError, IntegrityError)), transaction.atomic():
            way(cast[A], cast, answers(cast[A], cast[username]))
    assert cast[A].is_active


def test_nothing_is_asked_of_who_carries_nothing(sign_in, cast):
    page = sign_in(FOCAL).get(f"/people/{cast['ngo_a_reader'].pk}/end/")
    assert "This person has no open work here." in text_of(page)
    done = submit(sign_in(FOCAL), f"/people/{cast['ngo_a_reader'].pk}/end/", {})
    assert "Nothing here is open to this person any more." in text_of(done)


def test_what_is_carried_elsewhere_is_neither_shown_nor_moved(sign_in, cast):
    """A caseworker of two NGOs: the focal point of one ends and sees what is of that one."""
    leaver, second = cast[A], story.a_colleague("second_caseworker")
    role = story.organisation("NGO_B").roles.get(code="caseworker")
    save_membership(
        membership=Membership(user=leaver, role=role, starts_on=date(2020, 1, 1)), by=None, now=now()
    )
    with acting_as(cast[A]):
        theirs = story.a_case(cast[A], "NGO_B")
    page = text_of(sign_in(FOCAL).get(f"/people/{leaver.pk}/end/"))
    assert "NGO_B" not in page
    assert f": {count_of(leaver)}" in page
    submit(sign_in(FOCAL), f"/people/{leaver.pk}/end/", {name: str(second.pk) for name in _asked(leaver)})
    with acting_as(cast["ngo_b_caseworker"]):
        assert CaseFile.objects.get(case=theirs).caseworker == leaver


@pytest.mark.parametrize("username", ["ngo_b_caseworker", A, "ngo_a_reader", "iom_supervisor", "auditor"])
def test_the_reviewed_functions_count_and_move_nothing_for_others(cast, username):
    leaver, here = cast[A], story.organisation("NGO_A")
    second = story.a_colleague("second_caseworker")
    with acting_as(cast[username]), connection.cursor() as cursor:
        cursor.execute("SELECT cases, referrals FROM wall.carried_cases(%s, %s)", [leaver.pk, here.pk])
        assert cursor.fetchall() == [(None, None)]
        cursor.execute("SELECT wall.carried_grants(%s, %s)", [leaver.pk, here.pk])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT * FROM wall.open_work_of(%s)", [here.pk])
        assert cursor.fetchall() == []
        cursor.execute("SELECT wall.grants_waiting_in(%s)", [story.organisation("IOM").pk])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT * FROM wall.cases_of_nobody()")
        assert cursor.fetchall() == []
        with pytest.raises(Exception, match="whose users you keep"), transaction.atomic():
            cursor.execute("SELECT wall.hand_over_cases(%s, %s, %s)", [leaver.pk, here.pk, second.pk])


def test_an_administrator_of_a_partner_keeps_nobodys_users(cast):
    """Configuring counts in an office of IOM alone."""
    other = story.a_colleague("partners_administrator", "NGO_B", role="administrator")
    with acting_as(other), connection.cursor() as cursor:
        here = story.organisation("NGO_A").pk
        cursor.execute("SELECT cases, referrals FROM wall.carried_cases(%s, %s)", [cast[A].pk, here])
        assert cursor.fetchall() == [(None, None)]


# --- answers that are still to come


def test_an_answer_to_a_referral_comes_to_who_took_over(cast):
    leaver, second = cast[A], story.a_colleague("second_caseworker")
    with acting_as(leaver):
        case = story.a_case(leaver)
        referral = story.referred(case, leaver, story.organisation("NGO_B"))
    _end(leaver, cast, answers(leaver, second))
    with acting_as(cast["ngo_b_caseworker"]):
        answer_referral(
            referral=referral, state="accepted", answer="Come.", by=cast["ngo_b_caseworker"], now=now()
        )
    assert "A referral has been answered." in told(second)
    assert "A referral has been answered." not in told(leaver)


def test_an_answer_to_an_offer_comes_to_who_took_over(cast):
    leaver, second = cast[A], story.a_colleague("second_caseworker")
    with acting_as(leaver):
        case = story.a_case(leaver)
        offer = story.offered(case, leaver, "NGO_B")
    _end(leaver, cast, answers(leaver, second))
    from beneficiaries.operations import take_over_case

    with acting_as(cast["ngo_b_caseworker"]):
        take_over_case(
            transfer=offer, caseworker=cast["ngo_b_caseworker"], by=cast["ngo_b_caseworker"], now=now()
        )
    assert f"Case {case.reference} was taken over." in told(second)
    assert f"Case {case.reference} was taken over." not in told(leaver)


# --- dates: nobody does anything, and access is over


def over_at_night(user: User) -> None:
    """The role's last day was yesterday; nobody saved anything today."""
    Membership.objects.filter(user=user).update(ends_on=now().date() - timedelta(days=1))


def looked(at=None) -> int:
    enter(None)
    return notify_of_cases_of_nobody(now=at or now())


def test_a_role_that_was_over_at_night_is_found_and_the_supervisors_told_once_a_day(cast):
    supervisor = cast["ngo_a_supervisor"]
    before = count_of(cast[A])
    assert looked() == 0
    over_at_night(cast[A])
    assert looked() == 1
    assert looked() == 0
    assert looked(now() + timedelta(days=1)) == 1
    text = f"Nobody works on open cases of Asha Kendra: {before}; unfinished interviews: 0. They wait to be assigned."
    assert told(supervisor, key__startswith="nobody:") == [text, text]
    assert told(cast["protection_supervisor"], key__startswith="nobody:") == []


def test_where_there_is_no_supervisor_ioms_protection_supervisors_are_told(cast):
    Membership.objects.filter(role__organisation__code="NGO_A", role__code="supervisor").delete()
    over_at_night(cast[A])
    assert looked() == 2
    (text,) = told(cast["protection_supervisor"], key__startswith="nobody:NGO_A")
    assert "Nobody works on open cases of Asha Kendra" in text


def test_reminders_of_such_cases_go_to_the_supervisors_meanwhile(cast):
    first = cast["ngo_a_supervisor"]
    other = story.a_colleague("another_supervisor", role="supervisor")
    story.a_colleague("second_caseworker")
    leaver = cast[A]
    with acting_as(leaver):
        case = story.a_case(leaver)
        story.admitted(case, leaver)
        made = FollowUp.objects.visible_to(leaver).filter(case=case)[0]
        Reminder.objects.editable_by(leaver).exclude(follow_up=made).update(sent_at=now(), recipient=leaver)
        Reminder.objects.editable_by(leaver).filter(follow_up=made).update(due_on=now().date())
    over_at_night(leaver)
    enter(None)
    assert send_due_reminders(now=now())["sent"]
    for supervisor in (first, other):
        assert len(told(supervisor, text__contains=case.reference)) == 1
    assert told(leaver, text__contains=case.reference) == []


def test_reminders_follow_the_case(cast):
    second, by = story.a_colleague("second_caseworker"), cast[A]
    with acting_as(by):
        case = story.a_case(by)
        story.admitted(case, by)
        story.reassigned(case, second, by)
        Reminder.objects.editable_by(by).exclude(case=case).update(sent_at=now(), recipient=by)
        Reminder.objects.editable_by(by).filter(case=case).update(due_on=now().date())
    enter(None)
    assert send_due_reminders(now=now())["sent"]
    assert len(told(second, key__startswith="reminder:")) == 1
    assert told(by, key__startswith="reminder:", text__contains=case.reference) == []


# --- reassigning


def test_a_supervisor_gives_many_cases_to_another_caseworker(sign_in, cast):
    supervisor, second = cast["ngo_a_supervisor"], story.a_colleague("second")
    with acting_as(supervisor):
        mine = list(Case.objects.led_by(supervisor).filter(file__caseworker=cast[A]).exclude(status="closed"))
        assert len(mine) > 2
        made = reassign_cases(
            cases=mine, caseworker=second, note="She is on leave.", by=supervisor, now=now()
        )
        assert len(made) == len(mine)
    assert (count_of(cast[A]), count_of(second)) == (0, len(mine))
    for user in (second, cast[A]):
        (text,) = told(user, key__startswith="assigned:")
        assert text.endswith(f"now: {len(mine)}.")


def test_who_may_not_and_to_whom_not(cast):
    second = story.a_colleague("second_caseworker")
    with acting_as(cast[A]):
        case, closed = story.a_case(cast[A]), story.a_case(cast[A])
        story.share_with_iom(case, cast[A])
        close_case(case=closed, by=cast[A], now=now())
    for username in ("iom_supervisor", "ngo_a_reader", "ngo_b_caseworker", FOCAL):
        with acting_as(cast[username]), pytest.raises(PermissionDenied):
            reassign_cases(cases=[case], caseworker=second, by=cast[username], now=now())
    with acting_as(cast[A]):
        for other in (cast["ngo_a_reader"], cast["iom_supervisor"], cast["ngo_b_caseworker"]):
            with pytest.raises(ValidationError, match="who works on cases"):
                reassign_cases(cases=[case], caseworker=other, by=cast[A], now=now())
        with pytest.raises(ValidationError, match="is closed"):
            reassign_cases(cases=[case, closed], caseworker=second, by=cast[A], now=now())
        with pytest.raises(ValidationError, match="caseworker already"):
            reassign_cases(cases=[case], caseworker=cast[A], by=cast[A], now=now())
    assert not Assignment.objects.filter(case=case).exists()


def test_where_there_is_a_supervisor_a_caseworker_gives_away_her_own_cases_alone(cast):
    second, third = story.a_colleague("second_caseworker"), story.a_colleague("third_caseworker")
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
    with acting_as(second), pytest.raises(PermissionDenied):
        reassign_cases(cases=[case], caseworker=third, by=second, now=now())
    with acting_as(cast[A]):
        reassign_cases(cases=[case], caseworker=second, by=cast[A], now=now())
        with pytest.raises(PermissionDenied):
            reassign_cases(cases=[case], caseworker=third, by=cast[A], now=now())
    Membership.objects.filter(role__organisation__code="NGO_A", role__code="supervisor").delete()
    with acting_as(third):
        reassign_cases(cases=[case], caseworker=third, by=third, now=now())
        assert CaseFile.objects.get(case=case).caseworker == third


def test_the_database_keeps_the_caseworker_among_those_who_write_for_the_lead(cast):
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
        story.share_with_iom(case, cast[A])
        for username in ("ngo_a_reader", "iom_supervisor"):
            with pytest.raises(IntegrityError, match="does not write cases"), transaction.atomic():
                CaseFile.objects.filter(case=case).update(caseworker=cast[username])
    second = story.a_colleague("second_caseworker")
    with (
        acting_as(cast["iom_supervisor"]),
        pytest.raises(IntegrityError, match="names its caseworker"),
        transaction.atomic(),
    ):
        CaseFile.objects.filter(case=case).update(caseworker=second)


def test_an_assignment_goes_to_another(cast):
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
        same = Assignment(case=case, former=cast[A], caseworker=cast[A], by=cast[A], at=now())
        with pytest.raises(IntegrityError, match="beneficiaries_assignment_to_another"), transaction.atomic():
            same.save(force_insert=True)


# --- an organisation is deactivated


def _deactivated(organisation: Organisation, cast) -> None:
    with acting_as(cast["administrator"]):
        organisation.is_active = False
        save_organisation(organisation=organisation, by=cast["administrator"], now=now())


def test_an_organisation_with_open_cases_is_not_deactivated_and_says_how_many(cast, client):
    with acting_as(cast["ngo_b_caseworker"]):
        left = Case.objects.filter(lead_organisation__code="NGO_B", status="active").count()
    with pytest.raises(ValidationError, match=f"{left} active"), transaction.atomic():
        _deactivated(story.organisation("NGO_B"), cast)
    client.force_login(cast["administrator"])
    page = text_of(client.get(f"/admin/accounts/organisation/{story.organisation('NGO_B').pk}/change/"))
    assert f"{left} active" in page


def test_the_database_refuses_it_too_and_gives_an_inactive_one_no_case(cast):
    with pytest.raises(IntegrityError, match="leads open cases"), transaction.atomic():
        Organisation.objects.filter(code="NGO_B").update(is_active=False)
    third = story.a_third_ngo()
    _deactivated(third, cast)
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
    with (
        acting_as(cast[A]),
        pytest.raises(IntegrityError, match="leads no open case"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO beneficiaries_case SELECT gen_random_uuid(), 'ZZZZ-ZZZ-Z', status, opened_on, closed_on, "
            "changed_on, NULL, 1, created_at, beneficiary_id, %s FROM beneficiaries_case WHERE id = %s",
            [third.pk, case.pk],
        )


def test_one_that_owes_an_answer_is_not_deactivated(cast):
    third = story.a_third_ngo()
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
        referral = story.referred(case, cast[A], third)
    with pytest.raises(ValidationError, match="1 referrals"), transaction.atomic():
        _deactivated(third, cast)
    with acting_as(cast[A]):
        answer_referral(referral=referral, state="finished", answer="", by=cast[A], now=now())
    _deactivated(third, cast)
    assert not Organisation.objects.get(code="NGO_C").is_active


def test_mail_of_the_daily_look_names_nobody(cast, mailoutbox):
    cast["ngo_a_supervisor"]
    over_at_night(cast[A])
    looked()
    outbox.deliver(now=now())
    (sent,) = [mail for mail in mailoutbox if "Nobody works" in mail.subject]
    assert "/caseload/nobody/" in sent.body
    assert not [word for word in (cast[A].last_name, cast[A].username) if word in sent.subject + sent.body]

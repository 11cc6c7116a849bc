"""A user leaves, or an organisation is deactivated: their work is given to somebody, however access ends."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Handover, Membership, Organisation, User
from accounts.operations.leaving import OpenWorkLeft
from accounts.operations.organisation import save_organisation
from accounts.operations.users import end_access, save_membership, save_user, tailor_role
from beneficiaries.models import Assignment, Case, CaseFile
from beneficiaries.operations.assignment import notify_of_cases_without_caseworker, reassign_cases
from beneficiaries.operations.case import close_case
from beneficiaries.operations.referral import answer_referral
from core import outbox
from core.clock import now
from core.context import acting_as, enter
from reintegration.models import FollowUp, Reminder
from reintegration.operations.reminder import send_due_reminders
from tests import factories
from tests.pages import submit, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
A, FOCAL = "ngo_a_caseworker", "ngo_a_focal_point"
TO_CASES = "to_cases_NGO_A"


def count_of(user: User) -> int:
    """Return the number of open cases of the first NGO with this caseworker, as a colleague sees them."""
    colleague = factories.a_colleague("second_caseworker")
    with acting_as(colleague):
        return CaseFile.objects.filter(caseworker=user).exclude(case__status="closed").count()


def notices_of(user: User, **chosen: str) -> list[str]:
    """Return the texts of the user's notices, which only they can read."""
    with acting_as(user):
        return list(user.notices.filter(**chosen).values_list("text", flat=True))


def answers(user: User, receiver: User | None) -> dict[str, User | None]:
    return {f"to_{work}_NGO_A": receiver for work in ("cases", "referrals", "grants", "drafts")}


# --- ending access asks for new caseworkers


def test_ending_access_asks_where_open_cases_go_and_refuses_without_an_answer(sign_in, demo_users):
    address = f"/team/{demo_users[A].pk}/end/"
    before = count_of(demo_users[A])
    assert before > 0
    page = submit(sign_in(FOCAL), address, {})
    assert f"Open cases, with their follow-ups and reminders, Asha Kendra: {before}" in text_of(page)
    assert "Choose who takes it over." in text_of(page)
    assert demo_users[A].is_active
    assert Membership.objects.get(user=demo_users[A]).ends_on is None


def test_a_focal_point_reads_counts_and_no_case(sign_in, demo_users):
    with acting_as(demo_users[A]):
        references = list(Case.objects.values_list("reference", flat=True))
    client = sign_in(FOCAL)
    for rest in ("", "end/", f"roles/{Membership.objects.get(user=demo_users[A]).pk}/"):
        page = text_of(client.get(f"/team/{demo_users[A].pk}/{rest}"))
        assert f": {count_of(demo_users[A])}" in page or f">{count_of(demo_users[A])}<" in page
        assert not [reference for reference in references if reference in page]


def test_open_cases_go_to_the_colleague_who_was_chosen(sign_in, demo_users):
    second, leaver = factories.a_colleague("second_caseworker"), demo_users[A]
    before = count_of(leaver)
    chosen = {name: str(second.pk) for name in _asked(leaver)}
    page = submit(sign_in(FOCAL), f"/team/{leaver.pk}/end/", chosen)
    assert "This user no longer has any access here." in text_of(page)
    assert (count_of(leaver), count_of(second)) == (0, before)
    with acting_as(second):
        rows = Assignment.objects.visible_to(second)
        assert {(row.former, row.caseworker, row.by) for row in rows} == {(leaver, second, demo_users[FOCAL])}
        assert rows.count() == before
    assert notices_of(second, key__startswith="handed-over") == [
        f"You are now the caseworker of more cases: {before}."
    ]
    assert {row.receiver for row in Handover.objects.filter(user=leaver)} == {second}
    with acting_as(demo_users["auditor"]):
        from accounts.queries import audit_events

        events = audit_events(demo_users["auditor"]).filter(
            verb="case reassigned", actor_id=demo_users[FOCAL].pk
        )
        assert events.values("case_id").distinct().count() == before


def _asked(user: User) -> list[str]:
    """Return the questions on the page that ends this user's access."""
    from accounts.queries import open_work_of

    focal = User.objects.get(username=FOCAL)
    with acting_as(focal):
        return [item.name for item in open_work_of(user, [factories.organisation("NGO_A").pk])]


def test_choosing_the_supervisors_leaves_no_open_work(sign_in, demo_users):
    supervisor, leaver = demo_users["ngo_a_supervisor"], demo_users[A]
    before = count_of(leaver)
    submit(sign_in(FOCAL), f"/team/{leaver.pk}/end/", dict.fromkeys(_asked(leaver), "supervisors"))
    assert len(notices_of(supervisor, key__startswith="left:to_cases")) == 1
    client = Client()
    client.force_login(supervisor)
    assert "Nobody works on these" in text_of(client.get("/"))
    page = text_of(client.get("/caseload/nobody/"))
    assert page.count(f"was with {leaver.name}") == before
    second = factories.a_colleague("second_caseworker")
    with acting_as(supervisor):
        first = Case.objects.led_by(supervisor).filter(file__caseworker=leaver).exclude(status="closed")[0]
    changes = {"cases": [str(first.pk)], "caseworker": str(second.pk), "note": "She phones on Mondays."}
    done = text_of(submit(client, "/caseload/nobody/", changes))
    assert f"1 case is now with {second.name}." in done
    file = text_of(client.get(f"/cases/{first.reference}/"))
    assert f"Caseworker: {second.name}, before: {leaver.name}" in file
    assert "She phones on Mondays." in file
    assert text_of(client.get("/caseload/nobody/")).count(f"was with {leaver.name}") == before - 1


def _end(user, demo_users, to):
    with acting_as(demo_users[FOCAL]):
        end_access(user=user, by=demo_users[FOCAL], now=now(), to=to)


def _close(user, demo_users, to):
    with acting_as(demo_users["administrator"]):
        user.is_active = False
        save_user(user=user, by=demo_users["administrator"], now=now(), to=to)


def _end_role(user, demo_users, to):
    membership = user.memberships.get()
    membership.ends_on = now().date() - timedelta(days=1)
    with acting_as(demo_users["administrator"]):
        save_membership(membership=membership, by=demo_users["administrator"], now=now(), to=to)


def _tailor(user, demo_users, to):
    role = user.memberships.get().role
    with acting_as(demo_users["administrator"]):
        tailor_role(role=role, codenames=["read_cases"], by=demo_users["administrator"], now=now(), to=to)


WAYS = [_end, _close, _end_role, _tailor]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_ending_access_leaves_work_behind_unasked(demo_users, way):
    before = count_of(demo_users[A])
    with pytest.raises(OpenWorkLeft, match="Choose who takes it over"), transaction.atomic():
        way(demo_users[A], demo_users, None)
    supervisor = demo_users["ngo_a_supervisor"]
    way(demo_users[A], demo_users, answers(demo_users[A], supervisor))
    assert (count_of(demo_users[A]), count_of(supervisor)) == (0, before)


@pytest.mark.parametrize("way", WAYS)
def test_work_is_given_to_nobody_who_may_not_do_it(demo_users, way):
    for username in ("ngo_a_reader", "ngo_b_caseworker"):
        with pytest.raises(ValidationError, match="t take this over"), transaction.atomic():
            way(demo_users[A], demo_users, answers(demo_users[A], demo_users[username]))
    assert demo_users[A].is_active


def test_ending_access_without_open_work_asks_nothing(sign_in, demo_users):
    page = sign_in(FOCAL).get(f"/team/{demo_users['ngo_a_reader'].pk}/end/")
    assert "This user has no open work here." in text_of(page)
    done = submit(sign_in(FOCAL), f"/team/{demo_users['ngo_a_reader'].pk}/end/", {})
    assert "This user no longer has any access here." in text_of(done)


def test_work_in_another_organisation_is_neither_shown_nor_moved(sign_in, demo_users):
    """A caseworker of two NGOs: the focal point of one sees and ends only what belongs to that one."""
    leaver, second = demo_users[A], factories.a_colleague("second_caseworker")
    role = factories.organisation("NGO_B").roles.get(code="caseworker")
    save_membership(
        membership=Membership(user=leaver, role=role, starts_on=date(2020, 1, 1)), by=None, now=now()
    )
    with acting_as(demo_users[A]):
        theirs = factories.a_case(demo_users[A], "NGO_B")
    page = text_of(sign_in(FOCAL).get(f"/team/{leaver.pk}/end/"))
    assert "NGO_B" not in page
    assert f": {count_of(leaver)}" in page
    submit(sign_in(FOCAL), f"/team/{leaver.pk}/end/", {name: str(second.pk) for name in _asked(leaver)})
    with acting_as(demo_users["ngo_b_caseworker"]):
        assert CaseFile.objects.get(case=theirs).caseworker == leaver


@pytest.mark.parametrize("username", ["ngo_b_caseworker", A, "ngo_a_reader", "iom_supervisor", "auditor"])
def test_the_reviewed_functions_count_and_move_nothing_for_others(demo_users, username):
    leaver, here = demo_users[A], factories.organisation("NGO_A")
    second = factories.a_colleague("second_caseworker")
    with acting_as(demo_users[username]), connection.cursor() as cursor:
        cursor.execute("SELECT cases, referrals FROM access.open_cases_of(%s, %s)", [leaver.pk, here.pk])
        assert cursor.fetchall() == [(None, None)]
        cursor.execute("SELECT access.open_grants_of(%s, %s)", [leaver.pk, here.pk])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT * FROM access.open_work_of(%s)", [here.pk])
        assert cursor.fetchall() == []
        cursor.execute("SELECT access.grants_waiting_in(%s)", [factories.organisation("IOM").pk])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT * FROM access.cases_without_caseworker()")
        assert cursor.fetchall() == []
        with pytest.raises(Exception, match="whose users you keep"), transaction.atomic():
            cursor.execute("SELECT access.hand_over_cases(%s, %s, %s)", [leaver.pk, here.pk, second.pk])


@pytest.mark.parametrize("username", [FOCAL, "administrator"])
def test_the_reviewed_function_moves_no_case_of_a_user_who_stays(demo_users, username):
    stays, second = demo_users[A], factories.a_colleague("second_caseworker")
    with acting_as(stays):
        case = factories.a_case(stays)
    with acting_as(demo_users[username]), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="still writes cases"), transaction.atomic():
            cursor.execute(
                "SELECT access.hand_over_cases(%s, %s, %s)",
                [stays.pk, factories.organisation("NGO_A").pk, second.pk],
            )
    with acting_as(stays):
        assert CaseFile.objects.get(case=case).caseworker == stays


def test_a_partners_administrator_manages_no_users(demo_users):
    """Configuring is a right in offices of IOM only."""
    other = factories.a_colleague("partners_administrator", "NGO_B", role="administrator")
    with acting_as(other), connection.cursor() as cursor:
        here = factories.organisation("NGO_A").pk
        cursor.execute("SELECT cases, referrals FROM access.open_cases_of(%s, %s)", [demo_users[A].pk, here])
        assert cursor.fetchall() == [(None, None)]


# --- answers that arrive later


def test_an_answer_to_a_referral_notifies_the_new_caseworker(demo_users):
    leaver, second = demo_users[A], factories.a_colleague("second_caseworker")
    with acting_as(leaver):
        case = factories.a_case(leaver)
        referral = factories.referred(case, leaver, factories.organisation("NGO_B"))
    _end(leaver, demo_users, answers(leaver, second))
    with acting_as(demo_users["ngo_b_caseworker"]):
        answer_referral(
            referral=referral, state="accepted", answer="Come.", by=demo_users["ngo_b_caseworker"], now=now()
        )
    assert "A referral has been answered." in notices_of(second)
    assert "A referral has been answered." not in notices_of(leaver)


def test_an_answer_to_an_offer_notifies_the_new_caseworker(demo_users):
    leaver, second = demo_users[A], factories.a_colleague("second_caseworker")
    with acting_as(leaver):
        case = factories.a_case(leaver)
        offer = factories.offered(case, leaver, "NGO_B")
    _end(leaver, demo_users, answers(leaver, second))
    from beneficiaries.operations.transfer import take_over_case

    with acting_as(demo_users["ngo_b_caseworker"]):
        take_over_case(
            transfer=offer,
            caseworker=demo_users["ngo_b_caseworker"],
            by=demo_users["ngo_b_caseworker"],
            now=now(),
        )
    assert f"Case {case.reference} was taken over." in notices_of(second)
    assert f"Case {case.reference} was taken over." not in notices_of(leaver)


# --- a role's last day passes


def end_role_yesterday(user: User) -> None:
    """Let the role's last day be yesterday; nobody saves anything today."""
    Membership.objects.filter(user=user).update(ends_on=now().date() - timedelta(days=1))


def notify_supervisors(at=None) -> int:
    enter(None)
    return notify_of_cases_without_caseworker(now=at or now())


def test_a_role_whose_last_day_passed_is_found_and_the_supervisors_notified_once_a_day(demo_users):
    supervisor = demo_users["ngo_a_supervisor"]
    before = count_of(demo_users[A])
    assert notify_supervisors() == 0
    end_role_yesterday(demo_users[A])
    assert notify_supervisors() == 1
    assert notify_supervisors() == 0
    assert notify_supervisors(now() + timedelta(days=1)) == 1
    text = f"Nobody works on open cases of Asha Kendra: {before}; unfinished interviews: 0. They must be assigned."
    assert notices_of(supervisor, key__startswith="nobody:") == [text, text]
    assert notices_of(demo_users["protection_supervisor"], key__startswith="nobody:") == []


def test_without_a_supervisor_ioms_protection_supervisors_are_notified(demo_users):
    supervisors = Membership.objects.filter(role__organisation__code="NGO_A", role__code="supervisor")
    supervisors.update(ends_on=now().date() - timedelta(days=1))
    end_role_yesterday(demo_users[A])
    assert notify_supervisors() == 2
    (text,) = notices_of(demo_users["protection_supervisor"], key__startswith="nobody:NGO_A")
    assert "Nobody works on open cases of Asha Kendra" in text


def test_reminders_of_cases_without_a_caseworker_go_to_the_supervisors(demo_users):
    first = demo_users["ngo_a_supervisor"]
    other = factories.a_colleague("another_supervisor", role="supervisor")
    factories.a_colleague("second_caseworker")
    leaver = demo_users[A]
    with acting_as(leaver):
        case = factories.a_case(leaver)
        factories.admitted(case, leaver)
        made = FollowUp.objects.visible_to(leaver).filter(case=case)[0]
        Reminder.objects.editable_by(leaver).exclude(follow_up=made).update(sent_at=now(), recipient=leaver)
        Reminder.objects.editable_by(leaver).filter(follow_up=made).update(due_on=now().date())
    end_role_yesterday(leaver)
    enter(None)
    assert send_due_reminders(now=now())["sent"]
    for supervisor in (first, other):
        assert len(notices_of(supervisor, text__contains=case.reference)) == 1
    assert notices_of(leaver, text__contains=case.reference) == []


def test_reminders_go_to_the_new_caseworker_after_reassigning(demo_users):
    second, by = factories.a_colleague("second_caseworker"), demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
        factories.admitted(case, by)
        factories.reassigned(case, second, by)
        Reminder.objects.editable_by(by).exclude(case=case).update(sent_at=now(), recipient=by)
        Reminder.objects.editable_by(by).filter(case=case).update(due_on=now().date())
    enter(None)
    assert send_due_reminders(now=now())["sent"]
    assert len(notices_of(second, key__startswith="reminder:")) == 1
    assert notices_of(by, key__startswith="reminder:", text__contains=case.reference) == []


# --- reassigning


def test_a_supervisor_reassigns_many_cases_at_once(sign_in, demo_users):
    supervisor, second = demo_users["ngo_a_supervisor"], factories.a_colleague("second")
    with acting_as(supervisor):
        cases = list(
            Case.objects.led_by(supervisor).filter(file__caseworker=demo_users[A]).exclude(status="closed")
        )
        assert len(cases) > 2
        made = reassign_cases(
            cases=cases, caseworker=second, note="She is on leave.", by=supervisor, now=now()
        )
        assert len(made) == len(cases)
    assert (count_of(demo_users[A]), count_of(second)) == (0, len(cases))
    for user in (second, demo_users[A]):
        (text,) = notices_of(user, key__startswith="assigned:")
        assert text.endswith(f": {len(cases)}.")


def test_who_may_not_reassign_a_case_and_to_whom_it_may_not_go(demo_users):
    second = factories.a_colleague("second_caseworker")
    with acting_as(demo_users[A]):
        case, closed = factories.a_case(demo_users[A]), factories.a_case(demo_users[A])
        factories.share_with_iom(case, demo_users[A])
        close_case(case=closed, by=demo_users[A], now=now())
    for username in ("iom_supervisor", "ngo_a_reader", "ngo_b_caseworker", FOCAL):
        with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
            reassign_cases(cases=[case], caseworker=second, by=demo_users[username], now=now())
    with acting_as(demo_users[A]):
        for other in (
            demo_users["ngo_a_reader"],
            demo_users["iom_supervisor"],
            demo_users["ngo_b_caseworker"],
        ):
            with pytest.raises(ValidationError, match="who works on cases"):
                reassign_cases(cases=[case], caseworker=other, by=demo_users[A], now=now())
        with pytest.raises(ValidationError, match="is closed"):
            reassign_cases(cases=[case, closed], caseworker=second, by=demo_users[A], now=now())
        with pytest.raises(ValidationError, match="already the caseworker"):
            reassign_cases(cases=[case], caseworker=demo_users[A], by=demo_users[A], now=now())
    assert not Assignment.objects.filter(case=case).exists()


def test_where_there_is_a_supervisor_a_caseworker_reassigns_only_her_own_cases(demo_users):
    second, third = factories.a_colleague("second_caseworker"), factories.a_colleague("third_caseworker")
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    with acting_as(second), pytest.raises(PermissionDenied):
        reassign_cases(cases=[case], caseworker=third, by=second, now=now())
    with acting_as(demo_users[A]):
        reassign_cases(cases=[case], caseworker=second, by=demo_users[A], now=now())
        with pytest.raises(PermissionDenied):
            reassign_cases(cases=[case], caseworker=third, by=demo_users[A], now=now())
    supervisors = Membership.objects.filter(role__organisation__code="NGO_A", role__code="supervisor")
    supervisors.update(ends_on=now().date() - timedelta(days=1))
    with acting_as(third):
        reassign_cases(cases=[case], caseworker=third, by=third, now=now())
        assert CaseFile.objects.get(case=case).caseworker == third


def test_the_database_accepts_only_caseworkers_who_write_for_the_lead(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.share_with_iom(case, demo_users[A])
        for username in ("ngo_a_reader", "iom_supervisor"):
            with pytest.raises(IntegrityError, match="does not write cases"), transaction.atomic():
                CaseFile.objects.filter(case=case).update(caseworker=demo_users[username])
    second = factories.a_colleague("second_caseworker")
    with (
        acting_as(demo_users["iom_supervisor"]),
        pytest.raises(IntegrityError, match="names its caseworker"),
        transaction.atomic(),
    ):
        CaseFile.objects.filter(case=case).update(caseworker=second)


def test_an_assignment_to_the_same_caseworker_is_refused(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        same = Assignment(
            case=case, former=demo_users[A], caseworker=demo_users[A], by=demo_users[A], at=now()
        )
        with pytest.raises(IntegrityError, match="beneficiaries_assignment_to_another"), transaction.atomic():
            same.save(force_insert=True)


# --- an organisation is deactivated


def _deactivated(organisation: Organisation, demo_users) -> None:
    with acting_as(demo_users["administrator"]):
        organisation.is_active = False
        save_organisation(organisation=organisation, by=demo_users["administrator"], now=now())


def test_an_organisation_with_open_cases_is_not_deactivated_and_says_how_many(demo_users, client):
    with acting_as(demo_users["ngo_b_caseworker"]):
        open_cases = Case.objects.filter(lead_organisation__code="NGO_B", status="active").count()
    with pytest.raises(ValidationError, match=f"{open_cases} active"), transaction.atomic():
        _deactivated(factories.organisation("NGO_B"), demo_users)
    client.force_login(demo_users["administrator"])
    page = text_of(client.get(f"/admin/accounts/organisation/{factories.organisation('NGO_B').pk}/change/"))
    assert f"{open_cases} active" in page


def test_the_database_refuses_to_deactivate_it_and_gives_an_inactive_organisation_no_case(demo_users):
    with pytest.raises(IntegrityError, match="leads open cases"), transaction.atomic():
        Organisation.objects.filter(code="NGO_B").update(is_active=False)
    third = factories.a_third_ngo()
    _deactivated(third, demo_users)
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    with (
        acting_as(demo_users[A]),
        pytest.raises(IntegrityError, match="leads no open case"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO beneficiaries_case SELECT gen_random_uuid(), 'ZZZZ-ZZZ-Z', status, opened_on, closed_on, "
            "changed_on, NULL, 1, created_at, beneficiary_id, %s FROM beneficiaries_case WHERE id = %s",
            [third.pk, case.pk],
        )


def test_an_organisation_that_owes_an_answer_is_not_deactivated(demo_users):
    third = factories.a_third_ngo()
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        referral = factories.referred(case, demo_users[A], third)
    with pytest.raises(ValidationError, match="1 referrals"), transaction.atomic():
        _deactivated(third, demo_users)
    with acting_as(demo_users[A]):
        answer_referral(referral=referral, state="finished", answer="", by=demo_users[A], now=now())
    _deactivated(third, demo_users)
    assert not Organisation.objects.get(code="NGO_C").is_active


def test_mail_about_cases_without_a_caseworker_names_nobody(demo_users, mailoutbox):
    demo_users["ngo_a_supervisor"]
    end_role_yesterday(demo_users[A])
    notify_supervisors()
    outbox.deliver(now=now())
    (sent,) = [mail for mail in mailoutbox if "Nobody works" in mail.subject]
    assert "/caseload/nobody/" in sent.body
    assert not [
        word for word in (demo_users[A].last_name, demo_users[A].username) if word in sent.subject + sent.body
    ]

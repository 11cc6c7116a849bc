"""Transferring a case: what moves, what stays, who is notified; and every way in which nobody may take a
case.
"""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.models import Membership, Notice, User
from beneficiaries import rules
from beneficiaries.models import (
    Beneficiary,
    Case,
    CaseAccess,
    CaseFile,
    CaseNote,
    CaseTransfer,
    Consent,
    Referral,
)
from beneficiaries.operations.case import CaseNotClosable, close_case
from beneficiaries.operations.consent import withdraw_consent
from beneficiaries.operations.note import add_note
from beneficiaries.operations.referral import ReferralActionRefused, answer_referral
from beneficiaries.operations.transfer import (
    TransferActionRefused,
    decline_case,
    take_back_case,
    take_over_case,
)
from core.clock import now
from core.context import acting_as
from reintegration.models import Reminder
from reintegration.operations.reminder import send_due_reminders
from tests import factories
from tests.pages import forms_of, submit, text_of

pytestmark = pytest.mark.usefixtures("set_up")
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
TRIES = 20


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


@pytest.fixture
def offer(case, demo_users) -> CaseTransfer:
    with acting_as(demo_users[A]):
        return factories.offered(case, demo_users[A])


def take_over(offer, demo_users, by=B, caseworker=B):
    with acting_as(demo_users[by]):
        return take_over_case(transfer=offer, caseworker=demo_users[caseworker], by=demo_users[by], now=now())


def _levels(case, demo_users, *usernames: str) -> list[tuple[str, str, str]]:
    """Return (organisation, level, basis) of the access rows that these users see."""
    found = set()
    for username in usernames:
        with acting_as(demo_users[username]):
            rows = CaseAccess.objects.visible_to(demo_users[username]).filter(case=case)
            found |= set(rows.values_list("organisation__code", "level", "basis"))
    return sorted(found)


@pytest.mark.django_db
def test_an_offer_lets_the_receiver_read_and_changes_nothing_else(case, offer, demo_users):
    with acting_as(demo_users[B]):
        assert CaseFile.objects.visible_to(demo_users[B]).filter(case=case).count() == 1
        assert [row.pk for row in CaseTransfer.objects.visible_to(demo_users[B])] == [offer.pk]
        assert Notice.objects.visible_to(demo_users[B]).filter(url=f"/transfers/{offer.pk}/").count() == 1
    assert _levels(case, demo_users, A, B) == [("NGO_A", "lead", "lead"), ("NGO_B", "working", "consent")]


@pytest.mark.django_db
def test_a_case_is_not_offered_and_taken_back_without_end(case, demo_users):
    """Each offer is a notice to everybody who works on cases at the receiver, and so is its end."""
    by = demo_users[A]
    with acting_as(by):
        for _number in range(rules.SENT_A_DAY):
            take_back_case(transfer=factories.offered(case, by), by=by, now=now())
        with pytest.raises(TransferActionRefused, match="too often"):
            factories.offered(case, by)


@pytest.mark.django_db
def test_a_case_is_not_referred_to_one_organisation_without_end(case, demo_users):
    by = demo_users[A]
    with acting_as(by):
        for _number in range(rules.SENT_A_DAY):
            referral = factories.referred(case, by, factories.organisation("NGO_B"))
            answer_referral(referral=referral, state="finished", answer="x", by=by, now=now())
        with pytest.raises(ReferralActionRefused, match="too often"):
            factories.referred(case, by, factories.organisation("NGO_B"))


@pytest.mark.django_db
def test_taking_over_moves_the_case_and_leaves_the_former_lead_no_access(case, offer, demo_users):
    taken = take_over(offer, demo_users)
    assert taken.lead_organisation.code == "NGO_B"
    assert _levels(case, demo_users, A, B) == [("NGO_B", "lead", "lead")]
    with acting_as(demo_users[A]):
        for model in (Case, CaseFile, CaseTransfer, Consent):
            key = "pk" if model is Case else "case_id"
            assert model.objects.filter(**{key: case.pk}).count() == 0, model
        assert Beneficiary.objects.filter(pk=case.beneficiary_id).count() == 0
    with acting_as(demo_users[B]):
        file = CaseFile.objects.visible_to(demo_users[B]).get(case=case)
        record = Beneficiary.objects.editable_by(demo_users[B]).get(pk=case.beneficiary_id)
        found = CaseTransfer.objects.visible_to(demo_users[B]).get()
    assert (file.caseworker, record.organisation.code) == (demo_users[B], "NGO_B")
    assert (found.state, found.caseworker, found.answered_by) == ("accepted", demo_users[B], demo_users[B])


def test_access_rows_after_a_transfer_are_those_computed_anew(demo_users, committed, owner):
    """The access rows that consent, referrals and programmes give are there; and no copy has drifted."""
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.share_with_iom(case, demo_users[A])
        factories.planned(case, demo_users[A])
        factories.referred(case, demo_users[A], factories.organisation("NGO_B"))
    factories.transferred(case, demo_users)
    rows = (
        "SELECT organisation_id, level, basis, expires_at, reference, status, lead_organisation_id, changed_on, "
        "risk, caseworker_id, programmes FROM beneficiaries_caseaccess WHERE case_id = %s ORDER BY 1, 2"
    )
    owner.execute(rows, [str(case.pk)])
    before = owner.fetchall()
    assert [(level, basis) for _, level, basis, *_ in before] in (
        [("lead", "lead"), ("working", "consent")],
        [("working", "consent"), ("lead", "lead")],
    )
    owner.execute("SELECT access.settle_access(%s)", [str(case.pk)])
    owner.execute(rows, [str(case.pk)])
    assert owner.fetchall() == before
    owner.execute("SELECT drifted FROM access.access_drift()")
    assert owner.fetchone() == (0,)


@pytest.mark.django_db
def test_a_former_lead_that_manages_the_programme_keeps_summary_access_only(demo_users):
    by = demo_users["iom_supervisor"]
    with acting_as(by):
        case = factories.a_case(by, "IOM")
        grant = factories.requested(factories.planned(case, by), by)
    with acting_as(by), pytest.raises(PermissionDenied):
        factories.offered(case, by)  # a supervisor doesn't refer
    _may_refer(by)
    factories.transferred(case, demo_users, by="iom_supervisor")
    assert _levels(case, demo_users, B, "iom_supervisor") == [
        ("IOM", "summary", "programme"),
        ("NGO_B", "lead", "lead"),
    ]
    with acting_as(by):
        assert CaseFile.objects.filter(case=case).count() == 0
        assert grant.__class__.objects.visible_to(by).filter(pk=grant.pk).count() == 1


def _may_refer(user) -> None:
    from accounts.operations.users import tailor_role

    role = user.memberships.get().role
    codenames = {"read_cases", "write_cases", "refer_cases", "read_summaries", "endorse_grants"}
    tailor_role(role=role, codenames=codenames, by=None, now=now())


@pytest.mark.django_db
def test_the_beneficiary_moves_with_the_case_or_is_copied(case, demo_users):
    """A beneficiary belongs to one organisation: one with another case there stays, and the receiver gets a
    copy.
    """
    with acting_as(demo_users[A]):
        second = factories.another_case_of(case)
    factories.transferred(case, demo_users)
    with acting_as(demo_users[B]):
        copied = Case.objects.visible_to(demo_users[B]).get(pk=case.pk).beneficiary
        assert (copied.organisation.code, copied.name) == ("NGO_B", "Sunita Tamang")
        assert copied.pk != case.beneficiary_id
        assert Beneficiary.objects.filter(pk=case.beneficiary_id).count() == 0
    with acting_as(demo_users[A]):
        former = Case.objects.visible_to(demo_users[A]).get(pk=second.pk).beneficiary
        assert (former.pk, former.organisation.code) == (case.beneficiary_id, "NGO_A")
        assert Beneficiary.objects.filter(pk=copied.pk).count() == 0


@pytest.mark.django_db
def test_the_whole_case_moves_with_notes_of_each_confidentiality(case, demo_users):
    with acting_as(demo_users[A]):
        for kind in ("normal", "restricted", "counselling"):
            add_note(case=case, text=f"A {kind} note.", confidentiality=kind, by=demo_users[A], now=now())
        plan = factories.planned(case, demo_users[A])
        offer = factories.offered(case, demo_users[A])
    with acting_as(demo_users[B]):  # before: like anybody who works on the case
        assert [note.confidentiality for note in CaseNote.objects.filter(case=case)] == ["normal"]
    take_over(offer, demo_users)
    with acting_as(demo_users[B]):
        assert CaseNote.objects.visible_to(demo_users[B]).filter(case=case).count() == 3
        assert factories.requested(plan, demo_users[B]).case_id == case.pk


@pytest.mark.django_db
def test_referrals_to_the_receiver_end_and_others_continue(case, demo_users):
    third = factories.a_third_ngo()
    with acting_as(demo_users[A]):
        ends = factories.referred(case, demo_users[A], factories.organisation("NGO_B"))
        runs = factories.referred(case, demo_users[A], third)
    factories.transferred(case, demo_users)
    with acting_as(demo_users[B]):
        states = dict(Referral.objects.visible_to(demo_users[B]).values_list("pk", "state"))
        assert states == {ends.pk: "finished", runs.pk: "sent"}
    with acting_as(demo_users["third"]):
        answer_referral(referral=runs, state="accepted", answer="", by=demo_users["third"], now=now())
    for username, count in ((A, 0), (B, 1)):  # the new caseworker is notified, and not the former one
        with acting_as(demo_users[username]):
            notices = Notice.objects.visible_to(demo_users[username]).filter(
                key=f"referral-accepted:{runs.pk}"
            )
            assert notices.count() == count


@pytest.mark.django_db
def test_a_grant_moves_and_its_notices_go_to_the_new_lead(case, demo_users):
    with acting_as(demo_users[A]):
        grant = factories.requested(factories.planned(case, demo_users[A]), demo_users[A])
    factories.approved(grant, demo_users)
    factories.transferred(case, demo_users)
    with acting_as(demo_users["iom_finance"]):
        notice = Notice.objects.visible_to(demo_users["iom_finance"]).get(key=f"new-lead:NGO_B:{grant.pk}")
        assert case.reference in notice.text
    factories.paid(grant, demo_users)
    for username, count in ((A, 0), (B, 1)):
        with acting_as(demo_users[username]):
            news = Notice.objects.visible_to(demo_users[username]).filter(key__startswith="instalment-paid")
            assert news.filter(text__contains=case.reference).count() == count


def test_reminders_go_to_the_new_caseworker(demo_users, committed, owner):
    owner.execute(
        "UPDATE reintegration_reminder SET sent_at = now(), recipient_id = u.id "
        "FROM (SELECT id FROM accounts_user LIMIT 1) u WHERE sent_at IS NULL"
    )
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.admitted(case, demo_users[A], enrolled_on=now().date() - timedelta(days=10))
    factories.transferred(case, demo_users)
    assert send_due_reminders(now=now()) == {"sent": 1, "without_recipient": 0}
    with acting_as(demo_users[B]):
        [reminder] = Reminder.objects.visible_to(demo_users[B]).filter(case=case).exclude(sent_at=None)
        assert reminder.recipient == demo_users[B]


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["declined", "taken_back"])
def test_an_ended_offer_closes_the_access_that_it_gave(case, offer, demo_users, end):
    if end == "declined":
        with acting_as(demo_users[B]):
            decline_case(transfer=offer, answer="No place.", by=demo_users[B], now=now())
    else:
        with acting_as(demo_users[A]):
            take_back_case(transfer=offer, by=demo_users[A], now=now())
    assert _levels(case, demo_users, A, B) == [("NGO_A", "lead", "lead")]
    with acting_as(demo_users[A]):
        offer.refresh_from_db()
        assert offer.state == end
        assert factories.offered(case, demo_users[A]).state == "offered"  # and it can be offered again


@pytest.mark.django_db
def test_consent_from_before_an_offer_remains_after_it(case, demo_users):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
        offer = factories.offered(case, demo_users[A], "IOM")
        assert offer.consent is None
        take_back_case(transfer=offer, by=demo_users[A], now=now())
    assert _levels(case, demo_users, A, "iom_supervisor") == [
        ("IOM", "working", "consent"),
        ("NGO_A", "lead", "lead"),
    ]


@pytest.mark.django_db
def test_a_beneficiary_who_refuses_is_not_transferred_and_the_answer_is_recorded(case, demo_users):
    from beneficiaries.operations.transfer import ask_and_offer

    with acting_as(demo_users[A]):
        given = {
            "given_by": "self",
            "why_nobody_asked": "",
            "how": "spoken",
            "by": demo_users[A],
            "now": now(),
        }
        made = ask_and_offer(
            case=case, receiver=factories.organisation("NGO_B"), reason="x", agrees=False, **given
        )
        assert made is None
        assert Consent.objects.visible_to(demo_users[A]).get(case=case, purpose="sharing").is_given is False
        assert CaseTransfer.objects.visible_to(demo_users[A]).filter(case=case).count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["ngo_a_reader", "ngo_a_focal_point", B, "iom_supervisor", "auditor"])
def test_only_the_leads_caseworker_offers(case, demo_users, username):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        factories.offered(case, demo_users[username])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("username", "action"),
    [(A, take_over_case), ("ngo_a_reader", take_back_case), (B, take_back_case), (A, decline_case)],
)
def test_each_side_answers_for_itself_only(offer, demo_users, username, action):
    more = {take_over_case: {"caseworker": demo_users[B]}, decline_case: {"answer": ""}}.get(action, {})
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        action(transfer=offer, by=demo_users[username], now=now(), **more)


@pytest.mark.django_db
def test_the_new_caseworker_works_on_cases_of_the_receiver(offer, demo_users):
    for stranger in (A, "ngo_a_reader", "iom_supervisor"):
        with pytest.raises(ValidationError, match="your organisation"):
            take_over(offer, demo_users, caseworker=stranger)
    gone = User.objects.create(username="gone", email="gone@example.org")
    role = Membership.objects.get(user=demo_users[B]).role
    last_year = now().date().replace(year=now().year - 1, day=1)
    Membership.objects.create(user=gone, role=role, starts_on=last_year, ends_on=last_year)
    with pytest.raises(ValidationError, match="your organisation"):
        take_over(offer, demo_users, caseworker="gone")
    with acting_as(demo_users[B]), pytest.raises(IntegrityError, match="does not write cases there"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT access.transfer_case(%s, %s)", [offer.pk, gone.pk])


@pytest.mark.django_db
def test_an_offered_case_is_not_offered_twice_nor_closed(case, offer, demo_users):
    with acting_as(demo_users[A]):
        with pytest.raises(TransferActionRefused, match="already offered"):
            factories.offered(case, demo_users[A], "IOM")
        with pytest.raises(CaseNotClosable, match="offered to another"):
            close_case(case=case, by=demo_users[A], now=now())
        with pytest.raises(IntegrityError, match="one_running_a_case"), transaction.atomic():
            row_of(case, "IOM", demo_users[A]).save(force_insert=True)


@pytest.mark.django_db
def test_an_offer_is_answered_once(offer, demo_users):
    take_over(offer, demo_users)
    with pytest.raises(TransferActionRefused, match="in this state: taken over"):
        take_over(offer, demo_users)
    with acting_as(demo_users[A]), pytest.raises(PermissionDenied):
        take_back_case(transfer=offer, by=demo_users[A], now=now())


@pytest.mark.django_db
def test_a_former_lead_has_no_access_when_the_case_comes_back_and_moves_on(case, demo_users):
    """The consent to a transfer ends with it: it opens nothing to a former lead later."""
    factories.transferred(case, demo_users)
    with acting_as(demo_users[B]):
        factories.offered(case, demo_users[B], "NGO_A")
    offer = _last(case, demo_users[B])
    take_over(offer, demo_users, by=A, caseworker=A)
    assert _levels(case, demo_users, A, B) == [("NGO_A", "lead", "lead")]


def _last(case, user) -> CaseTransfer:
    with acting_as(user):
        return CaseTransfer.objects.visible_to(user).running().get(case=case)


def row_of(case, code: str, by, **changes) -> CaseTransfer:
    given = {
        "sender": case.lead_organisation,
        "receiver": factories.organisation(code),
        "reason": "x",
        "offered_by": by,
        "offered_at": now(),
    }
    return CaseTransfer(case_id=case.pk, **given | changes)


def test_the_receiver_accepts_or_declines_and_the_lead_takes_back():
    def answers(**changes):
        return rules.transfer_answers(**{"is_running": True, "receives": False, "leads": False} | changes)

    assert answers(receives=True) == ["accepted", "declined"]
    assert answers(leads=True) == ["taken_back"]
    assert answers() == []
    assert answers(is_running=False, receives=True, leads=True) == []


@pytest.mark.django_db
def test_a_transfer_through_the_pages(case, demo_users, client):
    client.force_login(demo_users[A])
    ngo_b = factories.organisation("NGO_B")
    page = submit(
        client,
        f"/cases/{case.reference}/transfers/new/",
        {"receiver": str(ngo_b.pk), "why": "She moves to her sister.", "agrees": "yes"},
    )
    offered = page.redirect_chain[-1][0]
    assert "The case stays with you until it is taken over." in text_of(page)
    assert f'href="{offered}"' in text_of(client.get(f"/cases/{case.reference}/"))
    assert [form["data"]["state"] for form in forms_of(page)] == [["taken_back"]]

    client.force_login(demo_users[B])
    assert f'href="{offered}"' in text_of(client.get("/referrals/"))
    assert f'href="{offered}"' in text_of(client.get(f"/cases/{case.reference}/"))
    assert "Choose who will be the caseworker" in text_of(submit(client, offered, {"state": "accepted"}))
    page = submit(client, offered, {"state": "accepted", "caseworker": str(demo_users[B].pk)})
    assert page.redirect_chain[-1][0] == f"/cases/{case.reference}/"
    assert "Sunita Tamang" in text_of(page)
    assert "Taken over" in text_of(page)
    assert client.get(f"/cases/{case.reference}/transfers/new/").status_code == 200

    client.force_login(demo_users[A])
    missing = client.get("/cases/ZZZZ-ZZZ-Z/")
    for address in (f"/cases/{case.reference}/", f"/cases/{case.reference}/transfers/new/", offered):
        hidden = client.get(address)
        assert (hidden.status_code, hidden.content) == (404, missing.content)
    assert case.reference not in text_of(client.get("/cases/")) + text_of(client.get("/referrals/"))


@pytest.mark.django_db
def test_the_lead_sees_that_an_offer_is_void_without_consent(offer, demo_users, client):
    client.force_login(demo_users[A])
    assert "no longer agrees" not in text_of(client.get(f"/transfers/{offer.pk}/"))
    with acting_as(demo_users[A]):
        withdraw_consent(consent=offer.consent, by=demo_users[A], now=now())
    assert "no longer agrees" in text_of(client.get(f"/transfers/{offer.pk}/"))
    client.force_login(demo_users[B])
    assert client.get(f"/transfers/{offer.pk}/").status_code == 404
    client.force_login(demo_users[A])
    submit(client, f"/transfers/{offer.pk}/", {})
    with acting_as(demo_users[A]):
        offer.refresh_from_db()
        assert offer.state == "taken_back"


@pytest.mark.django_db
def test_declining_on_the_page_leads_back_to_the_list(offer, demo_users, client):
    client.force_login(demo_users[B])
    page = submit(client, f"/transfers/{offer.pk}/", {"state": "declined", "answer": "No place."})
    assert page.redirect_chain[-1][0] == "/referrals/"
    assert client.get(f"/transfers/{offer.pk}/").status_code == 404
    client.force_login(demo_users[A])
    assert "No place." in text_of(client.get(f"/transfers/{offer.pk}/"))
    assert client.post(f"/transfers/{offer.pk}/", {}).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_offers_has_the_same_query_count(rows, demo_users, sign_in, django_assert_num_queries):
    with acting_as(demo_users[A]):
        for _number in range(rows):
            factories.offered(factories.a_case(demo_users[A]), demo_users[A])
    client = sign_in(B)
    with django_assert_num_queries(9):
        page = client.get("/referrals/")
    assert text_of(page).count('href="/transfers/') == rows

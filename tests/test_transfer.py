"""Handing a case on: what goes along, what stays, who is told; and all ways in which nobody takes a case."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

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
from beneficiaries.operations import (
    CaseNotClosable,
    TransferNotMovable,
    add_note,
    answer_referral,
    close_case,
    decline_case,
    record_consent,
    take_back_case,
    take_over_case,
    withdraw_consent,
)
from core.clock import now
from core.context import acting_as
from reintegration import operations
from reintegration.models import Reminder
from tests import story
from tests.pages import forms_of, submit, text_of

pytestmark = pytest.mark.usefixtures("set_up")
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
TRIES = 20


@pytest.fixture
def case(cast) -> Case:
    with acting_as(cast[A]):
        return story.a_case(cast[A])


@pytest.fixture
def offer(case, cast) -> CaseTransfer:
    with acting_as(cast[A]):
        return story.offered(case, cast[A])


def _take_over(offer, cast, by=B, caseworker=B):
    with acting_as(cast[by]):
        return take_over_case(transfer=offer, caseworker=cast[caseworker], by=cast[by], now=now())


def _levels(case, cast, *usernames: str) -> list[tuple[str, str, str]]:
    """(organisation, level, basis) of the access rows that these people see."""
    found = set()
    for username in usernames:
        with acting_as(cast[username]):
            rows = CaseAccess.objects.visible_to(cast[username]).filter(case=case)
            found |= set(rows.values_list("organisation__code", "level", "basis"))
    return sorted(found)


@pytest.mark.django_db
def test_an_offer_lets_the_receiver_read_and_changes_nothing_else(case, offer, cast):
    with acting_as(cast[B]):
        assert CaseFile.objects.visible_to(cast[B]).filter(case=case).count() == 1
        assert [row.pk for row in CaseTransfer.objects.visible_to(cast[B])] == [offer.pk]
        assert Notice.objects.visible_to(cast[B]).filter(url=f"/transfers/{offer.pk}/").count() == 1
    assert _levels(case, cast, A, B) == [("NGO_A", "lead", "lead"), ("NGO_B", "working", "consent")]


@pytest.mark.django_db
def test_taking_over_moves_the_case_and_leaves_the_former_lead_nothing(case, offer, cast):
    taken = _take_over(offer, cast)
    assert taken.lead_organisation.code == "NGO_B"
    assert _levels(case, cast, A, B) == [("NGO_B", "lead", "lead")]
    with acting_as(cast[A]):
        for model in (Case, CaseFile, CaseTransfer, Consent):
            key = "pk" if model is Case else "case_id"
            assert model.objects.filter(**{key: case.pk}).count() == 0, model
        assert Beneficiary.objects.filter(pk=case.beneficiary_id).count() == 0
    with acting_as(cast[B]):
        file = CaseFile.objects.visible_to(cast[B]).get(case=case)
        record = Beneficiary.objects.editable_by(cast[B]).get(pk=case.beneficiary_id)
        found = CaseTransfer.objects.visible_to(cast[B]).get()
    assert (file.caseworker, record.organisation.code) == (cast[B], "NGO_B")
    assert (found.state, found.caseworker, found.answered_by) == ("accepted", cast[B], cast[B])


def test_what_is_settled_afterwards_is_what_stands(cast, committed, owner):
    """The function leaves the access rows that consent, referrals and programmes earn; and no copy has drifted."""
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
        story.share_with_iom(case, cast[A])
        story.planned(case, cast[A])
        story.referred(case, cast[A], story.organisation("NGO_B"))
    story.handed_on(case, cast)
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
    owner.execute("SELECT wall.settle_access(%s)", [str(case.pk)])
    owner.execute(rows, [str(case.pk)])
    assert owner.fetchall() == before
    owner.execute("SELECT drifted FROM wall.access_drift()")
    assert owner.fetchone() == (0,)


@pytest.mark.django_db
def test_a_former_lead_that_manages_the_programme_keeps_the_figures_alone(cast):
    by = cast["iom_supervisor"]
    with acting_as(by):
        case = story.a_case(by, "IOM")
        grant = story.requested(story.planned(case, by), by)
    with acting_as(by), pytest.raises(PermissionDenied):
        story.offered(case, by)  # a supervisor doesn't refer
    _may_refer(by)
    story.handed_on(case, cast, by="iom_supervisor")
    assert _levels(case, cast, B, "iom_supervisor") == [
        ("IOM", "reference", "programme"),
        ("NGO_B", "lead", "lead"),
    ]
    with acting_as(by):
        assert CaseFile.objects.filter(case=case).count() == 0
        assert grant.__class__.objects.visible_to(by).filter(pk=grant.pk).count() == 1


def _may_refer(user) -> None:
    from accounts.operations import tailor_role

    role = user.memberships.get().role
    held = {"read_cases", "write_cases", "refer_cases", "read_figures", "endorse_grants"}
    tailor_role(role=role, codenames=held, by=None, now=now())


@pytest.mark.django_db
def test_the_record_of_the_person_goes_along_or_is_copied(case, cast):
    """A record belongs to one organisation: with another case there it stays, and the receiver has its own."""
    with acting_as(cast[A]):
        second = story.another_case_of(case)
    story.handed_on(case, cast)
    with acting_as(cast[B]):
        copied = Case.objects.visible_to(cast[B]).get(pk=case.pk).beneficiary
        assert (copied.organisation.code, copied.name) == ("NGO_B", "Sunita Tamang")
        assert copied.pk != case.beneficiary_id
        assert Beneficiary.objects.filter(pk=case.beneficiary_id).count() == 0
    with acting_as(cast[A]):
        kept = Case.objects.visible_to(cast[A]).get(pk=second.pk).beneficiary
        assert (kept.pk, kept.organisation.code) == (case.beneficiary_id, "NGO_A")
        assert Beneficiary.objects.filter(pk=copied.pk).count() == 0


@pytest.mark.django_db
def test_all_of_the_case_goes_along_notes_of_each_confidentiality_too(case, cast):
    with acting_as(cast[A]):
        for kind in ("normal", "restricted", "counselling"):
            add_note(case=case, text=f"A {kind} note.", confidentiality=kind, by=cast[A], now=now())
        plan = story.planned(case, cast[A])
        offer = story.offered(case, cast[A])
    with acting_as(cast[B]):  # before: like anybody who works on the case
        assert [note.confidentiality for note in CaseNote.objects.filter(case=case)] == ["normal"]
    _take_over(offer, cast)
    with acting_as(cast[B]):
        assert CaseNote.objects.visible_to(cast[B]).filter(case=case).count() == 3
        assert story.requested(plan, cast[B]).case_id == case.pk


@pytest.mark.django_db
def test_referrals_to_the_receiver_end_and_others_run_on(case, cast):
    third = story.a_third_ngo()
    with acting_as(cast[A]):
        ends = story.referred(case, cast[A], story.organisation("NGO_B"))
        runs = story.referred(case, cast[A], third)
    story.handed_on(case, cast)
    with acting_as(cast[B]):
        states = dict(Referral.objects.visible_to(cast[B]).values_list("pk", "state"))
        assert states == {ends.pk: "finished", runs.pk: "sent"}
    with acting_as(cast["third"]):
        answer_referral(referral=runs, state="accepted", answer="", by=cast["third"], now=now())
    for username, count in ((A, 0), (B, 1)):  # whoever has the case is told, and not who had it
        with acting_as(cast[username]):
            told = Notice.objects.visible_to(cast[username]).filter(key=f"referral-accepted:{runs.pk}")
            assert told.count() == count


@pytest.mark.django_db
def test_a_grant_goes_along_and_its_news_go_to_the_new_lead(case, cast):
    with acting_as(cast[A]):
        grant = story.requested(story.planned(case, cast[A]), cast[A])
    story.approved(grant, cast)
    story.handed_on(case, cast)
    with acting_as(cast["iom_finance"]):
        told = Notice.objects.visible_to(cast["iom_finance"]).get(key=f"new-lead:NGO_B:{grant.pk}")
        assert case.reference in told.text
    story.paid(grant, cast)
    for username, count in ((A, 0), (B, 1)):
        with acting_as(cast[username]):
            news = Notice.objects.visible_to(cast[username]).filter(key__startswith="instalment-paid")
            assert news.filter(text__contains=case.reference).count() == count


def test_reminders_go_to_the_new_caseworker(cast, committed, owner):
    owner.execute(
        "UPDATE reintegration_reminder SET sent_at = now(), recipient_id = u.id "
        "FROM (SELECT id FROM accounts_user LIMIT 1) u WHERE sent_at IS NULL"
    )
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
        story.admitted(case, cast[A], enrolled_on=now().date() - timedelta(days=10))
    story.handed_on(case, cast)
    assert operations.send_due_reminders(now=now()) == {"sent": 1, "without_recipient": 0}
    with acting_as(cast[B]):
        [reminder] = Reminder.objects.visible_to(cast[B]).filter(case=case).exclude(sent_at=None)
        assert reminder.recipient == cast[B]


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["declined", "taken_back"])
def test_an_offer_that_ends_closes_what_was_opened_for_it(case, offer, cast, end):
    if end == "declined":
        with acting_as(cast[B]):
            decline_case(transfer=offer, answer="No place.", by=cast[B], now=now())
    else:
        with acting_as(cast[A]):
            take_back_case(transfer=offer, by=cast[A], now=now())
    assert _levels(case, cast, A, B) == [("NGO_A", "lead", "lead")]
    with acting_as(cast[A]):
        offer.refresh_from_db()
        assert offer.state == end
        assert story.offered(case, cast[A]).state == "offered"  # and it can be offered anew


@pytest.mark.django_db
def test_a_consent_that_stood_before_the_offer_stands_after_it(case, cast):
    with acting_as(cast[A]):
        story.share_with_iom(case, cast[A])
        offer = story.offered(case, cast[A], "IOM")
        assert offer.consent is None
        take_back_case(transfer=offer, by=cast[A], now=now())
    assert _levels(case, cast, A, "iom_supervisor") == [
        ("IOM", "working", "consent"),
        ("NGO_A", "lead", "lead"),
    ]


@pytest.mark.django_db
def test_whoever_says_no_is_not_handed_on_and_the_answer_is_kept(case, cast):
    from beneficiaries.operations import ask_and_offer

    with acting_as(cast[A]):
        given = {"given_by": "self", "why_nobody_asked": "", "how": "spoken", "by": cast[A], "now": now()}
        made = ask_and_offer(
            case=case, receiver=story.organisation("NGO_B"), reason="x", agrees=False, **given
        )
        assert made is None
        assert Consent.objects.visible_to(cast[A]).get(case=case, purpose="sharing").is_given is False
        assert CaseTransfer.objects.visible_to(cast[A]).filter(case=case).count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["ngo_a_reader", "ngo_a_focal_point", B, "iom_supervisor", "auditor"])
def test_only_the_leads_caseworker_offers(case, cast, username):
    with acting_as(cast[A]):
        story.share_with_iom(case, cast[A])
    with acting_as(cast[username]), pytest.raises(PermissionDenied):
        story.offered(case, cast[username])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("username", "deed"),
    [(A, take_over_case), ("ngo_a_reader", take_back_case), (B, take_back_case), (A, decline_case)],
)
def test_each_side_answers_for_itself_alone(offer, cast, username, deed):
    more = {take_over_case: {"caseworker": cast[B]}, decline_case: {"answer": ""}}.get(deed, {})
    with acting_as(cast[username]), pytest.raises(PermissionDenied):
        deed(transfer=offer, by=cast[username], now=now(), **more)


@pytest.mark.django_db
def test_the_new_caseworker_works_on_cases_of_the_receiver(offer, cast):
    for stranger in (A, "ngo_a_reader", "iom_supervisor"):
        with pytest.raises(ValidationError, match="your organisation"):
            _take_over(offer, cast, caseworker=stranger)
    gone = User.objects.create(username="gone", email="gone@example.org")
    role = Membership.objects.get(user=cast[B]).role
    last_year = now().date().replace(year=now().year - 1, day=1)
    Membership.objects.create(user=gone, role=role, starts_on=last_year, ends_on=last_year)
    with pytest.raises(ValidationError, match="your organisation"):
        _take_over(offer, cast, caseworker="gone")
    with acting_as(cast[B]), pytest.raises(IntegrityError, match="does not write cases there"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT wall.transfer_case(%s, %s)", [offer.pk, gone.pk])


@pytest.mark.django_db
def test_an_offered_case_is_not_offered_twice_nor_closed(case, offer, cast):
    with acting_as(cast[A]):
        with pytest.raises(TransferNotMovable, match="offered already"):
            story.offered(case, cast[A], "IOM")
        with pytest.raises(CaseNotClosable, match="offered to another"):
            close_case(case=case, by=cast[A], now=now())
        with pytest.raises(IntegrityError, match="one_running_a_case"), transaction.atomic():
            _row(case, "IOM", cast[A]).save(force_insert=True)


@pytest.mark.django_db
def test_an_offer_is_answered_once(offer, cast):
    _take_over(offer, cast)
    with pytest.raises(TransferNotMovable, match="taken over by now"):
        _take_over(offer, cast)
    with acting_as(cast[A]), pytest.raises(PermissionDenied):
        take_back_case(transfer=offer, by=cast[A], now=now())


@pytest.mark.django_db
def test_a_lead_that_handed_on_keeps_nothing_when_the_case_comes_back_and_goes_on(case, cast):
    """The consent that a case was handed on by ends with it: it opens nothing to a former lead later."""
    story.handed_on(case, cast)
    with acting_as(cast[B]):
        story.offered(case, cast[B], "NGO_A")
    offer = _last(case, cast[B])
    _take_over(offer, cast, by=A, caseworker=A)
    assert _levels(case, cast, A, B) == [("NGO_A", "lead", "lead")]


def _last(case, user) -> CaseTransfer:
    with acting_as(user):
        return CaseTransfer.objects.visible_to(user).running().get(case=case)


def _row(case, code: str, by, **changes) -> CaseTransfer:
    given = {
        "sender": case.lead_organisation,
        "receiver": story.organisation(code),
        "reason": "x",
        "offered_by": by,
        "offered_at": now(),
    }
    return CaseTransfer(case_id=case.pk, **given | changes)


def test_the_receiver_decides_and_the_lead_takes_back():
    def answers(**changes):
        return rules.transfer_answers(**{"is_running": True, "receives": False, "leads": False} | changes)

    assert answers(receives=True) == ["accepted", "declined"]
    assert answers(leads=True) == ["taken_back"]
    assert answers() == []
    assert answers(is_running=False, receives=True, leads=True) == []


@pytest.mark.django_db
def test_the_way_through_the_pages(case, cast, client):
    client.force_login(cast[A])
    ngo_b = story.organisation("NGO_B")
    page = submit(
        client,
        f"/cases/{case.reference}/hand-on/",
        {"receiver": str(ngo_b.pk), "why": "She moves to her sister.", "agrees": "yes"},
    )
    offered = page.redirect_chain[-1][0]
    assert "It stays with you until it is taken over." in text_of(page)
    assert f'href="{offered}"' in text_of(client.get(f"/cases/{case.reference}/"))
    assert [form["data"]["state"] for form in forms_of(page)] == [["taken_back"]]

    client.force_login(cast[B])
    assert f'href="{offered}"' in text_of(client.get("/referrals/"))
    assert f'href="{offered}"' in text_of(client.get(f"/cases/{case.reference}/"))
    assert "Say who will be the caseworker" in text_of(submit(client, offered, {"state": "accepted"}))
    page = submit(client, offered, {"state": "accepted", "caseworker": str(cast[B].pk)})
    assert page.redirect_chain[-1][0] == f"/cases/{case.reference}/"
    assert "Sunita Tamang" in text_of(page)
    assert "Taken over" in text_of(page)
    assert client.get(f"/cases/{case.reference}/hand-on/").status_code == 200

    client.force_login(cast[A])
    missing = client.get("/cases/ZZZZ-ZZZ-Z/")
    for address in (f"/cases/{case.reference}/", f"/cases/{case.reference}/hand-on/", offered):
        hidden = client.get(address)
        assert (hidden.status_code, hidden.content) == (404, missing.content)
    assert case.reference not in text_of(client.get("/cases/")) + text_of(client.get("/referrals/"))


@pytest.mark.django_db
def test_the_lead_is_told_that_an_offer_is_void_without_consent(offer, cast, client):
    client.force_login(cast[A])
    assert "no longer agrees" not in text_of(client.get(f"/transfers/{offer.pk}/"))
    with acting_as(cast[A]):
        withdraw_consent(consent=offer.consent, by=cast[A], now=now())
    assert "no longer agrees" in text_of(client.get(f"/transfers/{offer.pk}/"))
    client.force_login(cast[B])
    assert client.get(f"/transfers/{offer.pk}/").status_code == 404
    client.force_login(cast[A])
    submit(client, f"/transfers/{offer.pk}/", {})
    with acting_as(cast[A]):
        offer.refresh_from_db()
        assert offer.state == "taken_back"


@pytest.mark.django_db
def test_a_no_on_the_page_leads_back_to_the_list(offer, cast, client):
    client.force_login(cast[B])
    page = submit(client, f"/transfers/{offer.pk}/", {"state": "declined", "answer": "No place."})
    assert page.redirect_chain[-1][0] == "/referrals/"
    assert client.get(f"/transfers/{offer.pk}/").status_code == 404
    client.force_login(cast[A])
    assert "No place." in text_of(client.get(f"/transfers/{offer.pk}/"))
    assert client.post(f"/transfers/{offer.pk}/", {}).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_offers_asks_the_same_number_of_queries(rows, cast, sign_in, django_assert_num_queries):
    with acting_as(cast[A]):
        for _number in range(rows):
            story.offered(story.a_case(cast[A]), cast[A])
    client = sign_in(B)
    with django_assert_num_queries(10):
        page = client.get("/referrals/")
    assert text_of(page).count('href="/transfers/') == rows


# By raw SQL as the application: all of these are tried in the second NGO's place.


@pytest.mark.django_db
def test_nobody_offers_a_case_that_they_do_not_lead(case, cast):
    for username in (B, "iom_supervisor"):
        with acting_as(cast[A]):
            story.share_with_iom(case, cast[A])
        with acting_as(cast[username]), pytest.raises(DatabaseError, match="row-level security"):
            with transaction.atomic():
                _row(case, "NGO_B" if username == B else "IOM", cast[username]).save(force_insert=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"state": "accepted"},
        {"state": "declined"},
        {"offered_by": "ngo_a_reader"},
        {"receiver": "NGO_A"},
        {"sender": "IOM"},
    ],
)
def test_an_offer_starts_as_one(case, cast, changes):
    given = dict(changes)
    if "offered_by" in given:
        given["offered_by"] = cast[given["offered_by"]]
    for side in {"sender", "receiver"} & set(given):
        given[side] = story.organisation(given[side])
    if "state" in given:
        given |= {"answered_by": cast[A], "answered_at": now(), "caseworker": cast[A]}
    with acting_as(cast[A]), pytest.raises(IntegrityError, match="offered first"), transaction.atomic():
        _row(case, "NGO_B", cast[A], **given).save(force_insert=True)


def _refused(user, statement: str, parameters: list, match: str) -> None:
    with acting_as(user), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match=match), transaction.atomic():
            cursor.execute(statement, parameters)


TAKE, END = "SELECT wall.transfer_case(%s, %s)", "SELECT wall.end_transfer(%s, %s, %s)"


@pytest.mark.django_db
def test_an_offer_to_another_organisation_is_not_accepted(case, cast):
    third = story.a_third_ngo()
    with acting_as(cast[A]):
        offer = story.offered(case, cast[A], third.code)
    for username in (A, B, "ngo_a_reader", "iom_supervisor", "protection_supervisor"):
        _refused(cast[username], TAKE, [offer.pk, cast[username].pk], "not yours")
    for username in (B, "ngo_a_reader", "iom_supervisor"):
        for end in ("declined", "taken_back"):
            _refused(cast[username], END, [offer.pk, end, ""], "not yours")
    _refused(cast["third"], END, [offer.pk, "taken_back", ""], "not yours")
    _refused(cast[A], END, [offer.pk, "declined", ""], "not yours")
    for end in ("accepted", "offered", None):
        _refused(cast["third"], END, [offer.pk, end, ""], "does not end as")
    _refused(cast[B], TAKE, [uuid.uuid4(), cast[B].pk], "not yours")
    with acting_as(cast["third"]):
        take_over_case(transfer=offer, caseworker=cast["third"], by=cast["third"], now=now())


@pytest.mark.django_db
def test_an_offer_is_not_accepted_twice_nor_after_its_end(case, offer, cast):
    with acting_as(cast[A]):
        take_back_case(transfer=offer, by=cast[A], now=now())
    _refused(cast[B], TAKE, [offer.pk, cast[B].pk], "taken_back by now")
    with acting_as(cast[A]):
        again = story.offered(case, cast[A])
    _take_over(again, cast)
    _refused(cast[B], TAKE, [again.pk, cast[B].pk], "accepted by now")
    _refused(cast[B], END, [again.pk, "declined", ""], "accepted by now")


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["withdrawn", "refused", "expired", "to another"])
def test_an_offer_is_not_accepted_without_the_persons_consent(case, offer, cast, how):
    with acting_as(cast[A]):
        if how == "withdrawn":
            withdraw_consent(consent=offer.consent, by=cast[A], now=now())
        elif how == "expired":
            past = now().date() - timedelta(days=1)
            Consent.objects.editable_by(cast[A]).filter(pk=offer.consent_id).update(
                asked_on=past, until_on=past
            )
        elif how == "refused":
            record_consent(
                case=case,
                purpose="sharing",
                organisation=story.organisation("NGO_B"),
                is_given=False,
                given_by="self",
                how="spoken",
                by=cast[A],
                now=now(),
            )
        else:
            iom = story.organisation("IOM")
            Consent.objects.editable_by(cast[A]).filter(pk=offer.consent_id).update(organisation=iom)
    _refused(cast[B], TAKE, [offer.pk, cast[B].pk], "does not agree")
    with pytest.raises((PermissionDenied, TransferNotMovable)):
        _take_over(offer, cast)


@pytest.mark.django_db
def test_a_closed_case_is_not_taken_over(case, offer, cast):
    with acting_as(cast[A]):
        Case.objects.filter(pk=case.pk).update(status="closed", closed_on=now().date())
    _refused(cast[B], TAKE, [offer.pk, cast[B].pk], "is closed")


@pytest.mark.django_db
def test_the_application_moves_no_offer_no_lead_and_no_record_itself(case, offer, cast):
    ngo_b = story.organisation("NGO_B")
    for username in (A, B):
        _refused(
            cast[username],
            "UPDATE beneficiaries_casetransfer SET state = 'accepted' WHERE id = %s",
            [offer.pk],
            "permission denied",
        )
        _refused(
            cast[username],
            "UPDATE beneficiaries_case SET lead_organisation_id = %s WHERE id = %s",
            [ngo_b.pk, case.pk],
            "keeps its reference|row-level security",
        )
        _refused(
            cast[username],
            "UPDATE beneficiaries_case SET beneficiary_id = %s WHERE id = %s",
            [uuid.uuid4(), case.pk],
            "keeps its reference",
        )
    _refused(
        cast[A],
        "UPDATE beneficiaries_beneficiary SET organisation_id = %s WHERE id = %s",
        [ngo_b.pk, case.beneficiary_id],
        "row-level security",
    )
    for function in ("running_transfer(%s, true)", "holds(%s, %s, 'write_cases', current_date)"):
        _refused(
            cast[B],
            f"SELECT wall.{function}",
            [offer.pk, ngo_b.pk][: function.count("%s")],
            "permission denied",
        )


def _in_parallel(offer, former: str, new: str = "") -> list[str]:
    """The lead takes back, every second time the receiver takes over, from many connections at once."""

    def once(number: int) -> str:
        is_taking_over = bool(new) and number % 2 == 1
        by = User.objects.get(username=new if is_taking_over else former)
        try:
            with acting_as(by):
                if is_taking_over:
                    take_over_case(transfer=offer, caseworker=by, by=by, now=now())
                else:
                    take_back_case(transfer=offer, by=by, now=now())
            return "won"
        except (ValidationError, PermissionDenied, DatabaseError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(once, range(TRIES)))


@pytest.fixture
def committed_offer(cast, committed) -> CaseTransfer:
    with acting_as(cast[A]):
        return story.offered(story.a_case(cast[A]), cast[A])


def test_of_twenty_answers_at_once_one_wins(committed_offer, cast, owner):
    results = _in_parallel(committed_offer, A, B)
    assert results.count("won") == 1
    owner.execute(
        "SELECT t.state, o.code FROM beneficiaries_casetransfer t JOIN beneficiaries_case c ON c.id = t.case_id "
        "JOIN accounts_organisation o ON o.id = c.lead_organisation_id WHERE t.id = %s",
        [str(committed_offer.pk)],
    )
    assert owner.fetchone() in [("accepted", "NGO_B"), ("taken_back", "NGO_A")]
    owner.execute(
        "SELECT count(*) FROM beneficiaries_caseaccess WHERE case_id = %s", [str(committed_offer.case_id)]
    )
    assert owner.fetchone() == (1,)


def test_without_the_locks_the_race_is_real(committed_offer, cast, owner):
    """The positive control: the same function without its locks, and several answers win.

    Of the lead alone: once a case is taken over, constraints stop a second answer even without a lock.
    """
    owner.execute("SELECT pg_get_functiondef('wall.running_transfer(uuid, boolean)'::regprocedure)")
    [definition] = owner.fetchone()
    unlocked, count = re.subn(r"\s+FOR UPDATE( OF c)?;", "; PERFORM pg_sleep(1);", definition)
    assert count == 2
    owner.execute(unlocked)
    assert _in_parallel(committed_offer, A).count("won") > 1

"""Transfers by raw SQL as the application: only the functions move a case, and one answer wins."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import User
from beneficiaries.models import Case, CaseTransfer
from beneficiaries.operations.consent import record_consent, withdraw_consent
from beneficiaries.operations.transfer import TransferActionRefused, take_back_case, take_over_case
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.beneficiaries import test_transfer
from tests.beneficiaries.test_transfer import row_of, take_over

case = test_transfer.case
offer = test_transfer.offer

pytestmark = pytest.mark.usefixtures("set_up")
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
TRIES = 20


@pytest.mark.django_db
def test_nobody_offers_a_case_that_they_do_not_lead(case, demo_users):
    for username in (B, "iom_supervisor"):
        with acting_as(demo_users[A]):
            factories.share_with_iom(case, demo_users[A])
        with acting_as(demo_users[username]), pytest.raises(DatabaseError, match="row-level security"):
            with transaction.atomic():
                row_of(case, "NGO_B" if username == B else "IOM", demo_users[username]).save(
                    force_insert=True
                )


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
def test_a_transfer_starts_as_an_offer(case, demo_users, changes):
    given = dict(changes)
    if "offered_by" in given:
        given["offered_by"] = demo_users[given["offered_by"]]
    for side in {"sender", "receiver"} & set(given):
        given[side] = factories.organisation(given[side])
    if "state" in given:
        given |= {"answered_by": demo_users[A], "answered_at": now(), "caseworker": demo_users[A]}
    with acting_as(demo_users[A]), pytest.raises(IntegrityError, match="offered first"), transaction.atomic():
        row_of(case, "NGO_B", demo_users[A], **given).save(force_insert=True)


def _refused(user, statement: str, parameters: list, match: str) -> None:
    with acting_as(user), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match=match), transaction.atomic():
            cursor.execute(statement, parameters)


TAKE, END = "SELECT access.transfer_case(%s, %s)", "SELECT access.end_transfer(%s, %s, %s)"


@pytest.mark.django_db
def test_an_offer_is_accepted_by_its_receiver_only(case, demo_users):
    third = factories.a_third_ngo()
    with acting_as(demo_users[A]):
        offer = factories.offered(case, demo_users[A], third.code)
    for username in (A, B, "ngo_a_reader", "iom_supervisor", "protection_supervisor"):
        _refused(demo_users[username], TAKE, [offer.pk, demo_users[username].pk], "not yours")
    for username in (B, "ngo_a_reader", "iom_supervisor"):
        for end in ("declined", "taken_back"):
            _refused(demo_users[username], END, [offer.pk, end, ""], "not yours")
    _refused(demo_users["third"], END, [offer.pk, "taken_back", ""], "not yours")
    _refused(demo_users[A], END, [offer.pk, "declined", ""], "not yours")
    for end in ("accepted", "offered", None):
        _refused(demo_users["third"], END, [offer.pk, end, ""], "does not end as")
    _refused(demo_users[B], TAKE, [uuid.uuid4(), demo_users[B].pk], "not yours")
    with acting_as(demo_users["third"]):
        take_over_case(transfer=offer, caseworker=demo_users["third"], by=demo_users["third"], now=now())


@pytest.mark.django_db
def test_an_offer_is_not_accepted_twice_nor_after_its_end(case, offer, demo_users):
    with acting_as(demo_users[A]):
        take_back_case(transfer=offer, by=demo_users[A], now=now())
    _refused(demo_users[B], TAKE, [offer.pk, demo_users[B].pk], "taken_back by now")
    with acting_as(demo_users[A]):
        again = factories.offered(case, demo_users[A])
    take_over(again, demo_users)
    _refused(demo_users[B], TAKE, [again.pk, demo_users[B].pk], "accepted by now")
    _refused(demo_users[B], END, [again.pk, "declined", ""], "accepted by now")


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["withdrawn", "refused", "expired"])
def test_an_offer_is_not_accepted_without_the_beneficiarys_consent(case, offer, demo_users, how):
    with acting_as(demo_users[A]):
        if how == "withdrawn":
            withdraw_consent(consent=offer.consent, by=demo_users[A], now=now())
        elif how == "expired":
            past = now().date() - timedelta(days=1)
            factories.corrected_consent(offer.consent, demo_users[A], asked_on=past, until_on=past)
        else:
            record_consent(
                case=case,
                purpose="sharing",
                organisation=factories.organisation("NGO_B"),
                is_given=False,
                given_by="self",
                how="spoken",
                by=demo_users[A],
                now=now(),
            )
    _refused(demo_users[B], TAKE, [offer.pk, demo_users[B].pk], "does not agree")
    with pytest.raises((PermissionDenied, TransferActionRefused)):
        take_over(offer, demo_users)


@pytest.mark.django_db
def test_a_closed_case_is_not_taken_over(case, offer, demo_users):
    with acting_as(demo_users[A]):
        Case.objects.filter(pk=case.pk).update(status="closed", closed_on=now().date())
    _refused(demo_users[B], TAKE, [offer.pk, demo_users[B].pk], "is closed")


@pytest.mark.django_db
def test_the_application_itself_changes_no_offer_no_lead_and_no_beneficiarys_organisation(
    case, offer, demo_users
):
    ngo_b = factories.organisation("NGO_B")
    for username in (A, B):
        _refused(
            demo_users[username],
            "UPDATE beneficiaries_casetransfer SET state = 'accepted' WHERE id = %s",
            [offer.pk],
            "permission denied",
        )
        _refused(
            demo_users[username],
            "UPDATE beneficiaries_case SET lead_organisation_id = %s WHERE id = %s",
            [ngo_b.pk, case.pk],
            "keeps its reference|row-level security",
        )
        _refused(
            demo_users[username],
            "UPDATE beneficiaries_case SET beneficiary_id = %s WHERE id = %s",
            [uuid.uuid4(), case.pk],
            "keeps its reference",
        )
    _refused(
        demo_users[A],
        "UPDATE beneficiaries_beneficiary SET organisation_id = %s, version = version + 1 WHERE id = %s",
        [ngo_b.pk, case.beneficiary_id],
        "row-level security",
    )
    for function in ("running_transfer(%s, true)", "has_permission(%s, %s, 'write_cases', current_date)"):
        _refused(
            demo_users[B],
            f"SELECT access.{function}",
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
def committed_offer(demo_users, committed) -> CaseTransfer:
    with acting_as(demo_users[A]):
        return factories.offered(factories.a_case(demo_users[A]), demo_users[A])


def test_of_twenty_answers_at_once_one_wins(committed_offer, demo_users, owner):
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


def test_without_the_locks_the_race_is_real(committed_offer, demo_users, owner):
    """The positive control: the same function without its locks, and several answers win.

    Of the lead alone: once a case is taken over, constraints stop a second answer even without a lock.
    """
    owner.execute("SELECT pg_get_functiondef('access.running_transfer(uuid, boolean)'::regprocedure)")
    [definition] = owner.fetchone()
    unlocked, count = re.subn(r"\s+FOR UPDATE( OF c)?;", "; PERFORM pg_sleep(1);", definition)
    assert count == 2
    owner.execute(unlocked)
    assert _in_parallel(committed_offer, A).count("won") > 1

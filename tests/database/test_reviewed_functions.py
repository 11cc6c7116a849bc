"""The database's reviewed functions, which see more than their caller: each checks who calls.

A function that isn't in the table fails `test_every_reviewed_function_is_in_this_table`. Each is called by
nobody, by a stranger, and by a user whom it is for, so that a refusal means something.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Membership, User
from beneficiaries.models import IntakeDraft
from beneficiaries.operations.draft import start_draft
from beneficiaries.operations.export import write_next_export
from beneficiaries.operations.intake import ConsentGiven
from core import audit, outbox
from core.clock import now
from core.context import acting_as, enter
from tests import factories, scanners
from tests.beneficiaries.test_erasure import closed_case
from tests.database.test_catalogue import REVIEWED

A, STRANGER = "ngo_a_caseworker", "ngo_b_caseworker"
INSUFFICIENT_PRIVILEGE = "42501"
REFUSED, NOTHING, ANSWERED = "refused", "nothing", "answered"


@dataclass(frozen=True)
class Reviewed:
    """`asks`: what is checked. `call`: a statement and its values. `whom`: a user who gets an answer, None
    for a sweep, which runs as nobody. `nobody`, `stranger`: what these get.
    """

    asks: str
    call: Callable[[Any], tuple[str, list]]
    whom: str | None
    nobody: str
    stranger: str


def sweep(asks: str, call: Callable[[Any], tuple[str, list]]) -> Reviewed:
    return Reviewed(f"that nobody is entered; {asks}", call, None, ANSWERED, REFUSED)


def inside(asks: str, call, whom: str, *, nobody: str = NOTHING, stranger: str = NOTHING) -> Reviewed:
    return Reviewed(asks, call, whom, nobody, stranger)


SECOND = timedelta(seconds=1)
LEASE = "interval '1 minute'"
TABLE = {
    "enter": Reviewed(
        "whether the account is open; reads memberships itself (the limit that docs/architecture.md names)",
        lambda world: ("SELECT true FROM (SELECT access.enter(%s)) AS entered", [world.a.pk]),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "granted_to": Reviewed(
        "nothing: the roles of a user, which stand in open tables",
        lambda world: ("SELECT access.granted_to(%s) IS NOT NULL", [world.a.pk]),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "access_drift": Reviewed(
        "nothing: two counts of all rows",
        lambda world: ("SELECT checked FROM access.access_drift()", []),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "has_cases": Reviewed(
        "nothing: whether access in an organisation needs a second user",
        lambda world: ("SELECT access.has_cases(%s)", [world.organisation.pk]),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "is_guarded": Reviewed(
        "nothing: whether a change of an account needs a second user",
        lambda world: ("SELECT access.is_guarded(%s)", [world.a.pk]),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "shares_mailbox": Reviewed(
        "nothing: whether another user with this mailbox approves access in the organisation of a role",
        lambda world: (
            "SELECT access.shares_mailbox(%s, (SELECT id FROM accounts_role LIMIT 1)) IS NOT NULL",
            [world.a.pk],
        ),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "programmes_of_role": Reviewed(
        "nothing: codes of the programmes whose figures a role sees, which are configuration",
        lambda world: ("SELECT access.programmes_of_role((SELECT id FROM accounts_role LIMIT 1))", []),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "approvers": Reviewed(
        "nothing: users who may decide on a request, which whoever asks for one is shown",
        lambda world: ("SELECT user_id FROM access.approvers(%s)", [world.asked.pk]),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "decide_access": inside(
        "that who is entered is a second user (tests/accounts/test_access_requests.py), and that it waits",
        lambda world: ("SELECT access.decide_access(%s, true)", [world.asked.pk]),
        "ngo_a_supervisor",
    ),
    "stop_access": Reviewed(
        "that the person asked, approves access there or is whose account it is; nobody: by the link mailed to them",
        lambda world: ("SELECT access.stop_access(%s)", [world.asked.pk]),
        "ngo_a_focal_point",
        NOTHING,
        NOTHING,
    ),
    "use_access": Reviewed(
        "that who approved it is entered, or nobody; that its time has come by the database's clock; once",
        lambda world: ("SELECT access.use_access(%s)", [world.approved.pk]),
        None,
        ANSWERED,
        NOTHING,
    ),
    "claim_mail": sweep(
        "the clock, a lease of an hour at most",
        lambda world: (f"SELECT id FROM access.claim_mail(%s, {LEASE})", [now()]),
    ),
    "settle_mail": sweep(
        "the token of the claim",
        lambda world: ("SELECT access.settle_mail(%s, %s, %s, NULL)", [*world.mail, now()]),
    ),
    "claim_export": sweep(
        "the clock, a lease of an hour at most",
        lambda world: (f"SELECT id FROM access.claim_export(%s, {LEASE})", [now()]),
    ),
    "settle_export": inside(
        "the token of the claim, which the worker alone has; settled as the requester, whose export it is",
        lambda world: (
            "SELECT access.settle_export(%s, %s, %s, 0, NULL, 'tried')",
            [world.queued.pk, world.token_of_export, now()],
        ),
        A,
    ),
    "expire_export": sweep(
        "the clock: that the file's day is over",
        lambda world: ("SELECT export FROM access.expire_export(%s)", [now()]),
    ),
    "next_to_scan": sweep(
        "the clock, a lease of an hour at most",
        lambda world: (f"SELECT id FROM access.next_to_scan(%s, {LEASE})", [now()]),
    ),
    "settle_scan": Reviewed(
        "that nobody is entered; the token of the claim",
        lambda world: (
            "SELECT reference FROM access.settle_scan(%s, %s, false)",
            [world.document.pk, world.token_of_scan],
        ),
        None,
        NOTHING,
        REFUSED,
    ),
    "files_known": sweep(
        "nothing else: it returns names that were passed",
        lambda world: ("SELECT * FROM access.files_known(%s)", [[world.document.file]]),
    ),
    "files_refused": Reviewed(
        "nothing: a count of the user's own events of one kind",
        lambda world: ("SELECT access.files_refused() >= 0", []),
        A,
        ANSWERED,
        ANSWERED,
    ),
    "next_due_reminder": sweep(
        "the clock: no day to come",
        lambda world: ("SELECT reminder_id FROM access.next_due_reminder(%s, '{}')", [now().date()]),
    ),
    "reminders_without_recipient": sweep(
        "the clock: no day to come; a count",
        lambda world: ("SELECT access.reminders_without_recipient(%s) >= 0", [now().date()]),
    ),
    "unusual_reading": sweep(
        "for no fewer than the rules say",
        lambda world: ("SELECT count(*) >= 0 FROM access.unusual_reading(%s, 1, 1, 1)", [now()]),
    ),
    "next_draft_to_warn": sweep(
        "the database's own day", lambda world: ("SELECT count(*) >= 0 FROM access.next_draft_to_warn()", [])
    ),
    "delete_expired_draft": sweep(
        "the database's own day, and that its author was notified two days ago",
        lambda world: ("SELECT count(*) >= 0 FROM access.delete_expired_draft()", []),
    ),
    "cases_without_caseworker": Reviewed(
        "that nobody is entered, else it counts nothing (tests/accounts/test_leaving.py)",
        lambda world: ("SELECT count(*) >= 0 FROM access.cases_without_caseworker()", []),
        None,
        ANSWERED,
        ANSWERED,
    ),
    "open_cases_of": inside(
        "that the user manages the users of the organisation, or sets up the system",
        lambda world: ("SELECT cases FROM access.open_cases_of(%s, %s)", [world.a.pk, world.organisation.pk]),
        "ngo_a_focal_point",
    ),
    "open_grants_of": inside(
        "the same; a count",
        lambda world: ("SELECT access.open_grants_of(%s, %s) >= 0", [world.a.pk, world.organisation.pk]),
        "ngo_a_focal_point",
        nobody=ANSWERED,
        stranger=ANSWERED,
    ),
    "grants_waiting_in": inside(
        "the same; a count",
        lambda world: ("SELECT access.grants_waiting_in(%s) >= 0", [world.organisation.pk]),
        "ngo_a_focal_point",
        nobody=ANSWERED,
        stranger=ANSWERED,
    ),
    "open_work_of": inside(
        "the same",
        lambda world: ("SELECT active FROM access.open_work_of(%s)", [world.organisation.pk]),
        "ngo_a_focal_point",
    ),
    "hand_over_cases": inside(
        "the same, and that the user whose cases they are may no longer write cases there",
        lambda world: (
            "SELECT * FROM access.hand_over_cases(%s, %s, %s)",
            [world.left().pk, world.organisation.pk, world.supervisor.pk],
        ),
        "ngo_a_focal_point",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "drafts_to_reassign": inside(
        "for each organisation, that the user decides about interviews there or ends access",
        lambda world: ("SELECT id FROM access.drafts_to_reassign() WHERE id = %s", [world.draft.pk]),
        "ngo_a_supervisor",
    ),
    "reassign_draft": inside(
        "the same, and that the other user writes cases there",
        lambda world: (
            "SELECT true FROM (SELECT access.reassign_draft(%s, %s)) AS done",
            [world.draft.pk, world.a.pk],
        ),
        "ngo_a_supervisor",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "keep_draft": inside(
        "that the user decides about interviews there",
        lambda world: (
            "SELECT true FROM (SELECT access.keep_draft(%s, %s, %s)) AS done",
            [world.draft.pk, now().date() + timedelta(days=30), b"why"],
        ),
        "ngo_a_supervisor",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "delete_draft": inside(
        "that the user decides about interviews there",
        lambda world: ("SELECT true FROM (SELECT access.delete_draft(%s)) AS done", [world.draft.pk]),
        "ngo_a_supervisor",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "data_keys_of": inside(
        "that somebody is entered; an id of 122 random bits that only its row contains",
        lambda world: ("SELECT wrapped FROM access.data_keys_of(%s::uuid[])", [[world.case.pk]]),
        A,
        stranger=ANSWERED,
    ),
    "readers_of_case": inside(
        "a live access row of an organisation in which the user reads",
        lambda world: ("SELECT * FROM access.readers_of_case(%s)", [world.case.pk]),
        A,
    ),
    "references_in_log": inside(
        "that this is IOM's auditor",
        lambda world: ("SELECT reference FROM access.references_in_log(%s::uuid[])", [[world.case.pk]]),
        "auditor",
    ),
    "case_in_log": inside(
        "that this is IOM's auditor",
        lambda world: ("SELECT access.case_in_log(%s)", [world.case.reference]),
        "auditor",
    ),
    "programme_totals": inside(
        "that the user has summary access where the programme is managed, or to the programme",
        lambda world: ("SELECT cases FROM access.programme_totals(%s)", [factories.project("RASNM-2").pk]),
        "iom_supervisor",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "left_for_grants": inside(
        "that the user has summary access to the programme, or works on a case that is in it",
        lambda world: ("SELECT line FROM access.left_for_grants(%s)", [factories.project("RASNM-2").pk]),
        "iom_supervisor",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "break_glass": inside(
        "the right to it in an IOM office, and a reason",
        lambda world: (
            "SELECT access.break_glass(%s, %s, %s)",
            [world.case.reference, uuid4(), b"x" * 80],
        ),
        "protection_supervisor",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "erase_beneficiary": inside(
        "the right to erase in the organisation of the beneficiary, and that no case is open",
        lambda world: ("SELECT access.erase_beneficiary(%s)", [world.closed.beneficiary_id]),
        "ngo_a_reader",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "transfer_case": inside(
        "that the receiver's users write cases, live consent, and a caseworker who works there",
        lambda world: (
            "SELECT true FROM (SELECT access.transfer_case(%s, %s)) AS done",
            [world.offer.pk, world.b.pk],
        ),
        "ngo_b_caseworker",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
    "end_transfer": inside(
        "that the receiver's users (to decline) or the lead's (to take back) write cases",
        lambda world: (
            "SELECT true FROM (SELECT access.end_transfer(%s, 'declined', NULL)) AS done",
            [world.offer.pk],
        ),
        "ngo_b_caseworker",
        nobody=REFUSED,
        stranger=REFUSED,
    ),
}
# The receiver of an offer is no stranger to it.
STRANGERS = {
    "transfer_case": "iom_approver",
    "end_transfer": "iom_approver",
    "left_for_grants": "researcher",  # the second NGO has cases in that programme
}


class World:
    """One of each thing that these functions are about, and the tokens of a worker that claimed some."""

    def __init__(self, demo_users, settings) -> None:
        self.a, self.b, self.supervisor = (
            demo_users[A],
            demo_users["ngo_b_caseworker"],
            demo_users["ngo_a_supervisor"],
        )
        settings.SCANNER = scanners.nobody_there()
        self.organisation = factories.organisation("NGO_A")
        self.closed = closed_case(demo_users)
        with acting_as(self.a):
            self.case, offered = factories.a_case(self.a), factories.a_case(self.a)
            self.document = factories.a_document(self.case, self.a)
            self.draft = self._draft()
            factories.asked_export(self.a)
        assert write_next_export(now=now() - timedelta(hours=24) + SECOND)  # its day is over in a second
        with acting_as(self.a):
            self.queued = factories.asked_export(self.a)
            self.offer = factories.offered(offered, self.a)
            audit.record(by=self.a, verb="case file read", case_id=self.case.pk)
            for key in ("one", "two"):
                outbox.queue(key=key, recipient=self.a.email, subject="s", body="b", now=now())
        focal = demo_users["ngo_a_focal_point"]
        self.asked, self.approved = (
            factories.asked_role(focal, demo_users["researcher"], code, "NGO_A")
            for code in ("reader", "caseworker")
        )
        with acting_as(self.supervisor):
            rows("SELECT access.decide_access(%s, true)", [self.approved.pk])
        enter(None)
        self.mail = rows(f"SELECT id, token FROM access.claim_mail(now(), {LEASE})", [])[0]
        self.token_of_export = self.token_of_scan = None

    def _draft(self) -> IntakeDraft:
        """Return an unfinished interview in which somebody may be at risk, whose last two days have begun."""
        draft = start_draft(
            organisation=factories.organisation("NGO_A"),
            consent=ConsentGiven(given_by="self", how="spoken"),
            by=self.a,
            now=now(),
        )
        rows("UPDATE beneficiaries_intakedraft SET is_at_risk = true WHERE id = %s RETURNING id", [draft.pk])
        return draft

    def left(self) -> User:
        """Return the caseworker, whose role is over."""
        Membership.objects.filter(user=self.a).update(ends_on=now().date() - timedelta(days=1))
        return self.a

    def claim(self) -> None:
        """Claim the rest, as the worker does it."""
        enter(None)
        self.token_of_export = rows(f"SELECT token FROM access.claim_export(now(), {LEASE})", [])[0][0]
        self.token_of_scan = rows(f"SELECT token FROM access.next_to_scan(now(), {LEASE})", [])[0][0]


def rows(statement: str, given: list) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchall()


def outcome(world: World, name: str, whom) -> str:
    """Return what a user gets, or nobody; rolled back afterwards."""
    try:
        with transaction.atomic():
            enter(whom.pk if whom else None)
            found = rows(*TABLE[name].call(world))
            transaction.set_rollback(True)
    except DatabaseError as error:
        if error.__cause__.pgcode != INSUFFICIENT_PRIVILEGE:
            raise
        return REFUSED
    return ANSWERED if any(row[0] not in (None, False) for row in found) else NOTHING


@pytest.fixture
def world(demo_users, settings) -> World:
    return World(demo_users, settings)


def test_every_reviewed_function_is_in_this_table():
    assert set(TABLE) == REVIEWED


@pytest.mark.django_db
def test_nobody_and_a_stranger_get_what_the_table_says(world, demo_users):
    time.sleep(SECOND.total_seconds())  # until an export has expired
    strangers = {name: demo_users[STRANGERS.get(name, STRANGER)] for name in TABLE}
    assert {
        name: (outcome(world, name, None), outcome(world, name, stranger))
        for name, stranger in strangers.items()
    } == {name: (asked.nobody, asked.stranger) for name, asked in TABLE.items()}


@pytest.mark.django_db
def test_each_function_answers_the_user_whom_it_is_for(world, demo_users):
    time.sleep(SECOND.total_seconds())
    whom = {name: asked.whom and demo_users[asked.whom] for name, asked in TABLE.items()}
    after_claim = {"settle_export", "settle_scan"}
    found = {name: outcome(world, name, whom[name]) for name in TABLE if name not in after_claim}
    world.claim()
    found |= {name: outcome(world, name, whom[name]) for name in after_claim}
    assert found == dict.fromkeys(TABLE, ANSWERED)

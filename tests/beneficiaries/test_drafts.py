"""Unfinished first interviews: who may read them, who sees that there is one, and how they end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from accounts.approval import has_cases
from accounts.models import Membership
from accounts.operations.users import save_membership
from beneficiaries.models import IntakeDraft
from beneficiaries.operations.draft import (
    DraftNotOpen,
    discard_draft,
    keep_draft_page,
    open_case_from_draft,
    reassign_draft,
    save_draft_beneficiary,
    save_draft_consent,
    start_draft,
)
from beneficiaries.operations.intake import ConsentGiven
from beneficiaries.queries.draft import drafts_to_reassign, open_drafts_of
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.usefixtures("set_up")
A, B, FOCAL, READER = "ngo_a_caseworker", "ngo_b_caseworker", "ngo_a_focal_point", "ngo_a_reader"
PROTECTION, SUPERVISOR, ADMINISTRATOR = "protection_supervisor", "iom_supervisor", "administrator"
WORD = "Zzdraftcanary"


def a_draft(by, code: str = "NGO_A", *, at=None, **changes) -> IntakeDraft:
    """Return an interview whose page about the beneficiary contains a unique word."""
    draft = start_draft(
        organisation=factories.organisation(code),
        consent=ConsentGiven(given_by="self", how="spoken"),
        by=by,
        now=at or now(),
    )
    typed = {"first_name": WORD, "phone": "9801234567"}
    return keep_draft_page(draft=draft, page="beneficiary", typed=typed, by=by, now=now(), **changes)


def second_caseworker(demo_users, code: str = "NGO_A"):
    """Return another user of the organisation who works on cases: the reader, with a second role."""
    role = factories.organisation(code).roles.get(code="caseworker")
    save_membership(
        membership=Membership(user=demo_users[READER], role=role, starts_on=date(2020, 1, 1)),
        by=None,
        now=now(),
    )
    return demo_users[READER]


def supervises(demo_users, username: str, code: str = "NGO_A"):
    """Let this user supervise the organisation from today."""
    return factories.a_supervisor(username, code)


@pytest.mark.django_db
def test_only_the_author_reads_a_draft(demo_users):
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
        assert (
            IntakeDraft.objects.visible_to(demo_users[A]).get(pk=draft.pk).typed["beneficiary"]["first_name"]
            == WORD
        )
    supervises(demo_users, FOCAL)
    for username in (FOCAL, B, READER, PROTECTION, SUPERVISOR, ADMINISTRATOR):
        with acting_as(demo_users[username]):
            assert list(IntakeDraft.objects.visible_to(demo_users[username])) == []
            assert list(IntakeDraft.objects.all()) == [], "the database says so too"


@pytest.mark.django_db
def test_an_organisation_with_an_interview_has_cases(demo_users):
    """So that no administrator alone gives a role there and has the interview given to it."""
    third = factories.a_third_ngo()
    assert not has_cases(third.pk)
    author = demo_users["third"]
    with acting_as(author):
        a_draft(author, third.code)
    assert has_cases(third.pk)


@pytest.mark.django_db
def test_a_former_member_of_the_organisation_reads_no_draft(demo_users):
    """An author who now works for another organisation can't read it there."""
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
    role = factories.organisation("NGO_B").roles.get(code="caseworker")
    Membership.objects.filter(user=demo_users[A]).update(ends_on=now().date() - timedelta(days=1))
    save_membership(
        membership=Membership(user=demo_users[A], role=role, starts_on=now().date()), by=None, now=now()
    )
    with acting_as(demo_users[A]):
        assert not IntakeDraft.objects.visible_to(demo_users[A]).filter(pk=draft.pk).exists()
        assert not IntakeDraft.objects.filter(pk=draft.pk).exists(), "the database says so too"


@pytest.mark.django_db
def test_a_supervisor_sees_that_there_is_a_draft_and_nothing_in_it(demo_users):
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
    user = supervises(demo_users, FOCAL)
    with acting_as(user):
        (row,) = open_drafts_of(demo_users[A], factories.organisation("NGO_A"), by=user)
    assert (row.id, row.author_id, row.decides, row.waits, row.is_orphaned) == (
        draft.pk,
        demo_users[A].pk,
        True,
        False,
        False,
    )
    assert WORD not in str(row)


@pytest.mark.django_db
@pytest.mark.parametrize("username", [A, B, READER, SUPERVISOR, "auditor", "iom_finance"])
def test_nobody_else_sees_that_there_is_a_draft(demo_users, username):
    with acting_as(demo_users[A]):
        a_draft(demo_users[A])
    with acting_as(demo_users[username]):
        assert drafts_to_reassign(demo_users[username]) == []


@pytest.mark.django_db
def test_a_focal_point_and_an_administrator_count_drafts_without_deciding(demo_users):
    factories.a_supervisor(READER, "NGO_A")
    with acting_as(demo_users[A]):
        a_draft(demo_users[A])
    for username in (FOCAL, ADMINISTRATOR):
        with acting_as(demo_users[username]):
            (row,) = open_drafts_of(demo_users[A], factories.organisation("NGO_A"), by=demo_users[username])
            assert not row.decides


@pytest.mark.django_db
def test_without_a_supervisor_ioms_protection_supervisors_decide(demo_users):
    with acting_as(demo_users[B]):
        a_draft(demo_users[B], "NGO_B")
    with acting_as(demo_users[PROTECTION]):
        (row,) = drafts_to_reassign(demo_users[PROTECTION])
        assert row.decides


@pytest.mark.django_db
def test_a_supervisor_reassigns_a_draft(demo_users):
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A], at=now() - timedelta(days=10))
    second, user = second_caseworker(demo_users), supervises(demo_users, FOCAL)
    with acting_as(user):
        reassign_draft(draft_id=draft.pk, to=second, by=user, now=now())
    with acting_as(second):
        found = IntakeDraft.objects.visible_to(second).get(pk=draft.pk)
        assert found.typed["beneficiary"]["first_name"] == WORD
        assert found.expires_on == now().date() + timedelta(days=14)
        assert second.notices.filter(text__startswith="A first interview was assigned to you").exists()
    with acting_as(demo_users[A]):
        assert not IntakeDraft.objects.visible_to(demo_users[A]).exists()
        assert demo_users[A].notices.filter(text__contains="was assigned to another user").exists()
    with acting_as(demo_users["auditor"]):
        event = AuditEvent.objects.get(verb="interview reassigned")
    assert (event.object_id, event.detail["organisation"]) == (draft.pk, "NGO_A")
    assert WORD not in str(event.detail)


@pytest.mark.django_db
def test_a_focal_point_reassigns_a_draft_to_others_and_never_to_themselves(demo_users):
    factories.a_supervisor(READER, "NGO_A")
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
    second_caseworker(demo_users)
    role = factories.organisation("NGO_A").roles.get(code="caseworker")
    save_membership(
        membership=Membership(user=demo_users[FOCAL], role=role, starts_on=date(2020, 1, 1)),
        by=None,
        now=now(),
    )
    focal = demo_users[FOCAL]
    with acting_as(focal):
        with pytest.raises(PermissionDenied):
            reassign_draft(draft_id=draft.pk, to=focal, by=focal, now=now())
        with pytest.raises(DatabaseError, match="not an interview"), transaction.atomic():
            call("reassign_draft", draft.pk, focal.pk)
        reassign_draft(draft_id=draft.pk, to=demo_users[READER], by=focal, now=now())


@pytest.mark.django_db
@pytest.mark.parametrize("username", [A, B, READER, SUPERVISOR, PROTECTION, "auditor"])
def test_nobody_else_reassigns_a_draft(demo_users, username):
    supervises(demo_users, FOCAL)
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
    with acting_as(demo_users[username]):
        with pytest.raises(PermissionDenied):
            reassign_draft(draft_id=draft.pk, to=demo_users[A], by=demo_users[username], now=now())
        for function, values in (
            ("reassign_draft", [draft.pk, demo_users[A].pk]),
            ("keep_draft", [draft.pk, now().date() + timedelta(days=3), b"x"]),
            ("delete_draft", [draft.pk]),
        ):
            with pytest.raises(DatabaseError, match="not an interview"), transaction.atomic():
                call(function, *values)


@pytest.mark.django_db
def test_a_draft_is_not_reassigned_to_a_user_who_does_not_write_cases(demo_users):
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
    user = supervises(demo_users, FOCAL)
    with acting_as(user):
        for other in (demo_users[B], demo_users[READER]):
            with pytest.raises(ValidationError, match="works on cases"):
                reassign_draft(draft_id=draft.pk, to=other, by=user, now=now())
            with pytest.raises(DatabaseError, match="does not write cases"), transaction.atomic():
                call("reassign_draft", draft.pk, other.pk)


def call(function: str, *values) -> None:
    places = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT access.{function}({places})", values)


@pytest.mark.django_db
def test_a_discarded_draft_is_deleted_with_its_data_key(demo_users):
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
        assert discard_draft(draft=draft, by=demo_users[A], now=now())
        assert not IntakeDraft.objects.filter(pk=draft.pk).exists()
        assert _keys_left(draft.pk) == [None]
    with acting_as(demo_users["auditor"]):
        event = AuditEvent.objects.get(verb="interview discarded")
    assert (event.object_id, event.actor_id, event.detail) == (
        draft.pk,
        demo_users[A].pk,
        {"organisation": "NGO_A"},
    )


@pytest.mark.django_db
def test_a_draft_about_somebody_at_risk_waits_for_a_supervisor(demo_users):
    user = supervises(demo_users, FOCAL)
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A], may_be_at_risk=True)
        assert not discard_draft(draft=draft, by=demo_users[A], now=now())
        with pytest.raises(DatabaseError, match="its risk"), transaction.atomic():
            IntakeDraft.objects.filter(pk=draft.pk).update(is_at_risk=False, refused_at=None)
        assert IntakeDraft.objects.filter(pk=draft.pk).delete()[0] == 0, "the policy lets none at risk go"
        with pytest.raises(DraftNotOpen):
            a_page(draft, demo_users[A])
    with acting_as(user):
        (row,) = drafts_to_reassign(user)
        assert (row.id, row.waits) == (draft.pk, True)
        assert user.notices.filter(text__contains="needs your decision").exists()


@pytest.mark.django_db
def test_a_refused_interview_goes_on_after_consent(demo_users):
    supervises(demo_users, FOCAL)
    given = ConsentGiven(given_by="self", how="spoken")
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A], may_be_at_risk=True)
        discard_draft(draft=draft, by=demo_users[A], now=now())
        save_draft_consent(draft=draft, consent=given, by=demo_users[A], now=now())
        assert a_page(draft, demo_users[A]).refused_at is None


@pytest.mark.django_db
def test_opening_a_case_moves_everything_out_of_the_draft(demo_users):
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A])
        save_draft_beneficiary(
            draft=draft, details=factories.beneficiary_details(), by=demo_users[A], now=now()
        )
        reference = open_case_from_draft(
            draft_id=draft.pk, situation=factories.a_situation(), by=demo_users[A], now=now()
        )
        found = IntakeDraft.objects.visible_to(demo_users[A]).get(pk=draft.pk)
        assert (found.opened_reference, found.typed, found.details, found.consent) == (
            reference,
            {},
            {},
            {},
        )
        assert _keys_left(draft.pk) == [None]


@pytest.mark.django_db
def test_a_child_counts_as_at_risk_by_the_birth_date(demo_users):
    given = ConsentGiven(given_by="guardian", how="spoken")
    child = factories.beneficiary_details(
        birth_on=now().date() - timedelta(days=15 * 365), birth_precision="year"
    )
    with acting_as(demo_users[A]):
        draft = start_draft(
            organisation=factories.organisation("NGO_A"), consent=given, by=demo_users[A], now=now()
        )
        assert save_draft_beneficiary(draft=draft, details=child, by=demo_users[A], now=now()).is_at_risk


TRIES = 20


@pytest.fixture
def twenty(demo_users, committed):
    """Return interviews that can become cases."""
    supervises(demo_users, FOCAL)
    second_caseworker(demo_users)
    made = []
    with acting_as(demo_users[A]):
        for _ in range(TRIES):
            draft = a_draft(demo_users[A])
            save_draft_beneficiary(
                draft=draft, details=factories.beneficiary_details(), by=demo_users[A], now=now()
            )
            made.append(draft.pk)
    return made


def at_once(drafts, demo_users) -> list[set[str]]:
    people = {name: demo_users[name] for name in (A, FOCAL, READER)}

    def opened(pk) -> str:
        with acting_as(people[A]):
            open_case_from_draft(draft_id=pk, situation=factories.a_situation(), by=people[A], now=now())
        return "opened"

    def given(pk) -> str:
        with acting_as(people[FOCAL]):
            reassign_draft(draft_id=pk, to=people[READER], by=people[FOCAL], now=now())
        return "given"

    def tried(action, pk) -> str:
        try:
            return action(pk)
        except (PermissionDenied, DatabaseError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        pairs = [(pool.submit(tried, opened, pk), pool.submit(tried, given, pk)) for pk in drafts]
        return [{one.result(), other.result()} & {"opened", "given"} for one, other in pairs]


def test_twenty_drafts_opened_as_cases_and_reassigned_at_once_do_one_of_both(twenty, demo_users, owner):
    assert all(len(ends) == 1 for ends in at_once(twenty, demo_users))
    assert given_after_opening(owner, demo_users) == 0


def test_without_the_lock_a_draft_that_became_a_case_is_reassigned(twenty, demo_users, owner):
    """The positive control: the function reads without locking, and waits before it writes."""
    owner.execute("SELECT pg_get_functiondef('access.unfinished_draft(uuid, boolean)'::regprocedure)")
    (text,) = owner.fetchone()
    assert "FOR UPDATE;" in text
    owner.execute(text.replace("FOR UPDATE;", ";"))
    owner.execute("SELECT pg_get_functiondef('access.reassign_draft(uuid, uuid)'::regprocedure)")
    (text,) = owner.fetchone()
    owner.execute(text.replace("BEGIN\n", "BEGIN\n    PERFORM pg_sleep(0.05);\n", 1))
    assert any(len(ends) == 2 for ends in at_once(twenty, demo_users))
    assert given_after_opening(owner, demo_users) > 0


def given_after_opening(owner, demo_users) -> int:
    owner.execute(
        "SELECT count(*) FROM beneficiaries_intakedraft WHERE opened_reference <> '' AND author_id = %s",
        [demo_users[READER].pk],
    )
    return owner.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "expires_on = expires_on + 1",
        "created_at = created_at - interval '1 day'",
        "warned_on = expires_on",
        "kept_by_id = author_id, kept_because = 'x'",
        "author_id = (SELECT id FROM accounts_user WHERE username = 'ngo_b_caseworker')",
        "is_at_risk = false",
        "organisation_id = (SELECT id FROM accounts_organisation WHERE code = 'NGO_B')",
    ],
)
def test_its_author_changes_neither_end_nor_risk_of_a_draft(demo_users, change):
    with acting_as(demo_users[A]):
        draft = a_draft(demo_users[A], may_be_at_risk=True)
        with (
            pytest.raises(DatabaseError, match=r"its author, its end and its risk|row-level security"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE beneficiaries_intakedraft SET {change} WHERE id = %s", [draft.pk])


@pytest.mark.django_db
def test_nobody_starts_a_draft_that_lasts_longer(demo_users):
    with acting_as(demo_users[A]), pytest.raises(DatabaseError, match="14 days"), transaction.atomic():
        a_draft(demo_users[A], at=now() + timedelta(days=1))


def a_page(draft, by):
    return keep_draft_page(draft=draft, page="situation", typed={"needs": "A bed."}, by=by, now=now())


def _keys_left(subject) -> list:
    with connection.cursor() as cursor:
        cursor.execute("SELECT wrapped FROM access.data_keys_of(%s::uuid[])", [[subject]])
        return [wrapped for (wrapped,) in cursor.fetchall()]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("kept_by_id = author_id, is_at_risk = true", "beneficiaries_draft_kept_for_a_reason"),
        ("kept_by_id = author_id, kept_because = 'x'", "beneficiaries_draft_kept_for_a_reason"),
        ("refused_at = now()", "beneficiaries_draft_refused_is_at_risk"),
    ],
)
def test_each_constraint_of_a_draft_refuses_a_wrong_row(demo_users, committed, owner, change, constraint):
    with acting_as(demo_users[A]):
        a_draft(demo_users[A])
    owner.execute("ALTER TABLE beneficiaries_intakedraft DISABLE TRIGGER draft_stays")
    with pytest.raises(Exception, match=constraint):
        owner.execute(f"UPDATE beneficiaries_intakedraft SET {change}")

"""Password, address and account change while the user's own request is under way: that request then changes nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import suppress

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import QuerySet

from accounts.models import AccessRequest, ApiToken, Membership, User
from accounts.operations import factor, password
from accounts.operations.factor import (
    add_passkey,
    make_recovery_codes,
    remove_app,
    remove_passkey,
    reset_second_factor,
)
from accounts.operations.invitation import invite_again
from accounts.operations.password import set_password
from accounts.operations.token import create_api_token
from accounts.operations.users import save_user
from core import outbox
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.accounts.requests import (
    ADMINISTRATOR,
    FOCAL,
    SECOND,
    a_new_user,
    asked,
    decided,
    role,
)
from tests.factors import App, enrolled
from tests.pages import text_of
from tests.projects.test_admin import address, send

FIRST, LATER = "a-long-enough-word-7", "another-long-word-8"
FORMER, RIGHT = "former@example.org", "right@example.org"


def a_newcomer() -> User:
    """Return a user without a role who has chosen a password, as their session has read them."""
    user = User.objects.create(username="newcomer", email=FORMER)
    with acting_as(user):
        set_password(user, FIRST)
    return User.objects.get(pk=user.pk)


def change_address(by: User) -> None:
    user = User.objects.get(username="newcomer")
    user.email = RIGHT
    with acting_as(by):
        save_user(user=user, by=by, now=now())


def close_account(by: User) -> None:
    user = User.objects.get(username="newcomer")
    user.is_active = False
    with acting_as(by):
        save_user(user=user, by=by, now=now())


def change_password(by: User) -> None:
    password.change_password(password=LATER, by=by, now=now())


def add_app(by: User) -> None:
    secret = generate_totp_secret()
    factor.add_app(secret=secret, code=App(secret).code(), session="", proven=True, by=by, now=now())


OWN: dict[str, Callable[[User], object]] = {
    "change_password": change_password,
    "create_api_token": lambda by: create_api_token(user=by, name="x", by=by, now=now()),
    "add_app": add_app,
    "add_passkey": lambda by: add_passkey(name="x", credential={}, session="", proven=True, by=by, now=now()),
    "remove_app": lambda by: remove_app(by=by, now=now()),
    "remove_passkey": lambda by: remove_passkey(number=1, by=by, now=now()),
    "make_recovery_codes": lambda by: make_recovery_codes(by=by, now=now()),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", [change_address, close_account])
@pytest.mark.parametrize("action", OWN)
def test_a_session_whose_user_changed_meanwhile_changes_no_credential(demo_users, action, change):
    by = a_newcomer()
    change(demo_users[ADMINISTRATOR])
    with acting_as(by), pytest.raises(PermissionDenied):
        OWN[action](by)
    assert not User.objects.get(pk=by.pk).has_usable_password()
    assert not ApiToken.objects.filter(user=by, revoked_at=None).exists()
    assert not Authenticator.objects.filter(user=by).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("action", OWN)
def test_a_thiefs_request_changes_no_credential_once_the_owner_has_another_password(demo_users, action):
    owner, thief = a_newcomer(), User.objects.get(username="newcomer")
    enrolled(owner)
    factors = list(Authenticator.objects.filter(user=owner).values_list("pk", "data"))
    with acting_as(owner):
        password.change_password(password=LATER, by=owner, now=now())
    with acting_as(thief), pytest.raises(PermissionDenied):
        OWN[action](thief)
    assert User.objects.get(pk=owner.pk).check_password(LATER)
    assert list(Authenticator.objects.filter(user=owner).values_list("pk", "data")) == factors


def _late(action: Callable[[], object]) -> str:
    try:
        action()
    except (ValidationError, PermissionDenied, DatabaseError) as error:
        return type(error).__name__
    finally:
        connection.close()
    return "done"


def _meanwhile(demo_users, change: Callable[[User], None], action: Callable[[], object]) -> str:
    """Begin the action while the administrator's change isn't committed yet; return its outcome."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            change(demo_users[ADMINISTRATOR])
            late = pool.submit(_late, action)
            with pytest.raises(TimeoutError):
                late.result(timeout=2)
        return late.result(timeout=30)


def _password_planted(demo_users) -> bool:
    session = a_newcomer()

    def action() -> None:
        with acting_as(session):
            change_password(session)

    _meanwhile(demo_users, change_address, action)
    return User.objects.get(pk=session.pk).check_password(LATER)


def test_no_password_is_planted_while_the_address_changes(committed, demo_users):
    assert not _password_planted(demo_users)


def test_without_the_lock_a_password_is_planted(committed, demo_users, monkeypatch):
    """The positive control: what is compared was read before the change was committed."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)
    assert _password_planted(demo_users)


def test_a_stronger_hash_doesnt_bring_back_a_password_that_ended(committed, demo_users, settings):
    """Signing in replaces a weaker hash, after a check that takes half a second."""
    session = a_newcomer()
    settings.PASSWORD_HASHERS = list(reversed(settings.PASSWORD_HASHERS))
    _meanwhile(demo_users, change_address, lambda: session.check_password(FIRST))
    assert not User.objects.get(pk=session.pk).has_usable_password()


@pytest.mark.django_db
def test_an_administrators_page_that_was_read_before_keeps_the_new_password(demo_users):
    user, by = a_newcomer(), demo_users[ADMINISTRATOR]
    as_read = User.objects.get(pk=user.pk)
    with acting_as(user):
        change_password(user)
    as_read.first_name = "Asha"
    with acting_as(by):
        save_user(user=as_read, by=by, now=now())
    assert User.objects.get(pk=user.pk).check_password(LATER)


@pytest.mark.django_db
def test_a_factor_isnt_removed_after_a_password_that_was_mailed_meanwhile(demo_users):
    user, by = a_newcomer(), demo_users[ADMINISTRATOR]
    User.objects.filter(pk=user.pk).update(password_mailed_at=now())
    with acting_as(by), pytest.raises(ValidationError, match="14 days"):
        reset_second_factor(user=user, by=by, now=now())


@pytest.mark.django_db
def test_an_invitation_isnt_sent_to_an_address_that_changed_meanwhile(demo_users):
    user = User.objects.create(username="newcomer", email=FORMER)
    by = demo_users[ADMINISTRATOR]
    User.objects.filter(pk=user.pk).update(email=RIGHT)
    with acting_as(by):
        invite_again(user=user, by=by, now=now())
    outbox.deliver(now=now())
    assert [message.to for message in mail.outbox] == [[RIGHT]]


# A request for a role is about the address that its user has


def _address_planted(demo_users) -> bool:
    """Whether a role was given to an address that nobody approved, by the database's functions alone."""
    request = asked(demo_users, FOCAL, a_newcomer())

    def approve() -> None:
        with acting_as(demo_users[SECOND]), connection.cursor() as cursor:
            cursor.execute("SELECT access.decide_access(%s, true)", [request.pk])
            cursor.execute("SELECT access.use_access(%s)", [request.pk])
            Membership.objects.create(
                user=request.user, role=request.role, starts_on=request.starts_on, request=request
            )

    _meanwhile(demo_users, change_address_by_sql, approve)
    user = User.objects.get(username="newcomer")
    return user.email != FORMER and user.memberships.exists()


def change_address_by_sql(by: User, username: str = "newcomer") -> None:
    with acting_as(by):
        User.objects.filter(username=username).update(email=RIGHT)


def test_no_role_is_given_to_an_address_that_changes_meanwhile(committed, owner, demo_users):
    owner.execute("ALTER TABLE accounts_user DISABLE TRIGGER address_waits")
    assert not _address_planted(demo_users)


def test_without_the_lock_a_role_is_given_to_an_address_that_nobody_approved(committed, owner, demo_users):
    """The positive control: the user's row is locked only once the addresses were compared."""
    owner.execute("ALTER TABLE accounts_user DISABLE TRIGGER address_waits")
    for name in ("membership_is_approved()", "decide_access(uuid, boolean)", "use_access(uuid)"):
        owner.execute("SELECT pg_get_functiondef(%s::regprocedure)", [f"access.{name}"])
        [definition] = owner.fetchone()
        assert "PERFORM access.lock_user(" in definition
        owner.execute(definition.replace("PERFORM access.lock_user(", "PERFORM ("))
    assert _address_planted(demo_users)


@pytest.mark.django_db
def test_an_address_stays_while_a_role_is_requested_where_there_are_cases(sign_in, demo_users):
    """The second user approves the role for this address: nobody reads its mail elsewhere in between."""
    user = a_new_user(demo_users)
    page = send(sign_in(ADMINISTRATOR), address(User, "change", user.pk), {"email": RIGHT})
    assert "A role was requested for this user at the present address" in text_of(page)
    with pytest.raises(IntegrityError, match="at the present address"), transaction.atomic():
        change_address_by_sql(demo_users[ADMINISTRATOR], user.username)
    decided(demo_users, SECOND, AccessRequest.objects.get(user=user), approves=False)
    change_address_by_sql(demo_users[ADMINISTRATOR], user.username)
    assert User.objects.get(pk=user.pk).email == RIGHT


def _mailboxes_with_two_roles(committed, owner, demo_users) -> int:
    """Give two users with one mailbox a role that approves, at once; return how many have it."""
    pair = [
        User.objects.create(username=f"u{number}", email=f"same+{number}@example.org") for number in (1, 2)
    ]
    factories.a_third_ngo()

    def give(user: User) -> None:
        with acting_as(demo_users[ADMINISTRATOR]):
            Membership.objects.create(user=user, role=role("supervisor", "NGO_C"), starts_on=now().date())

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            give(pair[0])
            late = pool.submit(_late, lambda: give(pair[1]))
            with suppress(TimeoutError):
                late.result(timeout=2)
        late.result(timeout=30)
    return Membership.objects.filter(user__in=pair).count()


def test_of_two_roles_at_once_one_mailbox_gets_one(committed, owner, demo_users):
    assert _mailboxes_with_two_roles(committed, owner, demo_users) == 1


def test_without_the_lock_one_mailbox_gets_two_roles(committed, owner, demo_users):
    """The positive control."""
    owner.execute("SELECT pg_get_functiondef('access.membership_is_approved()'::regprocedure)")
    [definition] = owner.fetchone()
    assert "pg_advisory_xact_lock(hashtextextended(" in definition
    owner.execute(definition.replace("pg_advisory_xact_lock(hashtextextended(", "(hashtextextended("))
    assert _mailboxes_with_two_roles(committed, owner, demo_users) == 2

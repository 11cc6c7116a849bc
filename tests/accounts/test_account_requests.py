"""Another e-mail address, a reset second factor and a closed account need a second user."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.test import Client

from accounts.models import AccessRequest, User
from accounts.operations.access import take_due_effects
from accounts.operations.factor import reset_second_factor
from accounts.operations.invitation import accept_invitation, invite_again
from accounts.operations.password import set_password
from accounts.operations.token import create_api_token
from accounts.operations.users import save_user
from accounts.queries import invitations, live_token, reset_link
from core import outbox
from core.clock import now
from core.context import acting_as, enter
from tests.accounts.requests import ADMINISTRATOR, FOCAL, SECOND, WHO, a_new_user, asked, decided, names, role
from tests.factors import enrolled
from tests.pages import text_of

PROTECTION = "protection_supervisor"


def test_another_address_takes_effect_a_day_later_and_the_former_one_may_object(committed, owner, demo_users):
    user, administrator = demo_users[WHO], demo_users[ADMINISTRATOR]
    session, link = Client(), reset_link(user)
    session.force_login(user)
    former, user.email = user.email, "new@example.org"
    with acting_as(administrator):
        save_user(user=user, by=administrator, now=now())
    assert demo_users[WHO].email == former
    [request] = AccessRequest.objects.open()
    decided(demo_users, SECOND, request)
    owner.execute(
        "SELECT body FROM core_outboxmessage WHERE recipient = %s AND subject = 'Your sign-in to Sahayatra'",
        [former],
    )
    bodies = [body for (body,) in owner.fetchall()]
    assert len(bodies) == 2
    objection = re.search(r"/accounts/objection/\S+", bodies[0])[0]
    page = Client().get(objection)
    assert page.status_code == 200
    assert former not in text_of(page)
    assert take_due_effects(now=now()) == 0
    owner.execute(
        "UPDATE accounts_accessrequest SET takes_effect_at = now(), decided_at = now() - interval '1 day'"
    )
    assert take_due_effects(now=now() + timedelta(minutes=1)) == 1
    assert demo_users[WHO].email == "new@example.org"
    assert session.get("/cases/").status_code == 302, "sessions end"
    assert Client().get(f"/accounts/password/{link}/").status_code == 404, "and so do links"
    assert Client().get(objection).status_code == 404
    assert Client().get(f"/accounts/password/{reset_link(demo_users[WHO])}/").status_code == 404, (
        "without a second step"
    )
    app = enrolled(demo_users[WHO])
    where = f"/accounts/password/{reset_link(demo_users[WHO])}/"
    chosen = {"password": "a quite new sentence 9", "again": "a quite new sentence 9"}
    assert "This field is required" in text_of(Client().post(where, chosen))
    assert "not right" in text_of(Client().post(where, chosen | {"code": "000000"}))
    assert Client().post(where, chosen | {"code": app.code()}).status_code == 302
    assert demo_users[WHO].check_password("a quite new sentence 9")


def test_the_former_address_stops_another_one(committed, owner, demo_users):
    user, administrator = demo_users[WHO], demo_users[ADMINISTRATOR]
    former, user.email = user.email, "new@example.org"
    with acting_as(administrator):
        save_user(user=user, by=administrator, now=now())
    owner.execute("SELECT body FROM core_outboxmessage WHERE recipient = %s", [former])
    objection = re.search(r"/accounts/objection/\S+", owner.fetchall()[0][0])[0]
    assert Client().post(objection).status_code == 302
    [request] = AccessRequest.objects.all()
    assert request.state == "stopped"
    with pytest.raises(PermissionDenied):
        decided(demo_users, SECOND, request)
    assert Client().post(objection + "x").status_code == 404


def test_a_password_chosen_by_mail_ends_when_somebody_else_changes_the_address(demo_users):
    """Before a newcomer's role is requested, their address is changed: to one's own, and back again."""
    right, administrator = "asha@example.org", demo_users[ADMINISTRATOR]
    newcomer = User.objects.create(username="asha", email=right, password=make_password(None))
    with acting_as(administrator):
        newcomer.email = "mine@example.org"
        save_user(user=newcomer, by=administrator, now=now())
        invite_again(user=newcomer, by=administrator, now=now())
    newcomer = User.objects.get(pk=newcomer.pk)
    link = invitations.make_token(newcomer)
    accept_invitation(user_id=newcomer.pk, token=link, password="a quite new sentence 9", now=now())
    newcomer = User.objects.get(pk=newcomer.pk)
    enrolled(newcomer)
    with acting_as(administrator):
        newcomer.email = right
        save_user(user=newcomer, by=administrator, now=now())
    newcomer = User.objects.get(pk=newcomer.pk)
    assert not newcomer.has_usable_password()
    assert not newcomer.authenticator_set.exists()
    asked(demo_users, FOCAL, newcomer)
    outbox.deliver(now=now())
    invited = [sent.to for sent in mail.outbox if "/accounts/invitation/" in sent.body]
    assert invited == [[right]], "which chooses anew; an address of before gets no mail any more"
    decided(demo_users, SECOND, AccessRequest.objects.get(user=newcomer))
    assert newcomer.memberships.exists()


def test_the_database_itself_ends_credentials_with_the_address(demo_users):
    user = User.objects.create(username="asha", email="asha@example.org")
    with acting_as(user):
        set_password(user, "a quite new sentence 9")
        enrolled(user)
        _token, text = create_api_token(user=user, name="x", by=user, now=now())
        User.objects.filter(pk=user.pk).update(email="own@example.org")
    Client().force_login(user)

    def credentials() -> list[bool]:
        kept = User.objects.get(pk=user.pk)
        token = live_token(text, on=now().date())
        return [
            kept.has_usable_password(),
            kept.authenticator_set.exists(),
            kept.sessions.exists(),
            token is not None,
        ]

    assert credentials() == [True] * 4, "their own change"
    with acting_as(demo_users[ADMINISTRATOR]):
        User.objects.filter(pk=user.pk).update(email="mine@example.org")
    assert credentials() == [False] * 4


def _also_reads_in(owner, user: User, organisation: str) -> None:
    """A role that somebody has by now in another organisation."""
    owner.execute(
        "INSERT INTO accounts_membership (id, user_id, role_id, starts_on) "
        "VALUES (gen_random_uuid(), %s, %s, '2020-01-01')",
        [str(user.pk), str(role("reader", organisation).pk)],
    )


def test_a_request_is_decided_where_its_user_is_by_then(committed, owner, demo_users):
    """The organisation of before doesn't open the files of another one, where the user works by now."""
    user, administrator = demo_users["ngo_a_reader"], demo_users[ADMINISTRATOR]
    enrolled(user)
    with acting_as(administrator):
        request = reset_second_factor(user=user, by=administrator, now=now())
    assert SECOND in names(request)
    _also_reads_in(owner, user, "NGO_B")
    assert names(request) == {}
    with pytest.raises(PermissionDenied):
        decided(demo_users, SECOND, request)
    with acting_as(administrator):
        again = reset_second_factor(user=demo_users["ngo_a_reader"], by=administrator, now=now())
    assert set(names(again)) == {PROTECTION, "protection_supervisor_2"}
    request.refresh_from_db()
    assert request.state == "stopped"


def test_an_approval_ends_where_its_user_works_elsewhere_by_then(committed, owner, demo_users):
    user, administrator = demo_users["ngo_a_reader"], demo_users[ADMINISTRATOR]
    user.email = "new@example.org"
    with acting_as(administrator):
        save_user(user=user, by=administrator, now=now())
    request = AccessRequest.objects.get(kind="email")
    decided(demo_users, SECOND, request)
    _also_reads_in(owner, user, "NGO_B")
    owner.execute(
        "UPDATE accounts_accessrequest SET takes_effect_at = now(), decided_at = now() - interval '1 day'"
    )
    assert take_due_effects(now=now() + timedelta(minutes=1)) == 0
    assert demo_users["ngo_a_reader"].email != "new@example.org"
    request.refresh_from_db()
    assert request.state == "stopped"


def test_an_address_is_not_changed_to_and_fro_without_end(demo_users):
    """Each change is a mail to a stranger, whoever they are."""
    administrator = demo_users[ADMINISTRATOR]
    with acting_as(administrator), pytest.raises(ValidationError, match="in the last 24 hours"):
        user = save_user(user=User(username="asha", email="asha@example.org"), by=administrator, now=now())
        for number in range(40):
            user.email = ("other@example.org", "asha@example.org")[number % 2]
            save_user(user=user, by=administrator, now=now())
    outbox.deliver(now=now())
    for email in ("other@example.org", "asha@example.org"):
        assert len([sent for sent in mail.outbox if sent.to == [email]]) <= 4


def test_a_request_is_stopped_by_those_whom_it_concerns(demo_users):
    """By SQL alone: as another user, and as nobody."""
    request = AccessRequest.objects.get(user=a_new_user(demo_users))

    def stopped(by: str | None) -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            enter(demo_users[by].pk if by else None)
            cursor.execute("SELECT access.stop_access(%s)", [request.pk])
            return cursor.fetchone()[0]

    for username in ("ngo_b_caseworker", "ngo_a_caseworker", ADMINISTRATOR, None):
        assert not stopped(username), username
    request.refresh_from_db()
    assert request.state == "pending"
    assert stopped(SECOND)


def test_a_mailed_link_stops_a_request_for_whoever_is_signed_in(committed, owner, demo_users, sign_in):
    user, administrator = demo_users[WHO], demo_users[ADMINISTRATOR]
    former, user.email = user.email, "new@example.org"
    with acting_as(administrator):
        save_user(user=user, by=administrator, now=now())
    owner.execute("SELECT body FROM core_outboxmessage WHERE recipient = %s", [former])
    objection = re.search(r"/accounts/objection/\S+", owner.fetchall()[0][0])[0]
    assert sign_in("ngo_b_caseworker").post(objection).status_code == 302
    assert AccessRequest.objects.get().state == "stopped"


# The second factor


def test_a_second_factor_is_reset_by_two_users_and_never_with_a_mailed_password(demo_users, settings):
    settings.MFA_REQUIRED = True
    user, administrator = demo_users[WHO], demo_users[ADMINISTRATOR]
    enrolled(user)
    with acting_as(administrator):
        request = reset_second_factor(user=user, by=administrator, now=now())
    assert user.authenticator_set.exists()
    decided(demo_users, SECOND, request)
    assert not user.authenticator_set.exists()
    assert Client().get(f"/accounts/password/{reset_link(demo_users[WHO])}/").status_code == 404
    other = demo_users["ngo_a_reader"]
    enrolled(other)
    chosen = {"password": "a quite new sentence 9", "again": "a quite new sentence 9"}
    assert Client().post(f"/accounts/password/{reset_link(other)}/", chosen).status_code == 302
    with acting_as(administrator), pytest.raises(ValidationError, match="reset by e-mail"):
        reset_second_factor(user=demo_users["ngo_a_reader"], by=administrator, now=now())


def test_a_mailed_password_between_asking_and_approving_keeps_the_second_factor(demo_users):
    user, administrator = demo_users[WHO], demo_users[ADMINISTRATOR]
    enrolled(user)
    with acting_as(administrator):
        request = reset_second_factor(user=user, by=administrator, now=now())
    chosen = {"password": "a quite new sentence 9", "again": "a quite new sentence 9"}
    assert Client().post(f"/accounts/password/{reset_link(user)}/", chosen).status_code == 302
    with pytest.raises(ValidationError, match="reset by e-mail"):
        decided(demo_users, SECOND, request)
    assert user.authenticator_set.exists()


def test_a_closed_account_is_opened_by_two_users(demo_users):
    user, administrator = demo_users["ngo_a_reader"], demo_users[ADMINISTRATOR]
    with acting_as(administrator):
        user.is_active = False
        save_user(user=user, by=administrator, now=now())
        user.is_active = True
        save_user(user=user, by=administrator, now=now())
    assert not demo_users["ngo_a_reader"].is_active
    decided(demo_users, SECOND, AccessRequest.objects.get(kind="reopen"))
    assert demo_users["ngo_a_reader"].is_active
    assert not demo_users["ngo_a_reader"].has_usable_password()


def test_iom_decides_on_an_account_of_two_organisations(committed, owner, demo_users):
    """The second user of one organisation could otherwise open the other's files."""
    user = demo_users["ngo_a_reader"]
    owner.execute(
        "INSERT INTO accounts_membership (id, user_id, role_id, starts_on) "
        "VALUES (gen_random_uuid(), %s, %s, '2020-01-01')",
        [str(user.pk), str(role("reader", "NGO_B").pk)],
    )
    enrolled(user)
    with acting_as(demo_users[ADMINISTRATOR]):
        request = reset_second_factor(user=user, by=demo_users[ADMINISTRATOR], now=now())
    assert set(names(request)) == {PROTECTION, "protection_supervisor_2"}

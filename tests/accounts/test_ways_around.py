"""Ways around the second user that are closed: ids, deleted rows, who asked for what, who gave whom a role."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from accounts.approval import is_guarded
from accounts.models import AccessRequest, Membership, OrganisationGroupPermission, User
from accounts.operations.token import create_api_token
from accounts.operations.users import save_membership, save_user
from accounts.queries import reset_link
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.accounts.requests import ADMINISTRATOR, FOCAL, PROTECTION, SECOND, WHO, asked, decided, names, role
from tests.pages import text_of

OTHER = "ngo_b_caseworker"


def run(statement: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def refused(demo_users, by: str | None, statement: str, *values) -> str:
    """Return the database's error for a statement of the application."""
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        if by is None:
            run(statement, *values)
        else:
            with acting_as(demo_users[by]):
                run(statement, *values)
    return str(error.value)


# Ids, and rows that are deleted and added again


@pytest.mark.parametrize("table", ["accounts_user", "accounts_role", "accounts_organisation"])
@pytest.mark.parametrize("by", [None, ADMINISTRATOR])
def test_the_application_changes_no_id(demo_users, table, by):
    """Two users who swap their ids would swap their permissions."""
    said = refused(
        demo_users,
        by,
        f"UPDATE {table} SET id = gen_random_uuid() WHERE id IN (SELECT id FROM {table} LIMIT 1)",
    )
    assert "stays the one" in said


@pytest.mark.parametrize("table", ["accounts_user", "accounts_role", "accounts_organisation"])
def test_the_application_deletes_no_user_and_no_role(demo_users, table):
    assert "permission denied" in refused(demo_users, ADMINISTRATOR, f"DELETE FROM {table}")


def test_a_permission_is_given_to_roles_and_not_to_other_groups(demo_users):
    given = OrganisationGroupPermission.objects.filter(permission__codename="read_cases")[0]
    with acting_as(demo_users[ADMINISTRATOR]):
        run("INSERT INTO auth_group (name) VALUES ('of no role')")
    said = refused(
        demo_users,
        ADMINISTRATOR,
        "INSERT INTO accounts_organisationgrouppermission (group_id, permission_id, content_object_id) "
        "SELECT id, %s, %s FROM auth_group WHERE name = 'of no role'",
        given.permission_id,
        given.content_object_id,
    )
    assert "a permission is a role's" in said


# Who decides on a request


@pytest.mark.parametrize("code", ["NGO_B", "IOM", None])
@pytest.mark.parametrize("kind", ["role", "tailor", "email", "factor", "reopen"])
def test_a_request_belongs_to_the_organisation_of_its_role_or_user(demo_users, kind, code):
    membership = role("reader") if kind in ("role", "tailor") else None
    wrong = factories.organisation(code) if code else None
    with acting_as(demo_users[ADMINISTRATOR]), pytest.raises(IntegrityError, match="where its role"):
        with transaction.atomic():
            AccessRequest.objects.create(
                kind=kind,
                organisation=wrong,
                user=None if kind == "tailor" else demo_users[WHO],
                role=membership,
                email="x@example.org",
                starts_on=now().date(),
                asked_by=demo_users[ADMINISTRATOR],
            )
    with acting_as(demo_users[ADMINISTRATOR]):
        AccessRequest.objects.create(
            kind=kind,
            organisation=factories.organisation("NGO_A"),
            user=None if kind == "tailor" else demo_users[WHO],
            role=membership,
            email="x@example.org",
            starts_on=now().date(),
            asked_by=demo_users[ADMINISTRATOR],
        )


def test_a_role_given_without_a_user_counts_after_two_weeks(committed, owner, demo_users):
    """By SQL without a user, in an organisation without cases while others have some."""
    factories.a_third_ngo()
    keeper = User.objects.create(username="keeper", email="keeper@example.org")
    Membership.objects.create(user=keeper, role=role("focal_point", "NGO_C"), starts_on=now().date())
    third = User.objects.get(username="third")
    with acting_as(third):
        factories.a_case(third, "NGO_C")
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"], "reader", "NGO_C")
    assert set(names(request)) == {PROTECTION, "protection_supervisor_2"}
    owner.execute(
        "UPDATE accounts_membership SET given_at = now() - interval '15 days' WHERE user_id = %s",
        [str(keeper.pk)],
    )
    assert names(request) == {"keeper": "focal_point"}


def test_a_user_whom_a_focal_point_set_up_alone_is_not_their_second_user(committed, owner, demo_users):
    """Before the first case and after two weeks, too; a user whom the administrator set up is one."""
    factories.a_third_ngo()
    made = {}
    for name, code, by in (
        ("keeper", "focal_point", ADMINISTRATOR),
        ("planted", "supervisor", "keeper"),
        ("independent", "supervisor", ADMINISTRATOR),
    ):
        giver = made.get(by) or demo_users[by]
        made[name] = User.objects.create(username=name, email=f"{name}@example.org")
        given = Membership(user=made[name], role=role(code, "NGO_C"), starts_on=now().date())
        with acting_as(giver):
            save_membership(membership=given, by=giver, now=now())
    third = User.objects.get(username="third")
    with acting_as(third):
        factories.a_case(third, "NGO_C")
    owner.execute(
        "UPDATE accounts_membership SET given_at = now() - interval '15 days' WHERE given_at IS NOT NULL"
    )
    own = Membership(user=third, role=role("reader", "NGO_C"), starts_on=now().date())
    with acting_as(made["keeper"]):
        request = save_membership(membership=own, by=made["keeper"], now=now())
    assert names(request) == {"independent": "supervisor"}


# Changing the address of a closed account


def ended_and_changed(demo_users, user: User) -> AccessRequest | None:
    """Close an account as an administrator, end its role, and change its address."""
    administrator = demo_users[ADMINISTRATOR]
    with acting_as(administrator):
        user.is_active = False
        save_user(user=user, by=administrator, now=now())
        for membership in user.memberships.all():
            membership.ends_on = now().date() - timedelta(days=1)
            save_membership(membership=membership, by=administrator, now=now())
        user = User.objects.get(pk=user.pk)
        user.email = "other@example.org"
        save_user(user=user, by=administrator, now=now())
    return AccessRequest.objects.filter(user=user, kind="email").first()


def test_an_account_needs_a_second_user_for_a_year_after_its_role(demo_users):
    user = demo_users["ngo_a_reader"]
    former = user.email
    request = ended_and_changed(demo_users, user)
    assert demo_users["ngo_a_reader"].email == former
    assert request is not None
    assert FOCAL in names(request)
    said = refused(
        demo_users, ADMINISTRATOR, "UPDATE accounts_user SET email = 'x@example.org' WHERE id = %s", user.pk
    )
    assert "another address" in said


def test_an_account_whose_role_ended_a_year_ago_needs_no_second_user(committed, owner, demo_users):
    user = demo_users[WHO]
    for days, guarded in ((365, True), (367, False)):
        owner.execute(
            "UPDATE accounts_membership SET ends_on = (now() AT TIME ZONE 'Asia/Kathmandu')::date - %s "
            "WHERE user_id = %s",
            [days, str(user.pk)],
        )
        assert is_guarded(user) is guarded


def test_the_former_address_of_a_closed_account_gets_a_mail(committed, owner, demo_users):
    """Also where the account reads no files, and nobody else is asked."""
    administrator = demo_users[ADMINISTRATOR]
    with acting_as(administrator):
        user = User.objects.create(username="idle", email="idle@example.org", is_active=False, password="!")
        user.email = "other@example.org"
        save_user(user=user, by=administrator, now=now())
    owner.execute("SELECT key FROM core_outboxmessage WHERE recipient = 'idle@example.org'")
    [(key,)] = owner.fetchall()
    assert key.startswith("former:"), "or it wouldn't be sent to a closed account"


def test_a_request_says_when_the_address_was_changed_last(sign_in, demo_users):
    user = demo_users["researcher"]
    User.objects.filter(pk=user.pk).update(email_changed_at=now())
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"])
    shown = text_of(sign_in(SECOND).get(f"/team/requests/{request.pk}/"))
    assert "E-mail last changed" in shown


# What access to a mailbox, or another user, could be used for


def a_token(demo_users, username: str):
    with acting_as(demo_users[username]):
        return create_api_token(
            user=demo_users[username], name="reports", by=demo_users[username], now=now()
        )[0]


def test_a_password_that_was_reset_by_mail_ends_the_tokens(demo_users):
    token = a_token(demo_users, WHO)
    chosen = {"password": "a quite new sentence 9", "again": "a quite new sentence 9"}
    assert Client().post(f"/accounts/password/{reset_link(demo_users[WHO])}/", chosen).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_another_address_ends_the_tokens(committed, owner, demo_users):
    token, user, administrator = a_token(demo_users, WHO), demo_users[WHO], demo_users[ADMINISTRATOR]
    owner.execute("UPDATE accounts_membership SET ends_on = '2020-01-01' WHERE user_id = %s", [str(user.pk)])
    user.email = "new@example.org"
    with acting_as(administrator):
        save_user(user=user, by=administrator, now=now())
    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.mark.parametrize("by", [None, ADMINISTRATOR, FOCAL])
def test_nobody_adds_a_second_factor_for_another(demo_users, by):
    said = refused(
        demo_users,
        by,
        "INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES (%s, 'totp', '{}', now())",
        demo_users[WHO].pk,
    )
    assert "nobody adds a second factor" in said
    with acting_as(demo_users[WHO]):
        Authenticator.objects.create(user=demo_users[WHO], type="totp", data={})


def test_an_approval_counts_only_for_the_user_who_gave_it(committed, owner, demo_users):
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"], "reader", "NGO_B")
    decided(demo_users, PROTECTION, request)
    owner.execute(
        "UPDATE accounts_accessrequest SET takes_effect_at = now(), decided_at = now() - interval '1 day'"
    )
    for username, used in ((OTHER, False), (ADMINISTRATOR, False), (PROTECTION, True)):
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            cursor.execute("SELECT access.use_access(%s)", [request.pk])
            assert cursor.fetchone() == (used,), username


def test_a_role_cannot_end_more_than_a_year_ago(demo_users):
    """A last day more than a year ago would leave the account to whoever changes its address."""
    membership = Membership.objects.get(user=demo_users[WHO])
    membership.ends_on = now().date() - timedelta(days=400)
    with (
        acting_as(demo_users[ADMINISTRATOR]),
        pytest.raises(ValidationError, match="can't be earlier than yesterday"),
    ):
        save_membership(membership=membership, by=demo_users[ADMINISTRATOR], now=now())
    assert is_guarded(demo_users[WHO])


@pytest.mark.parametrize("changed", ["user", "role"])
def test_a_role_is_not_given_to_another_user_by_changing_its_row(demo_users, changed):
    """Its former user would leave without new caseworkers for their cases, and no page would show that they
    had it.
    """
    membership = Membership.objects.get(user=demo_users[WHO])
    given = {"user": demo_users["ngo_a_reader"], "role": role("reader", "NGO_A")}
    setattr(membership, changed, given[changed])
    with (
        acting_as(demo_users[ADMINISTRATOR]),
        pytest.raises(ValidationError, match="end this role and give a new one"),
    ):
        save_membership(membership=membership, by=demo_users[ADMINISTRATOR], now=now())
    assert not AccessRequest.objects.exists()
    assert Membership.objects.filter(user=demo_users[WHO], role__code="caseworker").exists()

"""Access in organisations with cases: requested by one user, approved by a second, never by the same one."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import AccessRequest, Membership, Notice, Organisation, Role, User
from accounts.operations.access import stop_access, take_due_effects
from accounts.operations.organisation import save_organisation
from accounts.operations.users import save_membership, save_user, tailor_role
from accounts.rules import mailbox
from core import outbox
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.accounts.requests import (
    ADMINISTRATOR,
    FOCAL,
    SECOND,
    WHO,
    a_new_user,
    asked,
    decided,
    names,
    permissions_of,
    role,
    today,
)
from tests.factors import enrolled
from tests.pages import submit, text_of
from tests.projects.test_admin import address, row, send

PROTECTION = "protection_supervisor"
SECOND_IOM = "iom_supervisor"


# One user alone


@pytest.mark.parametrize("where", ["membership", "user"])
def test_an_administrator_alone_gives_nobody_a_role_where_there_are_cases(sign_in, demo_users, where):
    client, researcher = sign_in(ADMINISTRATOR), demo_users["researcher"]
    if where == "membership":
        typed = {"user": researcher.pk, "role": role("caseworker").pk, "starts_on": today()}
        send(client, address(Membership, "add"), typed)
    else:
        typed = row("memberships", 1, 2, role=role("caseworker").pk, starts_on=today(), user=researcher.pk)
        send(client, address(User, "change", researcher.pk), typed)
    assert not researcher.memberships.filter(role=role("caseworker")).exists()
    client.force_login(researcher)
    assert client.get("/cases/").status_code == 403


def test_a_focal_point_alone_adds_no_user(sign_in, demo_users):
    client = sign_in(FOCAL)
    typed = {
        "first_name": "Asha",
        "last_name": "Lama",
        "email": "other@example.org",
        "language": "en",
        "role": str(role("caseworker").pk),
        "starts_on": today(),
        "reason": "She begins on Sunday.",
    }
    page = client.get("/team/new/")
    typed["form_key"] = page.context["form"]["form_key"].value()
    client.post("/team/new/", typed)
    made = User.objects.get(email="other@example.org")
    assert not made.memberships.exists()


def test_an_administrator_alone_changes_no_e_mail(sign_in, demo_users):
    """A changed address and a forgotten password would together give access to the account."""
    client = sign_in(ADMINISTRATOR)
    send(client, address(User, "change", demo_users[WHO].pk), {"email": "other@example.org"})
    assert demo_users[WHO].email != "other@example.org"


def test_an_administrator_alone_gives_no_role_more_permissions(sign_in, demo_users):
    client, reader = sign_in(ADMINISTRATOR), role("reader")
    send(client, address(Role, "change", reader.pk), {"permissions": ["read_cases", "read_restricted"]})
    assert permissions_of(reader) == {"read_cases"}


def test_an_administrator_alone_resets_no_second_factor(sign_in, demo_users):
    client, user = sign_in(ADMINISTRATOR), demo_users[WHO]
    enrolled(user)
    send(client, address(User, "change", user.pk), {"without_factor": "on"})
    assert user.authenticator_set.exists()


def test_an_administrator_alone_opens_no_closed_account(sign_in, demo_users):
    client, user = sign_in(ADMINISTRATOR), demo_users[WHO]
    User.objects.filter(pk=user.pk).update(is_active=False)
    send(client, address(User, "change", user.pk), {"is_active": "on"})
    assert not demo_users[WHO].is_active


def test_the_database_itself_lets_nobody_in_without_approval(demo_users):
    with pytest.raises(IntegrityError, match="second user"), transaction.atomic():
        Membership.objects.create(
            user=demo_users["researcher"], role=role("caseworker"), starts_on=now().date()
        )


def test_focal_points_are_notified_at_once(sign_in, demo_users):
    typed = {"user": demo_users["researcher"].pk, "role": role("caseworker").pk, "starts_on": today()}
    send(sign_in(ADMINISTRATOR), address(Membership, "add"), typed)
    assert (
        Notice.objects.visible_to(demo_users[FOCAL]).count() == 0
    )  # no user is entered: the test reads as them
    with acting_as(demo_users[FOCAL]):
        assert Notice.objects.visible_to(demo_users[FOCAL]).unread().exists()


def test_no_command_alone_makes_another_administrator(demo_users):
    call_command("create_administrator", "second", "second@example.org")
    made = User.objects.get(username="second")
    assert not made.has_usable_password()
    assert not made.memberships.exists()
    assert (
        AccessRequest.objects.open()
        .filter(user=made, role=role("administrator", "IOM"), asked_by=None)
        .exists()
    )


def test_the_command_alone_resets_no_second_factor(demo_users):
    enrolled(demo_users[WHO])
    call_command("reset_second_factor", WHO)
    assert demo_users[WHO].authenticator_set.exists()


# With a second user


def test_a_new_user_is_requested_approved_and_invited(sign_in, demo_users):
    client = sign_in(FOCAL)
    typed = {"first_name": "Asha", "last_name": "Lama", "email": "asha@example.org", "language": "en"}
    typed |= {"role": str(role("caseworker").pk), "starts_on": today(), "reason": "She begins on Sunday."}
    page = text_of(submit(client, "/team/new/", typed))
    assert "once a second user has approved it" in page
    assert "Asha Lama: Caseworker" in page
    outbox.deliver(now=now())
    assert not [sent for sent in mail.outbox if sent.to == ["asha@example.org"]]
    [request] = AccessRequest.objects.open()
    second = Client()
    second.force_login(demo_users[SECOND])
    assert "Asha Lama: Caseworker" in text_of(second.get("/"))
    where = f"/team/requests/{request.pk}/"
    shown = text_of(second.get(where))
    for word in ("asha@example.org", "She begins on Sunday.", "Read case files", "Sarita Rai"):
        assert word in shown
    submit(second, where, {"decision": "approve"})
    made = User.objects.get(email="asha@example.org")
    [given] = made.memberships.all()
    assert (given.given_by, given.request.decided_by) == (demo_users[FOCAL], demo_users[SECOND])
    outbox.deliver(now=now())
    [sent] = [sent for sent in mail.outbox if sent.to == ["asha@example.org"]]
    assert "/accounts/invitation/" in sent.body
    team = text_of(client.get("/team/"))
    assert "Approved by Kamala Limbu" in team
    for username in (FOCAL, SECOND):
        with acting_as(demo_users[username]):
            keys = Notice.objects.visible_to(demo_users[username]).filter(key__endswith=str(request.pk))
            assert {notice.key.split(":")[1] for notice in keys} == {"asked", "given"}


def test_a_refused_or_stopped_request_gives_nothing(demo_users):
    for number, end in enumerate(("refuse", "stop")):
        user = a_new_user(demo_users, name=f"Asha{number}x".replace("0", "a").replace("1", "b"))
        request = AccessRequest.objects.get(user=user)
        if end == "refuse":
            decided(demo_users, SECOND, request, approves=False)
        else:
            with acting_as(demo_users[FOCAL]):
                stop_access(request=request, by=demo_users[FOCAL], now=now())
        with pytest.raises(PermissionDenied):
            decided(demo_users, SECOND, request)
        assert not user.memberships.exists()


@pytest.mark.parametrize(
    "username",
    [
        FOCAL,
        "ngo_a_caseworker",
        "ngo_a_reader",
        "ngo_b_caseworker",
        ADMINISTRATOR,
        PROTECTION,
        "iom_supervisor",
    ],
)
def test_nobody_else_decides(sign_in, demo_users, username):
    """Neither the requester, nor a user who only works there, nor another organisation's focal point, nor
    IOM's protection supervisors while the NGO has a focal point.
    """
    user = a_new_user(demo_users)
    request = AccessRequest.objects.get(user=user)
    where = f"/team/requests/{request.pk}/"
    page = sign_in(username).get(where)
    assert page.status_code == (200 if username == FOCAL else 404)
    assert sign_in(username).post(where, {"decision": "approve"}).status_code in (200, 404)
    with pytest.raises(PermissionDenied):
        decided(demo_users, username, request)
    assert not user.memberships.exists()


def test_nobody_approves_with_an_account_that_they_asked_for(demo_users):
    """Directly, in the other direction, through others, or one of two of them for the other."""
    made = [a_new_user(demo_users, code="focal_point", name=name) for name in ("Bina", "Chandra")]
    for user in made:
        decided(demo_users, SECOND, AccessRequest.objects.get(user=user))
    first, other = made
    of_focal = AccessRequest.objects.get(user=a_new_user(demo_users, name="Dipa"))
    assert names(of_focal) == {SECOND: "supervisor"}
    third = demo_users["ngo_a_reader"]
    of_first = asked(demo_users, first.username, third)
    assert names(of_first) == {SECOND: "supervisor"}, "neither who asked for them nor their sister"
    decided(demo_users, SECOND, of_first)
    for user in (first, other):
        with pytest.raises(PermissionDenied):
            decided(demo_users, user.username, of_focal)
    with pytest.raises(PermissionDenied):
        decided(
            demo_users, FOCAL, asked(demo_users, other.username, demo_users["ngo_a_reader"], "supervisor")
        )


def test_a_role_given_without_a_second_user_counts_after_two_weeks(committed, owner, demo_users):
    """In an organisation that was set up before it had cases."""
    administrator = demo_users[ADMINISTRATOR]
    third = factories.a_third_ngo()
    with acting_as(administrator):
        keeper = User.objects.create(username="keeper", email="keeper@example.org")
        save_membership(
            membership=Membership(user=keeper, role=role("focal_point", "NGO_C"), starts_on=now().date()),
            by=administrator,
            now=now(),
        )
    third_user = User.objects.get(username="third")
    with acting_as(third_user):
        factories.a_case(third_user, "NGO_C")
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"], "reader", third.code)
    assert set(names(request)) == {PROTECTION, "protection_supervisor_2"}
    owner.execute(
        "UPDATE accounts_membership SET given_at = now() - interval '15 days' WHERE user_id = %s",
        [str(keeper.pk)],
    )
    assert names(request) == {"keeper": "focal_point"}


def test_without_a_second_user_iom_decides_and_everybody_may_object_for_a_day(committed, owner, demo_users):
    """The second user's account is closed first: they are notified all the same, and the approval doesn't
    take effect at once.
    """
    second = demo_users[SECOND]
    second.is_active = False
    with acting_as(demo_users[ADMINISTRATOR]):
        save_user(user=second, by=demo_users[ADMINISTRATOR], now=now())
    user = a_new_user(demo_users)
    request = AccessRequest.objects.get(user=user)
    assert names(request) == {PROTECTION: "protection", "protection_supervisor_2": "protection"}
    decided(demo_users, PROTECTION, request)
    owner.execute("SELECT recipient, key FROM core_outboxmessage WHERE subject LIKE 'Access to Sahayatra%%'")
    keys = dict(owner.fetchall())
    people = {f"ngo_a_{name}@example.org" for name in ("caseworker", "reader", "supervisor", "focal_point")}
    assert people <= set(keys)
    assert keys[second.email].startswith("former:"), "or it wouldn't be sent to a closed account"
    take_due_effects(now=now() + timedelta(days=2))  # PostgreSQL's clock counts, not ours
    assert not user.memberships.exists()
    owner.execute(
        "UPDATE accounts_accessrequest SET takes_effect_at = now(), decided_at = now() - interval '1 day'"
    )
    assert take_due_effects(now=now() + timedelta(minutes=1)) == 1
    assert user.memberships.exists()


def test_an_approval_of_iom_is_stopped_within_the_day(demo_users):
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"], "reader", "NGO_B")
    decided(demo_users, PROTECTION, request)
    assert request.state != "done"
    with acting_as(demo_users["ngo_b_caseworker"]), pytest.raises(PermissionDenied):
        stop_access(request=request, by=demo_users["ngo_b_caseworker"], now=now())
    with acting_as(demo_users[ADMINISTRATOR]):
        stop_access(request=request, by=demo_users[ADMINISTRATOR], now=now())
    assert take_due_effects(now=now() + timedelta(days=3)) == 0


def test_an_administrator_sets_up_an_organisation_without_cases_alone(demo_users):
    third = factories.a_third_ngo()
    with acting_as(demo_users[ADMINISTRATOR]):
        given = save_membership(
            membership=Membership(
                user=demo_users["researcher"], role=role("caseworker", third.code), starts_on=now().date()
            ),
            by=demo_users[ADMINISTRATOR],
            now=now(),
        )
    assert isinstance(given, Membership)
    given.refresh_from_db()
    assert given.given_by == demo_users[ADMINISTRATOR]
    third.refresh_from_db()
    assert third.cases_since is None
    with acting_as(demo_users["researcher"]):
        factories.a_case(demo_users["researcher"], third.code)
    third.refresh_from_db()
    assert third.cases_since is not None
    third.cases_since = None
    third.save()
    third.refresh_from_db()
    assert third.cases_since is not None, "what had cases keeps that"


def test_no_organisation_can_become_an_office_of_iom(demo_users):
    """Its roles would allow emergency access, configuration, and reading the audit log."""
    organisation = factories.organisation("NGO_B")
    organisation.kind = "iom"
    with acting_as(demo_users[ADMINISTRATOR]):
        with pytest.raises(ValidationError, match="There is an IOM office already"):
            save_organisation(organisation=organisation, by=demo_users[ADMINISTRATOR], now=now())
        for code, kind in (("NGO_B", "iom"), ("IOM", "ngo")):
            with pytest.raises(IntegrityError, match="becomes an IOM office"), transaction.atomic():
                Organisation.objects.filter(code=code).update(kind=kind)


def test_more_permissions_of_a_role_are_approved_by_a_user_without_it(sign_in, demo_users):
    supervisor = role("supervisor")
    send(
        sign_in(ADMINISTRATOR),
        address(Role, "change", supervisor.pk),
        {"permissions": ["read_cases", "pay_grants"]},
    )
    assert permissions_of(supervisor) == {"read_cases"}, "fewer permissions take effect at once"
    [request] = AccessRequest.objects.open()
    assert names(request) == {FOCAL: "focal_point"}
    decided(demo_users, FOCAL, request)
    assert permissions_of(supervisor) == {"read_cases", "pay_grants"}


def test_a_role_that_got_more_permissions_meanwhile_is_not_given(demo_users):
    user = demo_users["researcher"]
    request = asked(demo_users, ADMINISTRATOR, user, "auditor")
    auditor_role = role("auditor")
    with acting_as(demo_users[ADMINISTRATOR]):
        more = tailor_role(
            role=auditor_role, codenames=["read_audit", "read_cases"], by=demo_users[ADMINISTRATOR], now=now()
        )
    decided(demo_users, SECOND, more)
    with pytest.raises(IntegrityError, match="second user"), transaction.atomic():
        decided(demo_users, SECOND, request)
    assert not user.memberships.filter(role=auditor_role).exists()


# One mailbox


def _shares_mailbox(owner, first: str, other: str) -> None:
    """One person with two accounts: what stands after a plus leads to the same mailbox."""
    owner.execute("UPDATE accounts_user SET email = 'Kept@example.org' WHERE username = %s", [first])
    owner.execute("UPDATE accounts_user SET email = 'kept+2@example.org' WHERE username = %s", [other])


@pytest.mark.parametrize(
    ("email", "found"),
    [
        ("Asha+2@Example.org", "asha@example.org"),
        ("a.sha@example.org", "a.sha@example.org"),
        ("A.sh.a+2@gmail.com", "asha@gmail.com"),
        ("asha@GoogleMail.com", "asha@gmail.com"),
        ("asha@mail.gmail.com", "asha@mail.gmail.com"),
    ],
)
@pytest.mark.django_db
def test_a_mailbox_has_one_spelling(email, found):
    """Gmail ignores dots, and googlemail.com is gmail.com: mail providers' own rules are nobody else's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.mailbox(%s)", [email])
        assert (mailbox(email), cursor.fetchone()[0]) == (found, found)


def test_nobody_approves_with_the_mailbox_of_who_asked(committed, owner, demo_users):
    """Nor with that of the user concerned, nor of one who brought them in, nor at the new address itself."""
    _shares_mailbox(owner, FOCAL, SECOND)
    asked_by_focal = AccessRequest.objects.get(user=a_new_user(demo_users))
    assert set(names(asked_by_focal)) == {PROTECTION, "protection_supervisor_2"}
    with pytest.raises(PermissionDenied):
        decided(demo_users, SECOND, asked_by_focal)
    _shares_mailbox(owner, "ngo_a_reader", SECOND)
    owner.execute("UPDATE accounts_user SET email = 'focal@example.org' WHERE username = %s", [FOCAL])
    assert set(names(asked(demo_users, ADMINISTRATOR, demo_users["ngo_a_reader"]))) == {FOCAL}
    user, administrator = demo_users[WHO], demo_users[ADMINISTRATOR]
    user.email = "kept+9@example.org"
    with acting_as(administrator):
        save_user(user=user, by=administrator, now=now())
    assert set(names(AccessRequest.objects.get(kind="email"))) == {FOCAL}


def test_nobody_approves_a_new_address_of_another_account_with_their_mailbox(committed, owner, demo_users):
    _shares_mailbox(owner, WHO, SECOND)
    user, administrator = demo_users[WHO], demo_users[ADMINISTRATOR]
    user.email = "elsewhere@example.org"
    with acting_as(administrator):
        save_user(user=user, by=administrator, now=now())
    assert set(names(AccessRequest.objects.get(kind="email"))) == {FOCAL}


def test_nobody_approves_for_whom_another_account_of_theirs_brought_in(committed, owner, demo_users):
    made = a_new_user(demo_users, code="focal_point", name="Bina")
    decided(demo_users, SECOND, AccessRequest.objects.get(user=made))
    request = asked(demo_users, made.username, demo_users["ngo_a_reader"])
    assert set(names(request)) == {SECOND}, "not who brought them in"
    _shares_mailbox(owner, FOCAL, SECOND)
    assert SECOND not in names(request)


@pytest.mark.parametrize("code", ["supervisor", "focal_point"])
def test_no_mailbox_has_two_roles_that_approve(committed, owner, demo_users, code):
    """One person with two accounts would be their own second user."""
    _shares_mailbox(owner, FOCAL, "ngo_a_reader")
    with pytest.raises(ValidationError, match="mailbox"):
        asked(demo_users, ADMINISTRATOR, demo_users["ngo_a_reader"], code)
    assert asked(demo_users, ADMINISTRATOR, demo_users["ngo_a_reader"]).role.code == "caseworker"


def test_the_database_itself_gives_no_mailbox_two_roles_that_approve(demo_users):
    third = factories.a_third_ngo()
    for number, code in enumerate(("supervisor", "focal_point")):
        user = User.objects.create(username=f"one{number}", email=f"one+{number}@example.org")
        given = {"user": user, "role": role(code, third.code), "starts_on": now().date()}
        if code == "supervisor":
            Membership.objects.create(**given)
        else:
            with pytest.raises(IntegrityError, match="mailbox"), transaction.atomic():
                Membership.objects.create(**given)


# Single programmes


def test_a_request_for_a_role_shows_the_programmes_whose_totals_it_opens(sign_in, demo_users):
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"], "programme_manager", "IOM")
    assert request.programmes
    assert ", ".join(request.programmes) in text_of(sign_in(SECOND_IOM).get(f"/team/requests/{request.pk}/"))


def test_a_role_that_sees_more_programmes_meanwhile_is_not_what_was_approved(committed, owner, demo_users):
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"], "programme_manager", "IOM")
    factories.another_programme()
    owner.execute(
        "INSERT INTO projects_projectgrouppermission (group_id, permission_id, content_object_id) "
        "SELECT %s, (SELECT permission_id FROM projects_projectgrouppermission LIMIT 1), j.id "
        "FROM projects_project j WHERE j.managed_by_id = %s AND NOT j.code = ANY(%s) LIMIT 1",
        [request.role.group_id, str(request.organisation_id), request.programmes],
    )
    assert owner.rowcount == 1
    with pytest.raises(IntegrityError, match="second user"), transaction.atomic():
        decided(demo_users, SECOND_IOM, request)
    assert not demo_users["researcher"].memberships.filter(role=request.role).exists()

"""The focal point's pages: users of their own organisation, and no trace of any other."""

import re
import uuid
from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts.choices import GIVEN_BY_FOCAL_POINTS, Permission, RoleCode
from accounts.models import AccessRequest, Membership, Role, User
from accounts.operations.access import stop_access
from accounts.operations.invitation import invite_again
from accounts.operations.token import create_api_token
from accounts.operations.users import (
    NewUser,
    add_user,
    end_access,
    give_role,
    save_membership,
    save_user,
    tailor_role,
)
from accounts.queries import roles_given_by, works_elsewhere
from accounts.rules import may_be_given, standing_of
from core import outbox
from core.clock import now
from core.context import acting_as
from reintegration.demo import DEMO_USERS, password_of
from tests import factories
from tests.pages import submit, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
FOCAL = "ngo_a_focal_point"
GIVEN = {"first_name": "Asha", "last_name": "Lama", "email": "asha@example.org", "language": "en"}
LIST_QUERIES = 11


def role(code: str, organisation: str = "NGO_A") -> Role:
    return Role.objects.get(organisation__code=organisation, code=code)


def today() -> date:
    return now().date()


# Where the open work of the first NGO's caseworker goes.
LEFT = dict.fromkeys(["to_cases_NGO_A", "to_grants_NGO_A"], "supervisors")


def added(demo_users, code: str = "caseworker", **changes) -> User:
    with acting_as(demo_users[FOCAL]):
        made = add_user(
            given=NewUser(**GIVEN | changes),
            role=role(code),
            starts_on=today(),
            ends_on=None,
            by=demo_users[FOCAL],
            now=now(),
        )
    factories.agreed()
    return made


def also_at_b(user: User, code: str = "reader") -> Membership:
    return save_membership(
        membership=Membership(user=user, role=role(code, "NGO_B"), starts_on=date(2020, 1, 1)),
        by=None,
        now=now(),
    )


def address(person: User, rest: str = "") -> str:
    return f"/team/{person.pk}/{rest}"


def invitation_link() -> str:
    """Return the path in the last invitation sent."""
    outbox.deliver(now=now())
    return [found[0] for sent in mail.outbox if (found := re.search(r"/accounts/invitation/\S+", sent.body))][
        -1
    ]


def stable_page(link: str) -> str:
    """Return a page without its token and its own address, which differ each time."""
    page = text_of(Client().get(link)).replace(link, "")
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


# --- which roles may be given


@pytest.mark.parametrize("code", RoleCode)
def test_a_focal_point_gives_the_roles_of_case_work_only(demo_users, code):
    offered = set(roles_given_by(demo_users[FOCAL]).values_list("code", "organisation__code"))
    assert ((code, "NGO_A") in offered) == (code in GIVEN_BY_FOCAL_POINTS)
    assert {where for _code, where in offered} == {"NGO_A"}
    if code not in GIVEN_BY_FOCAL_POINTS:
        with pytest.raises(PermissionDenied):
            added(demo_users, code)


@pytest.mark.parametrize(
    "more", [Permission.CONFIGURE, Permission.BREAK_GLASS, Permission.APPROVE_GRANTS, Permission.READ_AUDIT]
)
def test_a_role_with_more_permissions_is_given_by_an_administrator_only(demo_users, more):
    assert not may_be_given(RoleCode.READER, [more])
    tailor_role(role=role("reader"), codenames=[Permission.READ_CASES, more], by=None, now=now())
    with pytest.raises(PermissionDenied):
        added(demo_users, "reader")


def test_nobody_gives_or_changes_a_role_of_their_own(demo_users):
    for username, where in ((FOCAL, "NGO_A"), ("administrator", "IOM")):
        user = demo_users[username]
        with pytest.raises(ValidationError, match="yourself a role"):
            save_membership(
                membership=Membership(user=user, role=role("supervisor", where), starts_on=today()),
                by=user,
                now=now(),
            )
        membership = Membership.objects.get(user=user)
        membership.ends_on = date(2199, 1, 1)
        with pytest.raises(ValidationError, match="yourself a role"):
            save_membership(membership=membership, by=user, now=now())
    with pytest.raises(PermissionDenied):
        end_access(user=demo_users[FOCAL], by=demo_users[FOCAL], now=now())


def test_a_membership_keeps_its_user_and_its_role(demo_users):
    """Both sides of a change are checked: the row as it is and as it would become."""
    membership = Membership.objects.get(user=demo_users["ngo_a_reader"])
    membership.user = demo_users["ngo_b_caseworker"]
    with pytest.raises(PermissionDenied):
        save_membership(membership=membership, by=demo_users[FOCAL], now=now())
    auditing = save_membership(
        membership=Membership(user=demo_users["ngo_a_reader"], role=role("auditor"), starts_on=today()),
        by=None,
        now=now(),
    )
    auditing.role = role("supervisor")
    with pytest.raises(PermissionDenied):
        save_membership(membership=auditing, by=demo_users[FOCAL], now=now())


def test_no_user_of_another_organisation_can_be_added_or_changed(demo_users):
    stranger = demo_users["ngo_b_caseworker"]
    for action in (
        lambda: give_role(
            user=stranger,
            role=role("reader"),
            starts_on=today(),
            ends_on=None,
            by=demo_users[FOCAL],
            now=now(),
        ),
        lambda: save_membership(
            membership=Membership(user=stranger, role=role("reader"), starts_on=today()),
            by=demo_users[FOCAL],
            now=now(),
        ),
        lambda: end_access(user=stranger, by=demo_users[FOCAL], now=now()),
        lambda: invite_again(user=stranger, by=demo_users[FOCAL], now=now()),
    ):
        with pytest.raises(PermissionDenied):
            action()


# --- adding


def test_a_user_is_added_invited_and_signs_in(sign_in, demo_users):
    client = sign_in(FOCAL)
    page = submit(
        client,
        "/team/new/",
        GIVEN | {"role": str(role("caseworker").pk), "starts_on": today().isoformat()},
    )
    made = User.objects.get(email=GIVEN["email"])
    assert "once a second user has approved it" in text_of(page)
    assert re.fullmatch(r"asha-[a-z2-9]{5}", made.username)
    factories.agreed()
    page = client.get(address(made))
    assert made.username in text_of(page)
    assert "Invited" in text_of(page)
    link = invitation_link()
    [sent] = [sent for sent in mail.outbox if sent.to == [GIVEN["email"]]]
    text = f"{sent.subject} {sent.body}".replace(link, "")
    assert not [word for word in ("Asha", "Lama", made.username, "NGO", "Sarita", "case") if word in text]

    guest = Client()
    assert made.username in text_of(guest.get(link))
    assert "12 characters" in text_of(guest.post(link, {"password": "short", "again": "short"}))
    assert "not the same" in text_of(
        guest.post(link, {"password": "a rice field at dawn", "again": "another thing"})
    )
    password = "a rice field at dawn"
    assert guest.post(link, {"password": password, "again": password}).status_code == 302
    for late in (guest.get(link), guest.post(link, {"password": password + "!", "again": password + "!"})):
        assert late.status_code == 404
    assert guest.login(username=made.username, password=password)
    assert guest.get("/cases/").status_code == 200


def test_an_invitation_expires_and_only_a_new_one_replaces_it(demo_users, settings):
    made = added(demo_users)
    link = invitation_link()
    other = link.replace(str(made.pk), str(demo_users["ngo_b_caseworker"].pk))
    dead = stable_page(f"/accounts/invitation/{uuid.uuid4()}/abc-def/")
    assert Client().get(other).status_code == 404
    assert stable_page(other) == dead
    assert Client().get(link).status_code == 200
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert stable_page(link) == dead


def test_an_e_mail_used_elsewhere_is_not_revealed(sign_in, demo_users):
    """The e-mail of the other NGO's caseworker is taken like a fresh one; they become two accounts."""
    client = sign_in(FOCAL)
    data = GIVEN | {"role": str(role("reader").pk), "starts_on": today().isoformat()}
    answers = [
        re.sub(rb"asha-[a-z2-9]{5}|[0-9a-f-]{36}|csrf\S+ value=\S+", b"", page.content)
        for page in (
            _asked(client, data | {"email": email})
            for email in (f"{'x' * 16}@example.org", demo_users["ngo_b_caseworker"].email)
        )
    ]
    # The number of unread notices differs, as each request made some.
    assert re.sub(rb"\d+", b"", answers[0]) == re.sub(rb"\d+", b"", answers[1])
    assert User.objects.filter(email=demo_users["ngo_b_caseworker"].email).count() == 2
    again = submit(client, "/team/new/", data | {"email": demo_users["ngo_b_caseworker"].email.upper()})
    assert "already has this e-mail" in text_of(again)


def _asked(client: Client, data: dict[str, str]):
    """Return the page after asking, with this request alone; earlier ones are stopped."""
    with acting_as(User.objects.get(username=FOCAL)):
        for request in AccessRequest.objects.open():
            stop_access(request=request, by=User.objects.get(username=FOCAL), now=now())
    return submit(client, "/team/new/", data)


def test_a_name_in_devanagari_gets_a_user_name_too(demo_users):
    assert re.fullmatch(r"user-[a-z2-9]{5}", added(demo_users, first_name="आशा").username)


# --- dates, ending and beginning again


def test_a_roles_end_takes_effect_on_the_next_page(sign_in, demo_users):
    reader = Client()
    reader.force_login(demo_users["ngo_a_reader"])
    assert reader.get("/cases/").status_code == 200
    membership = Membership.objects.get(user=demo_users["ngo_a_reader"])
    where = address(demo_users["ngo_a_reader"], f"roles/{membership.pk}/")
    wrong = submit(sign_in(FOCAL), where, {"ends_on": "2001-01-01"})
    assert "can’t be before" in text_of(wrong)
    yesterday = today() - timedelta(days=1)
    submit(sign_in(FOCAL), where, {"ends_on": yesterday.isoformat()})
    membership.refresh_from_db()
    assert membership.ends_on == yesterday
    assert reader.get("/cases/").status_code == 403
    with acting_as(demo_users["ngo_a_reader"]):
        from beneficiaries.models import Case

        assert Case.objects.count() == 0


def test_the_same_role_twice_and_an_incompatible_role_are_refused(demo_users):
    reader = demo_users["ngo_a_reader"]
    with pytest.raises(ValidationError, match="already has this role"):
        give_role(
            user=reader,
            role=role("reader"),
            starts_on=today(),
            ends_on=None,
            by=demo_users[FOCAL],
            now=now(),
        )


def test_ending_all_access_closes_the_account_of_a_user_of_one_organisation(sign_in, demo_users):
    user = demo_users["ngo_a_reader"]
    signed_in, (_token, text) = Client(), create_api_token(user=user, name="x", by=user, now=now())
    signed_in.force_login(user)
    program = {"HTTP_AUTHORIZATION": f"Token {text}"}
    assert signed_in.get("/cases/").status_code == 200
    assert Client().get("/api/v1/cases/", **program).status_code == 200
    page = submit(sign_in(FOCAL), address(user, "end/"), {})
    assert "Ended" in text_of(page)
    assert signed_in.get("/cases/").status_code == 302
    assert Client().get("/api/v1/cases/", **program).status_code == 401
    assert not Client().login(username=user.username, password=password_of(user.username))
    with acting_as(demo_users[FOCAL]):
        give_role(
            user=demo_users["ngo_a_reader"],
            role=role("reader"),
            starts_on=today(),
            ends_on=None,
            by=demo_users[FOCAL],
            now=now(),
        )
    assert not demo_users["ngo_a_reader"].is_active
    factories.agreed()
    assert demo_users["ngo_a_reader"].is_active
    assert signed_in.get("/cases/").status_code == 302, "the session of before stays ended"
    assert Client().get("/api/v1/cases/", **program).status_code == 401, "and so does the token"
    assert Client().get(invitation_link()).status_code == 200


def test_ending_all_access_leaves_the_account_of_a_user_of_another_organisation_too(sign_in, demo_users):
    """The focal point sees the same in both cases."""
    user = demo_users["ngo_a_caseworker"]
    also_at_b(user)
    signed_in = Client()
    signed_in.force_login(user)
    pages = [
        text_of(submit(sign_in(FOCAL), address(demo_users[username], "end/"), given))
        for username, given in (("ngo_a_caseworker", LEFT), ("ngo_a_reader", {}))
    ]
    pages = [
        re.findall(r"no longer has any access here.*|Ended|Give a role|Send the invitation", page)
        for page in pages
    ]
    assert pages[0] == pages[1]
    assert demo_users["ngo_a_caseworker"].is_active
    assert signed_in.get("/team/").status_code == 403
    assert signed_in.get("/cases/").status_code == 200, "the other NGO's role remains"
    with acting_as(user):
        from beneficiaries.models import CaseAccess

        assert set(CaseAccess.objects.values_list("organisation__code", flat=True)) == {"NGO_B"}
    assert "NGO_B" not in pages[0]
    assert "Partner B" not in pages[0]


def test_a_role_that_began_today_ends_at_once(demo_users):
    made = added(demo_users)
    end_access(user=made, by=demo_users[FOCAL], now=now())
    assert not Membership.objects.filter(user=made).exists()
    made.refresh_from_db()
    assert not made.is_active


def test_a_user_with_a_role_of_an_administrator_is_not_ended_by_a_focal_point(demo_users):
    reader = demo_users["ngo_a_reader"]
    save_membership(
        membership=Membership(user=reader, role=role("finance"), starts_on=date(2020, 1, 1)),
        by=None,
        now=now(),
    )
    with pytest.raises(ValidationError, match="an administrator"):
        end_access(user=reader, by=demo_users[FOCAL], now=now())
    reader.refresh_from_db()
    assert reader.is_active


def test_an_account_that_an_administrator_closes_ends_its_sessions_too(demo_users):
    user, signed_in = demo_users["ngo_a_reader"], Client()
    signed_in.force_login(user)
    create_api_token(user=user, name="x", by=user, now=now())
    user.is_active = False
    save_user(user=user, by=demo_users["administrator"], now=now())
    user.is_active = True
    with acting_as(demo_users["administrator"]):
        save_user(user=user, by=demo_users["administrator"], now=now())
    factories.agreed()
    assert demo_users["ngo_a_reader"].is_active
    assert signed_in.get("/cases/").status_code == 302
    assert not user.api_tokens.filter(revoked_at=None).exists()


# --- users of other organisations

STRANGERS = sorted(name for name, given in DEMO_USERS.items() if given[2] != "NGO_A")


@pytest.mark.parametrize("username", STRANGERS)
def test_a_user_of_another_organisation_and_a_missing_one_answer_the_same_bytes(
    sign_in, demo_users, username
):
    client, nobody = sign_in(FOCAL), uuid.uuid4()
    for rest in ("", "roles/new/", "end/", f"roles/{Membership.objects.get(user=demo_users[username]).pk}/"):
        hidden, missing = (
            client.get(address(demo_users[username], rest)),
            client.get(f"/team/{nobody}/{rest}"),
        )
        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert hidden.content == missing.content
    assert client.post(address(demo_users[username], "invitation/")).status_code == 404


def test_the_list_shows_the_organisations_own_users_only(sign_in, demo_users):
    page = text_of(sign_in(FOCAL).get("/team/"))
    for username, (first, _family, organisation, _code, _language) in DEMO_USERS.items():
        assert (username in page) == (organisation == "NGO_A"), first
    ended = text_of(sign_in(FOCAL).get("/team/?show=ended"))
    assert "Nobody here." in ended
    end_access(user=demo_users["ngo_a_reader"], by=demo_users[FOCAL], now=now())
    assert "ngo_a_reader" in text_of(sign_in(FOCAL).get("/team/?show=ended"))
    assert "ngo_a_reader" not in text_of(sign_in(FOCAL).get("/team/"))


def test_another_organisations_role_is_neither_offered_nor_found(sign_in, demo_users):
    also_at_b(demo_users["ngo_a_reader"], "supervisor")
    page = text_of(sign_in(FOCAL).get(address(demo_users["ngo_a_reader"])))
    assert "Supervisor" not in page
    answer = submit(
        sign_in(FOCAL),
        address(demo_users["ngo_a_reader"], "roles/new/"),
        {"role": str(role("caseworker", "NGO_B").pk), "starts_on": today().isoformat()},
    )
    assert "Select a valid choice" in text_of(answer)
    assert works_elsewhere(demo_users["ngo_a_reader"], {factories.organisation("NGO_A").pk}, on=today())


def test_the_list_has_the_same_query_count_for_one_user_and_for_three(
    sign_in, demo_users, django_assert_num_queries
):
    Membership.objects.filter(user__username__in=["ngo_a_reader", "ngo_a_caseworker"]).update(
        ends_on="2020-01-01"
    )
    client = sign_in(FOCAL)
    client.get("/team/")
    with django_assert_num_queries(LIST_QUERIES):
        client.get("/team/")
    Membership.objects.filter(user__username__in=["ngo_a_reader", "ngo_a_caseworker"]).update(ends_on=None)
    with django_assert_num_queries(LIST_QUERIES):
        client.get("/team/")


@pytest.mark.parametrize(
    ("periods", "is_active", "has_password", "standing"),
    [
        ([(date(2026, 1, 1), None)], True, True, "working"),
        ([(date(2026, 1, 1), None)], True, False, "invited"),
        ([(date(2026, 1, 1), None)], False, True, "ended"),
        ([(date(2026, 1, 1), date(2026, 5, 31))], True, True, "ended"),
        ([(date(2026, 1, 1), date(2026, 6, 1))], True, True, "working"),
        ([(date(2026, 6, 2), None)], True, True, "to_come"),
        ([], True, True, "ended"),
    ],
)
def test_the_status_of_a_user(periods, is_active, has_password, standing):
    found = standing_of(periods, is_active=is_active, has_password=has_password, on=date(2026, 6, 1))
    assert found == standing

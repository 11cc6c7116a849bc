"""E-mail addresses: one spelling each, in Python and in the database."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AccessRequest, User
from accounts.operations.users import save_user
from accounts.throttle_models import SignInThrottle
from core.addresses import plain_address
from core.clock import now
from core.context import acting_as
from tests.pages import submit, text_of

ADMINISTRATOR, WHO = "administrator", "ngo_a_caseworker"
ONE_MAILBOX = [
    ("sita@ｎｇｏ.ｏｒｇ", "sita@ngo.org"),  # full width
    ("sita@n\u00adgo.org", "sita@ngo.org"),  # a soft hyphen
    ("Sita@NGO.Org", "Sita@ngo.org"),
    ("sita@ngo。org", "sita@ngo.org"),
    ("sita@bücher.example", "sita@xn--bcher-kva.example"),
    ("sita+x@ngo.org", "sita+x@ngo.org"),
    ("o'neil@ngo.org", "o'neil@ngo.org"),
]
REFUSED = [
    '"sita"@ngo.org',
    "sıta@ngo.org",
    "s\u212ata@ngo.org",  # the sign for Kelvin
    "sita@\u00ad.org",
    f"sita@{'ı' * 63}.org",
    "sita@[127.0.0.1]",
    "sita@ngo.org\n",
    "si%ta@ngo.org",
    "@ngo.org",
    "sita",
]


@pytest.mark.parametrize(("typed", "stored"), ONE_MAILBOX)
def test_an_address_has_one_spelling(typed, stored):
    assert plain_address(typed) == stored == plain_address(stored)


@pytest.mark.parametrize("typed", REFUSED)
def test_an_address_without_a_plain_spelling_is_refused(typed):
    with pytest.raises(ValidationError):
        plain_address(typed)


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "stored"), ONE_MAILBOX)
def test_a_user_is_stored_with_the_plain_address(demo_users, typed, stored):
    by = demo_users[ADMINISTRATOR]
    with acting_as(by):
        user = save_user(user=User(username="sita", email=typed), by=by, now=now())
    assert User.objects.get(pk=user.pk).email == stored


@pytest.mark.django_db
def test_a_spelling_of_ones_own_mailbox_is_no_other_one(sign_in, demo_users):
    """Found by an attack: a focal point with a second account of their own could approve what they asked for."""
    client, focal = sign_in("ngo_a_focal_point"), demo_users["ngo_a_focal_point"]
    local, _at, domain = focal.email.partition("@")
    supervisor = focal.memberships.get().role.organisation.roles.get(code="supervisor")
    for email in (f'"{local}"@{domain}', f"{local}@{domain[0]}\u00ad{domain[1:]}"):
        typed = {"first_name": "X", "email": email, "role": str(supervisor.pk), "reason": "x"}
        page = submit(client, "/team/new/", typed)
        assert page.status_code == 200
        assert any(
            words in text_of(page)
            for words in ("Enter a valid email", "already has this", "already approves")
        )
    assert not AccessRequest.objects.filter(asked_by=focal).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "email", ['"sita"@ngo.org', "sita@NGO.org", "sita@n\u00adgo.org", "sıta@ngo.org", "sita"]
)
def test_the_database_itself_stores_plain_addresses_only(demo_users, email):
    with pytest.raises(IntegrityError, match="accounts_user_plain_address"), transaction.atomic():
        User.objects.create(username="sita", email=email)
    with acting_as(demo_users[ADMINISTRATOR]):
        for column in ("email", "former_email"):
            with pytest.raises(IntegrityError, match="accounts_request_plain_"), transaction.atomic():
                AccessRequest.objects.create(
                    **{"kind": "tailor", "role": demo_users[WHO].memberships.get().role, column: email},
                    organisation=demo_users[WHO].memberships.get().role.organisation,
                    asked_by=demo_users[ADMINISTRATOR],
                )


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["adminİstrator", "sıta", "सीता", "a b", ""])
def test_the_database_itself_stores_plain_user_names_only(demo_users, username):
    with pytest.raises(IntegrityError, match="accounts_user_plain_name"), transaction.atomic():
        User.objects.create(username=username, email="sita@ngo.org")
    with acting_as(demo_users[ADMINISTRATOR]), pytest.raises(ValidationError):
        save_user(user=User(username=username, email="sita@ngo.org"), by=demo_users[ADMINISTRATOR], now=now())


@pytest.mark.django_db
def test_no_spelling_of_a_user_name_gives_more_attempts(demo_users):
    """PostgreSQL's lower() makes i of İ, and Python's casefold() doesn't."""
    for name in (
        ADMINISTRATOR,
        "ADMINISTRATOR",
        "adminİstrator",
        "admİnİstrator",
        "adminıstrator",
        "adminiſtrator",
    ):
        found = User.objects.named(name).exists()
        Client().post("/accounts/login/", {"username": name, "password": "wrong"})
        assert found == name.isascii(), name
    own = SignInThrottle.objects.exclude(failures__gt=2).order_by("failures")
    assert sorted(own.values_list("failures", flat=True))[-1] == 2, "both spellings that lead to the account"


@pytest.mark.django_db
def test_no_spelling_of_an_address_gives_more_links(demo_users):
    """upper() makes I of ı."""
    page = Client().post("/accounts/password/forgotten/", {"email": "admınistrator@example.org"})
    assert "Enter a valid email address" in text_of(page)
    assert not SignInThrottle.objects.exists()

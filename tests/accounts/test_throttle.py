"""Guessing passwords is slowed: by account and by address, whatever is forged, and never for ever."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import User
from accounts.operations.password import set_password
from accounts.operations.throttle import throttle_keys
from accounts.rules import FAILURES_OF_KNOWN, THROTTLE_LIMITS, wait_left
from accounts.throttle_models import SignInThrottle
from core.clock import now
from reintegration.demo import password_of
from tests.factors import enrolled, give_code, give_password, is_in

WHO = "ngo_a_caseworker"
FREE = THROTTLE_LIMITS["account"].free
AT = datetime(2026, 3, 27, 12, tzinfo=UTC)


@pytest.fixture
def still(time_machine):
    """Stop the clock, so that a wait of a second isn't over before the next try."""
    time_machine.move_to(now(), tick=False)
    return time_machine


def _fail(client: Client, times: int, username: str = WHO, **more) -> list[int]:
    return [give_password(client, username, "wrong", **more).status_code for _time in range(times)]


def test_a_wait_grows_to_a_maximum_and_expires():
    waits = [wait_left("account", failures, AT, at=AT).total_seconds() for failures in range(18)]
    assert waits == [0] * 5 + [2**power for power in range(10)] + [900] * 3
    assert wait_left("account", 10**9, AT, at=AT) == timedelta(minutes=15)
    assert wait_left("account", 9, AT, at=AT + timedelta(seconds=6)) == timedelta(seconds=10)
    assert wait_left("account", 9, AT, at=AT + timedelta(days=1)) == timedelta(0)


@pytest.mark.django_db
@pytest.mark.parametrize("username", [WHO, "no-such-person"])
def test_after_some_failures_there_is_a_wait_whether_the_account_exists_or_not(demo_users, still, username):
    client = Client()
    assert _fail(client, FREE + 1, username) == [200] * (FREE + 1)
    refused = give_password(client, username, "wrong")
    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    assert "There were too many tries. Wait 1 second, then try again." in refused.content.decode()


@pytest.mark.django_db
def test_the_right_password_waits_too_and_then_opens(demo_users, still):
    client = Client()
    _fail(client, FREE + 1)
    assert give_password(client, WHO).status_code == 429
    still.move_to(now() + timedelta(seconds=2))
    assert give_password(client, WHO).status_code == 302
    assert is_in(client)
    assert _fail(Client(), FREE + 1) == [200] * (FREE + 1)  # success has cleared the account's failures


@pytest.mark.django_db
def test_nobody_is_locked_out_for_longer_than_a_quarter_of_an_hour(demo_users, time_machine):
    client, moment = Client(), now()
    for _time in range(20):
        _fail(client, 1)
        moment += timedelta(minutes=15, seconds=1)
        time_machine.move_to(moment)
    assert give_password(Client(), WHO).status_code == 302


@pytest.mark.django_db
def test_a_known_browser_does_not_wait_for_strangers_failures(demo_users, still):
    own = Client()
    give_password(own, WHO)
    own.post("/accounts/logout/")
    _fail(Client(REMOTE_ADDR="198.51.100.7"), FREE + 1)
    assert give_password(Client(), WHO).status_code == 429
    assert give_password(own, WHO).status_code == 302
    own.post("/accounts/logout/")
    assert _fail(own, FREE + 2)[-1] == 429  # but for its own


@pytest.mark.django_db
def test_one_address_that_tries_many_names_waits(demo_users, still):
    client, free = Client(REMOTE_ADDR="198.51.100.8"), THROTTLE_LIMITS["address"].free
    statuses = [give_password(client, f"name{number}", "wrong").status_code for number in range(free + 2)]
    assert statuses == [200] * (free + 1) + [429]
    assert give_password(Client(REMOTE_ADDR="198.51.100.9"), "name999", "wrong").status_code == 200
    mapped = Client(REMOTE_ADDR="::ffff:198.51.100.8")
    assert give_password(mapped, "name999", "wrong").status_code == 429


@pytest.mark.django_db
def test_a_known_browser_does_not_wait_for_the_failures_of_others_at_its_address(demo_users, still):
    address, free = "198.51.100.8", THROTTLE_LIMITS["address"].free
    own, thief = Client(REMOTE_ADDR=address), Client(REMOTE_ADDR=address)
    give_password(own, WHO)
    own.post("/accounts/logout/")
    for number in range(free + 1):
        give_password(Client(REMOTE_ADDR=address), f"name{number}", "wrong")
    assert give_password(thief, WHO).status_code == 429
    assert give_password(own, "ngo_a_reader").status_code == 429  # it is known for one account only
    assert give_password(own, WHO).status_code == 302


@pytest.mark.django_db
def test_a_known_browser_guesses_no_more_than_any_other(demo_users, still):
    """Its cookie is worth nothing when copied to many addresses, or used to clear an address."""
    address, owner = "198.51.100.8", Client()
    give_password(owner, WHO)
    copies = []
    for number in range(FREE + 2):
        copy = Client(REMOTE_ADDR=f"198.51.100.{20 + number}")
        copy.cookies["known"] = owner.cookies["known"].value
        copies.append(give_password(copy, WHO, "wrong").status_code)
    assert copies == [200] * (FREE + 1) + [429]
    for number in range(THROTTLE_LIMITS["address"].free + 1):
        give_password(Client(REMOTE_ADDR=address), f"name{number}", "wrong")
    still.move_to(now() + timedelta(seconds=2))
    clearing = Client(REMOTE_ADDR=address)
    clearing.cookies["known"] = owner.cookies["known"].value
    assert give_password(clearing, WHO).status_code == 302
    row = SignInThrottle.objects.get(key=throttle_keys(username="", address=address)["address"])
    assert row.failures == THROTTLE_LIMITS["address"].free + 1


@pytest.mark.django_db
def test_failures_of_a_known_browser_count_for_its_address(demo_users, still):
    address = "198.51.100.8"
    own = Client(REMOTE_ADDR=address)
    give_password(own, WHO)
    own.post("/accounts/logout/")
    _fail(own, 3)
    row = SignInThrottle.objects.get(key=throttle_keys(username="", address=address)["address"])
    assert row.failures == 3


@pytest.mark.django_db
def test_one_name_in_other_capitals_is_the_same_account(demo_users):
    assert give_password(Client(), WHO.upper(), password_of(WHO)).status_code == 302
    with pytest.raises(IntegrityError, match="accounts_user_name_once"), transaction.atomic():
        User.objects.create(username=WHO.upper(), email="mine@example.org")


@pytest.mark.django_db
def test_a_browser_is_known_for_a_user_and_not_for_a_name(demo_users, still):
    """Who signs in by themselves in between would clear the failures of guesses at another."""
    mine = Client()
    give_password(mine, "ngo_a_reader")
    mine.post("/accounts/logout/")
    User.objects.filter(username="ngo_a_reader").update(username="another")
    User.objects.filter(username=WHO).update(username="ngo_a_reader")
    _fail(Client(REMOTE_ADDR="198.51.100.7"), FREE + 1, "ngo_a_reader")
    assert give_password(mine, "ngo_a_reader", "wrong").status_code == 429


@pytest.mark.django_db
def test_a_known_browser_that_failed_often_waits_for_its_address_too(demo_users, still):
    address, moment = "198.51.100.8", now()
    mine = Client(REMOTE_ADDR=address)
    give_password(mine, WHO)
    mine.post("/accounts/logout/")
    for _time in range(FAILURES_OF_KNOWN + 1):
        assert _fail(mine, 1) == [200]
        moment += timedelta(minutes=15, seconds=1)
        still.move_to(moment)
    for number in range(THROTTLE_LIMITS["address"].free + 1):
        give_password(Client(REMOTE_ADDR=address), f"name{number}", "wrong")
    assert give_password(mine, WHO).status_code == 429


@pytest.mark.django_db
@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_a_forged_forwarded_address_changes_nothing(demo_users, still, settings, proxies):
    settings.TRUSTED_PROXIES = proxies
    free, said = THROTTLE_LIMITS["address"].free, []
    for number in range(free + 2):
        real = ["203.0.113.5", "10.0.0.2"][
            :proxies
        ]  # what the proxies append: the browser's address, then each other's
        forged = [f"192.0.2.{number}", *real]
        client = Client(REMOTE_ADDR="203.0.113.5" if not proxies else "10.0.0.1")
        headers = {"x-forwarded-for": ", ".join(forged), "forwarded": f"for=192.0.2.{number}"}
        said.append(
            client.post(
                "/accounts/login/", {"username": f"n{number}", "password": "wrong"}, headers=headers
            ).status_code
        )
    assert said == [200] * (free + 1) + [429]


@pytest.mark.django_db
def test_codes_are_counted_as_passwords_are(demo_users, still):
    enrolled(demo_users[WHO])
    client = Client()
    give_password(client, WHO)
    assert [give_code(client, "000000").status_code for _time in range(FREE + 2)] == [200] * (FREE + 1) + [
        429
    ]
    assert give_password(Client(), WHO).status_code == 429  # and the password doesn't make up for them


@pytest.mark.django_db
def test_neither_names_nor_addresses_are_stored(demo_users):
    _fail(Client(REMOTE_ADDR="198.51.100.7"), 1, "asha-lama")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM accounts_signinthrottle t")
        text = " ".join(row[0] for row in cursor.fetchall())
        cursor.execute("SELECT count(*) FROM core_auditevent WHERE detail::text LIKE '%asha%'")
    assert SignInThrottle.objects.count() == 2
    assert "asha" not in text
    assert "198.51" not in text


def test_many_wrong_tries_at_once_are_all_counted(committed, demo_users):
    tries = 12
    start = Barrier(tries)

    def send(number: int) -> int:
        try:
            client = Client(REMOTE_ADDR=f"198.51.100.{number}")
            start.wait(timeout=60)
            return give_password(client, WHO, "wrong").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(tries) as pool:
        statuses = list(pool.map(send, range(tries)))
    assert statuses.count(200) <= FREE + 2  # a second may pass between the last two
    assert set(statuses) == {200, 429}
    assert max(SignInThrottle.objects.values_list("failures", flat=True)) == statuses.count(200)


@pytest.mark.django_db
def test_an_unknown_name_takes_as_long_as_a_wrong_password(demo_users, full_hashes):
    """Each hashes once; what else differs takes far less than a hash."""
    for user in (demo_users[WHO], demo_users["ngo_a_reader"]):
        set_password(user, "a quite new sentence 9")
    took: dict[str, list[float]] = {WHO: [], "no-such-person": [], "closed": []}
    closed = demo_users["ngo_a_reader"]
    closed.is_active = False
    closed.save()
    for number in range(6):
        for name in took:
            SignInThrottle.objects.all().delete()
            begun = time.perf_counter()
            typed = closed.username if name == "closed" else name
            page = give_password(Client(REMOTE_ADDR=f"198.51.100.{number}"), typed, "wrong")
            took[name].append(time.perf_counter() - begun)
            assert "The user name or the password is not right." in page.content.decode()
    quickest = {
        name: min(times) for name, times in took.items()
    }  # the others measure how busy the machine is
    assert max(quickest.values()) < 1.5 * min(quickest.values()), quickest


@pytest.mark.django_db
def test_a_closed_account_and_a_wrong_password_get_the_same_answer(demo_users):
    closed = demo_users["ngo_a_reader"]
    closed.is_active = False
    closed.save()
    pages = [
        give_password(Client(), *typed).content
        for typed in ((closed.username, password_of(closed.username)), (WHO, "wrong"))
    ]
    assert [page.decode().count("The user name or the password is not right.") for page in pages] == [1, 1]

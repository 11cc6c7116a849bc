"""A session that ends while a request of it is under way: the request then changes nothing, the session stays ended."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import connection, transaction
from django.test import Client

from accounts.models import Session, User
from accounts.operations.session import end_other_sessions
from accounts.session_store import SessionStore, digest
from core.clock import now
from core.context import acting_as
from reintegration.demo import password_of
from tests.factors import CONFIRM, give_password, is_in

WHO = "ngo_a_caseworker"


class SlowBody(io.BytesIO):
    """A request's body; before its first byte is read something else happens."""

    def __init__(self, body: bytes, meanwhile) -> None:
        super().__init__(body)
        self.meanwhile = meanwhile

    def read(self, size=-1):
        if self.meanwhile is not None:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self.meanwhile).result(timeout=30)
            self.meanwhile = None
        return super().read(size)


def end_all() -> None:
    """End all sessions of the user, in a connection of its own."""
    try:
        user = User.objects.get(username=WHO)
        with acting_as(user):
            end_other_sessions(current="", by=user, now=now())
    finally:
        connection.close()


@pytest.fixture
def thief(committed) -> Client:
    client = Client()
    assert give_password(client, WHO).status_code == 302
    assert is_in(client)
    return client


def test_a_session_that_ends_while_the_body_is_sent_changes_nothing(thief):
    body = b"password=" + password_of(WHO).encode()
    answer = thief.generic(
        "POST",
        CONFIRM,
        body,
        "application/x-www-form-urlencoded",
        **{"wsgi.input": SlowBody(body, end_all)},
    )
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/")
    assert not is_in(thief)
    assert not Session.objects.filter(user__username=WHO).exists()


def test_the_same_request_proves_an_identity_while_its_session_lasts(thief):
    """The positive control."""
    body = b"password=" + password_of(WHO).encode()
    answer = thief.generic(
        "POST", CONFIRM, body, "application/x-www-form-urlencoded", **{"wsgi.input": SlowBody(body, None)}
    )
    assert answer.status_code == 302
    assert not answer.url.startswith("/accounts/login/")
    assert is_in(thief)


def test_who_ends_sessions_waits_for_a_request_and_ends_its_new_key_too(thief):
    key = thief.session.session_key
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            session = SessionStore(key)
            assert session.keep_from_ending()
            session.cycle_key()
            ending = pool.submit(end_all)
            with pytest.raises(TimeoutError):
                ending.result(timeout=2)
        ending.result(timeout=30)
    assert session.session_key != key
    assert not Session.objects.filter(session_key__in=[digest(key), digest(session.session_key)]).exists()


def test_requests_one_after_the_other_dont_keep_their_session_for_ever(thief):
    """Each overlaps with the next: whoever ends the session waits for those that began before, and for no other."""
    key, stop = thief.session.session_key, threading.Event()

    def request_after_request() -> None:
        while not stop.is_set():
            with transaction.atomic():
                if not SessionStore(key).keep_from_ending():
                    return
                time.sleep(0.2)

    def in_a_connection() -> None:
        try:
            request_after_request()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        requests = []
        for _ in range(3):
            requests.append(pool.submit(in_a_connection))
            time.sleep(0.07)
        try:
            pool.submit(end_all).result(timeout=10)
        finally:
            stop.set()
        for request in requests:
            request.result(timeout=10)
    assert not Session.objects.filter(user__username=WHO).exists()


def test_an_ended_session_gets_no_new_key(thief):
    session = SessionStore(thief.session.session_key)
    assert session[SESSION_KEY], "it is read, as a request reads it"
    end_all()
    assert not session.keep_from_ending()
    with pytest.raises(SessionInterrupted):
        session.cycle_key()
    assert not Session.objects.filter(user__username=WHO).exists()


def test_a_new_key_keeps_what_the_session_stores(thief):
    key = thief.session.session_key
    session = SessionStore(key)
    before = dict(session.load())
    session = SessionStore(key)
    session.cycle_key()
    assert dict(SessionStore(session.session_key).load()) == before
    assert SessionStore(key).load() == {}

"""Streamed answers run after the request's transaction, in their own transaction as the same user."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import path
from rest_framework.decorators import api_view

from accounts.models import Membership
from accounts.operations.token import create_api_token
from beneficiaries.models import Case
from beneficiaries.operations.note import add_note
from core.clock import now
from core.context import acting_as, entered_as
from iom_cases import urls as site
from tests import factories

A, B = "ngo_a_caseworker", "ngo_b_caseworker"
pytestmark = pytest.mark.urls(__name__)


def references(user):
    for case in Case.objects.visible_to(user).order_by("reference"):
        yield f"{case.reference}\n"


def listed(request):
    return StreamingHttpResponse(references(request.user), content_type="text/csv")


def forgotten(request):
    """A view that forgets its scope: only the policies limit it."""
    return StreamingHttpResponse(f"{case.reference}\n" for case in Case.objects.all())


@api_view(["GET"])
def listed_for_programs(request):
    return StreamingHttpResponse(references(request.user), content_type="text/csv")


def written(request):
    """A view that writes a note for each case, and fails at the end."""

    def chunks():
        for case in Case.objects.visible_to(request.user).order_by("reference"):
            add_note(case=case, text="Streamed.", confidentiality="normal", by=request.user, now=now())
            yield f"{case.reference}\n"
        raise RuntimeError("the stream broke")

    return StreamingHttpResponse(chunks())


urlpatterns = [
    path("listed/", listed),
    path("api/v1/listed/", listed_for_programs),
    path("forgotten/", forgotten),
    path("written/", written),
    *site.urlpatterns,
]


@pytest.fixture
def case(committed, demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


def _text(response) -> str:
    return b"".join(response.streaming_content).decode()


def _seen_by(user) -> str:
    with acting_as(user):
        return "".join(references(user))


def _nobody_is_left_behind() -> None:
    assert not connection.in_atomic_block
    with transaction.atomic():
        assert entered_as() is None


def test_a_stream_shows_what_its_user_may_see_and_nothing_else(case, demo_users, sign_in):
    assert "".join(references(demo_users[A])) == "", (
        "without a transaction of its own it would end early, silently"
    )
    of_a, of_b = (_text(sign_in(username).get("/listed/")) for username in (A, B))
    assert case.reference in of_a
    assert (of_a, of_b) == (_seen_by(demo_users[A]), _seen_by(demo_users[B]))
    assert case.reference not in of_b
    _token, text = create_api_token(user=demo_users[A], name="test", by=None, now=now())
    by_token = Client().get("/api/v1/listed/", headers={"Authorization": f"Token {text}"})
    assert _text(by_token) == of_a, "a program's stream is its person's"
    assert _text(Client().get("/forgotten/")) == "", "nobody sees nothing, though the view forgot to ask"
    _nobody_is_left_behind()


def test_a_membership_that_ends_in_between_closes_the_stream(case, demo_users, sign_in, owner):
    response = sign_in(A).get("/listed/")
    today = now().date()
    owner.execute("UPDATE accounts_membership SET starts_on = %s, ends_on = %s", [today - timedelta(9)] * 2)
    assert Membership.objects.live(today).count() == 0
    assert _text(response) == ""


def test_a_stream_that_fails_or_is_abandoned_writes_nothing(case, demo_users, sign_in, owner):
    def notes() -> int:
        owner.execute("SELECT count(*) FROM beneficiaries_casenote")
        return owner.fetchone()[0]

    before, client = notes(), sign_in(A)
    with pytest.raises(RuntimeError, match="the stream broke"):
        _text(client.get("/written/"))
    _nobody_is_left_behind()
    assert notes() == before
    left = client.get("/written/")
    assert next(iter(left.streaming_content))
    left.close()
    _nobody_is_left_behind()
    assert notes() == before

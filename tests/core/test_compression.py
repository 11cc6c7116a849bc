"""HTML is sent compressed, and its compressed size reveals nothing about a page."""

import gzip

import pytest
from django.test import Client

from core.context import acting_as
from reintegration.demo import password_of
from tests import factories

pytestmark = pytest.mark.django_db
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
ASKED = {"accept-encoding": "gzip, deflate"}


def unpacked(answer) -> bytes:
    assert answer["Content-Encoding"] == "gzip"
    return gzip.decompress(answer.content)


def test_the_case_list_is_sent_in_less_than_a_third_of_its_bytes(demo_users, sign_in):
    with acting_as(demo_users[A]):
        for _number in range(10):
            factories.a_case(demo_users[A])
    client = sign_in(A)
    plain = client.get("/cases/")
    packed = client.get("/cases/", headers=ASKED)
    assert not plain.has_header("Content-Encoding")
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) * 3 < len(plain.content)
    assert len(unpacked(packed).splitlines()) == len(plain.content.splitlines())


def test_a_page_that_another_site_asked_for_is_not_compressed(sign_in):
    """BREACH: another site would have to request pages with its guesses in them, and measure their size."""
    client = sign_in(A)
    for site in ("cross-site", "same-site"):
        answer = client.get("/cases/", headers=ASKED | {"sec-fetch-site": site})
        assert (answer.status_code, answer.has_header("Content-Encoding")) == (200, False), site
    for site in ("same-origin", "none"):
        assert unpacked(client.get("/cases/", headers=ASKED | {"sec-fetch-site": site}))


def test_one_page_is_never_the_same_length_twice(sign_in):
    """Django puts up to a hundred random bytes into the header, so that the size reveals little."""
    client = sign_in(A)
    lengths = {len(client.get("/roles/", headers=ASKED).content) for _number in range(12)}
    assert len(lengths) > 3


def test_a_hidden_case_and_a_missing_one_are_the_same_bytes_uncompressed(demo_users, sign_in):
    with acting_as(demo_users[B]):
        hidden = factories.a_case(demo_users[B], "NGO_B")
    client = sign_in(A)
    answers = [
        client.get(f"/cases/{reference}/", headers=ASKED) for reference in (hidden.reference, "ZZZZ-ZZZ-Z")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({unpacked(answer) for answer in answers}) == 1


def test_only_html_is_compressed(demo_users, sign_in):
    """A file is encrypted or compressed already, and streams are sent as they are made."""
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    client = sign_in(A)
    for address in ("/healthz", f"/api/v1/cases/{case.pk}/", "/api/v1/schema/"):
        answer = client.get(address, headers=ASKED)
        assert (answer.status_code, answer.has_header("Content-Encoding")) == (200, False), address


def test_a_forms_csrf_token_differs_each_time(demo_users):
    client = Client()
    client.post("/accounts/login/", {"username": A, "password": password_of(A)})
    tokens = {
        client.get("/accounts/password/").content.decode().split('csrfmiddlewaretoken" value="')[1][:64]
        for _number in range(3)
    }
    assert len(tokens) == 3

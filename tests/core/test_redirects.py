"""Where `next` leads: an address of this site, and never an error, whatever its value."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reintegration.demo import password_of
from tests.factors import CONFIRM, give_password

pytestmark = pytest.mark.django_db
WHO = "ngo_a_caseworker"
# Names of views, relative paths, other sites in disguise, half an address, and characters that no address may
# contain.
ODD = [
    "foo",
    "dashboard",
    "accounts:sign-in",
    "no:such:view",
    "case-detail",
    "foo.bar",
    "../cases/",
    "?x=1",
    "#",
    "//evil.example/",
    "///evil.example",
    r"/\evil.example",
    r"\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://[::1",
    "http://testserver/cases/",
    "/cases/\r\nX-Evil: 1",
    "/\x00",
    "/\t/evil.example",
    "\x01//evil.example",
    " //evil.example",
    "/%",
    "/ल",
    "/" + "a" * 5000,
]


def leads_to(answer) -> str:
    """Return the address that an answer redirects to, which must be one of this site."""
    assert answer.status_code == 302, answer.status_code
    address = answer["Location"]
    assert address.startswith("/"), address
    assert not address.startswith(("//", "/\\")), address
    assert not set(address) & set("\r\n\t\x00\\"), address
    return address


def every_way(client: Client, wanted: str):
    """Open each page that redirects to `next`, while signed in and after each step."""
    yield client.get("/accounts/login/", {"next": wanted})
    yield client.post(CONFIRM, {"password": password_of(WHO), "next": wanted})
    yield client.post("/language/", {"language": "ne", "next": wanted})
    yield client.post("/language/", {"language": "xx", "next": wanted})
    yield give_password(Client(), WHO, next=wanted)


@pytest.mark.parametrize("wanted", ODD, ids=range(len(ODD)))
def test_an_odd_next_leads_to_an_address_of_this_site(demo_users, sign_in, wanted):
    client = sign_in(WHO)
    for answer in every_way(client, wanted):
        leads_to(answer)
    answer = Client().get("/admin/login/", {"next": wanted})
    assert leads_to(answer).startswith("/accounts/login/?next=")


@pytest.mark.parametrize("wanted", ["/cases/", "/cases/?risk=high", "/grants/?from=50"])
def test_next_redirects_to_an_address_of_this_site(demo_users, sign_in, wanted):
    for answer in every_way(sign_in(WHO), wanted):
        assert leads_to(answer) == wanted


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=40), st.text("/\\:.?#@%&=ahtps-", max_size=20)))
def test_no_value_of_next_is_an_error(demo_users, sign_in, wanted):
    client = sign_in(WHO)
    leads_to(client.get("/accounts/login/", {"next": wanted}))
    leads_to(client.post("/language/", {"language": "en", "next": wanted}))


def test_without_next_changing_the_language_leads_back_to_its_page(sign_in):
    client = sign_in(WHO)
    answer = client.post(
        "/language/", {"language": "ne"}, headers={"referer": "http://testserver/cases/?risk=high"}
    )
    assert leads_to(answer) == "/cases/?risk=high"
    answer = client.post("/language/", {"language": "ne"}, headers={"referer": "https://evil.example/cases/"})
    assert leads_to(answer) == "/"

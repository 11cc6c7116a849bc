"""The headers of every page, for browsers and proxies."""

import pytest

from core.context import acting_as
from tests import factories

pytestmark = pytest.mark.django_db
A = "ngo_a_caseworker"
WANTED = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def test_pages_refusals_and_api_answers_have_every_header(demo_users, sign_in, client):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    client = sign_in(A)
    for address, status in (
        (f"/cases/{case.reference}/", 200),
        ("/cases/", 200),
        (f"/api/v1/cases/{case.pk}/", 200),
        ("/cases/ZZZZ-ZZZ-Z/", 404),
        ("/audit/", 403),
        ("/nothing/", 404),
    ):
        answer = client.get(address)
        assert answer.status_code == status
        headers = {name: answer.get(name) for name in WANTED}
        assert headers == WANTED, address
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not {"Server", "X-Powered-By"} & set(answer.headers)


def test_over_tls_the_hsts_header_is_sent(sign_in, settings):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    answer = sign_in(A).get("/cases/", secure=True)
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:80@evil.example"])
def test_a_forged_host_is_refused(sign_in, host):
    client = sign_in(A)
    answer = client.get("/cases/", headers={"host": host})
    assert answer.status_code == 400
    assert b"evil" not in answer.content
    client = sign_in(A)
    answer = client.get("/cases/", headers={"x-forwarded-host": host})
    assert b"evil" not in answer.content

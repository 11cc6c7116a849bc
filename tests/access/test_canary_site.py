"""A token in each typed field of the second NGO's case, and everything that a running site shows of it.

Real processes: what the first NGO gets over HTTP, by mail and from an import; what the broker stores after
real tasks; what web server, worker and beat write to their logs.
"""

import http.cookiejar
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from redis import Redis

from accounts.models import User
from accounts.operations.token import create_api_token
from api.resources import RESOURCES
from core.clock import now
from core.context import acting_as
from reintegration.demo import password_of
from tests.access.test_canary import TOKEN, A, B, known
from tests.addresses import fill, patterns
from tests.beneficiaries import test_import_htcds
from tests.beneficiaries.test_import_htcds import SITA
from tests.browser import site as sites
from tests.conftest import use_database
from tests.factories import DemoUsers, Scene

book = test_import_htcds.book
# Above the numbers of the browser tests' sites, which count from 0.
NUMBER = 4 + int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
LISTS = (
    "/",
    "/cases/",
    "/grants/",
    "/follow-ups/",
    "/referrals/",
    "/accounts/notices/",
)


class Caller:
    """A user of the site over HTTP, signed in with the sign-in page, and with a token for the API."""

    def __init__(self, site: str, username: str) -> None:
        self.site = site
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get("/accounts/login/"))[1]
        form = {"username": username, "password": password_of(username), "csrfmiddlewaretoken": csrf}
        self.get("/accounts/login/", urlencode(form).encode())
        assert "/logout/" in self.get("/"), "signed in"
        _token, self.token = create_api_token(user=DemoUsers()[username], name="test", by=None, now=now())

    def get(self, address: str, data: bytes | None = None, **headers: str) -> str:
        """Return headers and body, whatever the status."""
        asked = urllib.request.Request(self.site + address, data, {"Referer": self.site + "/", **headers})
        try:
            with self.opener.open(asked, timeout=20) as answer:
                return f"{answer.headers}{answer.read().decode(errors='replace')}"
        except urllib.error.HTTPError as answer:
            return f"{answer.headers}{answer.read().decode(errors='replace')}"

    def everything(self, keys: dict[str, list[str]]) -> dict[str, str]:
        """Return each address of the site with these ids, each list and the schema, as page and through the
        API.
        """
        addresses = {
            address
            for _name, route in patterns()
            if not route.startswith(("admin/", "accounts/logout"))
            for address in fill(route, keys)
        }
        met = {address: self.get(address) for address in sorted(addresses | set(LISTS))}
        csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get("/cases/"))[1]
        found = {"find": "kanari", "csrfmiddlewaretoken": csrf}
        met["a search"] = self.get("/cases/", urlencode(found).encode())
        for kind in RESOURCES:
            for address in (
                f"/api/v1/{kind.path}/?page_size=200",
                f"/api/v1/{kind.path}/{keys['object_id'][0]}/",
            ):
                met[address] = self.get(address, Authorization=f"Token {self.token}")
        return met


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker) -> Iterator[sites.Site]:
    """Run a site for this module, and connect this process to its database."""
    with sites.running(NUMBER) as running, django_db_blocker.unblock():
        former = use_database(running.database)
        try:
            yield running
        finally:
            use_database(former)


@pytest.fixture(scope="module")
def case(site):
    """Return the second NGO's case, one of whose visits fell due yesterday."""
    found = Scene(B).whole().case
    for table, open_while in (("reintegration_reminder", "sent_at"), ("reintegration_followup", "done_on")):
        site.rows(
            f"UPDATE {table} SET due_on = %s WHERE case_id = %s AND {open_while} IS NULL",
            [now().date(), str(found.pk)],
        )
    return found


def _dump(number: int) -> str:
    """Return every key of the broker's store with its value; a key may expire while it is read."""
    read = {
        "none": lambda store, key: "",
        "string": lambda store, key: store.get(key),
        "list": lambda store, key: store.lrange(key, 0, -1),
        "set": lambda store, key: store.smembers(key),
        "hash": lambda store, key: store.hgetall(key),
        "zset": lambda store, key: store.zrange(key, 0, -1, withscores=True),
    }
    with Redis.from_url(sites.store_of(number)) as store:
        return "\n".join(f"{key} {read[store.type(key).decode()](store, key)}" for key in store.keys("*"))


def test_over_http_the_first_ngo_finds_no_trace_and_the_second_its_own_case(site, case):
    with acting_as(DemoUsers()[B]):
        keys = known(case, DemoUsers()[B])
    own = Caller(site.url, B).everything(keys)
    shown = Caller(site.url, A).everything(keys)
    assert len(shown) == len(own) > 90
    assert TOKEN in own[f"/cases/{case.reference}/"]
    assert {kind.path for kind in RESOURCES if TOKEN in own[f"/api/v1/{kind.path}/?page_size=200"]} >= {
        "beneficiaries",
        "cases",
        "consents",
        "plans",
        "follow-ups",
        "assessments",
    }
    assert [address for address, text in shown.items() if TOKEN in text] == []
    assert [
        address for address, text in shown.items() if case.reference in text and case.reference not in address
    ] == []


def test_mail_names_nobody_and_goes_to_the_cases_organisation(site, case):
    mail = site.sink.wait_for(case.reference)
    assert set(mail.recipients) <= {"ngo_b_caseworker@example.org", "colleague_NGO_B@example.org"}
    site.wait_for_sweeps(1)
    everyone = set(User.objects.values_list("email", flat=True))
    of_a = set(User.objects.filter(username__startswith="ngo_a_").values_list("email", flat=True))
    assert TOKEN not in "".join(str(mail.message) + mail.text for mail in site.sink.to(everyone))
    assert case.reference not in "".join(str(mail.message) + mail.text for mail in site.sink.to(of_a))
    waiting = site.rows("SELECT recipient, subject || body FROM core_outboxmessage")
    assert any(case.reference in text for _recipient, text in waiting), "its mail is in the outbox"
    assert [text for _recipient, text in waiting if TOKEN in text] == []
    assert [text for recipient, text in waiting if recipient in of_a and case.reference in text] == []


def test_the_broker_and_the_logs_contain_no_trace(site, case):
    site.sink.wait_for(case.reference)
    site.wait_for_sweeps(1)
    with Redis.from_url(sites.store_of(NUMBER)) as store:
        store.rpush("control", TOKEN)
        assert TOKEN in _dump(NUMBER), "the dump shows what is there"
        store.delete("control")
    dump = _dump(NUMBER)
    assert "celery" in dump
    assert TOKEN not in dump
    assert case.reference not in dump
    logs = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in site.logs.glob("*.log")}
    assert logs.keys() == {"web.log", "worker.log", "beat.log"}
    assert all(logs.values())
    assert [name for name, text in logs.items() if TOKEN in text or case.reference in text] == []


def test_an_import_reports_its_own_rows_only(site, case, book, capsys):
    row = SITA | {"prs_FirstName": "Besides"}

    def report(code: str, path: Path) -> str:
        call_command("import_cases", str(path), "--format", "htcds", "--organisation", code)
        return capsys.readouterr().out

    before = report("NGO_A", book(SITA | {"prs_SecondName": "Before"}, name="one.xlsx"))
    theirs = report("NGO_B", book(row, name="two.xlsx"))
    same = report("NGO_A", book(row, name="three.xlsx"))
    assert "new 1 already there 0" in theirs
    assert same == before == theirs, "the same row, brought by both, is new to both"

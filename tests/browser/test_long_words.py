"""Words of 200 letters without a space, in every text that users can type: no page is wider than a phone."""

from collections.abc import Iterator

import pytest
from django.db import models

from core import policies
from tests import walks
from tests.access import test_canary
from tests.addresses import fill, patterns
from tests.browser import site as sites
from tests.browser.browser_user import PHONE, BrowserUser
from tests.conftest import use_database
from tests.factories.scene import Scene

LONG = 200
# Wide letters next to each other on a phone's keyboard.
WORD = "W" * LONG
# Columns that a constraint or code reads, and no free text.
CODES = {
    "password",
    "username",
    "code",
    "key",
    "digest",
    "session_key",
    "language",
    "kind",
    "device",
    "network",
    "url",
    "label_en",
    "label_ne",
    "find_key",
    "citizenship",
    "country_of_stay",
    "phone",
    "reference",
    "opened_reference",
    "file",
    "content_type",
    "source_kind",
    "fact",
    "field",
    "primary_group",
    "origin",
    "work",
    "import_key",
    "birth_precision",
}
SHORTER = {
    "first_name": 100,
    "middle_name": 100,
    "second_name": 100,
    "birth_as_typed": 40,
    "voucher": 60,
    "name": 60,
}
WHO = [
    "ngo_a_caseworker",
    "ngo_a_supervisor",
    "ngo_a_focal_point",
    "iom_supervisor",
    "iom_finance",
    "auditor",
]


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker) -> Iterator[sites.Site]:
    """Run a site for this module in which every word is long, and connect this process to its database."""
    with sites.running(12) as running, django_db_blocker.unblock():
        former = use_database(running.database)
        try:
            yield running
        finally:
            use_database(former)


class LongScene(Scene):
    """A scene whose tokens are long words. The purpose of a grant may not contain a name."""

    def token(self, name: str) -> str:
        return ("M" * LONG if name == "purpose" else WORD)[: SHORTER.get(name, LONG)]


@pytest.fixture(scope="module")
def keys(site) -> dict[str, list[str]]:
    """Return a case with long words in each encrypted field; every other text of the database is made long by
    SQL.
    """
    scene = LongScene().whole()
    demo_users, case = scene.users, scene.case
    found = test_canary.known(case, demo_users["ngo_a_caseworker"])
    found["reference"] = [case.reference]
    found["user_id"] = [str(demo_users["ngo_a_caseworker"].pk)]
    found["user_id"] = found["user_id"]
    found["membership_id"] = [str(demo_users["ngo_a_caseworker"].memberships.get().pk)]
    found["kind"] = ["cases"]
    for model in policies.own_models():
        texts = [field for field in model._meta.concrete_fields if _is_typed(field)]
        if texts:
            table = model._meta.db_table
            sizes = [(field.column, min(field.max_length or LONG, LONG)) for field in texts]
            long = ", ".join(f"{column} = repeat('W', {size})" for column, size in sizes)
            site.rows(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # a trigger keeps the voucher of a payment
            site.rows(f"UPDATE {table} SET {long}")
            site.rows(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return found


def _is_typed(field: models.Field) -> bool:
    is_text = type(field) in (models.CharField, models.TextField, models.EmailField)
    is_typed = is_text and not field.choices and not field.unique and not field.primary_key
    return is_typed and field.name not in CODES and field.model._meta.app_label not in ("core", "geography")


@pytest.mark.parametrize("username", walks.parameters(WHO, keep=["ngo_a_caseworker"]))
def test_no_page_scrolls_sideways_on_a_phone(keys, site, browser, username):
    wide, opened = [], 0
    with BrowserUser.at(site.url, browser, width=PHONE) as browser_user:
        browser_user.sign_in(username)
        for address in sorted({address for _name, route in patterns() for address in fill(route, keys)}):
            if not _is_page(browser_user, address):
                continue
            browser_user.page.goto(site.url + address)
            opened += 1
            if browser_user.overflow():
                wide.append((address, browser_user.overflow()[:4]))
        browser_user.complaints.clear()
    assert opened > 8
    assert wide == []


def _is_page(browser_user: BrowserUser, address: str) -> bool:
    """Whether this is a page for this user, and not a file, a redirect or a refusal."""
    if address.startswith(("/admin/", "/api/", "/accounts/logout/", "/healthz", "/readyz")):
        return False
    answer = browser_user.page.request.get(browser_user.url + address, max_redirects=0)
    return answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html")


def test_the_names_are_long(keys, site, browser):
    """The control: the words are on the pages."""
    with BrowserUser.at(site.url, browser, width=PHONE) as browser_user:
        browser_user.sign_in("ngo_a_caseworker")
        browser_user.open(f"/cases/{keys['reference'][0]}/")
        assert browser_user.page.content().count(WORD) > 10

"""Searching with and without JavaScript, on a phone, and going back to the results."""

import itertools
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import walks
from tests.browser.browser_user import DESK, PHONE, BrowserUser

FIND = "Case reference, beginning of the name, or full number of a telephone or identity document"
PICTURES = os.environ.get("PICTURES", "")


def _picture(browser_user: BrowserUser, name: str) -> None:
    if PICTURES:
        browser_user.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_name_is_found_and_is_in_no_address(site, browser, script):
    with BrowserUser.at(site.url, browser, script=script) as browser_user:
        browser_user.sign_in("ngo_a_caseworker")
        browser_user.open("/cases/")
        rows = browser_user.page.locator("#found tbody tr")
        first = rows.first.locator("a").inner_text().strip()
        browser_user.fill(FIND, first)
        browser_user.press("Show")
        browser_user.page.wait_for_url(re.compile(r"\?q=[\w-]{16}"))
        expect(rows.first.locator("a")).to_have_text(first)
        assert first.split()[0] not in browser_user.page.url
        rows.first.locator("a").click()
        browser_user.page.wait_for_url(re.compile(r"/cases/[A-Z0-9-]+/$"))
        browser_user.page.go_back()
        browser_user.page.wait_for_url(re.compile(r"\?q=[\w-]{16}"))
        expect(rows.first.locator("a")).to_have_text(first)
        expect(browser_user.page.get_by_label(FIND)).to_have_value(first)


@pytest.mark.parametrize(
    ("username", "width"),
    walks.parameters(
        itertools.product(["ngo_a_caseworker", "ngo_b_caseworker"], [PHONE, DESK]),
        keep=[("ngo_a_caseworker", PHONE)],
    ),
)
def test_a_search_that_has_ended_says_so_and_fits(site, browser, username, width):
    with BrowserUser.at(site.url, browser, width=width) as browser_user:
        browser_user.sign_in(username)
        browser_user.open("/cases/?q=of-another-browser")
        browser_user.look(twice=True)
        _picture(browser_user, f"search-ended-{username}-{width}")
        browser_user.open("/cases/")
        browser_user.page.locator("input[type=search]").fill("Sita")
        browser_user.page.locator("form[role=search] button").click()
        browser_user.page.wait_for_url(re.compile(r"\?q="))
        browser_user.look()
        _picture(browser_user, f"search-{username}-{width}")


def test_the_admin_finds_a_user_and_shows_no_name_in_the_address(site, browser):
    with BrowserUser.at(site.url, browser) as browser_user:
        browser_user.sign_in("administrator")
        browser_user.open("/admin/accounts/user/")
        browser_user.page.locator("#searchbar").fill("auditor")
        browser_user.press("Search")
        browser_user.page.wait_for_url(re.compile(r"\?q=[\w-]{16}"))
        expect(browser_user.page.locator("#result_list tbody tr")).to_have_count(1)
        assert browser_user.faults() == []
        _picture(browser_user, "admin-search")

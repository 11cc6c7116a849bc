"""Searching as a person does: with and without JavaScript, on a phone, and back again."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import DESK, PHONE, Visitor

FIND = "Reference, whole telephone number, or how the name begins"
PICTURES = os.environ.get("PICTURES", "")


def _picture(visitor: Visitor, name: str) -> None:
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_name_is_found_and_stands_in_no_address(house, browser, script):
    with Visitor.at(house.url, browser, script=script) as visitor:
        visitor.sign_in("ngo_a_caseworker")
        visitor.open("/cases/")
        rows = visitor.page.locator("#found tbody tr")
        first = rows.first.locator("a").inner_text().strip()
        visitor.fill(FIND, first)
        visitor.press("Show")
        visitor.page.wait_for_url(re.compile(r"\?q=[\w-]{16}"))
        expect(rows.first.locator("a")).to_have_text(first)
        assert first.split()[0] not in visitor.page.url
        rows.first.locator("a").click()
        visitor.page.wait_for_url(re.compile(r"/cases/[A-Z0-9-]+/$"))
        visitor.page.go_back()
        visitor.page.wait_for_url(re.compile(r"\?q=[\w-]{16}"))
        expect(rows.first.locator("a")).to_have_text(first)
        expect(visitor.page.get_by_label(re.compile("whole telephone number"))).to_have_value(first)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("username", ["ngo_a_caseworker", "ngo_b_caseworker"])
def test_a_search_that_has_ended_says_so_and_fits(house, browser, username, width):
    with Visitor.at(house.url, browser, width=width) as visitor:
        visitor.sign_in(username)
        visitor.open("/cases/?q=of-another-browser")
        visitor.look(twice=True)
        _picture(visitor, f"search-ended-{username}-{width}")
        visitor.open("/cases/")
        visitor.page.locator("input[type=search]").fill("Sita")
        visitor.page.locator("form[role=search] button").click()
        visitor.page.wait_for_url(re.compile(r"\?q="))
        visitor.look()
        _picture(visitor, f"search-{username}-{width}")


def test_the_admin_finds_a_user_and_shows_no_name_in_the_address(house, browser):
    with Visitor.at(house.url, browser) as visitor:
        visitor.sign_in("administrator")
        visitor.open("/admin/accounts/user/")
        visitor.page.locator("#searchbar").fill("auditor")
        visitor.press("Search")
        visitor.page.wait_for_url(re.compile(r"\?q=[\w-]{16}"))
        expect(visitor.page.locator("#result_list tbody tr")).to_have_count(1)
        assert visitor.faults() == []
        _picture(visitor, "admin-search")

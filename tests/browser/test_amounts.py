"""Dates and grants on a phone, without JavaScript and in Nepali: questions, saved input, withdrawal."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.browser_user import DESK, PHONE, BrowserUser


def seen(browser_user: BrowserUser, name: str) -> None:
    """Check that the page fits and has no fault; save a picture if `PICTURES` names a folder."""
    browser_user.look(twice=True)
    folder = os.environ.get("PICTURES")
    for width in (PHONE, DESK) if folder else ():
        browser_user.page.set_viewport_size({"width": width, "height": 900})
        browser_user.page.screenshot(path=Path(str(folder)) / f"{name}-{width}.png", full_page=True)
    browser_user.page.set_viewport_size({"width": PHONE, "height": 900})


@pytest.mark.parametrize("script", [True, False])
def test_a_birth_in_the_other_calendar_is_asked_about_and_answered(site, browser, script):
    with BrowserUser.at(site.url, browser, script=script, width=PHONE) as browser_user:
        browser_user.sign_in("ngo_a_caseworker")
        browser_user.open("/cases/new/")
        browser_user.page.get_by_label("I have explained all of this").check()
        browser_user.choose("Does the person agree", "Yes, they agree")
        browser_user.press("Save and continue")
        browser_user.fill("First name", "Maya")
        browser_user.choose("Sex", "Female")
        browser_user.fill("Date of birth", "१९९०")
        browser_user.press("Save and continue")
        expect(browser_user.page.get_by_text("1933 AD: 93 years old. Is it AD?").first).to_be_visible()
        expect(browser_user.page.locator("input[name=birth]")).to_have_value("१९९०")
        seen(browser_user, f"birth-{script}")
        browser_user.page.get_by_label(re.compile("^AD: ")).check()
        browser_user.press("Save and continue")
        expect(browser_user.page).to_have_url(re.compile("/situation/"))


def test_a_request_in_nepali_shows_what_is_left_and_is_withdrawn(site, browser):
    with BrowserUser.at(site.url, browser, script=False, width=PHONE) as browser_user:
        browser_user.sign_in("ngo_b_caseworker")
        browser_user.open("/grants/")
        seen(browser_user, "grants-ne")
        browser_user.page.locator("tr", has_text="माग गरिएको").locator("a").first.click()
        expect(browser_user.page.get_by_text("अझै उपलब्ध छ").first).to_be_visible()
        seen(browser_user, "grant-ne")
        browser_user.press("यो माग फिर्ता लिनुहोस्")
        expect(browser_user.page.get_by_text("माग फिर्ता लिइयो।").first).to_be_visible()
        seen(browser_user, "withdrawn-ne")


def test_an_approver_sees_the_purpose_and_what_the_line_has_left(site, browser):
    with BrowserUser.at(site.url, browser, script=False, width=PHONE) as browser_user:
        browser_user.sign_in("iom_approver")
        browser_user.open("/grants/")
        browser_user.page.locator("table tbody th a").first.click()
        expect(browser_user.page.get_by_text("What it is for").first).to_be_visible()
        expect(browser_user.page.get_by_text("is still available").first).to_be_visible()
        seen(browser_user, "approver")

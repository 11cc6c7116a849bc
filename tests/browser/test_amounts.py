"""Dates and grants on a phone, without JavaScript and in Nepali: what is asked, kept, and taken back."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import DESK, PHONE, Visitor


def seen(visitor: Visitor, name: str) -> None:
    """The page fits and has no fault; a picture of it where somebody wants one (`PICTURES`, a folder)."""
    visitor.look(twice=True)
    folder = os.environ.get("PICTURES")
    for width in (PHONE, DESK) if folder else ():
        visitor.page.set_viewport_size({"width": width, "height": 900})
        visitor.page.screenshot(path=Path(str(folder)) / f"{name}-{width}.png", full_page=True)
    visitor.page.set_viewport_size({"width": PHONE, "height": 900})


@pytest.mark.parametrize("script", [True, False])
def test_a_birth_in_the_other_calendar_is_asked_about_and_answered(house, browser, script):
    with Visitor.at(house.url, browser, script=script, width=PHONE) as visitor:
        visitor.sign_in("ngo_a_caseworker")
        visitor.open("/cases/new/")
        visitor.page.get_by_label("I have said all of this").check()
        visitor.choose("Does the person agree", "Yes, they agree")
        visitor.press("Save and continue")
        visitor.fill("First name", "Maya")
        visitor.choose("Sex", "Female")
        visitor.fill("Date of birth", "१९९०")
        visitor.press("Save and continue")
        expect(visitor.page.get_by_text("1933 AD: 93 years old. Is it AD?").first).to_be_visible()
        expect(visitor.page.locator("input[name=birth]")).to_have_value("१९९०")
        seen(visitor, f"birth-{script}")
        visitor.page.get_by_label(re.compile("^AD: ")).check()
        visitor.press("Save and continue")
        expect(visitor.page).to_have_url(re.compile("/situation/"))


def test_a_request_in_nepali_says_what_is_left_and_is_withdrawn(house, browser):
    with Visitor.at(house.url, browser, script=False, width=PHONE) as visitor:
        visitor.sign_in("ngo_b_caseworker")
        visitor.open("/grants/")
        seen(visitor, "grants-ne")
        visitor.page.locator("tr", has_text="माग गरिएको").locator("a").first.click()
        expect(visitor.page.get_by_text("वाचा पनि भएको छैन").first).to_be_visible()
        seen(visitor, "grant-ne")
        visitor.press("यो माग फिर्ता लिनुहोस्")
        expect(visitor.page.get_by_text("माग फिर्ता लिइयो।").first).to_be_visible()
        seen(visitor, "withdrawn-ne")


def test_who_approves_sees_purpose_and_what_the_line_has_left(house, browser):
    with Visitor.at(house.url, browser, script=False, width=PHONE) as visitor:
        visitor.sign_in("iom_approver")
        visitor.open("/grants/")
        visitor.page.locator("table tbody th a").first.click()
        expect(visitor.page.get_by_text("What it is for").first).to_be_visible()
        expect(visitor.page.get_by_text("is neither spent nor promised").first).to_be_visible()
        seen(visitor, "approver")

"""From a focal point's request to a new user's first page, on a phone, in English and in Nepali."""

import re
from itertools import count

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.house import House
from tests.browser.visitor import PHONE, Visitor

FOCAL, SECOND, PASSWORD = "ngo_a_focal_point", "ngo_a_supervisor", "a rice field at dawn"
NUMBERS = count(1)


def _in(visitor: Visitor, username: str, language: str) -> None:
    visitor.sign_in(username)
    if visitor.page.locator("html").get_attribute("lang") != language:
        visitor.page.locator(f"button[name='language'][value='{language}']").first.click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", language)


def _press(visitor: Visitor, selector: str) -> None:
    visitor.page.locator(selector).first.click()


@pytest.mark.parametrize("language", ["en", "ne"])
def test_a_new_user_is_asked_for_approved_invited_and_let_in(
    house: House, browser: Browser, language: str
) -> None:
    email, name = f"new{next(NUMBERS)}@example.org", f"Asha{'ne' if language == 'ne' else ''}"
    with Visitor.at(house.url, browser, width=PHONE) as focal:
        _in(focal, FOCAL, language)
        focal.open("/people/new/")
        for field, text in (("first_name", name), ("last_name", "Lama"), ("email", email)):
            focal.page.locator(f"[name={field}]").fill(text)
        role = focal.page.locator("[name=role] option").nth(1).get_attribute("value")
        focal.page.locator("[name=role]").select_option(role)
        focal.page.locator("[name=reason]").fill("She begins on Sunday.")
        focal.look()
        _press(focal, "main form .govuk-button")
        expect(focal.page.get_by_text(f"{name} Lama:").first).to_be_visible()
        focal.look()
        focal.page.get_by_role("link", name=re.compile(f"^{name} Lama:")).first.click()
        expect(focal.page.locator("button[value=approve]")).to_have_count(0)
        focal.look()
    with Visitor.at(house.url, browser, width=PHONE) as second:
        _in(second, SECOND, language)
        second.page.get_by_role("link", name=re.compile(f"^{name} Lama:")).first.click()
        expect(second.page.get_by_text("She begins on Sunday.")).to_be_visible()
        second.look()
        _press(second, "button[value=approve]")
        expect(second.page.locator("h1")).to_be_visible()
        second.look()
    house.wait(lambda: bool(house.sink.to({email})), 30, "the invitation is sent")
    [invitation] = house.sink.to({email})
    link = re.search(r"/accounts/invitation/\S+", invitation.text)
    assert link is not None
    with Visitor.at(house.url, browser, width=PHONE) as guest:
        guest.open(link[0])
        username = guest.page.locator("main strong").first.inner_text()
        for field in ("password", "again"):
            guest.page.locator(f"[name={field}]").fill(PASSWORD)
        _press(guest, "main form .govuk-button")
        guest.page.locator("[name=username]").fill(username)
        guest.page.locator("[name=password]").fill(PASSWORD)
        _press(guest, "main form .govuk-button")
        expect(guest.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()
        guest.open("/cases/")
    with Visitor.at(house.url, browser, width=PHONE) as focal:
        _in(focal, FOCAL, language)
        focal.open("/people/")
        expect(focal.page.get_by_text("Kamala Limbu").first).to_be_visible()
        focal.look()


def test_a_token_is_made_and_revoked_on_a_phone(house: House, browser: Browser) -> None:
    with Visitor.at(house.url, browser, width=PHONE) as visitor:
        visitor.sign_in("ngo_a_caseworker")
        visitor.open("/accounts/security/")
        visitor.follow("Make a token")
        visitor.look()
        visitor.fill("What the token is for", "nightly figures")
        visitor.press("Make the token")
        expect(visitor.page.locator(".app-code")).to_be_visible()
        visitor.look()
        visitor.follow("I have copied it")
        expect(visitor.page.get_by_text("nightly figures").first).to_be_visible()
        visitor.look()
        visitor.page.get_by_role("button", name=re.compile("Revoke")).first.click()
        expect(visitor.page.get_by_text("The token is revoked.")).to_be_visible()

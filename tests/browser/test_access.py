"""From a focal point's request to a new user's first page, on a phone, in English and in Nepali."""

import re
from itertools import count

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser_user import PHONE, BrowserUser
from tests.browser.site import Site

FOCAL, SECOND, PASSWORD = "ngo_a_focal_point", "ngo_a_supervisor", "a rice field at dawn"
NUMBERS = count(1)


def _in(browser_user: BrowserUser, username: str, language: str) -> None:
    browser_user.sign_in(username)
    if browser_user.page.locator("html").get_attribute("lang") != language:
        browser_user.page.locator(f"button[name='language'][value='{language}']").first.click()
    expect(browser_user.page.locator("html")).to_have_attribute("lang", language)


def _press(browser_user: BrowserUser, selector: str) -> None:
    browser_user.page.locator(selector).first.click()


@pytest.mark.parametrize("language", ["en", "ne"])
def test_a_new_user_is_requested_approved_invited_and_signs_in(
    site: Site, browser: Browser, language: str
) -> None:
    email, name = f"new{next(NUMBERS)}@example.org", f"Asha{'ne' if language == 'ne' else ''}"
    with BrowserUser.at(site.url, browser, width=PHONE) as focal:
        _in(focal, FOCAL, language)
        focal.open("/team/new/")
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
    with BrowserUser.at(site.url, browser, width=PHONE) as second:
        _in(second, SECOND, language)
        second.page.get_by_role("link", name=re.compile(f"^{name} Lama:")).first.click()
        expect(second.page.get_by_text("She begins on Sunday.")).to_be_visible()
        second.look()
        _press(second, "button[value=approve]")
        expect(second.page.locator("h1")).to_be_visible()
        second.look()
    site.wait(lambda: bool(site.sink.to({email})), 30, "the invitation is sent")
    [invitation] = site.sink.to({email})
    link = re.search(r"/accounts/invitation/\S+", invitation.text)
    assert link is not None
    with BrowserUser.at(site.url, browser, width=PHONE) as guest:
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
    with BrowserUser.at(site.url, browser, width=PHONE) as focal:
        _in(focal, FOCAL, language)
        focal.open("/team/")
        expect(focal.page.get_by_text("Kamala Limbu").first).to_be_visible()
        focal.look()


def test_a_token_is_made_and_revoked_on_a_phone(site: Site, browser: Browser) -> None:
    with BrowserUser.at(site.url, browser, width=PHONE) as browser_user:
        browser_user.sign_in("ngo_a_caseworker")
        browser_user.open("/accounts/security/")
        browser_user.follow("Create a token")
        browser_user.look()
        browser_user.fill("What the token is for", "nightly figures")
        browser_user.press("Create the token")
        expect(browser_user.page.locator(".app-code")).to_be_visible()
        browser_user.look()
        browser_user.follow("I have copied it")
        expect(browser_user.page.get_by_text("nightly figures").first).to_be_visible()
        browser_user.look()
        browser_user.page.get_by_role("button", name=re.compile("Revoke")).first.click()
        expect(browser_user.page.get_by_text("The token is revoked.")).to_be_visible()

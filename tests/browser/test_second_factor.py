"""A second factor in a real browser: an app and its codes, and a passkey of Chromium's virtual authenticator."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from reintegration.demo import password_of
from tests.browser import site as sites
from tests.browser.browser_user import BrowserUser
from tests.factors import App

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[sites.Site]:
    """A site that asks everyone for a second factor, at a host name for which browsers make passkeys."""
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    with sites.running(int(number) + 4, host="localhost", second_factor=True) as running:
        yield running


def _give_password(browser_user: BrowserUser, username: str) -> None:
    browser_user.open("/accounts/login/")
    browser_user.fill("User name", username)
    browser_user.fill("Password", password_of(username))
    browser_user.press("Sign in")


def _sign_out(browser_user: BrowserUser) -> None:
    browser_user.sign_out()
    browser_user.page.context.clear_cookies(name="known")


def _with_authenticator(page: Page) -> None:
    link = page.context.new_cdp_session(page)
    link.send("WebAuthn.enable")
    link.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_an_app_is_set_up_and_asked_for(guarded, browser, script):
    username = "iom_supervisor" if script else "iom_approver"
    with BrowserUser.at(guarded.url, browser, script=script) as browser_user:
        _give_password(browser_user, username)
        expect(browser_user.heading("Set up a second step")).to_be_visible()
        browser_user.look(twice=True)
        browser_user.page.goto(f"{guarded.url}/projects/")
        expect(browser_user.heading("Set up a second step")).to_be_visible()
        browser_user.follow("Set up an app")
        browser_user.look(twice=True)
        app = App(browser_user.page.locator(".app-code").inner_text().replace(" ", ""))
        browser_user.fill("Code", "000000")
        browser_user.press("Continue")
        expect(
            browser_user.page.get_by_text("This code is not right. Look at the app again.").first
        ).to_be_visible()
        assert browser_user.page.locator(".app-code").inner_text().replace(" ", "") == app.secret
        browser_user.fill("Code", app.code())
        browser_user.press("Continue")
        expect(browser_user.heading("Recovery codes")).to_be_visible()
        codes = browser_user.page.locator(".app-codes li").all_inner_texts()
        assert len(codes) == 10
        browser_user.look(twice=True)
        browser_user.press("I have written them down")
        expect(browser_user.heading("Your sign-in")).to_be_visible()
        browser_user.look(twice=True)
        _sign_out(browser_user)
        _give_password(browser_user, username)
        expect(browser_user.heading("The second step")).to_be_visible()
        browser_user.look(twice=True)
        browser_user.fill("Code", codes[0])
        browser_user.press("Continue")
        expect(browser_user.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()
        browser_user.open("/projects/")


def test_a_passkey_is_made_and_used_to_sign_in_and_to_confirm(guarded, browser):
    with BrowserUser.at(guarded.url, browser) as browser_user:
        _with_authenticator(browser_user.page)
        _give_password(browser_user, "iom_finance")
        browser_user.follow("Add a passkey")
        browser_user.look(twice=True)
        browser_user.fill("Name of the passkey", "my laptop")
        browser_user.press("Create the passkey")
        expect(browser_user.heading("Recovery codes")).to_be_visible()
        browser_user.press("I have written them down")
        expect(browser_user.page.get_by_text("my laptop").first).to_be_visible()
        _sign_out(browser_user)
        _give_password(browser_user, "iom_finance")
        browser_user.look(twice=True)
        browser_user.press("Use a passkey")
        expect(browser_user.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()
        browser_user.open("/grants/")
        browser_user.open("/accounts/confirm/?next=/projects/")
        browser_user.look(twice=True)
        browser_user.press("Use a passkey")
        browser_user.page.wait_for_url(f"{guarded.url}/projects/")


def test_a_browser_without_the_passkey_says_so_and_takes_a_recovery_code(guarded, browser):
    with BrowserUser.at(guarded.url, browser) as browser_user:
        _with_authenticator(browser_user.page)
        _give_password(browser_user, "programme_manager")
        browser_user.follow("Add a passkey")
        browser_user.press("Create the passkey")
        expect(browser_user.heading("Recovery codes")).to_be_visible()
        [code, *_rest] = browser_user.page.locator(".app-codes li").all_inner_texts()
    with BrowserUser.at(guarded.url, browser) as browser_user:
        _with_authenticator(browser_user.page)  # another one, which has no passkey
        _give_password(browser_user, "programme_manager")
        browser_user.press("Use a passkey")
        expect(browser_user.page.get_by_text("The passkey could not be used").first).to_be_visible()
        browser_user.fill("Code", code)
        browser_user.press("Continue")
        expect(browser_user.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()

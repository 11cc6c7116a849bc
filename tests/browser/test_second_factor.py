"""A second factor in a real browser: an app and its codes, and a passkey of Chromium's virtual authenticator."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from reintegration.demo import password_of
from tests.browser import house as houses
from tests.browser.visitor import Visitor
from tests.factors import App

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[houses.House]:
    """A house that asks everyone for a second factor, at a name for which browsers make passkeys."""
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    with houses.standing(int(number) + 4, host="localhost", second_factor=True) as standing:
        yield standing


def _give_password(visitor: Visitor, username: str) -> None:
    visitor.open("/accounts/login/")
    visitor.fill("User name", username)
    visitor.fill("Password", password_of(username))
    visitor.press("Sign in")


def _sign_out(visitor: Visitor) -> None:
    visitor.sign_out()
    visitor.page.context.clear_cookies(name="known")


def _with_authenticator(page: Page) -> None:
    link = page.context.new_cdp_session(page)
    link.send("WebAuthn.enable")
    link.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_an_app_is_set_up_and_asked_for(guarded, browser, script):
    username = "iom_supervisor" if script else "iom_approver"
    with Visitor.at(guarded.url, browser, script=script) as visitor:
        _give_password(visitor, username)
        expect(visitor.heading("Set up a second step")).to_be_visible()
        visitor.look(twice=True)
        visitor.page.goto(f"{guarded.url}/projects/")
        expect(visitor.heading("Set up a second step")).to_be_visible()
        visitor.follow("Set up an app")
        visitor.look(twice=True)
        app = App(visitor.page.locator(".app-code").inner_text().replace(" ", ""))
        visitor.fill("Code", "000000")
        visitor.press("Continue")
        expect(
            visitor.page.get_by_text("This code is not right. Look at the app again.").first
        ).to_be_visible()
        assert visitor.page.locator(".app-code").inner_text().replace(" ", "") == app.secret
        visitor.fill("Code", app.code())
        visitor.press("Continue")
        expect(visitor.heading("Recovery codes")).to_be_visible()
        codes = visitor.page.locator(".app-codes li").all_inner_texts()
        assert len(codes) == 10
        visitor.look(twice=True)
        visitor.press("I have written them down")
        expect(visitor.heading("Your sign-in")).to_be_visible()
        visitor.look(twice=True)
        _sign_out(visitor)
        _give_password(visitor, username)
        expect(visitor.heading("The second step")).to_be_visible()
        visitor.look(twice=True)
        visitor.fill("Code", codes[0])
        visitor.press("Continue")
        expect(visitor.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()
        visitor.open("/projects/")


def test_a_passkey_is_made_and_used_to_sign_in_and_to_confirm(guarded, browser):
    with Visitor.at(guarded.url, browser) as visitor:
        _with_authenticator(visitor.page)
        _give_password(visitor, "iom_finance")
        visitor.follow("Add a passkey")
        visitor.look(twice=True)
        visitor.fill("Name of the passkey", "my laptop")
        visitor.press("Make the passkey")
        expect(visitor.heading("Recovery codes")).to_be_visible()
        visitor.press("I have written them down")
        expect(visitor.page.get_by_text("my laptop").first).to_be_visible()
        _sign_out(visitor)
        _give_password(visitor, "iom_finance")
        visitor.look(twice=True)
        visitor.press("Use a passkey")
        expect(visitor.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()
        visitor.open("/grants/")
        visitor.open("/accounts/confirm/?next=/projects/")
        visitor.look(twice=True)
        visitor.press("Use a passkey")
        visitor.page.wait_for_url(f"{guarded.url}/projects/")


def test_a_browser_without_the_passkey_says_so_and_takes_a_recovery_code(guarded, browser):
    with Visitor.at(guarded.url, browser) as visitor:
        _with_authenticator(visitor.page)
        _give_password(visitor, "programme_manager")
        visitor.follow("Add a passkey")
        visitor.press("Make the passkey")
        expect(visitor.heading("Recovery codes")).to_be_visible()
        [code, *_rest] = visitor.page.locator(".app-codes li").all_inner_texts()
    with Visitor.at(guarded.url, browser) as visitor:
        _with_authenticator(visitor.page)  # another one, which has no passkey
        _give_password(visitor, "programme_manager")
        visitor.press("Use a passkey")
        expect(visitor.page.get_by_text("The passkey could not be used").first).to_be_visible()
        visitor.fill("Code", code)
        visitor.press("Continue")
        expect(visitor.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()

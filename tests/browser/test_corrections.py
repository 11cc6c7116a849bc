"""On a phone: a birth date, a telephone and a safe contact are corrected, by two users at once."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser_user import PHONE, BrowserUser
from tests.browser.site import Site
from tests.browser.test_safe_contact import CASE, EACH_WAY

A, SUPERVISOR = "ngo_a_caseworker", "ngo_a_supervisor"


def _at_the_page(browser_user: BrowserUser, username: str, language: str, address: str) -> None:
    browser_user.sign_in(username)
    button = browser_user.page.get_by_role("button", name=language, exact=True)
    if button.count():
        button.click()
        browser_user.page.wait_for_load_state()
    browser_user.open(address)


def _saved(browser_user: BrowserUser) -> None:
    browser_user.page.locator("main form button[data-once]").click()


@EACH_WAY
def test_two_users_correct_one_record(site: Site, browser: Browser, script: bool, language: str) -> None:
    [(reference, _visit)] = site.rows(CASE)
    address, name = f"/cases/{reference}/beneficiary/", f"{script:d}{len(language)}"
    with (
        BrowserUser.at(site.url, browser, script=script, width=PHONE) as first,
        BrowserUser.at(site.url, browser, script=script, width=PHONE) as second,
    ):
        _at_the_page(second, A, language, address)
        second.look()
        page = second.page
        page.locator("[name=birth_calendar][value=bs]").check()
        page.locator("[name=birth]").fill("२०५१-०२-०९")
        if script:
            expect(page.locator("#id_birth_read")).to_contain_text("1994")
        page.locator("[name=phone]").fill("9841234571")
        page.locator("[name=safe_contact]").fill(f"Her sister {name} knows.")
        page.locator("[name=reason]").fill("As on her certificate.")

        _at_the_page(first, SUPERVISOR, language, address)
        first.page.locator("[name=phone]").fill("9841234572")
        _saved(first)
        expect(first.page.locator("a[href='tel:+9779841234572']")).to_have_count(1)

        _saved(second)
        second.look()
        expect(page.locator("main")).to_contain_text("9841234572")
        expect(page.locator("[name=safe_contact]")).to_have_value(f"Her sister {name} knows.")
        page.locator("[name=take_phone][value=typed]").check()
        _saved(second)
        expect(page.locator("a[href='tel:+9779841234571']")).to_have_count(1)
        second.look()
        expect(page.locator("main")).to_contain_text("9841234572 → 9841234571")
        expect(page.locator("main")).to_contain_text("As on her certificate.")
        expect(page.locator("main")).to_contain_text(f"Her sister {name} knows.")


@pytest.mark.parametrize("script", [True, False])
def test_a_situation_is_corrected(site: Site, browser: Browser, script: bool) -> None:
    [(reference, _visit)] = site.rows(CASE)
    needs = f"A sewing machine, number {script:d}."
    with BrowserUser.at(site.url, browser, script=script, width=PHONE) as browser_user:
        _at_the_page(browser_user, A, "English", f"/cases/{reference}/situation/")
        browser_user.look()
        browser_user.page.locator("[name=needs]").fill(needs)
        _saved(browser_user)
        expect(browser_user.page.locator("main")).to_contain_text(needs)

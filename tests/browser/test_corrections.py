"""On a phone: a birth date, a telephone, a safe contact and a passport are corrected, by two users at once."""

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


@EACH_WAY
def test_two_users_correct_one_identity_number(
    site: Site, browser: Browser, script: bool, language: str
) -> None:
    [(reference, _visit)] = site.rows(CASE)
    address, name = f"/cases/{reference}/identity/passport/", f"{script:d}{len(language):02}"
    theirs, ours = f"PB11{name}11", "पिए १२-३"  # an unusual one, which is asked about
    with (
        BrowserUser.at(site.url, browser, script=script, width=PHONE) as first,
        BrowserUser.at(site.url, browser, script=script, width=PHONE) as second,
    ):
        _at_the_page(second, A, language, address)
        second.look()
        page = second.page
        page.locator("[name=state][value=kept]").check()
        page.locator("[name=kept_by]").fill(f"Her employer {name}")
        page.locator("[name=number]").fill(f"{ours}{name}")
        _reason(second, "As on the copy.")

        _at_the_page(first, SUPERVISOR, language, address)
        first.page.locator("[name=state][value=has]").check()
        first.page.locator("[name=kept_by]").fill("")
        first.page.locator("[name=number]").fill(theirs)
        _reason(first, "Misread.")
        _saved(first)
        expect(first.page.locator("main")).to_contain_text(theirs)

        _saved(second)
        second.look()
        expect(page.locator("[name=number]")).to_have_value(f"{ours}{name}")
        page.locator("[name=number_meant]").check()
        _saved(second)
        second.look()
        expect(page.locator("main")).to_contain_text(theirs)
        expect(page.locator("[name=kept_by]")).to_have_value(f"Her employer {name}")
        for field in ("number", "state", "kept_by"):
            for choice in page.locator(f"[name=take_{field}][value=typed]").all():
                choice.check()
        _reason(second, "As on the copy.")
        _saved(second)
        second.look()
        expect(page.locator("main")).to_contain_text(f"{theirs} → {ours}{name}")
        expect(page.locator("main")).to_contain_text(f"Her employer {name}")


def _reason(browser_user: BrowserUser, text: str) -> None:
    """Say why, where the page asks: not where the document is recorded for the first time."""
    field = browser_user.page.locator("textarea[name=reason]")
    if field.count():
        field.fill(text)


@EACH_WAY
def test_an_age_is_corrected_in_place_of_a_birth_date(
    site: Site, browser: Browser, script: bool, language: str
) -> None:
    [(reference, _visit)] = site.rows(CASE)
    typed = f"{24 + 2 * script + len(language) % 2} २०८१-01-20"
    with BrowserUser.at(site.url, browser, script=script, width=PHONE) as browser_user:
        _at_the_page(browser_user, A, language, f"/cases/{reference}/beneficiary/")
        page = browser_user.page
        page.locator("[name=birth_calendar][value=ad]").check()
        page.locator("[name=birth]").fill(typed)
        if script:
            expect(page.locator("#id_birth_read")).not_to_be_empty()
        page.locator("[name=reason]").fill(f"She knows her age only {script:d}.")
        _saved(browser_user)
        browser_user.look()
        page.locator(f"[name=birth_meant][value='bs {typed}']").check()
        _saved(browser_user)
        browser_user.look()
        expect(page.locator("main")).to_contain_text("2081-01-20")
        expect(page.locator("main")).to_contain_text(f"She knows her age only {script:d}.")


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

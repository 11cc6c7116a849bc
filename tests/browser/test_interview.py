"""An interview that is left and continued, and one that is refused where somebody may be at risk."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.browser_user import PHONE, BrowserUser

AUTHOR, SUPERVISOR = "ngo_a_caseworker", "ngo_a_supervisor"


EACH_WAY = pytest.mark.parametrize(
    ("script", "language"),
    [
        (True, "English"),
        (False, "नेपाली"),
        pytest.param(True, "नेपाली", marks=pytest.mark.walk),
        pytest.param(False, "English", marks=pytest.mark.walk),
    ],
)


def speaks(browser_user: BrowserUser, language: str) -> None:
    """Show the page in this language; the button is there if it is in the other one."""
    button = browser_user.page.get_by_role("button", name=language, exact=True)
    if button.count():
        button.click()


def signed_in(browser_user: BrowserUser, username: str, language: str) -> None:
    browser_user.sign_in(username)
    speaks(browser_user, language)


def typed_person(browser_user: BrowserUser, name: str) -> None:
    page = browser_user.page
    page.locator("[name=first_name]").fill(name)
    page.locator("[name=phone]").fill("98044")
    page.locator("[name=home_district]").fill("Sindhu")


def is_as_typed(browser_user: BrowserUser, name: str) -> None:
    page = browser_user.page
    expect(page.locator("[name=first_name]")).to_have_value(name)
    expect(page.locator("[name=phone]")).to_have_value("98044")
    expect(page.locator("[name=home_district]")).to_have_value("Sindhu")


def begun(browser_user: BrowserUser, language: str) -> None:
    signed_in(browser_user, AUTHOR, language)
    browser_user.open("/cases/new/")
    page = browser_user.page
    page.locator("[name=was_told]").check()
    page.locator("[name=agrees][value=yes]").check()
    page.locator("[name=given_by][value=self]").check()
    page.locator("[name=how][value=spoken]").check()
    page.locator("main form button:not([name])").click()
    expect(page).to_have_url(re.compile("/beneficiary/$"))
    browser_user.look()


@EACH_WAY
def test_an_interview_that_is_left_is_continued_from_today(site, browser, script, language):
    name = f"Lhamu{script:d}{language[0]}"
    with BrowserUser.at(site.url, browser, script=script, width=PHONE) as browser_user:
        begun(browser_user, language)
        page = browser_user.page
        typed_person(browser_user, name)
        page.locator("button[value=back]").click()
        expect(page).to_have_url(re.compile("/consent/$"))
        browser_user.look()
        page.locator("main form button:not([name])").click()
        is_as_typed(browser_user, name)
        page.locator("button[value=later]").click()
        expect(page).to_have_url(re.compile(r":\d+/$"))
        browser_user.look()
        page.get_by_role("link", name=name).first.click()
        is_as_typed(browser_user, name)
        # Continued from where it was left.
        page.locator("[name=phone]").fill("9804417005")
        page.locator("[name=home_district]").fill("Sindhupalchok")
        page.locator("[name=sex][value=female]").check()
        page.locator("main form button:not([name])").click()
        expect(page).to_have_url(re.compile("/situation/$"))
        browser_user.look()
        page.locator("[name=narrative]").fill("She waits.")
        page.locator("button[value=back]").click()
        expect(page.locator("[name=phone]")).to_have_value("9804417005")
        page.locator("main form button:not([name])").click()
        expect(page.locator("[name=narrative]")).to_have_value("She waits.")
        page.locator("[name=groups][value=stranded_migrant]").check()
        page.locator("[name=primary_group]").select_option("stranded_migrant")
        page.locator("main form button:not([name])").click()
        expect(page).to_have_url(re.compile(r"/cases/[A-Z0-9-]+/$"))
        browser_user.open("/")
        expect(page.get_by_role("link", name=name)).to_have_count(0)
        speaks(browser_user, "English")


def test_the_browsers_own_back_loses_nothing(site, browser):
    """With JavaScript the page is saved when it closes, however it is left."""
    with BrowserUser.at(site.url, browser, width=PHONE) as browser_user:
        begun(browser_user, "English")
        address = browser_user.page.url
        typed_person(browser_user, "Yangji")
        browser_user.page.locator("a.app-header__brand").click()
        expect(browser_user.heading(re.compile("^Today"))).to_be_visible()
        site.wait(lambda: _saved_draft(browser_user, address), 10, "the page is saved when it closes")
        is_as_typed(browser_user, "Yangji")


def _saved_draft(browser_user: BrowserUser, address: str) -> bool:
    browser_user.page.goto(address)
    return browser_user.page.locator("[name=first_name]").input_value() == "Yangji"


@EACH_WAY
def test_a_supervisor_decides_on_a_refused_interview_at_risk(site, browser, script, language):
    with BrowserUser.at(site.url, browser, script=script, width=PHONE) as browser_user:
        begun(browser_user, language)
        page = browser_user.page
        typed_person(browser_user, "Dolkar")
        page.locator("[name=at_risk]").check()
        page.locator("button[value=back]").click()
        page.locator("[name=agrees][value=no]").check()
        page.locator("main form button:not([name])").click()
        browser_user.look()
        speaks(browser_user, "English")
        browser_user.sign_out()
        signed_in(browser_user, SUPERVISOR, language)
        page.locator(".app-figure--urgent a[href='/interviews/']").click()
        browser_user.look()
        expect(page.get_by_text("Dolkar")).to_have_count(0)
        page.locator("a[href$='/decide/']").last.click()
        browser_user.look()
        page.locator("[name=decision][value=keep]").check()
        page.locator("[name=why]").fill("Her brother looks for her.")
        page.locator("[name=review_on_calendar]").select_option("ad")
        page.locator("[name=review_on]").fill(site.rows("SELECT (current_date + 20)::text")[0][0])
        page.locator("main form button").click()
        expect(page).to_have_url(re.compile("/interviews/$"))
        browser_user.look()
        speaks(browser_user, "English")

"""An interview that is left and taken up again, and one that is refused where somebody may be at risk."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PHONE, Visitor

AUTHOR, SUPERVISOR = "ngo_a_caseworker", "ngo_a_supervisor"


def speaks(visitor: Visitor, language: str) -> None:
    """Have the page in this language; the button is there where it is in the other one."""
    button = visitor.page.get_by_role("button", name=language, exact=True)
    if button.count():
        button.click()


def signed_in(visitor: Visitor, username: str, language: str) -> None:
    visitor.sign_in(username)
    speaks(visitor, language)


def typed_person(visitor: Visitor, name: str) -> None:
    page = visitor.page
    page.locator("[name=first_name]").fill(name)
    page.locator("[name=phone]").fill("98044")
    page.locator("[name=home_district]").fill("Sindhu")


def is_as_typed(visitor: Visitor, name: str) -> None:
    page = visitor.page
    expect(page.locator("[name=first_name]")).to_have_value(name)
    expect(page.locator("[name=phone]")).to_have_value("98044")
    expect(page.locator("[name=home_district]")).to_have_value("Sindhu")


def begun(visitor: Visitor, language: str) -> None:
    signed_in(visitor, AUTHOR, language)
    visitor.open("/cases/new/")
    page = visitor.page
    page.locator("[name=was_told]").check()
    page.locator("[name=agrees][value=yes]").check()
    page.locator("[name=given_by][value=self]").check()
    page.locator("[name=how][value=spoken]").check()
    page.locator("main form button:not([name])").click()
    expect(page).to_have_url(re.compile("/person/$"))
    visitor.look()


@pytest.mark.parametrize("language", ["English", "नेपाली"])
@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_an_interview_that_is_left_is_found_on_today_as_it_was(house, browser, script, language):
    name = f"Lhamu{script:d}{language[0]}"
    with Visitor.at(house.url, browser, script=script, width=PHONE) as visitor:
        begun(visitor, language)
        page = visitor.page
        typed_person(visitor, name)
        page.locator("button[value=back]").click()
        expect(page).to_have_url(re.compile("/consent/$"))
        visitor.look()
        page.locator("main form button:not([name])").click()
        is_as_typed(visitor, name)
        page.locator("button[value=later]").click()
        expect(page).to_have_url(re.compile(r":\d+/$"))
        visitor.look()
        page.get_by_role("link", name=name).first.click()
        is_as_typed(visitor, name)
        # Finished from where it was left.
        page.locator("[name=phone]").fill("9804417005")
        page.locator("[name=home_district]").fill("Sindhupalchok")
        page.locator("[name=sex][value=female]").check()
        page.locator("main form button:not([name])").click()
        expect(page).to_have_url(re.compile("/situation/$"))
        visitor.look()
        page.locator("[name=narrative]").fill("She waits.")
        page.locator("button[value=back]").click()
        expect(page.locator("[name=phone]")).to_have_value("9804417005")
        page.locator("main form button:not([name])").click()
        expect(page.locator("[name=narrative]")).to_have_value("She waits.")
        page.locator("[name=groups][value=stranded_migrant]").check()
        page.locator("[name=primary_group]").select_option("stranded_migrant")
        page.locator("main form button:not([name])").click()
        expect(page).to_have_url(re.compile(r"/cases/[A-Z0-9-]+/$"))
        visitor.open("/")
        expect(page.get_by_role("link", name=name)).to_have_count(0)
        speaks(visitor, "English")


def test_the_browsers_own_back_loses_nothing(house, browser):
    """With a script the page is kept as it closes, whichever way it is left."""
    with Visitor.at(house.url, browser, width=PHONE) as visitor:
        begun(visitor, "English")
        address = visitor.page.url
        typed_person(visitor, "Yangji")
        visitor.page.locator("a.app-header__brand").click()
        expect(visitor.heading(re.compile("^Today"))).to_be_visible()
        house.wait(lambda: _kept(visitor, address), 10, "the page is kept as it closes")
        is_as_typed(visitor, "Yangji")


def _kept(visitor: Visitor, address: str) -> bool:
    visitor.page.goto(address)
    return visitor.page.locator("[name=first_name]").input_value() == "Yangji"


@pytest.mark.parametrize("language", ["English", "नेपाली"])
@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_refused_at_risk_a_supervisor_decides(house, browser, script, language):
    with Visitor.at(house.url, browser, script=script, width=PHONE) as visitor:
        begun(visitor, language)
        page = visitor.page
        typed_person(visitor, "Dolkar")
        page.locator("[name=at_risk]").check()
        page.locator("button[value=back]").click()
        page.locator("[name=agrees][value=no]").check()
        page.locator("main form button:not([name])").click()
        visitor.look()
        speaks(visitor, "English")
        visitor.sign_out()
        signed_in(visitor, SUPERVISOR, language)
        page.locator(".app-figure--urgent a[href='/interviews/']").click()
        visitor.look()
        expect(page.get_by_text("Dolkar")).to_have_count(0)
        page.locator("a[href$='/decide/']").last.click()
        visitor.look()
        page.locator("[name=decision][value=keep]").check()
        page.locator("[name=why]").fill("Her brother looks for her.")
        page.locator("[name=review_on]").fill(house.rows("SELECT (current_date + 20)::text")[0][0])
        page.locator("main form button").click()
        expect(page).to_have_url(re.compile("/interviews/$"))
        visitor.look()
        speaks(visitor, "English")

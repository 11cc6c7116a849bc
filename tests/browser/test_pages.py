"""Every page that the navigation leads to, as three of the cast: it fits, it can be used, nothing complains."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

# A caseworker, one who reads Nepali, and one who sees figures and no name.
ROLES = ["ngo_a_caseworker", "ngo_b_caseworker", "iom_approver"]
# From each list one goes on to the first of what stands there.
ONWARD = "#main table tbody th a, #main .app-card h2 a"


@pytest.mark.parametrize("username", ROLES)
def test_pages_of_the_navigation(visitor, username):
    visitor.sign_in(username)
    addresses = [*_navigation(visitor), "/accounts/notices/"]
    assert len(addresses) >= 4
    for address in addresses:
        visitor.open(address)
        visitor.look(twice=True)
        onward = visitor.page.locator(ONWARD)
        leads = onward.first.get_attribute("href") if onward.count() else None
        if leads and leads not in addresses:
            addresses.append(leads)  # and so on, as a person goes on


def test_what_is_planted_is_noticed(visitor):
    """The control of all other tests here: a fault of access, a page too wide, a style that the policy refuses."""
    visitor.open("/accounts/login/")
    assert (visitor.faults(), visitor.overflow(), visitor.complaints) == ([], [], [])
    visitor.page.evaluate(
        """() => {
            const planted = document.querySelector('main').appendChild(document.createElement('img'))
            planted.src = '/static/images/mark.svg'
            planted.width = 2000
            planted.insertAdjacentHTML('afterend', '<p style="color: red">planted</p>')
        }"""
    )
    assert [fault for fault in visitor.faults() if fault.startswith("image-alt")]
    assert visitor.overflow()
    assert [words for words in visitor.complaints if "Content Security Policy" in words]
    visitor.complaints.clear()


def test_first_page_of_the_interview(visitor):
    visitor.sign_in("ngo_a_caseworker")
    visitor.open("/cases/new/")
    visitor.look(twice=True)


def test_admin_of_the_administrator(visitor):
    visitor.sign_in("administrator")
    visitor.open("/admin/")
    expect(visitor.heading("Programmes, people and places")).to_be_visible()
    assert visitor.faults() == []


def test_language_can_be_changed_and_changed_back(visitor):
    visitor.sign_in("ngo_a_reader")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    visitor.open("/cases/?status=active")
    visitor.press("नेपाली")
    assert visitor.page.url.endswith("/cases/?status=active")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "ne")
    for address in _navigation(visitor):
        visitor.open(address)
        expect(visitor.page.locator("html")).to_have_attribute("lang", "ne")
    visitor.press("English")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")


def test_the_keyboard_comes_to_the_skip_link_first(visitor):
    visitor.sign_in("ngo_a_caseworker")
    visitor.open("/cases/")
    keyboard, focused = visitor.page.keyboard, visitor.page.locator(":focus")
    keyboard.press("Tab")
    expect(focused).to_have_text("Skip to main content")
    expect(focused).to_be_in_viewport()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(visitor.page.locator("#main :focus")).to_have_count(1)


def test_a_refused_form_begins_at_what_is_wrong(visitor):
    visitor.sign_in("ngo_a_caseworker")
    visitor.open("/cases/new/")
    visitor.press("Save and continue")
    summary = visitor.page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    expect(visitor.page).to_have_title("Error: Consent first – Sahayatra")
    visitor.look()
    summary.get_by_role("link").first.click()
    expect(visitor.page.get_by_label("I have said all of this")).to_be_focused()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_the_list_narrows(house, browser, script):
    with Visitor.at(house.url, browser, script=script) as visitor:
        visitor.sign_in("ngo_a_caseworker")
        visitor.open("/cases/")
        rows = visitor.page.locator("#main tbody tr")
        expect(rows.filter(has_text="Active").first).to_be_visible()
        visitor.select("Status", "Closed")
        if not script:
            visitor.press("Show")
        expect(rows.filter(has_text="Active")).to_have_count(0)
        expect(rows.filter(has_text="Closed").first).to_be_visible()
        assert "status=closed" in visitor.page.url


def _navigation(visitor: Visitor) -> list[str]:
    links = visitor.page.locator("nav.app-nav a").all()
    return [str(link.get_attribute("href")) for link in links]

"""Every page in the navigation, as three demo users: it fits, it is accessible, and the browser doesn't
complain.
"""

import pytest
from playwright.sync_api import expect

from tests import walks
from tests.browser.browser_user import BrowserUser

# A caseworker, one who reads Nepali, and one with summary access.
ROLES = ["ngo_a_caseworker", "ngo_b_caseworker", "iom_approver"]
# From each list the first link is followed as well.
ONWARD = "#main table tbody th a, #main .app-card h2 a"


@pytest.mark.parametrize("username", walks.parameters(ROLES, keep=["ngo_a_caseworker"]))
def test_pages_of_the_navigation(browser_user, username):
    browser_user.sign_in(username)
    addresses = [*_navigation(browser_user), "/accounts/notices/"]
    assert len(addresses) >= 4
    for address in addresses:
        browser_user.open(address)
        browser_user.look(twice=True)
        onward = browser_user.page.locator(ONWARD)
        leads = onward.first.get_attribute("href") if onward.count() else None
        if leads and leads not in addresses:
            addresses.append(leads)  # and the first link of its list


def test_planted_faults_are_noticed(browser_user):
    """The control of all other tests here: an accessibility fault, a page too wide, a style that the policy
    refuses.
    """
    browser_user.open("/accounts/login/")
    assert (browser_user.faults(), browser_user.overflow(), browser_user.complaints) == ([], [], [])
    browser_user.page.evaluate(
        """() => {
            const planted = document.querySelector('main').appendChild(document.createElement('img'))
            planted.src = '/static/images/mark.svg'
            planted.width = 2000
            planted.insertAdjacentHTML('afterend', '<p style="color: red">planted</p>')
        }"""
    )
    assert [fault for fault in browser_user.faults() if fault.startswith("image-alt")]
    assert browser_user.overflow()
    assert [words for words in browser_user.complaints if "Content Security Policy" in words]
    browser_user.complaints.clear()


def test_first_page_of_the_interview(browser_user):
    browser_user.sign_in("ngo_a_caseworker")
    browser_user.open("/cases/new/")
    browser_user.look(twice=True)


def test_admin_of_the_administrator(browser_user):
    browser_user.sign_in("administrator")
    browser_user.open("/admin/")
    expect(browser_user.heading("Programmes, users and places")).to_be_visible()
    assert browser_user.faults() == []


def test_language_can_be_changed_and_changed_back(browser_user):
    browser_user.sign_in("ngo_a_reader")
    expect(browser_user.page.locator("html")).to_have_attribute("lang", "en")
    browser_user.open("/cases/?status=active")
    browser_user.press("नेपाली")
    assert browser_user.page.url.endswith("/cases/?status=active")
    expect(browser_user.page.locator("html")).to_have_attribute("lang", "ne")
    for address in _navigation(browser_user):
        browser_user.open(address)
        expect(browser_user.page.locator("html")).to_have_attribute("lang", "ne")
    browser_user.press("English")
    expect(browser_user.page.locator("html")).to_have_attribute("lang", "en")


def test_the_skip_link_is_focused_first(browser_user):
    browser_user.sign_in("ngo_a_caseworker")
    browser_user.open("/cases/")
    keyboard, focused = browser_user.page.keyboard, browser_user.page.locator(":focus")
    keyboard.press("Tab")
    expect(focused).to_have_text("Skip to main content")
    expect(focused).to_be_in_viewport()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(browser_user.page.locator("#main :focus")).to_have_count(1)


def test_a_refused_form_begins_at_what_is_wrong(browser_user):
    browser_user.sign_in("ngo_a_caseworker")
    browser_user.open("/cases/new/")
    browser_user.press("Save and continue")
    summary = browser_user.page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    expect(browser_user.page).to_have_title("Error: Consent first – Sahayatra")
    browser_user.look()
    summary.get_by_role("link").first.click()
    expect(browser_user.page.get_by_label("I have explained all of this")).to_be_focused()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_the_list_is_filtered(site, browser, script):
    with BrowserUser.at(site.url, browser, script=script) as browser_user:
        browser_user.sign_in("ngo_a_caseworker")
        browser_user.open("/cases/")
        rows = browser_user.page.locator("#main tbody tr")
        expect(rows.filter(has_text="Active").first).to_be_visible()
        browser_user.select("Status", "Closed")
        if not script:
            browser_user.press("Show")
        expect(rows.filter(has_text="Active")).to_have_count(0)
        expect(rows.filter(has_text="Closed").first).to_be_visible()
        assert "status=closed" in browser_user.page.url


def _navigation(browser_user: BrowserUser) -> list[str]:
    links = browser_user.page.locator("nav.app-nav a").all()
    return [str(link.get_attribute("href")) for link in links]

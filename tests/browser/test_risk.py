"""From “in danger” at a visit to the supervisors' mail, and from a locked door to the next attempt.

On a phone, in English with JavaScript and in Nepali without; a real worker and a real mail server.
"""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browser_user import PHONE, BrowserUser
from tests.browser.site import Site

CASEWORKER, SUPERVISOR = "ngo_a_caseworker", "ngo_a_supervisor"
PROTECTION = ("protection_supervisor", "protection_supervisor_2")


@dataclass(frozen=True)
class Way:
    """The language, with JavaScript or without, and which of the cases with a due visit."""

    language: str
    script: bool
    number: int
    high: str
    safety: str
    tried: str


WAYS = {
    "in English, with JavaScript": Way("en", True, 0, "High", "Safety step", "Attempt 2"),
    "in Nepali, without JavaScript": Way("ne", False, 1, "उच्च", "सुरक्षाको कदम", "प्रयास 2"),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request) -> Way:
    return request.param


def waiting_case(site: Site, way: Way, *, skip: int = 0) -> tuple[str, str]:
    """Return the reference of a case of the first NGO that isn't at high risk, and a due follow-up of it."""
    rows = site.rows(
        "SELECT DISTINCT ON (c.reference) c.reference, f.id::text FROM reintegration_followup f "
        "JOIN beneficiaries_case c ON c.id = f.case_id JOIN beneficiaries_casefile b ON b.case_id = c.id "
        "JOIN accounts_organisation o ON o.id = c.lead_organisation_id "
        "WHERE o.code = 'NGO_A' AND f.done_on IS NULL AND f.due_on <= %s AND f.attempt = 1 AND c.status <> 'closed' "
        "AND b.risk <> 'high' ORDER BY c.reference, f.due_on, f.id",
        [site.today()],
    )
    return rows[way.number + skip]


def signed_in(browser_user: BrowserUser, username: str, way: Way) -> None:
    browser_user.open("/accounts/login/")
    if browser_user.page.locator("html").get_attribute("lang") != "en":
        browser_user.press("English")  # the language of the sign-in labels
    browser_user.sign_in(username)
    if browser_user.page.locator("html").get_attribute("lang") != way.language:
        browser_user.press({"en": "English", "ne": "नेपाली"}[way.language])
    expect(browser_user.page.locator(f"html[lang='{way.language}']")).to_be_visible()


def signed_out(page: Page) -> None:
    page.locator("form[action='/accounts/logout/'] button").first.click()
    expect(page.locator("input[name=username]")).to_be_visible()


def record(
    browser_user: BrowserUser, follow_up: str, *, outcome: str, wellbeing: str = "", note: str
) -> None:
    """Fill in the page of a follow-up, whatever its language."""
    page = browser_user.page
    browser_user.open(f"/follow-ups/{follow_up}/")
    browser_user.look()
    page.locator(f"input[name=outcome][value={outcome}]").check()
    if wellbeing:
        page.locator(f"input[name=wellbeing][value={wellbeing}]").check()
    page.locator("textarea[name=note]").fill(note)
    page.locator("main form button.govuk-button").click()


def test_in_danger_at_a_visit(site, browser, way):
    reference, follow_up = waiting_case(site, way)
    with BrowserUser.at(site.url, browser, script=way.script, width=PHONE) as browser_user:
        page = browser_user.page
        signed_in(browser_user, CASEWORKER, way)
        record(
            browser_user, follow_up, outcome="seen", wellbeing="danger", note="He waits in front of the site."
        )
        bar = page.locator(".app-identity__facts")
        expect(bar).to_contain_text(way.high)
        expect(bar).to_contain_text("Maya Gurung")
        loud = page.locator(".govuk-button--warning")
        expect(page.locator(".govuk-warning-text").first).to_contain_text(way.safety)
        assert loud.bounding_box()["y"] < page.locator(".app-next").bounding_box()["y"]
        browser_user.look()
        browser_user.open("/")
        expect(page.locator("tbody tr").filter(has_text=reference).first).to_contain_text(
            "उहाँ" if way.language == "ne" else "safe"
        )
        signed_out(page)
        for username in (SUPERVISOR, *PROTECTION):
            signed_in(browser_user, username, way)
            browser_user.open("/accounts/notices/")
            link = page.locator("main a").filter(has_text=reference).first
            expect(link).to_be_visible()
            browser_user.look()
            link.click()
            if username == SUPERVISOR:
                expect(page.locator(".app-identity__facts")).to_contain_text(way.high)
            else:
                leads_where_it_may(page, reference)
            signed_out(page)
    wanted = {f"{username}@example.org" for username in (SUPERVISOR, *PROTECTION)}
    site.wait(lambda: wanted <= mailed(site, reference), 30, "the supervisors have mail")
    for mail in site.sink.about(reference):
        assert "He waits" not in mail.text
        assert f"{site.url}/" in mail.text


def mailed(site: Site, reference: str) -> set[str]:
    return {recipient for mail in site.sink.about(reference) for recipient in mail.recipients}


def leads_where_it_may(page: Page, reference: str) -> None:
    """Check the link: to the case where IOM works on it; else to emergency access with the reference filled
    in.
    """
    if page.locator("input[name=reference]").count():
        assert page.locator("input[name=reference]").input_value() == reference
    else:
        expect(page.locator(".app-reference").first).to_have_text(reference)


def test_a_locked_door_and_the_next_attempt(site, browser, way):
    _reference, follow_up = waiting_case(site, way, skip=2)
    with BrowserUser.at(site.url, browser, script=way.script, width=PHONE) as browser_user:
        page = browser_user.page
        signed_in(browser_user, CASEWORKER, way)
        record(browser_user, follow_up, outcome="not_found", note="The site was locked.")
        expect(page.locator(".app-case__side")).to_contain_text(way.tried)
        expect(page.locator(".moj-timeline")).to_contain_text("The site was locked.")
        browser_user.look()
        [(again,)] = site.rows(
            "SELECT a.id::text FROM reintegration_followup a JOIN reintegration_followup b "
            "ON b.case_id = a.case_id AND b.origin = a.origin WHERE b.id = %s AND a.attempt = 2",
            [follow_up],
        )
        browser_user.open(f"/follow-ups/{again}/")
        expect(page.locator("main")).to_contain_text("The site was locked.")
        browser_user.look()


def test_a_visit_long_before_its_due_day(site, browser, way):
    [*rows] = site.rows(
        "SELECT f.id::text FROM reintegration_followup f JOIN beneficiaries_case c ON c.id = f.case_id "
        "JOIN accounts_organisation o ON o.id = c.lead_organisation_id "
        "WHERE o.code = 'NGO_A' AND f.done_on IS NULL AND f.due_on > %s + 40 AND c.status <> 'closed' "
        "ORDER BY f.due_on, f.id",
        [site.today()],
    )
    follow_up = rows[way.number][0]
    with BrowserUser.at(site.url, browser, script=way.script, width=PHONE) as browser_user:
        page = browser_user.page
        signed_in(browser_user, CASEWORKER, way)
        record(browser_user, follow_up, outcome="seen", wellbeing="good", note="Met at the market.")
        expect(page.locator("input[name=counts]")).to_have_count(2)
        expect(page.locator("textarea[name=note]")).to_have_value("Met at the market.")
        browser_user.look()
        page.locator("input[name=counts][value=no]").check()
        page.locator("main form button.govuk-button").click()
        expect(page.locator(".moj-timeline")).to_contain_text("Met at the market.")
        browser_user.look()
    assert site.rows("SELECT done_on FROM reintegration_followup WHERE id = %s", [follow_up]) == [(None,)]

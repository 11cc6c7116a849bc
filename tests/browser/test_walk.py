"""One beneficiary's case from the first interview to a recorded visit, on a desktop and on a phone without
JavaScript.

Real pages, a real worker over a real broker, a real mail server; only the thirty days are skipped.
"""

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, expect

from tests import walks
from tests.browser.browser_user import DESK, PHONE, BrowserUser
from tests.browser.site import Site

CASEWORKER = "ngo_a_caseworker"
PROGRAMME = "Return Assistance to Stranded Nepali Migrants, second phase (demo)"
VISIT = "First visit after the grant"
DRAFTS_AND_PEOPLE = """
    SELECT (SELECT count(*) FROM beneficiaries_intakedraft), (SELECT count(*) FROM beneficiaries_beneficiary)
"""
NARRATIVE = "They kept the passport in a drawer at the office."
CRITERIA = [
    "Nepali migrant worker",
    "Stranded or exploited",
    "Is in one of the programme's countries",
    "At least one of four situations",
    "Wants to return, of their own free will",
]


@dataclass(frozen=True)
class Person:
    """An invented person whose name nobody else in the demo data has."""

    first: str
    family: str
    in_nepali: str
    phone: str

    @property
    def traces(self) -> tuple[str, ...]:
        """Return what those who decide on grants must not see, and what must not be in a mail."""
        return (self.first, self.family, *self.in_nepali.split(), self.phone, NARRATIVE)


@dataclass(frozen=True)
class Way:
    """With JavaScript or without, and the answer to sharing."""

    script: bool
    width: int
    shares: str
    person: Person


PHONE_WAY = "without JavaScript, on a phone, not shared"
WAYS = {
    "with JavaScript, at a desk, shared": Way(
        True, DESK, "Yes, they agree", Person("Chhiring", "Lopchan", "छिरिङ लोप्चन", "+977 984-1203377")
    ),
    "without JavaScript, on a phone, not shared": Way(
        False, PHONE, "No, they do not agree", Person("Yangji", "Hyolmo", "याङ्जी ह्योल्मो", "+977 981-4455660")
    ),
}


@pytest.mark.parametrize("way", walks.parameters(WAYS.values(), keep=[WAYS[PHONE_WAY]]), ids=WAYS)
def test_from_first_interview_to_recorded_visit(site, browser, way):
    with BrowserUser.at(site.url, browser, script=way.script, width=way.width) as browser_user:
        given_a_caseworker_at_work(browser_user)
        nothing_is_stored_of_somebody_who_refuses(browser_user, site)
        reference = a_case_is_opened(browser_user, way.person)
        sharing_is_asked(browser_user, way.shares)
        the_person_is_admitted(browser_user)
        a_grant_is_asked_for(browser_user)
        browser_user.sign_out()
        the_file_is_open_to_iom_only_where_agreed(browser_user, reference, way.shares)
        the_grant_is_decided_without_a_name(browser_user, reference, way.person)
        the_follow_ups_are_scheduled(browser_user, reference)
        thirty_days_pass(site, reference)
        a_mail_says_so_once_and_names_nobody(site, reference, way.person)
        the_visit_is_recorded(browser_user, reference)


def given_a_caseworker_at_work(browser_user: BrowserUser) -> None:
    browser_user.open("/")
    browser_user.look()
    browser_user.sign_in(CASEWORKER)
    expect(browser_user.heading(re.compile("^Today"))).to_be_visible()
    browser_user.look()


def _explain_and_ask_consent(browser_user: BrowserUser, answer: str) -> None:
    """Fill in the first page of the interview, which explains confidentiality before it asks anything."""
    browser_user.follow("Start a first interview")
    expect(browser_user.heading("Consent first")).to_be_visible()
    expect(
        browser_user.page.get_by_text("Your name is not given to anyone else unless you agree")
    ).to_be_visible()
    expect(
        browser_user.page.get_by_text("if a life is in danger, or if a child is being harmed")
    ).to_be_visible()
    browser_user.page.get_by_label("I have explained all of this").check()
    browser_user.choose("Does the person agree to be helped", answer)
    browser_user.choose("Who decides?", "The person")
    browser_user.choose("How was consent given?", "Spoken")
    browser_user.press("Save and continue")


def nothing_is_stored_of_somebody_who_refuses(browser_user: BrowserUser, site: Site) -> None:
    before = site.rows(DRAFTS_AND_PEOPLE)
    _explain_and_ask_consent(browser_user, "No, they do not agree")
    expect(browser_user.heading("Nothing was kept")).to_be_visible()
    browser_user.look()
    assert site.rows(DRAFTS_AND_PEOPLE) == before
    browser_user.follow("Back to today")


def a_case_is_opened(browser_user: BrowserUser, person: Person) -> str:
    """Fill in consent, person and situation; return the reference on the page."""
    _explain_and_ask_consent(browser_user, "Yes, they agree")
    expect(browser_user.heading("The person")).to_be_visible()
    browser_user.look()
    _the_person_is_described(browser_user, person)
    expect(browser_user.heading("The situation")).to_be_visible()
    browser_user.look()
    _the_situation_is_described(browser_user)
    message = browser_user.page.get_by_text("The case is open. Its reference is")
    expect(message).to_be_visible()
    browser_user.look()
    for known in (
        person.in_nepali,
        "2053-04-12 BS",
        "Sindhupalchok",
        "The brother must not answer.",
        NARRATIVE,
    ):
        expect(browser_user.page.get_by_text(known).first).to_be_visible()
    reference = browser_user.page.url.rstrip("/").rpartition("/")[2]
    expect(message).to_contain_text(reference)
    return reference


def _the_person_is_described(browser_user: BrowserUser, person: Person) -> None:
    browser_user.fill("First name", person.first)
    browser_user.fill("Family name", person.family)
    browser_user.fill("Whole name in Devanagari", person.in_nepali)
    browser_user.choose("Sex", "Female")
    browser_user.fill("Date of birth", "2053-04-12")
    browser_user.choose("Which calendar is this date in?", "Bikram Sambat")
    browser_user.fill("Home district", "Sindhupalchok")
    browser_user.fill("Telephone", person.phone)
    browser_user.fill("How can the person be contacted safely?", "The brother must not answer.")
    browser_user.press("Save and continue")


def _the_situation_is_described(browser_user: BrowserUser) -> None:
    browser_user.choose("What is the person's situation?", "Stranded migrant abroad")
    browser_user.choose("What is the person's situation?", "Returnee migrant")
    browser_user.select("Which of them is the main one for this case?", "Stranded migrant abroad")
    browser_user.select("Country where the person is, or was, abroad", "Kuwait")
    browser_user.choose("Risk level", "Medium")
    browser_user.fill("What happened, in the person's own words", NARRATIVE)
    browser_user.press("Open the case")


def sharing_is_asked(browser_user: BrowserUser, answer: str) -> None:
    browser_user.follow("Ask for consent to share with IOM")
    expect(browser_user.page.get_by_text("You get the same help.")).to_be_visible()
    browser_user.look()
    browser_user.choose("Does the person agree?", answer)
    browser_user.press("Save")
    expect(browser_user.page.get_by_text("The answer is saved.")).to_be_visible()
    expect(_timeline(browser_user)).to_contain_text("Agreed" if answer.startswith("Yes") else "Did not agree")


def the_person_is_admitted(browser_user: BrowserUser) -> None:
    browser_user.follow("Assess for a programme")
    expect(browser_user.heading("For which programme?")).to_be_visible()
    browser_user.look()
    browser_user.follow(PROGRAMME)
    result = browser_user.page.locator("#result")
    expect(result).to_contain_text("Not enough information yet")
    expect(result).to_contain_text("Not known")
    browser_user.look()
    questions = browser_user.page.get_by_role("radiogroup").filter(
        has=browser_user.page.get_by_label("Not known")
    )
    assert questions.count() >= 5
    for question in questions.all():
        question.get_by_label("Yes", exact=True).check()
    browser_user.press("Save the answers and see the result")
    expect(result).to_contain_text("Meets the criteria")
    _each_criterion_has_its_reason(result)
    browser_user.look()
    browser_user.choose("Decision", "Admitted")
    browser_user.press("Save the decision")
    expect(browser_user.page.get_by_text(f"Admitted: {PROGRAMME}").first).to_be_visible()


def _each_criterion_has_its_reason(result: Locator) -> None:
    tops = result.locator(".app-criteria").first.locator("> .app-criteria__node")
    lines = tops.locator("> .app-criteria__line")
    expect(lines).to_contain_text(CRITERIA)
    expect(lines).to_contain_text(["Yes"] * len(CRITERIA))
    last = result.locator(".app-criteria__node:not(:has(.app-criteria__node))")
    assert last.count() > len(CRITERIA)
    for criterion in last.all():
        expect(criterion.locator(".govuk-tag")).to_contain_text("Yes")
        expect(criterion.locator(".app-criteria__reason")).to_have_text(re.compile(r"\w"))


def a_grant_is_asked_for(browser_user: BrowserUser) -> None:
    browser_user.follow(re.compile("Agree a reintegration plan"))
    expect(browser_user.heading("Reintegration plan")).to_be_visible()
    browser_user.look()
    browser_user.choose("Livelihood", "Tea shop")
    browser_user.fill("What does the person want to achieve?", "A tea shop at the bus park.")
    browser_user.press("Save the plan")
    expect(browser_user.page.get_by_text("The plan is saved.")).to_be_visible()
    browser_user.follow("Ask for a grant: Tea shop")
    expect(browser_user.page.get_by_text("NPR 65,000")).to_be_visible()
    browser_user.look()
    browser_user.fill("What is it for?", "Stove, cups and the first goods of a tea shop.")
    browser_user.fill("Amount in NPR", "६०,०००")
    browser_user.page.get_by_label(re.compile("^Reintegration grants: NPR")).check()
    browser_user.press("Ask for this grant")
    expect(browser_user.page.get_by_text("The grant is requested.")).to_be_visible()
    expect(browser_user.page.get_by_role("link", name="Grant: NPR 60,000")).to_be_visible()


def the_file_is_open_to_iom_only_where_agreed(browser_user: BrowserUser, reference: str, answer: str) -> None:
    """The supervisor works on shared cases; an approver never opens a file."""
    shared = 200 if answer.startswith("Yes") else 404
    for username, status in (("iom_supervisor", shared), ("iom_approver", 404)):
        browser_user.sign_in(username)
        assert browser_user.page.request.get(f"{browser_user.url}/cases/{reference}/").status == status, (
            username
        )
        browser_user.sign_out()


def the_grant_is_decided_without_a_name(browser_user: BrowserUser, reference: str, person: Person) -> None:
    browser_user.sign_in("iom_supervisor")
    _open_grant(browser_user, reference)
    browser_user.press("Endorse this grant")
    expect(browser_user.page.get_by_text("The grant is endorsed.")).to_be_visible()
    browser_user.sign_out()
    browser_user.sign_in("iom_approver")
    _nobody_is_named(browser_user, person)
    _open_grant(browser_user, reference)
    _nobody_is_named(browser_user, person)
    browser_user.press("Approve this grant")
    expect(browser_user.page.get_by_text("The grant is approved.")).to_be_visible()
    _nobody_is_named(browser_user, person)
    browser_user.sign_out()
    browser_user.sign_in("iom_finance")
    _open_grant(browser_user, reference)
    browser_user.fill("Amount in NPR", "30000")
    browser_user.fill("Voucher number", "V-2031")
    browser_user.press("Save the payment")
    expect(
        browser_user.page.get_by_text("The payment is saved and charged to the budget line.")
    ).to_be_visible()
    expect(browser_user.page.get_by_text("NPR 30,000 (NPR 30,000 left)")).to_be_visible()
    _nobody_is_named(browser_user, person)
    browser_user.sign_out()


def _open_grant(browser_user: BrowserUser, reference: str) -> None:
    """Open the grant from the list of what waits for this user."""
    browser_user.follow(re.compile("^Grants$"))
    browser_user.follow(reference)
    expect(browser_user.heading("Tea shop: NPR 60,000")).to_be_visible()
    expect(browser_user.page.get_by_text(reference).first).to_be_visible()
    browser_user.look()


def _nobody_is_named(browser_user: BrowserUser, person: Person) -> None:
    content = browser_user.page.content()
    assert [trace for trace in person.traces if trace in content] == [], browser_user.page.url


def the_follow_ups_are_scheduled(browser_user: BrowserUser, reference: str) -> None:
    browser_user.sign_in(CASEWORKER)
    browser_user.open(f"/cases/{reference}/")
    due = browser_user.page.locator("section", has=browser_user.heading("Due next"))
    expect(due.get_by_role("link")).to_have_text(
        ["Contact a week after enrolment", VISIT, "Visit after three months"]
    )
    expect(_timeline(browser_user)).to_contain_text("Instalment 1 paid")


def thirty_days_pass(site: Site, reference: str) -> None:
    """Let the first visit and its reminder fall due today."""
    moved = site.rows(
        "UPDATE reintegration_followup f SET due_on = %s FROM beneficiaries_case c "
        "WHERE c.id = f.case_id AND c.reference = %s AND f.label_en = %s AND f.due_on = %s + 30 RETURNING f.id",
        [site.today(), reference, VISIT, site.today()],
    )
    [(visit,)] = moved
    reminded = "UPDATE reintegration_reminder SET due_on = %s WHERE follow_up_id = %s RETURNING id"
    assert len(site.rows(reminded, [site.today(), visit])) == 1


def a_mail_says_so_once_and_names_nobody(site: Site, reference: str, person: Person) -> None:
    today = f"{site.today():%-d %B %Y}"
    mail = site.sink.wait_for(reference)
    assert mail.recipients == (f"{CASEWORKER}@example.org",)
    assert mail.subject == f"Visit due on {today}: case {reference}"
    assert mail.text.splitlines() == [
        f"A follow-up of case {reference} is due.",
        "",
        f"Visit, due on {today}",
        "",
        "Read on the case file how it is safe to reach the person before you call or visit.",
        "",
        f"{site.url}/cases/{reference}/",
    ]
    whole = mail.message.as_string() + mail.subject + mail.text
    assert [trace for trace in person.traces if trace in whole] == []
    site.wait_for_sweeps(2)
    assert len(site.sink.about(reference)) == 1


def the_visit_is_recorded(browser_user: BrowserUser, reference: str) -> None:
    browser_user.follow("Notices")
    expect(browser_user.heading("Notices")).to_be_visible()
    browser_user.look()
    browser_user.follow(re.compile(f"Visit due on .*: case {reference}"))
    browser_user.follow(VISIT)
    expect(browser_user.heading(VISIT)).to_be_visible()
    browser_user.look()
    browser_user.choose("What was the result?", "Seen or spoken to")
    browser_user.choose("How is the person?", "Doing well")
    browser_user.fill("What was seen and agreed", "The shop is open. Tea and noodles.")
    browser_user.press("Save")
    expect(browser_user.page.get_by_text("The follow-up is saved.")).to_be_visible()
    expect(_timeline(browser_user)).to_contain_text("Visit: Seen or spoken to")
    expect(_timeline(browser_user)).to_contain_text("Doing well — The shop is open. Tea and noodles.")
    browser_user.look()
    browser_user.follow("Follow-ups")
    expect(browser_user.heading("Follow-ups")).to_be_visible()
    rows = browser_user.page.get_by_role("row").filter(has_text=reference)
    expect(rows.filter(has_text="Contact a week after enrolment")).to_have_count(1)
    expect(rows.filter(has_text=VISIT)).to_have_count(0)


def _timeline(browser_user: BrowserUser) -> Locator:
    return browser_user.page.locator(".moj-timeline")

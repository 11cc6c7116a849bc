"""One person's way from the first interview to a recorded visit, at a desk and on a phone without scripts.

Real pages, a real worker over a real broker, a real mail server; only the thirty days are skipped.
"""

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.house import House
from tests.browser.visitor import DESK, PHONE, Visitor

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
    """An invented person, whose name is nobody else's in the demo data."""

    first: str
    family: str
    in_nepali: str
    phone: str

    @property
    def traces(self) -> tuple[str, ...]:
        """What must not be seen by those who decide on money, nor stand in a mail."""
        return (self.first, self.family, *self.in_nepali.split(), self.phone, NARRATIVE)


@dataclass(frozen=True)
class Way:
    """How the walk is gone: with scripts or without, and what the person answers about sharing."""

    script: bool
    width: int
    shares: str
    person: Person


WAYS = {
    "with JavaScript, at a desk, shared": Way(
        True, DESK, "Yes, they agree", Person("Chhiring", "Lopchan", "छिरिङ लोप्चन", "+977 984-1203377")
    ),
    "without JavaScript, on a phone, not shared": Way(
        False, PHONE, "No, they do not agree", Person("Yangji", "Hyolmo", "याङ्जी ह्योल्मो", "+977 981-4455660")
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_from_first_interview_to_recorded_visit(house, browser, way):
    with Visitor.at(house.url, browser, script=way.script, width=way.width) as visitor:
        given_a_caseworker_at_work(visitor)
        nothing_is_kept_of_somebody_who_refuses(visitor, house)
        reference = a_case_is_opened(visitor, way.person)
        sharing_is_asked(visitor, way.shares)
        the_person_is_admitted(visitor)
        a_grant_is_asked_for(visitor)
        visitor.sign_out()
        the_file_is_open_to_iom_only_where_agreed(visitor, reference, way.shares)
        the_grant_is_decided_without_a_name(visitor, reference, way.person)
        the_follow_ups_are_scheduled(visitor, reference)
        thirty_days_pass(house, reference)
        a_mail_says_so_once_and_names_nobody(house, reference, way.person)
        the_visit_is_recorded(visitor, reference)


def given_a_caseworker_at_work(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.look()
    visitor.sign_in(CASEWORKER)
    expect(visitor.heading(re.compile("^Today"))).to_be_visible()
    visitor.look()


def _told_and_asked(visitor: Visitor, answer: str) -> None:
    """The first page of the interview: what is confidential stands there before anything is asked."""
    visitor.follow("Start a first interview")
    expect(visitor.heading("Consent first")).to_be_visible()
    expect(visitor.page.get_by_text("Your name is not given to anyone else unless you agree")).to_be_visible()
    expect(visitor.page.get_by_text("if a life is in danger, or if a child is being harmed")).to_be_visible()
    visitor.page.get_by_label("I have said all of this").check()
    visitor.choose("Does the person agree to be helped", answer)
    visitor.choose("Who decides?", "The person")
    visitor.choose("How was it said?", "Spoken")
    visitor.press("Save and continue")


def nothing_is_kept_of_somebody_who_refuses(visitor: Visitor, house: House) -> None:
    before = house.rows(DRAFTS_AND_PEOPLE)
    _told_and_asked(visitor, "No, they do not agree")
    expect(visitor.heading("Nothing was kept")).to_be_visible()
    visitor.look()
    assert house.rows(DRAFTS_AND_PEOPLE) == before
    visitor.follow("Back to today")


def a_case_is_opened(visitor: Visitor, person: Person) -> str:
    """Consent, person, situation; gives the reference that the page shows."""
    _told_and_asked(visitor, "Yes, they agree")
    expect(visitor.heading("The person")).to_be_visible()
    visitor.look()
    _the_person_is_described(visitor, person)
    expect(visitor.heading("The situation")).to_be_visible()
    visitor.look()
    _the_situation_is_told(visitor)
    message = visitor.page.get_by_text("The case is open. Its reference is")
    expect(message).to_be_visible()
    visitor.look()
    for known in (
        person.in_nepali,
        "2053-04-12 BS",
        "Sindhupalchok",
        "The brother must not answer.",
        NARRATIVE,
    ):
        expect(visitor.page.get_by_text(known).first).to_be_visible()
    reference = visitor.page.url.rstrip("/").rpartition("/")[2]
    expect(message).to_contain_text(reference)
    return reference


def _the_person_is_described(visitor: Visitor, person: Person) -> None:
    visitor.fill("First name", person.first)
    visitor.fill("Family name", person.family)
    visitor.fill("Whole name in Devanagari", person.in_nepali)
    visitor.choose("Sex", "Female")
    visitor.fill("Date of birth", "2053-04-12")
    visitor.choose("In which calendar is that?", "Bikram Sambat")
    visitor.fill("Home district", "Sindhupalchok")
    visitor.fill("Telephone", person.phone)
    visitor.fill("How is it safe to reach the person?", "The brother must not answer.")
    visitor.press("Save and continue")


def _the_situation_is_told(visitor: Visitor) -> None:
    visitor.choose("What holds for the person?", "Stranded migrant abroad")
    visitor.choose("What holds for the person?", "Returnee migrant")
    visitor.select("Which of them is the main one for this case?", "Stranded migrant abroad")
    visitor.select("Country where the person is, or was, abroad", "Kuwait")
    visitor.choose("Risk level", "Medium")
    visitor.fill("What happened, in the person's own words", NARRATIVE)
    visitor.press("Open the case")


def sharing_is_asked(visitor: Visitor, answer: str) -> None:
    visitor.follow("Ask for consent to share with IOM")
    expect(visitor.page.get_by_text("You get the same help.")).to_be_visible()
    visitor.look()
    visitor.choose("Does the person agree?", answer)
    visitor.press("Save")
    expect(visitor.page.get_by_text("The answer is written down.")).to_be_visible()
    expect(_timeline(visitor)).to_contain_text("Agreed" if answer.startswith("Yes") else "Did not agree")


def the_person_is_admitted(visitor: Visitor) -> None:
    visitor.follow("Assess for a programme")
    expect(visitor.heading("For which programme?")).to_be_visible()
    visitor.look()
    visitor.follow(PROGRAMME)
    result = visitor.page.locator("#result")
    expect(result).to_contain_text("Can not be said yet")
    expect(result).to_contain_text("Not known")
    visitor.look()
    questions = visitor.page.get_by_role("radiogroup").filter(has=visitor.page.get_by_label("Not known"))
    assert questions.count() >= 5
    for question in questions.all():
        question.get_by_label("Yes", exact=True).check()
    visitor.press("Save the answers and see the result")
    expect(result).to_contain_text("Meets the criteria")
    _each_criterion_has_its_reason(result)
    visitor.look()
    visitor.choose("Decision", "Admitted")
    visitor.press("Record the decision")
    expect(visitor.page.get_by_text(f"Admitted: {PROGRAMME}").first).to_be_visible()


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


def a_grant_is_asked_for(visitor: Visitor) -> None:
    visitor.follow(re.compile("Agree a reintegration plan"))
    expect(visitor.heading("Reintegration plan")).to_be_visible()
    visitor.look()
    visitor.choose("Livelihood", "Tea shop")
    visitor.fill("What does the person want to reach?", "A tea shop at the bus park.")
    visitor.press("Save the plan")
    expect(visitor.page.get_by_text("The plan is written down.")).to_be_visible()
    visitor.follow("Ask for a grant: Tea shop")
    expect(visitor.page.get_by_text("NPR 65,000")).to_be_visible()
    visitor.look()
    visitor.fill("What is it for?", "Stove, cups and the first goods of a tea shop.")
    visitor.fill("Amount in NPR", "६०,०००")
    visitor.page.get_by_label(re.compile("^Reintegration grants: NPR")).check()
    visitor.press("Ask for this grant")
    expect(visitor.page.get_by_text("The grant is asked for.")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Grant: NPR 60,000")).to_be_visible()


def the_file_is_open_to_iom_only_where_agreed(visitor: Visitor, reference: str, answer: str) -> None:
    """The supervisor works on shared cases; who approves grants never opens a file. Asked beside the page."""
    shared = 200 if answer.startswith("Yes") else 404
    for username, status in (("iom_supervisor", shared), ("iom_approver", 404)):
        visitor.sign_in(username)
        assert visitor.page.request.get(f"{visitor.url}/cases/{reference}/").status == status, username
        visitor.sign_out()


def the_grant_is_decided_without_a_name(visitor: Visitor, reference: str, person: Person) -> None:
    visitor.sign_in("iom_supervisor")
    _open_grant(visitor, reference)
    visitor.press("Endorse this grant")
    expect(visitor.page.get_by_text("The grant is endorsed.")).to_be_visible()
    visitor.sign_out()
    visitor.sign_in("iom_approver")
    _nobody_is_named(visitor, person)
    _open_grant(visitor, reference)
    _nobody_is_named(visitor, person)
    visitor.press("Approve this grant")
    expect(visitor.page.get_by_text("The grant is approved.")).to_be_visible()
    _nobody_is_named(visitor, person)
    visitor.sign_out()
    visitor.sign_in("iom_finance")
    _open_grant(visitor, reference)
    visitor.fill("Amount in NPR", "30000")
    visitor.fill("Voucher number", "V-2031")
    visitor.press("Record the payment")
    expect(visitor.page.get_by_text("The instalment is paid and posted to the budget.")).to_be_visible()
    expect(visitor.page.get_by_text("NPR 30,000 (NPR 30,000 left)")).to_be_visible()
    _nobody_is_named(visitor, person)
    visitor.sign_out()


def _open_grant(visitor: Visitor, reference: str) -> None:
    """From the list of what waits for this person."""
    visitor.follow(re.compile("^Grants$"))
    visitor.follow(reference)
    expect(visitor.heading("Tea shop: NPR 60,000")).to_be_visible()
    expect(visitor.page.get_by_text(reference).first).to_be_visible()
    visitor.look()


def _nobody_is_named(visitor: Visitor, person: Person) -> None:
    content = visitor.page.content()
    assert [trace for trace in person.traces if trace in content] == [], visitor.page.url


def the_follow_ups_are_scheduled(visitor: Visitor, reference: str) -> None:
    visitor.sign_in(CASEWORKER)
    visitor.open(f"/cases/{reference}/")
    due = visitor.page.locator("section", has=visitor.heading("Due next"))
    expect(due.get_by_role("link")).to_have_text(
        ["Contact a week after enrolment", VISIT, "Visit after three months"]
    )
    expect(_timeline(visitor)).to_contain_text("Instalment 1 paid")


def thirty_days_pass(house: House, reference: str) -> None:
    """The first visit and its reminder fall due today."""
    moved = house.rows(
        "UPDATE reintegration_followup f SET due_on = %s FROM beneficiaries_case c "
        "WHERE c.id = f.case_id AND c.reference = %s AND f.label_en = %s AND f.due_on = %s + 30 RETURNING f.id",
        [house.today(), reference, VISIT, house.today()],
    )
    [(visit,)] = moved
    reminded = "UPDATE reintegration_reminder SET due_on = %s WHERE follow_up_id = %s RETURNING id"
    assert len(house.rows(reminded, [house.today(), visit])) == 1


def a_mail_says_so_once_and_names_nobody(house: House, reference: str, person: Person) -> None:
    today = f"{house.today():%-d %B %Y}"
    mail = house.sink.wait_for(reference)
    assert mail.recipients == (f"{CASEWORKER}@example.org",)
    assert mail.subject == f"Visit due on {today}: case {reference}"
    assert mail.text.splitlines() == [
        f"A follow-up of case {reference} is due.",
        "",
        f"Visit, due on {today}",
        "",
        "Read on the case file how it is safe to reach the person before you call or visit.",
        "",
        f"{house.url}/cases/{reference}/",
    ]
    whole = mail.message.as_string() + mail.subject + mail.text
    assert [trace for trace in person.traces if trace in whole] == []
    house.wait_for_sweeps(2)
    assert len(house.sink.about(reference)) == 1


def the_visit_is_recorded(visitor: Visitor, reference: str) -> None:
    visitor.follow("Notices")
    expect(visitor.heading("Notices")).to_be_visible()
    visitor.look()
    visitor.follow(re.compile(f"Visit due on .*: case {reference}"))
    visitor.follow(VISIT)
    expect(visitor.heading(VISIT)).to_be_visible()
    visitor.look()
    visitor.choose("What came of it?", "Seen or spoken to")
    visitor.choose("How is the person?", "Doing well")
    visitor.fill("What was seen and agreed", "The shop is open. Tea and noodles.")
    visitor.press("Save")
    expect(visitor.page.get_by_text("It is saved.")).to_be_visible()
    expect(_timeline(visitor)).to_contain_text("Visit: Seen or spoken to")
    expect(_timeline(visitor)).to_contain_text("Doing well — The shop is open. Tea and noodles.")
    visitor.look()
    visitor.follow("Follow-ups")
    expect(visitor.heading("Follow-ups")).to_be_visible()
    rows = visitor.page.get_by_role("row").filter(has_text=reference)
    expect(rows.filter(has_text="Contact a week after enrolment")).to_have_count(1)
    expect(rows.filter(has_text=VISIT)).to_have_count(0)


def _timeline(visitor: Visitor) -> Locator:
    return visitor.page.locator(".moj-timeline")

"""A caseworker leaves, from the focal point's page to the supervisor's last reassigned case; on a phone, in
Nepali.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.browser_user import PHONE, BrowserUser

OPEN = """
    SELECT count(*) FROM beneficiaries_casefile f
      JOIN beneficiaries_case c ON c.id = f.case_id AND c.status <> 'closed'
      JOIN accounts_organisation o ON o.id = c.lead_organisation_id AND o.code = 'NGO_A'
      JOIN accounts_user u ON u.id = f.caseworker_id AND u.username = %s
"""
WORDS = {
    "en": {
        "end": "End all access here",
        "open": re.compile("^Open cases, with their follow-ups"),
        "rest": re.compile("^(Referrals and offers|Open grants|Unfinished first)"),
        "supervisors": "The supervisors, who will assign it",
        "submit": "End all access",
        "refused": "Choose who takes it over.",
        "done": "This user no longer has any access here.",
        "nobody": "Nobody works on these",
        "who": "Who is the caseworker from now on?",
        "assign": "Assign",
        "empty": "Every open case has somebody who works on it.",
    },
    "ne": {
        "end": "यहाँको सबै पहुँच अन्त्य गर्नुहोस्",
        "open": re.compile("^खुला केस, तिनका फलोअप"),
        "rest": re.compile("^(जवाफ पर्खिरहेका|उहाँले माग गर्नुभएका|अधुरा पहिलो)"),
        "supervisors": "सुपरभाइजरहरूले, जसले पछि जिम्मा लगाउनुहुन्छ",
        "submit": "सबै पहुँच अन्त्य गर्नुहोस्",
        "refused": "यो काम कसले लिने, छान्नुहोस्।",
        "done": None,
        "nobody": "यीमा कसैले काम गरिरहेको छैन",
        "who": "अबदेखि केसवर्कर को हुनुहुन्छ?",
        "assign": "जिम्मा लगाउनुहोस्",
        "empty": "प्रत्येक खुला केसमा कोही न कोही काम गरिरहनुभएको छ।",
    },
}


@pytest.mark.parametrize(("language", "script"), [("en", False), ("ne", True)])
def test_a_leaving_caseworkers_cases_are_reassigned(site, browser, language, script):
    words = WORDS[language]
    leaver = _a_caseworker_with_the_cases_of(site, f"leaver_{language}")
    [(before,)] = site.rows(OPEN, [leaver])
    assert before > 3
    with BrowserUser.at(site.url, browser, script=script, width=PHONE) as browser_user:
        browser_user.sign_in("ngo_a_focal_point")
        _in(browser_user, language)
        browser_user.open("/team/")
        browser_user.follow(re.compile(leaver.title()))
        browser_user.look()
        browser_user.follow(words["end"])
        browser_user.look()
        assert str(before) in browser_user.page.locator("main").inner_text()
        browser_user.press(words["submit"])
        expect(browser_user.page.get_by_text(words["refused"]).first).to_be_visible()
        browser_user.look()
        assert site.rows(OPEN, [leaver]) == [(before,)]
        for question in (words["open"], words["rest"]):
            for field in browser_user.page.get_by_label(question).all():
                field.select_option(label=words["supervisors"])
        browser_user.press(words["submit"])
        expect(browser_user.page.locator(".govuk-notification-banner")).to_be_visible()
        browser_user.look()
        _in(browser_user, "en")
        browser_user.sign_out()
        browser_user.sign_in("ngo_a_supervisor")
        _in(browser_user, language)
        browser_user.open("/")
        browser_user.look()
        browser_user.follow(words["nobody"])
        boxes = browser_user.page.get_by_role("checkbox")
        expect(boxes).to_have_count(before)
        browser_user.look()
        for box in boxes.all():
            box.check()
        browser_user.page.get_by_label(words["who"]).select_option(index=1)
        browser_user.press(words["assign"])
        expect(browser_user.page.locator(".govuk-notification-banner")).to_contain_text(str(before))
        browser_user.look()
        browser_user.open("/caseload/nobody/")
        expect(browser_user.page.get_by_text(words["empty"])).to_be_visible()
        browser_user.look()
    assert site.rows(OPEN, [leaver]) == [(0,)]


def _a_caseworker_with_the_cases_of(site, username: str) -> str:
    """Add a user to the first NGO with half of its caseworker's open cases; as the owner, past every rule."""
    rules = {
        "accounts_user": "own_password",
        "accounts_membership": "membership_is_approved",
        "beneficiaries_casefile": "lead_names_caseworker",
    }
    for table, trigger in rules.items():
        site.rows(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    site.rows(
        "INSERT INTO accounts_user (id, username, first_name, last_name, email, language, password, is_active, "
        "is_staff, is_superuser, date_joined) VALUES (gen_random_uuid(), %s, %s, 'Lama', %s, 'ne', 'x', true, false, "
        "false, now())",
        [username, username.title(), f"{username}@example.org"],
    )
    site.rows(
        "INSERT INTO accounts_membership (id, user_id, role_id, starts_on) SELECT gen_random_uuid(), u.id, r.id, "
        "'2020-01-01' FROM accounts_user u, accounts_role r JOIN accounts_organisation o ON o.id = r.organisation_id "
        "WHERE u.username = %s AND o.code = 'NGO_A' AND r.code = 'caseworker'",
        [username],
    )
    site.rows(
        "UPDATE beneficiaries_casefile SET caseworker_id = (SELECT id FROM accounts_user WHERE username = %s) "
        "WHERE case_id IN (SELECT c.id FROM beneficiaries_case c JOIN beneficiaries_casefile f ON f.case_id = c.id "
        "JOIN accounts_user u ON u.id = f.caseworker_id AND u.username = 'ngo_a_caseworker' "
        "WHERE c.status <> 'closed' ORDER BY c.reference LIMIT 5)",
        [username],
    )
    for table, trigger in rules.items():
        site.rows(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
    return username


def _in(browser_user: BrowserUser, language: str) -> None:
    """Show the page in this language, whichever it is in now."""
    name = {"en": "English", "ne": "नेपाली"}[language]
    button = browser_user.page.get_by_role("button", name=name, exact=True)
    if button.count():
        button.click()

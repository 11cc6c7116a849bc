"""On a phone the safe contact is on the first screen, and the number below it."""

import pytest
from playwright.sync_api import expect

from tests.browser.browser_user import PHONE, BrowserUser

SCREEN = 640  # pixels of a small phone
# A case of the first NGO with a number, a safe contact and a visit to come; of encrypted columns SQL sees the
# length only.
CASE = """
    SELECT c.reference, f.id::text FROM beneficiaries_case c
      JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
      JOIN accounts_organisation o ON o.id = c.lead_organisation_id AND o.code = 'NGO_A'
      JOIN reintegration_followup f ON f.case_id = c.id AND f.done_on IS NULL
     WHERE c.status = 'active' AND length(b.phone) > 0 AND length(b.safe_contact) > 0
     ORDER BY c.reference, f.due_on LIMIT 1
"""


EACH_WAY = pytest.mark.parametrize(
    ("script", "language"),
    [
        (True, "English"),
        (False, "नेपाली"),
        pytest.param(True, "नेपाली", marks=pytest.mark.walk),
        pytest.param(False, "English", marks=pytest.mark.walk),
    ],
)


@EACH_WAY
def test_safe_contact_is_on_the_first_screen_with_the_number_below(site, browser, script, language):
    [(reference, visit)] = site.rows(CASE)
    with BrowserUser.at(site.url, browser, script=script, width=PHONE) as browser_user:
        browser_user.sign_in("ngo_a_caseworker")
        button = browser_user.page.get_by_role("button", name=language, exact=True)
        if button.count():
            button.click()
        for address in (f"/cases/{reference}/", f"/follow-ups/{visit}/"):
            browser_user.open(address)
            browser_user.look()
            browser_user.page.set_viewport_size({"width": PHONE, "height": SCREEN})
            safe, number = (
                browser_user.page.locator(".app-alert").first,
                browser_user.page.locator("a[href^='tel:']"),
            )
            expect(number).to_have_count(1)
            above, below = safe.bounding_box(), number.bounding_box()
            assert above
            assert below
            assert above["y"] + above["height"] <= below["y"], "never above it"
            assert below["y"] + below["height"] <= SCREEN, "on the first screen"
        if language != "English":
            browser_user.press("English")

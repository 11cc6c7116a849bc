"""Take screenshots of the pages with demo data: `python -m tests.browser.screenshots [folder]`, in the
project's root.

With a folder: every page below at the width of a phone and of a desktop. Without one: the few pictures of the
README, in `docs/images`. Needs the servers of `make services`, and Chromium.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OF_THE_README = {
    ("case-file", 1280),
    ("case-file", 360),
    ("case-list", 1280),
    ("intake", 360),
}
TALLEST = {360: 1200, 1280: 960}  # pixels, by width: the README's pictures are cut off below
# A case with most features: partly paid, with a visit overdue, and a safe contact.
FAR = """
    SELECT c.reference FROM beneficiaries_case c
      JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
      JOIN accounts_organisation o ON o.id = c.lead_organisation_id AND o.code = 'NGO_A'
      JOIN reintegration_instalment i ON i.case_id = c.id AND i.state = 'paid'
     WHERE c.status <> 'closed'
     ORDER BY b.safe_contact = '',
              NOT EXISTS (SELECT 1 FROM reintegration_followup f
                           WHERE f.case_id = c.id AND f.done_on IS NULL AND f.due_on <= current_date),
              c.opened_on, c.reference
     LIMIT 1
"""


def prepare() -> None:
    """Set up Django before anything of the site is imported."""
    sys.path.insert(0, str(ROOT))
    from iom_cases.environment import prepare as read_environment  # needs the path above

    read_environment()
    import django  # needs the settings' name, which was just read

    django.setup()


def take(folder: Path, wanted: set[tuple[str, int]] | None) -> Iterator[Path]:
    """Start a site, open its pages, and yield the path of each picture."""
    from playwright.sync_api import sync_playwright  # these need the settings

    from tests import browsers
    from tests.browser.browser_user import CHROMIUM, DESK, PHONE, BrowserUser
    from tests.browser.site import running

    with running(number=7) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browsers.executable(), args=CHROMIUM)
        [(reference,)] = site.rows(FAR)
        for width in (PHONE, DESK):
            for username, pages in _pages(reference).items():
                with BrowserUser.at(site.url, browser, width=width) as browser_user:
                    browser_user.sign_in(username)
                    for name, steps in pages.items():
                        if wanted is None or (name, width) in wanted:
                            _go(browser_user, steps)
                            tallest = TALLEST[width] if wanted else None
                            yield _picture(browser_user, folder / f"{name}-{width}.png", width, tallest)
        browser.close()


def _pages(reference: str) -> dict[str, dict[str, list[str]]]:
    """Return user name, name of the picture, and the steps: an address, then buttons and links."""
    return {
        "ngo_a_caseworker": {
            "dashboard": ["/"],
            "case-list": ["/cases/"],
            "case-file": [f"/cases/{reference}/"],
            "follow-up": [f"/cases/{reference}/", "#main section .govuk-list a"],
            "hand-on": [f"/cases/{reference}/transfers/new/"],
            "document-new": [f"/cases/{reference}/documents/new/"],
            "export-new": ["/exports/new/cases/?status=active"],
            "exports": ["/exports/"],
            "assessment": [f"/cases/{reference}/programmes/RASNM-2/"],
            "intake": ["/cases/new/"],
            "intake-mistake": ["/cases/new/", "#main button"],
            "intake-beneficiary": ["/cases/new/", *_consent_steps()],
            "roles": ["/roles/"],
            "sign-in-own": ["/accounts/security/"],
            "second-step-app": ["/accounts/security/app/"],
            "second-step-passkey": ["/accounts/security/passkey/"],
            "password": ["/accounts/password/"],
            "confirm": ["/accounts/confirm/?next=/roles/"],
        },
        "ngo_a_focal_point": {"people": ["/team/"], "person-new": ["/team/new/"]},
        "auditor": {"log": ["/audit/"]},
        "iom_approver": {
            "grants": ["/grants/"],
            "grant": ["/grants/", "#main tbody th a"],
            "programme": ["/projects/RASNM-2/"],
        },
    }


def _consent_steps() -> list[str]:
    return ["[name=was_told]", "[name=agrees][value=yes]", "#main button"]


def _go(browser_user, steps: list[str]) -> None:
    address, *presses = steps
    browser_user.open(address)
    for selector in presses:
        browser_user.page.locator(selector).first.click()
    browser_user.page.wait_for_load_state()


def _picture(browser_user, path: Path, width: int, tallest: int | None) -> Path:
    """Take the page from its top, with nothing in focus; all of it, or so many pixels."""
    browser_user.page.evaluate("document.activeElement.blur()")
    height = browser_user.page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, tallest or height)}
    browser_user.page.screenshot(path=path, clip=clip, full_page=True, animations="disabled")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where all pictures go")
    folder = parser.parse_args().folder
    target = folder or ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    prepare()
    for path in take(target, None if folder else OF_THE_README):
        print(f"{os.path.relpath(path)}  {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()

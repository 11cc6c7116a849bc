"""A browser at a running site. Without Chromium nothing here runs, and the summary says so."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from reintegration.demo import DEMO_USERS
from tests import browsers
from tests.browser import site as sites
from tests.browser.browser_user import CHROMIUM, BrowserUser, patience

HERE = os.path.dirname(__file__)


def pytest_collection_modifyitems(items) -> None:
    reason = browsers.why_not()
    for item in items:
        if reason and str(item.path).startswith(HERE):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="package")
def site(request) -> Iterator[sites.Site]:
    """One site for all tests of this folder, which ends with them."""
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    with sites.running(int(number)) as running:
        yield running


NEPALI = [username for username, (*_names, language) in DEMO_USERS.items() if language == "ne"]


@pytest.fixture(autouse=True)
def _languages_of_the_demo(request) -> None:
    """Reset every user's language, which an earlier test may have changed."""
    if "site" in request.fixturenames:
        request.getfixturevalue("site").rows(
            "UPDATE accounts_user SET language = CASE WHEN username = ANY(%s) THEN 'ne' ELSE 'en' END",
            [NEPALI],
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed after each module: Playwright's event loop would disturb Django's ORM elsewhere."""
    with sync_playwright() as playwright:
        patience()
        started = playwright.chromium.launch(executable_path=browsers.executable(), args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def browser_user(site, browser) -> Iterator[BrowserUser]:
    """A user with JavaScript; fails at the end if the browser complained."""
    with BrowserUser.at(site.url, browser) as found:
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    running = item.funcargs.get("site")
    if report.failed and running is not None:
        report.sections.append(("logs of the site", running.tails()))
    return report

"""A browser at a running site. Without a Chromium nothing here runs, and the end says so."""

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


@pytest.fixture(scope="session")
def site(request) -> Iterator[sites.Site]:
    """One site for each pytest process."""
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    with sites.standing(int(number)) as standing:
        yield standing


NEPALI = [username for username, (*_names, language) in DEMO_USERS.items() if language == "ne"]


@pytest.fixture(autouse=True)
def _languages_of_the_demo(request) -> None:
    """Whatever language the test before left a user with."""
    if "site" in request.fixturenames:
        request.getfixturevalue("site").rows(
            "UPDATE accounts_user SET language = CASE WHEN username = ANY(%s) THEN 'ne' ELSE 'en' END",
            [NEPALI],
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with the module: Playwright's event loop would stand in the way of Django's ORM elsewhere."""
    with sync_playwright() as playwright:
        patience()
        started = playwright.chromium.launch(executable_path=browsers.executable(), args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def browser_user(site, browser) -> Iterator[BrowserUser]:
    """Somebody at a browser with JavaScript, whose every complaint is a failure at the end."""
    with BrowserUser.at(site.url, browser) as found:
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    standing = item.funcargs.get("site")
    if report.failed and standing is not None:
        report.sections.append(("logs of the site", standing.tails()))
    return report

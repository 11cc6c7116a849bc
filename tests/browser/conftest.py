"""A browser at a running house. Without a Chromium nothing here runs, and the end says so."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import browsers
from tests.browser import house as houses
from tests.browser.visitor import CHROMIUM, Visitor, patience

HERE = os.path.dirname(__file__)


def pytest_collection_modifyitems(items) -> None:
    reason = browsers.why_not()
    for item in items:
        if reason and str(item.path).startswith(HERE):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def house(request) -> Iterator[houses.House]:
    """One house for each pytest process."""
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    with houses.standing(int(number)) as standing:
        yield standing


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with the module: Playwright's event loop would stand in the way of Django's ORM elsewhere."""
    with sync_playwright() as playwright:
        patience()
        started = playwright.chromium.launch(executable_path=browsers.executable(), args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def visitor(house, browser) -> Iterator[Visitor]:
    """Somebody at a browser with JavaScript, whose every complaint is a failure at the end."""
    with Visitor.at(house.url, browser) as found:
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    standing = item.funcargs.get("house")
    if report.failed and standing is not None:
        report.sections.append(("logs of the house", standing.tails()))
    return report

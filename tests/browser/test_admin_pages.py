"""Every page of the admin with a list or a form: no accessibility fault, no refused style."""

import pytest
from django.contrib import admin

from accounts.models import User
from projects.models import Project
from tests import walks
from tests.browser.browser_user import DESK, BrowserUser

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.mark.parametrize(
    "model", walks.parameters(MODELS, keep=[Project, User]), ids=lambda model: model._meta.label
)
def test_admin_page(site, browser, model):
    """The list, the page that adds, and the first that changes; the browser's complaints are faults as well."""
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    with BrowserUser.at(site.url, browser, width=DESK) as browser_user:
        browser_user.sign_in("administrator")
        pages = [base]
        browser_user.open(base)
        if browser_user.page.locator(f".object-tools a[href='{base}add/']").count():
            pages.append(f"{base}add/")
        first = browser_user.page.locator("#result_list tbody th a").first
        if first.count():
            pages.append(str(first.get_attribute("href")))
        faults = []
        for address in pages:
            browser_user.open(address)
            browser_user.page.wait_for_load_state("networkidle")
            faults += [(address, words) for words in browser_user.complaints]
            faults += [(address, fault) for fault in browser_user.faults()]
            browser_user.complaints.clear()  # axe tries styles of its own, which the policy refuses
        assert sorted({(address, fault[:200]) for address, fault in faults}) == []


def test_other_pages_of_a_programme(site, browser):
    """Revising the criteria, and starting a new phase."""
    with BrowserUser.at(site.url, browser, width=DESK) as browser_user:
        browser_user.sign_in("administrator")
        browser_user.open("/admin/projects/project/")
        first = str(browser_user.page.locator("#result_list tbody th a").first.get_attribute("href"))
        for page in ("criteria", "phase"):
            browser_user.open(first.replace("/change/", f"/{page}/"))
            assert browser_user.complaints == []
            assert browser_user.faults() == []
            browser_user.complaints.clear()

"""Every page of the admin on which something is listed, added or changed: no fault of access, no refused style."""

import pytest
from django.contrib import admin

from tests.browser.visitor import DESK, Visitor

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_admin_page(house, browser, model):
    """The list, the page that adds, and the first that changes; what the browser complains of is a fault as well."""
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    with Visitor.at(house.url, browser, width=DESK) as visitor:
        visitor.sign_in("administrator")
        pages = [base]
        visitor.open(base)
        if visitor.page.locator(f".object-tools a[href='{base}add/']").count():
            pages.append(f"{base}add/")
        first = visitor.page.locator("#result_list tbody th a").first
        if first.count():
            pages.append(str(first.get_attribute("href")))
        faults = []
        for address in pages:
            visitor.open(address)
            visitor.page.wait_for_load_state("networkidle")
            faults += [(address, words) for words in visitor.complaints]
            faults += [(address, fault) for fault in visitor.faults()]
            visitor.complaints.clear()  # axe tries styles of its own, which the policy refuses
        assert sorted({(address, fault[:200]) for address, fault in faults}) == []


def test_pages_of_a_programme_beside_its_own(house, browser):
    """Revising the criteria, and starting a new phase."""
    with Visitor.at(house.url, browser, width=DESK) as visitor:
        visitor.sign_in("administrator")
        visitor.open("/admin/projects/project/")
        first = str(visitor.page.locator("#result_list tbody th a").first.get_attribute("href"))
        for page in ("criteria", "phase"):
            visitor.open(first.replace("/change/", f"/{page}/"))
            assert visitor.complaints == []
            assert visitor.faults() == []
            visitor.complaints.clear()

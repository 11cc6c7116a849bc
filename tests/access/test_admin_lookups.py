"""Which columns the admin's addresses may filter by: those that a list declares, with the lookups of its
links.

Otherwise a password hash could be guessed letter by letter.
"""

from collections.abc import Iterator
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import models
from django.urls import reverse

from accounts.models import Organisation, User
from core.admin import ReadOnlyAdmin
from core.context import acting_as
from core.models import AuditEvent
from tests import walks

pytestmark = pytest.mark.django_db
LOOKUPS = (
    "",
    "__exact",
    "__startswith",
    "__contains",
    "__regex",
    "__gt",
    "__lt",
    "__in",
    "__isnull",
    "__range",
)
REGISTERED = pytest.mark.parametrize(
    "model",
    walks.parameters(admin.site._registry, keep=[User, Organisation]),
    ids=lambda model: model._meta.label,
)


def columns(model: type[models.Model], deep: int = 2, *, before: str = "") -> Iterator[str]:
    """Return every column of a model, and across relations in either direction those of others."""
    for field in model._meta.get_fields():
        yield before + field.name
        if field.related_model and deep and isinstance(field.related_model, type):
            yield from columns(field.related_model, deep - 1, before=f"{before}{field.name}__")


def changelist(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.fixture
def administrator(sign_in):
    return sign_in("administrator")


@REGISTERED
def test_every_admin_class_is_read_only_by_default(model):
    assert isinstance(admin.site._registry[model], ReadOnlyAdmin)


@REGISTERED
def test_only_declared_columns_may_be_filtered(model, rf):
    shown, request = admin.site._registry[model], rf.get("/")
    possible = {column + lookup for column in columns(model) for lookup in LOOKUPS}
    allowed = {lookup for lookup in possible if shown.lookup_allowed(lookup, "x", request)}
    declared = {entry if isinstance(entry, str) else entry[0] for entry in shown.list_filter}
    assert len(possible) >= 50
    assert {lookup.rpartition("__")[0].removesuffix("__id") for lookup in allowed} <= declared
    assert {lookup.rpartition("__")[2] for lookup in allowed} <= {"exact", "isnull"}


@REGISTERED
@pytest.mark.parametrize("lookup", walks.parameters(["", "__startswith", "__isnull"], keep=["__startswith"]))
def test_a_filter_by_an_undeclared_column_is_refused(model, lookup, administrator):
    """A value that matches and one that doesn't are answered with the same bytes."""
    shown = admin.site._registry[model]
    for column in columns(model, 1):
        if shown.lookup_allowed(column + lookup, "x", None):
            continue
        answers = [
            administrator.get(changelist(model), {column + lookup: value}) for value in ("", "1", "argon2")
        ]
        assert [answer.status_code for answer in answers] == [400] * 3, column + lookup
        assert len({answer.content for answer in answers}) == 1, column + lookup


def test_a_password_hash_cannot_be_guessed_letter_by_letter(administrator):
    for beginning in ("argon2", "nothing"):
        answer = administrator.get(changelist(User), {"password__startswith": beginning})
        assert answer.status_code == 400


@REGISTERED
def test_declared_filters_and_date_links_work(model, administrator):
    shown = admin.site._registry[model]
    page = administrator.get(changelist(model), {"_facets": "1"})
    assert page.status_code == 200
    cl = page.context_data["cl"]
    for spec in cl.filter_specs:
        for choice in spec.choices(cl):
            answer = administrator.get(changelist(model) + choice["query_string"])
            assert answer.status_code == 200, choice["query_string"]
    if shown.date_hierarchy:
        days = {
            f"{shown.date_hierarchy}__{part}": value
            for part, value in (("year", 2026), ("month", 3), ("day", 1))
        }
        assert administrator.get(changelist(model), days).status_code == 200


@REGISTERED
@pytest.mark.parametrize(
    "query", ["_to_field=password", "_to_field=organisation__name_en", "_popup=1&_to_field=email"]
)
def test_no_other_column_is_returned_as_a_key(model, query, administrator):
    assert administrator.get(f"{changelist(model)}?{query}").status_code == 400


@REGISTERED
@pytest.mark.parametrize(
    "query", ["o=99", "o=-99.0", "o=password", "p=99", "p=x", "all=1", "e=1", "_popup=1"]
)
def test_invalid_orders_and_pages_show_the_list(model, query, administrator):
    assert administrator.get(f"{changelist(model)}?{query}", follow=True).status_code == 200


@pytest.mark.parametrize(
    ("app", "name", "field", "status"),
    [
        ("accounts", "membership", "user", 200),
        ("accounts", "membership", "nothing", 403),
        ("accounts", "user", "password", 403),
        ("beneficiaries", "case", "beneficiary", 403),
        ("beneficiaries", "note", "case", 403),
        ("core", "auditevent", "actor_id", 403),
    ],
)
def test_autocomplete_offers_registered_models_only(app, name, field, status, administrator):
    asked = {"app_label": app, "model_name": name, "field_name": field, "term": "a"}
    assert administrator.get(reverse("admin:autocomplete"), asked).status_code == status


def test_autocomplete_without_a_model_is_refused(administrator):
    address = reverse("admin:autocomplete")
    assert (administrator.get(address).status_code, administrator.post(address).status_code) == (403, 405)
    assert administrator.options(address).status_code == 405


def test_a_forbidden_lookup_is_recorded_as_a_refusal(administrator, demo_users):
    for query in ("_to_field=password", "password__startswith=a"):
        assert administrator.get(f"{changelist(User)}?{query}").status_code == 400
    with acting_as(demo_users["auditor"]):
        denied = AuditEvent.objects.filter(verb="denied", actor_id=demo_users["administrator"].pk)
        assert [event.detail["status"] for event in denied] == [400, 400]


@REGISTERED
def test_a_search_term_is_in_no_address(model, administrator):
    if not admin.site._registry[model].search_fields:
        return
    sent = administrator.post(f"{changelist(model)}?all=1", {"q": "Kanari"})
    assert sent.status_code == 302
    assert "Kanari" not in sent["Location"]
    page = administrator.get(sent["Location"])
    assert 'value="Kanari"' in page.content.decode()
    assert page.context_data["cl"].result_count == 0
    assert administrator.get(f"{changelist(model)}?q=another-token").context_data["cl"].result_count == 0


def test_a_search_finds_the_matching_user(administrator):
    page = administrator.post(changelist(User), {"q": "auditor"}, follow=True)
    assert [user.username for user in page.context_data["cl"].result_list] == ["auditor"]


def test_viewing_configuration_is_recorded(administrator, demo_users):
    user = demo_users["ngo_a_reader"]
    where = ("accounts_user", user.pk)
    administrator.get(changelist(User), {"is_active__exact": "1"})
    administrator.get(reverse(f"admin:{where[0]}_change", args=[where[1]]))
    administrator.get(reverse(f"admin:{where[0]}_history", args=[where[1]]))
    administrator.get(
        reverse("admin:autocomplete"),
        {"app_label": "accounts", "model_name": "membership", "field_name": "user", "term": "ngo_a_r"},
    )
    with acting_as(demo_users["auditor"]):
        events = list(AuditEvent.objects.filter(verb="configuration read").order_by("at"))
    assert [(event.actor_id, event.object_id) for event in events] == [
        (demo_users["administrator"].pk, about) for about in (None, user.pk, user.pk, None)
    ]
    assert [event.detail["of"] for event in events] == ["accounts.User"] * 3 + ["accounts.membership"]
    assert events[0].detail["filters"] == ["is_active__exact"]
    assert events[3].detail["count"] == 1


@REGISTERED
@pytest.mark.parametrize("value", ["\0", "Sita\0", "99999999999999999999", "-1", "x'", "\ud800", "é" * 3000])
def test_no_value_of_a_filter_is_a_server_error(model, value, administrator):
    declared = admin.site._registry[model].allowed_lookups
    for name in (*declared, "o", "p", "e", "_popup", "q", "_changelist_filters", "x\0"):
        query = urlencode({name: value.encode("utf-8", "surrogatepass")})
        assert administrator.get(f"{changelist(model)}?{query}").status_code in (200, 302, 400, 404), name
    assert administrator.post(changelist(model), {"q": "Sita\0"}, follow=True).status_code == 200


@REGISTERED
def test_no_id_in_an_address_is_a_server_error(model, administrator):
    place = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
    known = uuid4()
    for key in (
        "%00",
        "_00",
        f"{known}_00",
        "x",
        "-1",
        "9" * 40,
        f"urn_3Auuid_3A{known}",
        f"{{{known}}}",
        "é",
    ):
        for page in ("change", "history", "delete"):
            address = reverse(place + page, args=["KEY"]).replace("KEY", key)
            assert administrator.get(address).status_code in (302, 400, 403, 404), address


def test_the_id_of_a_row_in_another_form_opens_its_page(administrator, demo_users):
    user = demo_users["administrator"].pk
    for page in ("change", "history"):
        for form in (f"urn_3Auuid_3A{user}", user.hex):
            assert administrator.get(f"/admin/accounts/user/{form}/{page}/").status_code == 200


@pytest.mark.parametrize("name", ["term", "app_label", "model_name", "field_name", "p"])
def test_no_value_of_a_suggestion_is_a_server_error(name, administrator):
    given = {"app_label": "accounts", "model_name": "membership", "field_name": "user", "term": "a"}
    for value in ("\0", "x", "-1", "9" * 30):
        answer = administrator.get("/admin/autocomplete/", given | {name: value})
        assert answer.status_code in (200, 400, 403, 404), value

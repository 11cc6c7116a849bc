"""The Django admin: configuration for IOM's administrators, every write through its operation."""

import re
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.forms import CheckboxInput
from django.urls import reverse
from django.utils.html import escape

from accounts.choices import STARTING_PERMISSIONS, RoleCode
from accounts.models import Membership, Organisation, Role, User
from accounts.operations.users import save_membership
from accounts.throttle_models import InvitationSent
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent, OutboxMessage
from geography.models import Country, District, LocalLevel, Province
from projects.models import Criteria, Donor, Project
from reintegration.demo import DEMO_USERS
from tests import factories

SHOWN = {Organisation, Role, User, Membership, Donor, Project, Province, District, LocalLevel, Country}
ADDED = {Organisation, User, Membership, Donor, Project}
REMOVED = {Donor}
PLACES = {Province, District, LocalLevel, Country}
OUTSIDERS = sorted(set(DEMO_USERS) - {"administrator"})


def address(model, page: str, *arguments) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def addresses() -> list[str]:
    """Every kind of page of the admin, with rows that exist."""
    found = ["/admin/", "/admin/jsi18n/", "/admin/accounts/", "/admin/projects/", "/admin/geography/"]
    for model in SHOWN:
        key = model._default_manager.order_by("pk")[0].pk
        found += [address(model, "changelist"), address(model, "add")]
        found += [address(model, page, key) for page in ("change", "history", "delete")]
    project = factories.project()
    return [
        *found,
        address(Project, "criteria", project.pk),
        address(Project, "phase", project.pk),
        "/admin/autocomplete/?app_label=accounts&model_name=membership&field_name=user&term=a",
    ]


def filled(page, changes: dict) -> dict:
    """Return what a browser would send from this page if only `changes` were typed."""
    forms = [page.context["adminform"].form]
    for inline in page.context.get("inline_admin_formsets", []):
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for field in (field for form in forms for field in form):
        value = field.value()
        if isinstance(field.field.widget, CheckboxInput):
            if value:
                data[field.html_name] = "on"
        elif isinstance(value, list | tuple):
            data[field.html_name] = value
        else:
            data[field.html_name] = "" if value is None else str(value)
    return data | changes


def send(client, where: str, changes: dict, *, follow: bool = True):
    page = client.get(where)
    assert page.status_code == 200, where
    return client.post(where, filled(page, changes), follow=follow)


def errors(page) -> str:
    """Return the page's errors as one text."""
    found = [str(page.context["adminform"].form.errors)]
    found += [str(inline.formset.errors) for inline in page.context.get("inline_admin_formsets", [])]
    return " ".join(found)


def row(formset: str, number: int, total: int, **values) -> dict:
    """One row of an inline and the count that comes with it."""
    typed = {f"{formset}-{number}-{name}": value for name, value in values.items()}
    return {f"{formset}-TOTAL_FORMS": str(total), **typed}


@pytest.fixture
def administrator(sign_in):
    return sign_in("administrator")


@pytest.fixture
def entered(demo_users):
    """Let the test itself read the database as the administrator."""
    with acting_as(demo_users["administrator"]):
        yield demo_users["administrator"]


# Who may open the admin, and what is registered


def test_only_configuration_is_registered():
    assert set(admin.site._registry) == SHOWN
    hidden = {AuditEvent, OutboxMessage, Group, Criteria, *apps.get_app_config("guardian").get_models()}
    hidden |= {
        *apps.get_app_config("beneficiaries").get_models(),
        *apps.get_app_config("sessions").get_models(),
    }
    hidden |= {*apps.get_app_config("reintegration").get_models(), apps.get_model("accounts", "Notice")}
    assert not hidden & set(admin.site._registry)


@pytest.mark.parametrize(
    "model", sorted(SHOWN, key=lambda model: model.__name__), ids=lambda model: model.__name__
)
def test_the_administrator_opens_every_page(model, administrator):
    key = model._default_manager.order_by("pk")[0].pk
    assert administrator.get(address(model, "changelist")).status_code == 200
    found = administrator.post(address(model, "changelist"), {"q": "a"}, follow=True)
    assert (found.status_code, len(found.redirect_chain)) == (200, 1)
    assert administrator.get(address(model, "change", key)).status_code == 200
    assert administrator.get(address(model, "history", key)).status_code == 200
    assert administrator.get(address(model, "add")).status_code == (200 if model in ADDED else 403)
    assert administrator.get(address(model, "delete", key)).status_code == (200 if model in REMOVED else 403)


@pytest.mark.parametrize("username", OUTSIDERS)
def test_nobody_else_opens_the_admin(username, sign_in):
    client = sign_in(username)
    answers = {where: client.get(where).status_code for where in addresses()}
    assert {where: status for where, status in answers.items() if status != 403} == {}
    assert client.post(address(Donor, "add"), {"code": "X", "name_en": "X"}).status_code == 403


def test_the_signed_out_are_sent_to_the_sites_sign_in(client, demo_users):
    for where in addresses():
        answer = client.get(where)
        assert answer.status_code == 302, where
        assert answer["Location"].startswith("/accounts/login/?next="), where
    assert client.get("/admin/login/")["Location"] == "/accounts/login/?next=/admin/"
    assert client.post("/admin/login/", {"username": "administrator"})["Location"].startswith(
        "/accounts/login/"
    )


def test_a_partners_administrator_does_not_open_the_admin(demo_users, client):
    """Every organisation has the role; only IOM's opens the admin. Django's own flag doesn't open it either."""
    partner = demo_users["ngo_b_caseworker"]
    factories.set_up()
    with acting_as(demo_users["administrator"]):
        role = Role.objects.get(organisation__code="NGO_B", code="administrator")
        given = Membership(user=partner, role=role, starts_on=date(2020, 1, 1))
        save_membership(membership=given, by=None, now=now())
        User.objects.filter(pk=partner.pk).update(is_staff=True, is_superuser=True)
    client.force_login(demo_users["ngo_b_caseworker"])
    assert client.get("/admin/").status_code == 403


def test_an_administrator_whose_role_has_ended_does_not_open_the_admin(demo_users, sign_in):
    client = sign_in("administrator")
    assert client.get("/admin/").status_code == 200
    yesterday = now().date() - timedelta(days=1)
    Membership.objects.filter(user=demo_users["administrator"]).update(ends_on=yesterday)
    assert client.get("/admin/").status_code == 403


def test_the_admin_has_no_sign_out_password_or_shortcut_pages_of_its_own(administrator):
    """Sign-out and passwords are pages of `accounts`; nothing looks a row up by its type and id."""
    page = administrator.get("/admin/").content.decode()
    assert 'action="/accounts/logout/"' in page
    for gone in ("logout/", "password_change/", "password_change/done/", "r/1/1/"):
        assert administrator.get(f"/admin/{gone}").status_code == 404


def test_no_page_shows_case_content_or_breaks_the_content_security_policy(demo_users, sign_in):
    """Not even for a user who may also read cases: the admin never looks them up."""
    factories.set_up()
    with acting_as(demo_users["administrator"]):
        for code in ("caseworker", "supervisor"):
            role = Role.objects.get(organisation__code="NGO_A", code=code)
            given = Membership(user=demo_users["administrator"], role=role, starts_on=date(2020, 1, 1))
            save_membership(membership=given, by=None, now=now())
    caseworker = demo_users["ngo_a_caseworker"]
    with acting_as(caseworker):
        case = factories.a_case(caseworker)
        person = case.beneficiary
        words = {str(case.pk), case.reference, person.name_ne, str(person.pk)}
    client = sign_in("administrator")
    assert case.reference in client.get("/cases/").content.decode(), "the data that could leak must be there"
    for where in addresses():
        page = client.get(where).content.decode()
        assert not [word for word in words if word in page], where
        assert not re.search(r"""<script(?![^>]*\bsrc=)[^>]*>|\sstyle=|\son[a-z]+=["']|<style""", page), where


# Every write through its operation

ROLE_NGO_A_READER = {"organisation__code": "NGO_A", "code": "reader"}
SAVES = {
    "organisation": (
        lambda: address(Organisation, "add"),
        lambda: {"code": "NGO_C", "name_en": "Third NGO", "kind": "ngo"},
        ["organisation saved"],
    ),
    "organisation changed": (
        lambda: address(Organisation, "change", Organisation.objects.get(code="NGO_B").pk),
        lambda: {"name_en": "Another name"},
        ["organisation saved"],
    ),
    "role": (
        lambda: address(Role, "change", Role.objects.get(**ROLE_NGO_A_READER).pk),
        lambda: {"permissions": ["read_cases", "read_summaries"]},
        ["role tailored", "programmes chosen", "access asked"],
    ),
    "role with programmes": (
        lambda: address(
            Role, "change", Role.objects.get(organisation__code="IOM", code="programme_manager").pk
        ),
        lambda: {"permissions": [], "programmes": [Project.objects.get(code="TRRIN").pk]},
        ["role tailored", "programmes chosen", "access asked"],
    ),
    "user with a role": (
        lambda: address(User, "add"),
        lambda: {
            "username": "newcomer",
            "email": "newcomer@example.org",
            **row("memberships", 0, 1, starts_on="2026-01-01", role=Role.objects.get(**ROLE_NGO_A_READER).pk),
        },
        ["user saved", "invitation sent", "access asked"],
    ),
    "membership": (
        lambda: address(Membership, "add"),
        lambda: {
            "user": User.objects.get(username="researcher").pk,
            "role": Role.objects.get(**ROLE_NGO_A_READER).pk,
            "starts_on": "2026-01-01",
        },
        ["access asked"],
    ),
    "donor": (
        lambda: address(Donor, "add"),
        lambda: {"code": "NEW", "name_en": "A new donor"},
        ["configuration saved"],
    ),
    "project with a service": (
        lambda: address(Project, "add"),
        lambda: {
            "code": "NEW",
            "name_en": "A new programme",
            "starts_on": "2026-01-01",
            "ends_on": "2027-12-31",
            "managed_by": Organisation.objects.get(code="IOM").pk,
            "countries": ["QA", "NP"],
            "districts": ["304"],
            "target_groups": ["returnee_migrant"],
            **row("service_types", 0, 1, code="advice", name_en="Advice", about="person"),
        },
        ["configuration saved", "configuration saved"],
    ),
    "project changed": (
        lambda: address(Project, "change", factories.project().pk),
        lambda: {"name_ne": "नयाँ नाम", "grant_instalments_max": "4"},
        ["configuration saved"],
    ),
    "donor removed": (
        lambda: address(Donor, "delete", _unused_donor().pk),
        lambda: {"post": "yes"},
        ["configuration removed"],
    ),
}


def _unused_donor() -> Donor:
    donor = Donor(code="UNUSED", name_en="Unused")
    donor.save()
    return donor


@pytest.mark.parametrize("name", SAVES)
def test_saving_uses_the_operation(name, committed, owner, sign_in):
    """The operation's event is in the audit log, and the admin's own history names the same action."""
    client = sign_in("administrator")
    where, changes, verbs = SAVES[name]
    where = where()
    owner.execute("SELECT count(*) FROM core_auditevent")
    (before,) = owner.fetchone()
    if where.endswith("/delete/"):
        answer = client.post(where, changes())
    else:
        answer = send(client, where, changes(), follow=False)
    assert answer.status_code == 302, errors(answer)
    owner.execute("SELECT count(*) FROM core_auditevent")
    (after,) = owner.fetchone()
    owner.execute("SELECT verb, actor_id FROM core_auditevent ORDER BY at DESC LIMIT %s", [after - before])
    written = [event for event in owner.fetchall() if event[0] != "configuration read"]
    assert sorted(verb for verb, _actor in written) == sorted(verbs)
    assert {actor for _verb, actor in written} == {User.objects.get(username="administrator").pk}
    owner.execute("SELECT count(*) FROM django_admin_log")
    assert owner.fetchone() == (0 if name == "membership" else 1,), "what is asked for isn't added yet"


def test_a_new_organisation_gets_its_roles_and_its_code_cannot_change(administrator, entered):
    send(administrator, address(Organisation, "add"), {"code": "NGO_C", "name_en": "Third", "kind": "ngo"})
    made = Organisation.objects.get(code="NGO_C")
    assert made.roles.count() == 12
    send(administrator, address(Organisation, "change", made.pk), {"code": "OTHER", "name_en": "Renamed"})
    made.refresh_from_db()
    assert (made.code, made.name_en) == ("NGO_C", "Renamed")


def test_a_tailored_role_takes_effect_on_the_next_page(administrator, entered, demo_users, client):
    role = Role.objects.get(organisation__code="NGO_A", code="caseworker")
    other = Role.objects.get(organisation__code="NGO_B", code="caseworker")
    page = administrator.get(address(Role, "change", role.pk))
    starting = set(STARTING_PERMISSIONS[RoleCode.CASEWORKER])
    assert set(page.context["adminform"].form["permissions"].value()) == starting
    refused = send(administrator, address(Role, "change", role.pk), {"permissions": ["read_cases"]})
    assert "Choose who takes it over" in refused.content.decode()
    asked = [name for name in page.context["adminform"].form.fields if name.startswith("to_")]
    changes = {"permissions": ["read_cases"], **dict.fromkeys(asked, "supervisors")}
    send(administrator, address(Role, "change", role.pk), changes)
    permissions = {
        one.organisation.code: set(
            one.group.organisationgrouppermission_set.values_list("permission__codename", flat=True)
        )
        for one in (role, other)
    }
    assert permissions == {"NGO_A": {"read_cases"}, "NGO_B": starting}


def test_an_unknown_permission_is_refused(administrator, entered):
    role = Role.objects.get(organisation__code="NGO_A", code="reader")
    answer = send(administrator, address(Role, "change", role.pk), {"permissions": ["delete_user"]})
    assert "delete_user is not one of the available choices" in errors(answer)


def test_a_new_user_is_invited_and_has_no_flags(administrator, entered):
    send(administrator, address(User, "add"), {"username": "newcomer", "email": "n@example.org"})
    made = User.objects.get(username="newcomer")
    assert not made.has_usable_password()
    assert InvitationSent.objects.filter(user=made, sent_by=entered).count() == 1
    assert (made.is_staff, made.is_superuser) == (False, False)
    send(administrator, address(User, "change", made.pk), {"new_invitation": "on"})
    assert InvitationSent.objects.filter(user=made).count() == 2
    refused = send(
        administrator,
        address(User, "change", User.objects.get(username="auditor").pk),
        {"new_invitation": "on"},
    )
    assert "This user has already chosen a password." in refused.content.decode()


def test_a_user_without_a_password_is_saved_unchanged(administrator, entered):
    send(administrator, address(User, "add"), {"username": "later", "email": "l@example.org"})
    assert not User.objects.get(username="later").has_usable_password()
    before = User.objects.get(username="researcher")
    send(administrator, address(User, "change", before.pk), {"first_name": "Ranjana"})
    after = User.objects.get(username="researcher")
    assert (after.first_name, after.password) == ("Ranjana", before.password)


def test_djangos_own_flags_cannot_be_set(administrator, entered):
    person = User.objects.get(username="researcher")
    extra = {"is_staff": "on", "is_superuser": "on", "password": "plain", "groups": [1]}
    assert send(administrator, address(User, "change", person.pk), extra).status_code == 200
    person.refresh_from_db()
    assert (person.is_staff, person.is_superuser) == (False, False)
    assert person.password != "plain"


def test_whoever_approves_grants_cannot_pay_them_too(administrator, entered):
    """The operation refuses; the page says why, shows what was typed, and nothing is written."""
    approver = User.objects.get(username="iom_approver")
    finance = Role.objects.get(organisation__code="IOM", code="finance")
    typed = {"user": approver.pk, "role": finance.pk, "starts_on": "2026-01-01"}
    said = escape("One person can't approve grants and pay them in one organisation.")
    answer = send(administrator, address(Membership, "add"), typed)
    assert (answer.status_code, said in answer.content.decode()) == (200, True)
    assert answer.context["adminform"].form["starts_on"].value() == "2026-01-01"
    beside = row("memberships", 1, 2, role=finance.pk, starts_on="2026-01-01", user=approver.pk)
    answer = send(administrator, address(User, "change", approver.pk), {"first_name": "Changed", **beside})
    assert (answer.status_code, said in answer.content.decode()) == (200, True)
    approver.refresh_from_db()
    assert approver.first_name == "Bishnu"
    assert approver.memberships.count() == 1


def test_the_same_role_twice_at_a_time_is_refused_in_words(administrator, entered):
    membership = Membership.objects.get(user__username="researcher")
    typed = {"user": membership.user_id, "role": membership.role_id, "starts_on": "2026-01-01"}
    answer = send(administrator, address(Membership, "add"), typed)
    assert "This user already has this role on some of these days." in errors(answer)
    assert "accounts_membership_no_overlap" not in answer.content.decode()
    answer = send(administrator, address(Membership, "add"), {**typed, "ends_on": "2025-12-31"})
    assert "The last day can’t be before the first day." in errors(answer)
    assert Membership.objects.filter(user=membership.user).count() == 1


# Places


@pytest.mark.parametrize(
    "model", sorted(PLACES, key=lambda model: model.__name__), ids=lambda model: model.__name__
)
def test_places_are_read_only(model, administrator):
    place = model.objects.order_by("code")[0]
    answer = administrator.post(address(model, "change", place.pk), {"code": "999", "name_en": "Changed"})
    assert answer.status_code == 403
    assert model.objects.get(pk=place.pk).name_en == place.name_en


@pytest.mark.parametrize(
    ("model", "few", "words"),
    [
        (Membership, 14, "auditor"),
        (User, 12, "auditor"),
        (Role, 12, "auditor NGO_A"),
        (LocalLevel, 12, "Kirtipur"),
    ],
)
def test_a_list_has_the_same_query_count_for_one_row_and_for_fifty(
    model, few, words, administrator, django_assert_num_queries
):
    administrator.get(address(model, "changelist"))
    one = administrator.post(address(model, "changelist"), {"q": words})["Location"]
    with django_assert_num_queries(few):
        assert administrator.get(one).context_data["cl"].result_count == 1
    with django_assert_num_queries(few):
        administrator.get(address(model, "changelist"))

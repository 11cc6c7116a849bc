"""Roles: who has which, from when to when, and which two no user may have at once."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission as DjangoPermission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from accounts.authority import authority_of
from accounts.choices import PURPOSES, STARTING_PERMISSIONS, Permission, RoleCode
from accounts.models import Membership, Organisation, OrganisationGroupPermission, Role, User
from accounts.operations.organisation import save_organisation
from accounts.operations.users import save_membership, tailor_role
from accounts.queries import holders, may_configure
from accounts.rules import INCOMPATIBLE, in_force, limits_of
from core.clock import now
from core.context import acting_as, enter
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
PAGE_QUERIES = 10


def role(code: str, organisation: str = "IOM") -> Role:
    return Role.objects.get(organisation__code=organisation, code=code)


def test_a_new_organisation_has_every_role_with_its_starting_permissions(demo_users):
    made = save_organisation(
        organisation=Organisation(code="NGO_C", name_en="Third", kind="ngo"),
        by=demo_users["administrator"],
        now=now(),
    )
    assert sorted(made.roles.values_list("code", flat=True)) == sorted(RoleCode.values)
    for each in made.roles.all():
        names = each.group.organisationgrouppermission_set.values_list("permission__codename", flat=True)
        assert sorted(names) == sorted(STARTING_PERMISSIONS.get(each.code, ()))


def test_authority_is_limited_to_the_roles_organisation(demo_users):
    authority = authority_of(demo_users["ngo_a_caseworker"])
    assert authority.may("write_cases", factories.organisation("NGO_A").pk)
    assert not authority.may("write_cases", factories.organisation("NGO_B").pk)
    assert not authority.may("approve_grants")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((date(2026, 1, 1), None), (date(2027, 1, 1), None)),
        ((date(2027, 1, 1), None), (date(2026, 1, 1), None)),
        ((date(2026, 1, 1), date(2026, 6, 1)), (date(2026, 6, 1), None)),
    ],
)
def test_nobody_approves_and_pays_at_the_same_time(demo_users, first, second):
    user = demo_users["researcher"]
    for code, (starts_on, ends_on) in (("grant_approver", first),):
        save_membership(
            membership=Membership(user=user, role=role(code), starts_on=starts_on, ends_on=ends_on),
            by=None,
            now=now(),
        )
    with pytest.raises(ValidationError, match="approve grants and pay them"):
        save_membership(
            membership=Membership(user=user, role=role("finance"), starts_on=second[0], ends_on=second[1]),
            by=None,
            now=now(),
        )


def test_approving_and_paying_roles_one_after_the_other_are_allowed(demo_users):
    user = demo_users["researcher"]
    for code, starts_on, ends_on in (
        ("grant_approver", date(2026, 1, 1), date(2026, 5, 31)),
        ("finance", date(2026, 6, 1), None),
    ):
        save_membership(
            membership=Membership(user=user, role=role(code), starts_on=starts_on, ends_on=ends_on),
            by=None,
            now=now(),
        )
    assert user.memberships.count() == 3


def test_one_role_cannot_be_tailored_to_approve_and_pay(demo_users):
    with pytest.raises(ValidationError, match="approve grants and pay them"):
        tailor_role(
            role=role("supervisor"),
            codenames=[Permission.APPROVE_GRANTS, Permission.PAY_GRANTS],
            by=demo_users["administrator"],
            now=now(),
        )


def test_nobody_tailors_a_role_of_their_own(demo_users):
    """An administrator who let administrators read cases would have given themselves the cases."""
    with pytest.raises(ValidationError, match="what your own role may do"):
        tailor_role(
            role=role("administrator"),
            codenames=["configure", "read_cases"],
            by=demo_users["administrator"],
            now=now(),
        )


def test_tailoring_one_ngos_role_changes_that_ngo_alone(demo_users):
    tailor_role(role=role("reader", "NGO_A"), codenames=[], by=demo_users["administrator"], now=now())
    assert not authority_of(demo_users["ngo_a_reader"]).may("read_cases")
    with acting_as(demo_users["ngo_a_reader"]):
        from beneficiaries.models import Case

        assert Case.objects.count() == 0, "the database reads the same permissions"
    assert role("reader", "NGO_B").group.organisationgrouppermission_set.count() == 1


def test_the_same_role_twice_at_once_is_refused_by_the_database(demo_users):
    membership = Membership.objects.get(user=demo_users["ngo_a_reader"])
    with pytest.raises(IntegrityError, match="no_overlap"), transaction.atomic():
        Membership.objects.create(user=membership.user, role=membership.role, starts_on=date(2020, 1, 1))
    with pytest.raises(IntegrityError, match="ends_after_start"), transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(ends_on=date(2000, 1, 1))


def test_a_partners_administrator_configures_nothing(demo_users):
    user = demo_users["ngo_a_reader"]
    save_membership(
        membership=Membership(user=user, role=role("administrator", "NGO_A"), starts_on=date(2020, 1, 1)),
        by=None,
        now=now(),
    )
    assert not may_configure(user)
    with pytest.raises(PermissionDenied):
        tailor_role(role=role("reader", "NGO_A"), codenames=["write_cases"], by=user, now=now())


def test_holders_are_those_with_the_permission_today(demo_users):
    assert [user.username for user in holders(Permission.PAY_GRANTS, factories.organisation("IOM").pk)] == [
        "iom_finance"
    ]
    Membership.objects.filter(user=demo_users["iom_finance"]).update(ends_on=date(2020, 1, 1))
    assert list(holders(Permission.PAY_GRANTS, factories.organisation("IOM").pk)) == []


PAIRS = [sorted(pair.codes) for pair in INCOMPATIBLE]


@pytest.mark.parametrize("codes", [*PAIRS, *(pair[::-1] for pair in PAIRS)], ids="+".join)
def test_the_database_itself_keeps_two_roles_apart(demo_users, codes):
    """Past the operation, in either order, and when a period is moved over the other's."""
    user, (first, second) = demo_users["researcher"], codes
    Membership.objects.create(
        user=user, role=role(first), starts_on=date(2026, 1, 1), ends_on=date(2026, 5, 31)
    )
    with pytest.raises(IntegrityError, match="together"), transaction.atomic():
        Membership.objects.create(user=user, role=role(second), starts_on=date(2026, 5, 31))
    with transaction.atomic():
        after = Membership.objects.create(user=user, role=role(second), starts_on=date(2026, 6, 1))
        with pytest.raises(IntegrityError, match="together"), transaction.atomic():
            Membership.objects.filter(pk=after.pk).update(starts_on=date(2026, 5, 1))
        transaction.set_rollback(True)  # a role that began is never deleted
    elsewhere = role(second, "NGO_B")
    Membership.objects.create(user=user, role=elsewhere, starts_on=date(2026, 1, 1))
    with pytest.raises(IntegrityError, match="together"), transaction.atomic():
        Membership.objects.filter(user=user, role=elsewhere).update(role=role(second))


def test_the_database_itself_lets_no_role_approve_and_pay(demo_users):
    approver = role("grant_approver")
    paying = DjangoPermission.objects.get(codename="pay_grants")
    with pytest.raises(IntegrityError, match="approve and pay"), transaction.atomic():
        OrganisationGroupPermission.objects.create(
            group=approver.group, content_object=approver.organisation, permission=paying
        )


@pytest.mark.parametrize(
    ("code", "said", "unsaid"),
    [
        (
            "grant_approver",
            "Sees case references and amounts, never a name or what was said.",
            "Can't approve grants.",
        ),
        ("finance", "Can't approve grants.", "Can't pay instalments."),
        (
            "reader",
            "Can't write in a case file or open a new case.",
            "Sees no cases: no references, no names, no amounts.",
        ),
        (
            "administrator",
            "Sees no cases: no references, no names, no amounts.",
            "Can't change how the system is set up.",
        ),
        ("auditor", "Sees no cases: no references, no names, no amounts.", "Can't read the audit log."),
        ("caseworker", "Can't endorse grants.", "Can't read restricted notes."),
    ],
)
def test_a_roles_limits_follow_from_its_permissions(code, said, unsaid):
    with translation.override("en"):
        limits = [str(text) for text in limits_of(STARTING_PERMISSIONS[code])]
    assert said in limits
    assert unsaid not in limits


def test_every_role_says_what_it_is_for():
    assert set(PURPOSES) == set(RoleCode)
    assert in_force(["configure", "read_cases"], "ngo") == {"read_cases"}
    assert in_force(["configure", "read_cases"], "iom") == {"configure", "read_cases"}


def test_the_page_shows_the_users_roles_and_their_limits(sign_in, demo_users):
    page = sign_in("iom_approver").get("/roles/").content.decode()
    assert page.count('<section class="app-card">') == len(RoleCode)
    assert "<strong>Grant approver</strong>, IOM Nepal" in page
    assert "with no end date" in page
    assert "Finance + Grant approver" in page
    assert "Changed for this organisation" not in page


def test_the_page_shows_what_an_administrator_changed(sign_in, demo_users):
    tailor_role(role=role("reader", "NGO_A"), codenames=[], by=demo_users["administrator"], now=now())
    assert sign_in("ngo_a_reader").get("/roles/").content.decode().count("Changed for this organisation") == 1
    assert "Changed for this organisation" not in sign_in("ngo_b_caseworker").get("/roles/").content.decode()
    assert sign_in("ngo_b_caseworker").get("/roles/?in=NGO_A").status_code == 404
    assert sign_in("ngo_b_caseworker").get("/roles/?in=NGO_B").status_code == 200


def test_the_page_of_a_user_with_roles_in_two_organisations_and_of_one_with_none(sign_in, demo_users):
    save_membership(
        membership=Membership(
            user=demo_users["ngo_a_reader"],
            role=role("caseworker", "NGO_B"),
            starts_on=date(2020, 1, 1),
            ends_on=date(2199, 3, 4),
        ),
        by=None,
        now=now(),
    )
    page = sign_in("ngo_a_reader").get("/roles/?in=NGO_B").content.decode()
    assert "From 1 January 2020 to 4 March 2199" in page
    assert 'href="?in=NGO_A"' in page
    Membership.objects.filter(user=demo_users["ngo_b_caseworker"]).update(ends_on=date(2020, 1, 1))
    nowhere = sign_in("ngo_b_caseworker").get("/roles/")
    assert nowhere.status_code == 200
    assert nowhere.content.decode().count('<section class="app-card">') == len(RoleCode)


def test_the_page_has_the_same_query_count_for_one_role_and_for_three(
    sign_in, demo_users, django_assert_num_queries
):
    client = sign_in("ngo_a_reader")
    client.get("/roles/")
    with django_assert_num_queries(PAGE_QUERIES):
        client.get("/roles/")
    for code in ("supervisor", "focal_point"):
        save_membership(
            membership=Membership(
                user=demo_users["ngo_a_reader"], role=role(code, "NGO_A"), starts_on=date(2020, 1, 1)
            ),
            by=None,
            now=now(),
        )
    with django_assert_num_queries(PAGE_QUERIES):
        client.get("/roles/")


def edits(user) -> str:
    """Return the organisations in which the database lets this user write."""
    with transaction.atomic(), connection.cursor() as cursor:
        enter(user.pk)
        cursor.execute("SELECT access.organisations_with('write_cases')::text")
        return cursor.fetchone()[0]


@pytest.mark.parametrize(("starts", "ends", "lasts"), [(0, 0, True), (1, None, False), (-9, -1, False)])
def test_a_role_lasts_from_its_first_day_to_its_last_in_python_and_in_the_database(
    demo_users, starts, ends, lasts
):
    today, user = now().date(), demo_users["ngo_a_caseworker"]
    Membership.objects.filter(user=user).update(
        starts_on=today + timedelta(days=starts),
        ends_on=None if ends is None else today + timedelta(days=ends),
    )
    assert authority_of(user).may("write_cases") is lasts
    assert (edits(user) != "{}") is lasts


def test_a_deactivated_organisations_roles_give_no_permission(demo_users):
    third = factories.a_third_ngo()
    user = User.objects.get(username="third")
    assert authority_of(User.objects.get(username="third")).may("write_cases")
    Organisation.objects.filter(pk=third.pk).update(is_active=False)
    assert not authority_of(user).may("write_cases")
    assert edits(user) == "{}"


def test_a_roles_permission_for_another_organisation_does_not_count(demo_users):
    """A row of guardian's that doesn't fit: the group is one NGO's, the object another's."""
    OrganisationGroupPermission.objects.create(
        group=role("reader", "NGO_A").group,
        content_object=factories.organisation("NGO_B"),
        permission=DjangoPermission.objects.get(codename="write_cases"),
    )
    assert not authority_of(demo_users["ngo_a_reader"]).may("write_cases")
    assert edits(demo_users["ngo_a_reader"]) == "{}"

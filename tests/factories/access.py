"""Organisations and users besides the demo users', and roles that they are given."""

from datetime import date

from django.db import connection

from accounts.approval import requests_to_decide
from accounts.models import AccessRequest, Membership, Organisation, User
from accounts.operations.access import decide_access
from accounts.operations.organisation import save_organisation
from accounts.operations.users import ask_role, save_membership, save_user
from core.clock import now
from core.context import acting_as


def set_up() -> None:
    """Let access be given without a second user for the rest of this transaction (tests/databases.py)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tests.set_up()")


def organisation(code: str) -> Organisation:
    return Organisation.objects.get(code=code)


def a_third_ngo() -> Organisation:
    """Return an NGO besides the two of the demo users, with a caseworker of its own, `third`; made on the first
    call.
    """
    if found := Organisation.objects.filter(code="NGO_C").first():
        return found
    made = save_organisation(
        organisation=Organisation(code="NGO_C", name_en="Third NGO", kind="ngo"), by=None, now=now()
    )
    user = User.objects.create(username="third", email="third@example.org")
    role = made.roles.get(code="caseworker")
    save_membership(
        membership=Membership(user=user, role=role, starts_on=date(2020, 1, 1)), by=None, now=now()
    )
    return made


def a_colleague(username: str, code: str = "NGO_A", role: str = "caseworker") -> User:
    """Return a user besides the demo users who works in an organisation; made on the first call."""
    found = User.objects.filter(username=username).first()
    if found is not None:
        return found
    user = User(
        username=username, first_name=username.title(), email=f"{username}@example.org", language="en"
    )
    save_user(user=user, by=None, now=now())
    set_up()
    given = organisation(code).roles.get(code=role)
    save_membership(
        membership=Membership(user=user, role=given, starts_on=date(2020, 1, 1)), by=None, now=now()
    )
    return User.objects.get(pk=user.pk)


def a_supervisor(username: str, code: str) -> User:
    """Let a demo user also supervise an organisation, and so approve large exports."""
    user = User.objects.get(username=username)
    role = organisation(code).roles.get(code="supervisor")
    set_up()
    save_membership(membership=Membership(user=user, role=role, starts_on=now().date()), by=None, now=now())
    return User.objects.get(username=username)


def asked_role(by: User, user: User, code: str, place: str) -> AccessRequest:
    """Ask for a role in an organisation that has cases."""
    role = organisation(place).roles.get(code=code)
    with acting_as(by):
        return ask_role(membership=Membership(user=user, role=role, starts_on=now().date()), by=by, now=now())


def agreed(username: str = "ngo_a_supervisor") -> None:
    """Let this user approve every request that they may decide."""
    user = User.objects.get(username=username)
    with acting_as(user):
        for request in requests_to_decide(user):
            decide_access(request=request, approves=True, by=user, now=now())


class DemoUsers(dict):
    """Users by name, read anew each time: a fresh object has no cached authority."""

    def __missing__(self, username: str):
        return User.objects.get(username=username)

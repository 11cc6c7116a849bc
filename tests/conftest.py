"""What every test stands on: a database made as the owner and used as the application, and the cast."""

import itertools
import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from tests import databases

NUMBERS = itertools.count(1)


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:
    """One database a worker, cloned from the template; each test's work in it is rolled back."""
    with (
        databases.clone(f"{databases.PREFIX}_{_worker()}_{os.getpid()}") as name,
        django_db_blocker.unblock(),
    ):
        _use(name)
        yield
        connection.close()


@pytest.fixture
def committed(django_db_blocker, request) -> Iterator[str]:
    """A database of this test's own in which commits are real; its name."""
    former = connection.settings_dict["NAME"]
    name = f"{databases.PREFIX}_{_worker()}_{os.getpid()}_{next(NUMBERS)}"
    with databases.clone(name), django_db_blocker.unblock():
        _use(name)
        try:
            yield name
        finally:
            _use(former)


@pytest.fixture
def owner(committed):
    """A cursor as the owner, who sees all, on the committed database."""
    link = databases.as_owner(committed)
    with link.cursor() as cursor:
        yield cursor
    link.close()


@pytest.fixture
def take_down(owner):
    """Switch the policies off: the application keeps its privileges and sees all rows, so that Python is alone."""
    from core import policies  # settings must stand first

    def taken() -> None:
        for model in policies.own_models():
            if isinstance(policies.wall_of(model), policies.Wall | policies.OwnWall):
                owner.execute(f"ALTER TABLE {model._meta.db_table} DISABLE ROW LEVEL SECURITY")

    return taken


class Cast(dict):
    """Users by name, read when asked for: a fresh object has no remembered authority."""

    def __missing__(self, username: str):
        from accounts.models import User  # settings must stand first

        return User.objects.get(username=username)


@pytest.fixture
def cast(request) -> Cast:
    """The cast of the demo data."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")
    return Cast()


@pytest.fixture
def sign_in(client, cast):
    """Sign one of the cast in and give the test client."""

    def signed_in(username: str):
        client.force_login(cast[username])
        return client

    return signed_in


@pytest.fixture(autouse=True)
def _mail_folder(tmp_path, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def pytest_terminal_summary(terminalreporter) -> None:
    from tests.browsers import why_not  # nothing of the house is imported before settings stand

    if why_not():
        terminalreporter.write_line(f"not run: browser tests ({why_not()})")

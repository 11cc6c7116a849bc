"""What every test stands on: a database made as the owner and used as the application, and the demo users."""

import itertools
import os
from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation

from tests import databases

NUMBERS = itertools.count(1)
# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("site", deadline=None)
hypothesis.settings.load_profile("site")


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def use_database(name: str) -> str:
    """Point this process's connection at a database; the name of the former one."""
    former = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
    return former


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:
    """One database a worker, cloned from the template; each test's work in it is rolled back."""
    with (
        databases.clone(f"{databases.PREFIX}_{_worker()}_{os.getpid()}") as name,
        django_db_blocker.unblock(),
    ):
        use_database(name)
        yield
        connection.close()


def _drifts(request) -> bool:
    """Whether the test lets access rows drift from their cases on purpose."""
    return request.node.get_closest_marker("drifts") is not None


@pytest.fixture(autouse=True)
def _access_agrees_with_cases(request) -> Iterator[None]:
    """At the end of each test in a database, before its work is rolled back; clones are asked as they go."""
    names = set(request.fixturenames)
    asked = request.node.get_closest_marker("django_db") is not None or names & {"db", "demo_users"}
    if not asked or "committed" in names:
        yield
        return
    request.getfixturevalue("db")
    yield
    if connection.in_atomic_block and not connection.needs_rollback:
        with connection.cursor() as cursor:
            databases.settled.take(cursor, drifts=_drifts(request))


@pytest.fixture
def committed(django_db_blocker, request) -> Iterator[str]:
    """A database of this test's own in which commits are real; its name."""
    name = f"{databases.PREFIX}_{_worker()}_{os.getpid()}_{next(NUMBERS)}"
    with databases.clone(name, drifts=_drifts(request)), django_db_blocker.unblock():
        former = use_database(name)
        try:
            yield name
        finally:
            use_database(former)


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
            if isinstance(policies.policy_of(model), policies.AccessPolicy | policies.TablePolicy):
                owner.execute(f"ALTER TABLE {model._meta.db_table} DISABLE ROW LEVEL SECURITY")

    return taken


class DemoUsers(dict):
    """Users by name, read when asked for: a fresh object has no remembered authority."""

    def __missing__(self, username: str):
        from accounts.models import User  # settings must stand first

        return User.objects.get(username=username)


@pytest.fixture
def demo_users(request) -> DemoUsers:
    """The demo_users of the demo data."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")
    return DemoUsers()


@pytest.fixture
def set_up(request) -> None:
    """Let roles be given in this test as before an organisation had cases: without a second user."""
    request.getfixturevalue("committed" if "committed" in request.fixturenames else "db")
    from tests import factories  # settings must stand first

    factories.set_up()


@pytest.fixture
def sign_in(client, demo_users):
    """Sign one of the demo users in and give the test client."""

    def signed_in(username: str):
        client.force_login(demo_users[username])
        return client

    return signed_in


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A page that was asked for in Nepali leaves its language to the thread."""
    yield
    translation.activate("en")


@pytest.fixture(autouse=True)
def _folders(tmp_path, settings, monkeypatch) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.MEDIA_ROOT = str(tmp_path / "files")
    monkeypatch.setenv("FILES_PATH", settings.MEDIA_ROOT)  # for programs that a test starts


def pytest_configure(config) -> None:
    config.addinivalue_line("markers", "walk: walks everything; for `make soak`, and left out of `make test`")
    config.addinivalue_line("markers", "drifts: access rows drift from their cases on purpose")


def pytest_sessionfinish(session) -> None:
    """A process of xdist hands its figures over."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["settled"] = [databases.settled.rows, databases.settled.drifted]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    rows, drifted = getattr(node, "workeroutput", {}).get("settled", [0, 0])
    databases.settled.rows += rows
    databases.settled.drifted += drifted


def pytest_terminal_summary(terminalreporter) -> None:
    terminalreporter.write_line(f"rows {databases.settled.rows} drifted {databases.settled.drifted}")
    from tests.browsers import why_not  # nothing of the site is imported before settings stand

    if why_not():
        terminalreporter.write_line(f"not run: browser tests ({why_not()})")

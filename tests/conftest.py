"""Fixtures of all tests: a database made as the owner and used as the application, and the demo users."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation

from tests import databases, hashes

NUMBERS = itertools.count(1)
# Hypothesis' deadline would measure how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("site", deadline=None)
hypothesis.settings.load_profile("site")


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def use_database(name: str) -> str:
    """Point this process's connection at a database; return the name of the former one."""
    former = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
    return former


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:
    """Make one database for each worker, cloned from the template; each test's writes are rolled back."""
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
    """Compare access rows with their cases at the end of each test, before its rollback; clones compare
    theirs.
    """
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


def _next_name() -> str:
    return f"{databases.PREFIX}_{_worker()}_{os.getpid()}_{next(NUMBERS)}"


@pytest.fixture(scope="module")
def own_database(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Path]:
    """Make a database for this module, in which rows of its other fixtures stay; the folder of their files.

    Each test's writes are rolled back, or are in a clone of this database (`committed`).
    """
    files, patched = tmp_path_factory.mktemp("files"), pytest.MonkeyPatch()
    with databases.clone(_next_name()) as name, django_db_blocker.unblock():
        former = use_database(name)
        patched.setattr(settings, "MEDIA_ROOT", str(files))
        try:
            yield files
        finally:
            patched.undo()
            use_database(former)


@pytest.fixture(scope="module")
def scene(own_database):
    """Return a case of the first NGO with rows of every model, shared with nobody but a third NGO."""
    from tests.factories import Scene  # needs settings

    return Scene().whole()


@pytest.fixture
def committed(django_db_blocker, request) -> Iterator[str]:
    """Make a database for this test alone in which commits are real; its name."""
    name, former = _next_name(), connection.settings_dict["NAME"]
    connection.close()  # a database is cloned while nobody uses it
    source = former if "own_database" in request.fixturenames else ""
    with databases.clone(name, source=source, drifts=_drifts(request)), django_db_blocker.unblock():
        use_database(name)
        try:
            yield name
        finally:
            use_database(former)


@pytest.fixture
def owner(committed):
    """Return a cursor as the owner, who sees every row of the committed database."""
    link = databases.as_owner(committed)
    with link.cursor() as cursor:
        yield cursor
    link.close()


@pytest.fixture
def disable_policies(owner):
    """Return a function that switches the policies off: the application sees all rows, so that only Python's
    scope limits them.
    """
    from core import policies  # needs settings

    def disabled() -> None:
        for model in policies.own_models():
            if isinstance(policies.policy_of(model), policies.AccessPolicy):
                owner.execute(f"ALTER TABLE {model._meta.db_table} DISABLE ROW LEVEL SECURITY")

    return disabled


@pytest.fixture
def demo_users(request):
    """Return the users of the demo data, by user name."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")
    from tests.factories import DemoUsers  # needs settings

    return DemoUsers()


@pytest.fixture
def set_up(request) -> None:
    """Let this test give roles without a second user, as before an organisation has cases."""
    request.getfixturevalue("committed" if "committed" in request.fixturenames else "db")
    from tests import factories  # needs settings

    factories.set_up()


@pytest.fixture
def sign_in(client, demo_users):
    """Return a function that signs a demo user in and returns the test client."""

    def signed_in(username: str):
        client.force_login(demo_users[username])
        return client

    return signed_in


@pytest.fixture(scope="session", autouse=True)
def _costs_of_hashes() -> dict[str, int]:
    """Make password hashes cheap; what they cost before."""
    return hashes.lower()


@pytest.fixture
def full_hashes(_costs_of_hashes, monkeypatch) -> None:
    """Hash passwords as on a server, for a test of what hashing costs or takes."""
    for name, cost in _costs_of_hashes.items():
        monkeypatch.setattr("accounts.hashing.CappedArgon2PasswordHasher." + name, cost)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Reset the language: a page that was opened in Nepali leaves it set in the thread."""
    yield
    translation.activate("en")


@pytest.fixture(autouse=True)
def _folders(request, tmp_path, settings, monkeypatch) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.MEDIA_ROOT = str(tmp_path / "files")
    if "own_database" in request.fixturenames:
        shutil.copytree(request.getfixturevalue("own_database"), settings.MEDIA_ROOT)
    monkeypatch.setenv("FILES_PATH", settings.MEDIA_ROOT)  # for processes that a test starts


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items) -> None:
    """Put the tests that need a whole site first: one process runs them all, so each site starts once."""
    items.sort(key=_place_in_order)


def _place_in_order(item) -> int:
    if "tests/browser/" in item.nodeid:
        return 0
    return 1 if {"site", "loaded"} & set(item.fixturenames) else 2


def pytest_configure(config) -> None:
    config.addinivalue_line("markers", "walk: walks everything; for `make soak`, and left out of `make test`")
    config.addinivalue_line("markers", "drifts: access rows drift from their cases on purpose")


def pytest_sessionfinish(session) -> None:
    """Report a worker's counts to the main process of xdist."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["settled"] = [databases.settled.rows, databases.settled.drifted]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    rows, drifted = getattr(node, "workeroutput", {}).get("settled", [0, 0])
    databases.settled.rows += rows
    databases.settled.drifted += drifted


def pytest_terminal_summary(terminalreporter) -> None:
    terminalreporter.write_line(f"rows {databases.settled.rows} drifted {databases.settled.drifted}")
    from tests.browsers import why_not  # needs settings

    if why_not():
        terminalreporter.write_line(f"not run: browser tests ({why_not()})")

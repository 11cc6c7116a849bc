"""Whether the access tests notice mutants: each removes or weakens one rule of who may see or do what.

A mutant (soak/mutations) is applied to a copy of the checkout and the access tests run there, on databases of
their own. It is caught if a test fails; a copy that can't be made, started or migrated is an error of the
soak. An unchanged copy must pass first.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from soak.mutations import MUTANTS, Mutant
from soak.report import Failed, say
from tests import databases

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
SECONDS = 1800
PREFIX = "soak_iom"
BASE = f"{PREFIX}_base"
ALL_CAUGHT_IN = ("core", "accounts")
MAY_SURVIVE = 2
# The tests of who may see and do what, the broadest first; an app's own before them.
ACCESS = (
    "tests/access/test_rows.py",
    "tests/database/test_policy_commands.py",
    "tests/access/test_scope_alone.py",
    "tests/access/test_levels.py",
    "tests/access/test_expiry.py",
    "tests/access/test_refusals.py",
    "tests/accounts/test_roles.py",
    "tests/beneficiaries/test_transfer.py",
    "tests/reintegration/test_aggregates.py",
    "tests/access/test_programmes_of_roles.py",
    "tests/accounts/test_users.py",
    "tests/core/test_audit_log.py",
    "tests/database/test_policies.py",
    "tests/access/test_pages_alone.py",
    "tests/api/test_scope.py",
    "tests/api/test_tokens.py",
    "tests/api/test_writes.py",
    "tests/access/test_addresses.py",
    "tests/access/test_canary.py",
    "tests/accounts/test_sign_in.py",
    "tests/reintegration/test_grants.py",
    "tests/projects/test_admin.py",
    "tests/projects/test_programme_admin.py",
    "tests/access/test_addresses_alone.py",
    "tests/accounts/test_account_requests.py",
    "tests/database/test_access_requests.py",
    "tests/database/test_transfer.py",
)
FIRST = {
    "accounts": ("tests/accounts/test_roles.py", "tests/access/test_refusals.py"),
    "api": ("tests/access/test_pages_alone.py", "tests/api/test_scope.py", "tests/api/test_tokens.py"),
    "views": ("tests/access/test_pages_alone.py",),
    "projects": ("tests/access/test_refusals.py", "tests/access/test_programmes_of_roles.py"),
}
# What the database is made from: a mutant of another file uses the unchanged database.
IN_THE_DATABASE = re.compile(
    r"\.sql$|/models(\.py|/)|^core/(policies|access|catalogue)\.py$|/(apps|choices|same_case|erased_columns)\.py$"
)
FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)
ENDED = re.compile(r"^\d+ passed.*$", re.MULTILINE)


@dataclass
class Outcome:
    """The outcome of one copy: caught by a test, an error, or neither."""

    mutant: Mutant | None
    caught_by: str = ""
    error: str = ""
    said: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Return the mutant's name, or "control" for the unchanged copy."""
        return self.mutant.name if self.mutant else "control"

    def line(self) -> str:
        """Return the line to print."""
        untouched = "SURVIVED" if self.mutant else "passes"
        verdict = f"ERROR {self.error}" if self.error else self.caught_by or untouched
        return f"{self.name:<48} {verdict}"


def run() -> tuple[str, bool]:
    """Test all mutants, or those named by SOAK_MUTANTS; return the closing line, and whether it passes."""
    wanted = os.environ.get("SOAK_MUTANTS", "").split()
    chosen = [one for one in MUTANTS if not wanted or any(word in one.name for word in wanted)]
    twice = {one.name for one in MUTANTS if [other.name for other in MUTANTS].count(one.name) > 1}
    if twice or not chosen:
        raise Failed(f"two mutants of one name: {sorted(twice)}" if twice else "there is no such mutant")
    for mutant in chosen:
        changed(mutant, (ROOT / mutant.file).read_text(encoding="utf-8"))
    _drop_databases()
    databases._administer(f"CREATE DATABASE {BASE} TEMPLATE {databases.template()}")
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = []
            for done in as_completed([pool.submit(_examined, one) for one in [None, *chosen]]):
                outcomes.append(done.result())
                say(outcomes[-1].line())
    finally:
        _drop_databases()
    return verdict(outcomes)


def verdict(outcomes: list[Outcome]) -> tuple[str, bool]:
    """Return the closing line, and whether it passes: see ALL_CAUGHT_IN and MAY_SURVIVE.

    Raises Failed if the unchanged copy doesn't pass or a mutant couldn't be tested.
    """
    control = next(one for one in outcomes if one.mutant is None)
    if control.error or control.caught_by:
        raise Failed(
            f"the unchanged copy does not pass: {control.error or control.caught_by}\n{control.said}"
        )
    examined = [one for one in outcomes if one.mutant is not None]
    errors = [one.name for one in examined if one.error]
    if errors:
        raise Failed(f"these could not be examined: {', '.join(errors)}")
    survived = [one for one in examined if not one.caught_by]
    strict = [one.name for one in survived if one.mutant.file.split("/")[0] in ALL_CAUGHT_IN]
    if strict:
        say(f"In {' and '.join(ALL_CAUGHT_IN)} none may survive: {', '.join(strict)}")
    line = f"mutants {len(examined)} caught {len(examined) - len(survived)}"
    return line, not strict and len(survived) <= MAY_SURVIVE


def changed(mutant: Mutant, text: str) -> str:
    """Return the file's text with the mutant in it; raises Failed unless the mutant's text is there exactly
    once.
    """
    if text.count(mutant.text) != 1:
        raise Failed(
            f"{mutant.name}: {mutant.file} contains its text {text.count(mutant.text)} times, not once"
        )
    new = text.replace(mutant.text, mutant.replacement)
    if mutant.file.endswith(".py"):
        try:
            compile(new, mutant.file, "exec")
        except SyntaxError as error:
            raise Failed(f"{mutant.name}: {mutant.file} is no Python any more: {error}") from error
    return new


def copy_checkout(folder: Path) -> None:
    """Copy the checkout's tracked files, with their uncommitted changes, into the folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    if (ROOT / "staticfiles").is_dir():
        (folder / "staticfiles").symlink_to(ROOT / "staticfiles")


def _examined(mutant: Mutant | None) -> Outcome:
    """Run the access tests on a copy until the first failure."""
    with tempfile.TemporaryDirectory(prefix="soak") as name:
        folder = Path(name) / "site"
        copy_checkout(folder)
        if mutant is not None:
            path = folder / mutant.file
            path.write_text(changed(mutant, path.read_text(encoding="utf-8")), encoding="utf-8")
        outcome = Outcome(mutant)
        for tests in tests_for(mutant):
            outcome = _tested(mutant, folder, tests)
            if outcome.caught_by or outcome.error:
                break
    return outcome


def _tested(mutant: Mutant | None, folder: Path, tests: list[str]) -> Outcome:
    argv = [sys.executable, "-m", "pytest", "-m", "", "-x", "-n", "0", "-p", "no:cacheprovider"]
    argv += ["-p", "no:randomly", "-p", "soak.order", "-rfE", "--tb=short", *tests]
    environment = _environment(mutant, str(folder.parent))
    try:
        done = subprocess.run(
            argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return Outcome(mutant, error=f"did not end within {SECONDS} s")
    return judged(mutant, done.returncode, done.stdout + done.stderr)


def judged(mutant: Mutant | None, code: int, said: str) -> Outcome:
    """Judge pytest's exit code and summary: only a test that failed counts as caught."""
    failed = FAILED.search(said)
    if code == 1 and failed:
        return Outcome(mutant, caught_by=failed[1], said=said[-3000:])
    if code == 0 and ENDED.search(said):
        return Outcome(mutant)
    return Outcome(mutant, error=f"pytest ended with {code} and no failed test", said=said[-3000:])


def tests_for(mutant: Mutant | None) -> list[list[str]]:
    """Return the access tests: first those that are likely to catch this mutant, then all others."""
    if mutant is None:
        return [list(ACCESS)]
    first = [mutant.first] if mutant.first else list(FIRST.get(_place(mutant.file), ACCESS[:1]))
    return [first, [path for path in ACCESS if path not in first]]


def _place(file: str) -> str:
    app = file.split("/")[0]
    return "views" if "/views/" in file and app != "api" else app


def _environment(mutant: Mutant | None, temporary: str) -> dict[str, str]:
    """Use databases of our own: copy_checkout from the unchanged template, made from nothing, or that template
    itself.
    """
    names = {"TEST_DATABASES": PREFIX, "TMPDIR": temporary, "PYTHONDONTWRITEBYTECODE": "1"}
    if mutant is None or not (mutant.afresh or IN_THE_DATABASE.search(mutant.file)):
        names["TEST_TEMPLATE"] = BASE
    elif not mutant.afresh:
        names["TEST_TEMPLATE_FROM"] = BASE
    return os.environ | names


def _drop_databases() -> None:
    """Drop this part's databases, including those of an earlier run that was killed."""
    connection = databases.as_owner("postgres")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}\\_%"])
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP DATABASE IF EXISTS {name}")
    finally:
        connection.close()

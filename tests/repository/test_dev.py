"""The local stack: its small rules, and its supervisor with real processes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localstack.commands import last_site, port_from, workers_for
from localstack.install import REQUIREMENTS, is_whole, stamp, unsupported
from localstack.locks import FileLock, is_held
from localstack.places import (
    Places,
    choose_home,
    claim_outside,
    free_port,
    is_port_taken,
    own_servers,
    stored_secrets,
)
from localstack.report import StepFailed, last_line
from localstack.servers import clear_stale_pid
from localstack.supervisor import (
    Account,
    CrashRecord,
)

ROOT = Path(__file__).resolve().parents[2]
NOBODY = Account(65534, 65534)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "a project", tmp_path / "outside")
    made.project.mkdir()
    made.outside_root.mkdir()
    made.make()
    return made


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


# --- Small rules -------------------------------------------------------------------------------------


def test_the_wait_doubles_with_each_crash_and_the_fifth_in_a_minute_is_the_last() -> None:
    record = CrashRecord()
    assert [record.note(second) for second in (0.0, 10.0, 20.0, 30.0, 59.9)] == [0.5, 1.0, 2.0, 4.0, None]


def test_crashes_older_than_a_minute_are_forgotten() -> None:
    record = CrashRecord()
    assert [record.note(second) for second in (0.0, 1.0, 2.0, 3.0)] == [0.5, 1.0, 2.0, 4.0]
    assert record.note(62.5) == 1.0


@pytest.mark.enable_socket
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_is_taken_on_either_loopback_address(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        port = server.getsockname()[1]
        server.listen()
        assert is_port_taken(port)
    assert not is_port_taken(port)


@pytest.mark.enable_socket
def test_a_port_is_used_again_while_it_is_free() -> None:
    port = free_port(None)
    assert free_port(port) == port
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        assert free_port(port) != port


@pytest.mark.parametrize(
    ("arguments", "port"), [([], 8000), (["--port", "9000"], 9000), (["--port=9001"], 9001)]
)
def test_port_argument(arguments: list[str], port: int) -> None:
    assert port_from(arguments) == port


@pytest.mark.parametrize(
    "arguments", [["9000"], ["--port"], ["--port", "x"], ["--port", "65536"], ["-p", "1"]]
)
def test_an_invalid_port_argument_is_refused(arguments: list[str]) -> None:
    with pytest.raises(StepFailed, match="port"):
        port_from(arguments)


@pytest.mark.parametrize(
    ("arguments", "workers"),
    [
        ([], ["-n", "2"]),
        (["tests/access/test_addresses.py", "-k", "case"], ["-n", "2"]),
        (["tests/access/test_addresses.py", "-s"], ["-n", "0"]),
        (["--pdb"], ["-n", "0"]),
        (["-n", "4"], []),
        (["-n0"], []),
    ],
)
def test_tests_run_on_two_processes_by_default(arguments: list[str], workers: list[str]) -> None:
    assert workers_for(arguments) == workers


def test_own_servers_are_all_three_addresses_or_none() -> None:
    three = {"DATABASE_URL": "a", "MIGRATION_DATABASE_URL": "b", "REDIS_URL": "c"}
    assert own_servers(three)
    assert not own_servers({"DATABASE_URL": ""})
    with pytest.raises(StepFailed, match="REDIS_URL is set but not DATABASE_URL, MIGRATION_DATABASE_URL"):
        own_servers({"REDIS_URL": "c"})


def test_the_line_that_says_what_went_wrong() -> None:
    assert last_line("Traceback:\n  here\nValueError: 3\n\n") == "ValueError: 3"
    assert last_line("ERROR: no such package\n[notice] a new pip\nhint: read") == "ERROR: no such package"
    assert last_line("\n") == "it printed nothing"


def test_stamp_follows_both_requirement_files(tmp_path: Path) -> None:
    for name in REQUIREMENTS:
        (tmp_path / name).write_text("a==1\n")
    stamps = [stamp(tmp_path)]
    for name in REQUIREMENTS:
        (tmp_path / name).write_text("a==2\n")
        stamps.append(stamp(tmp_path))
    assert len(set(stamps)) == 3
    assert stamp(tmp_path) == stamps[-1]


@pytest.mark.parametrize(
    ("version", "installed", "is_under_way", "whole"),
    [
        ("3.11", "3.11 abc", False, True),
        ("3.11", "", False, True),  # made by hand
        ("3.12", "3.11 abc", False, False),  # the system's Python was upgraded
        ("3.11", "3.11 abc", True, False),  # an installation was interrupted
        (None, "3.11 abc", False, False),
    ],
)
def test_an_environment_is_used_again_only_if_complete(
    version: str | None, installed: str, is_under_way: bool, whole: bool
) -> None:
    assert is_whole(version, installed, is_under_way) is whole


@pytest.mark.parametrize(
    ("system", "libc", "triplet", "machine", "said"),
    [
        ("linux", ("glibc", "2.36"), "x86_64-pc-linux-gnu", "x86_64", None),
        ("darwin", ("", ""), "None", "arm64", None),
        ("linux", ("", ""), "x86_64-pc-linux-musl", "x86_64", "musl"),
        ("linux", ("glibc", "2.17"), "x86_64-pc-linux-gnu", "x86_64", "2.28"),
        ("linux", ("glibc", "2.36"), "riscv64-unknown-linux-gnu", "riscv64", "riscv64"),
    ],
)
def test_a_system_without_wheels_is_refused_with_the_reason(
    system: str, libc: tuple[str, str], triplet: str, machine: str, said: str | None
) -> None:
    problem = unsupported(system, libc, triplet, machine)
    assert problem is None if said is None else (problem is not None and said in problem)


def test_the_last_sites_address_stays_when_only_the_servers_start(tmp_path: Path) -> None:
    file = tmp_path / "env"
    assert last_site(file) == "http://localhost:8000"
    file.write_text("DEBUG=0\nSITE_URL=http://localhost:9000\n")
    assert last_site(file) == "http://localhost:9000"


# --- Places ------------------------------------------------------------------------------------------


def test_data_are_in_the_project_unless_the_user_nobody_cannot_read_it(places: Places) -> None:
    assert choose_home(places, None, lambda: False) == places.local
    assert choose_home(places, NOBODY, lambda: True) == places.local
    assert choose_home(places, NOBODY, lambda: False) == places.outside


def test_data_put_outside_stay_there(places: Places) -> None:
    claim_outside(places)
    assert choose_home(places, NOBODY, lambda: True) == places.outside


def test_the_folder_outside_can_be_entered_and_its_secrets_cannot_be_read(places: Places) -> None:
    claim_outside(places)
    before = stored_secrets(places.outside)
    assert places.outside.stat().st_mode & 0o777 == 0o755
    assert (places.outside / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert stored_secrets(places.outside) == before
    assert len(set(before.values())) == 6


def test_another_checkout_at_the_same_path_does_not_inherit_the_data(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    claim_outside(places)
    (places.outside / "postgres").mkdir()
    shutil.rmtree(places.local)
    places.make()
    assert choose_home(places, NOBODY, lambda: True) == places.local
    claim_outside(places)
    assert not (places.outside / "postgres").exists()
    assert "set aside" in capsys.readouterr().out
    assert len(list(places.outside_root.glob("*/postgres"))) == 1


def test_a_folder_outside_that_is_a_link_is_refused(places: Places, tmp_path: Path) -> None:
    places.outside.symlink_to(tmp_path)
    with pytest.raises(StepFailed, match="not ours"):
        claim_outside(places)


def test_the_folder_outside_is_named_after_the_whole_path(tmp_path: Path) -> None:
    one, other = (Places(tmp_path / name / "a project").outside for name in ("one", "other"))
    assert one != other
    assert one.name.startswith("a-project-")


def test_a_stale_pid_file_of_postgresql_is_removed(tmp_path: Path) -> None:
    """Its number belongs to a living process that isn't PostgreSQL on these data: this test."""
    file = tmp_path / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n{tmp_path / 'elsewhere'}\n")
    clear_stale_pid(tmp_path)
    assert not file.exists()


def test_a_lock_has_one_holder_and_is_released_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from localstack.locks import FileLock\n"
            "assert FileLock(Path(sys.argv[1])).take(); print('held', flush=True); time.sleep(60)",
            str(path),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        lock = FileLock(path)
        assert is_held(path)
        assert not lock.take()
        holder.kill()
        assert lock.take(wait_seconds=5)
        lock.close()
    assert not is_held(path)


# --- The whole tool, as far as it runs without installing


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Copy the tool alone into a folder with a space in its name."""
    folder = tmp_path / "a copy"
    folder.mkdir()
    shutil.copy(ROOT / "dev.py", folder)
    shutil.copytree(ROOT / "localstack", folder / "localstack", ignore=shutil.ignore_patterns("__pycache__"))
    for name in REQUIREMENTS:
        shutil.copy(ROOT / name, folder)
    return folder


def dev(folder: Path, *words: str, said: str = "") -> tuple[int, str]:
    """Run `dev.py`; return its exit code and output."""
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "dev.py", *words],
        cwd=folder,
        env=environment,
        input=said,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.enable_socket
def test_a_port_in_use_is_reported_before_anything_is_installed(copied: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert dev(copied, "run", "--port", str(port)) == (
            1,
            f"Port {port} is taken by another program: choose another, as in make run PORT=9000.\n",
        )
    assert not (copied / ".venv").exists()


def test_a_second_run_in_one_folder_says_so_in_one_line(copied: Path) -> None:
    local = copied / ".local"
    local.mkdir()
    first = FileLock(local / "run.lock")
    assert first.take()
    first.write("http://localhost:8000, process 42")
    assert dev(copied, "run") == (
        1,
        "The site already runs: http://localhost:8000, process 42. make stop stops it.\n",
    )
    first.close()


def test_reset_asks_first(copied: Path) -> None:
    (copied / ".local").mkdir()
    (copied / ".local" / "env").write_text("A=1\n")
    code, said = dev(copied, "reset", said="no\n")
    assert code == 1
    assert "Type yes" in said
    assert (copied / ".local" / "env").exists()
    assert dev(copied, "reset", said="yes\n")[0] == 0
    assert not (copied / ".local").exists()


def test_stop_with_nothing_running_and_an_unknown_command(copied: Path) -> None:
    assert dev(copied, "stop") == (0, "Nothing was running.\n")
    code, said = dev(copied, "nonsense")
    assert code == 2
    assert "dev.py run" in said

"""The supervisor of the local stack, with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localstack.report import StepFailed
from localstack.supervisor import Program, Signals, Supervisor, birth, stop_leftovers
from tests.repository.test_dev import wait_for

ROOT = Path(__file__).resolve().parents[2]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(Signals(), tmp_path / "records", first_wait=0.01)
    made.records.mkdir()
    yield made
    made.stop()


def shell_program(folder: Path, script: str, *, name: str = "child", grace: float = 5.0) -> Program:
    """A program that runs a line of shell in `folder`."""
    argv = ["/bin/sh", "-c", script]
    return Program(name, argv, {"PATH": os.defpath}, folder, folder / f"{name}.log", grace=grace)


def lines_of(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def is_alive(pid: str) -> bool:
    return birth(int(pid)) is not None


def test_a_child_that_crashes_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"echo $$ >> {started}; test $(wc -l < {started}) -ge 3 && exec sleep 60; exit 7"
    supervisor.start(shell_program(tmp_path, script))
    assert supervisor.watch(until=lambda: len(lines_of(started)) == 3)
    first, second, third = lines_of(started)
    assert [is_alive(pid) for pid in (first, second, third)] == [False, False, True]
    supervisor.stop()
    assert not is_alive(third)


def test_processes_of_a_crashed_child_are_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    started = tmp_path / "started"
    supervisor.start(shell_program(tmp_path, f"sleep 60 & echo $! >> {started}; exit 1"))
    assert supervisor.watch(until=lambda: len(lines_of(started)) >= 2)
    assert wait_for(lambda: not is_alive(lines_of(started)[0]))


def test_five_crashes_give_up_and_name_the_log(supervisor: Supervisor, tmp_path: Path) -> None:
    started = tmp_path / "started"
    supervisor.start(shell_program(tmp_path, f"echo $$ >> {started}; exit 1"))
    with pytest.raises(StepFailed, match=r"child crashed five times in a minute.*child\.log"):
        supervisor.watch(until=lambda: False)
    assert len(lines_of(started)) == 5


def test_a_missing_program_fails_in_one_line(supervisor: Supervisor, tmp_path: Path) -> None:
    program = Program("child", [str(tmp_path / "none")], {}, tmp_path, tmp_path / "child.log")
    with pytest.raises(StepFailed, match=r"child could not be started: .*No such file"):
        supervisor.start(program)


def test_children_stop_in_reverse_order_of_their_start(supervisor: Supervisor, tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    for name in ("first", "second", "third"):
        script = f"trap 'echo {name} >> {ended}; exit 0' TERM; echo up > {name}; while :; do sleep 0.05; done"
        supervisor.start(shell_program(tmp_path, script, name=name))
    assert wait_for(lambda: all((tmp_path / name).exists() for name in ("first", "second", "third")))
    supervisor.stop()
    assert lines_of(ended) == ["third", "second", "first"]
    assert list(supervisor.records.iterdir()) == []


def test_a_child_that_will_not_stop_is_killed_after_its_grace(supervisor: Supervisor, tmp_path: Path) -> None:
    script = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done"
    supervisor.start(shell_program(tmp_path, script, grace=0.3))
    assert wait_for(lambda: lines_of(tmp_path / "pid"))
    before = time.monotonic()
    supervisor.stop()
    assert 0.3 <= time.monotonic() - before < 3
    assert not is_alive(lines_of(tmp_path / "pid")[0])


SUPERVISING = """
import os, signal, sys
from pathlib import Path
from localstack.supervisor import Program, Signals, Supervisor
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
folder = Path(sys.argv[1])
signals = Signals()
signals.raises = False
signals.install()
supervisor = Supervisor(signals, folder)
script = "sleep 60 & echo $$ $! > pids.new; mv pids.new pids; wait"
supervisor.start(Program("child", ["/bin/sh", "-c", script], dict(os.environ), folder, folder / "log"))
supervisor.watch(until=lambda: False)
supervisor.stop()
"""


@pytest.fixture
def supervising(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], list[str]]]]:
    """Start a supervisor as a process of its own; return it and the ids of child and grandchild."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*, ignoring_interrupts: bool = False) -> tuple[subprocess.Popen[bytes], list[str]]:
        ignore = "trap '' INT; " if ignoring_interrupts else ""
        argv = ["/bin/sh", "-c", ignore + 'exec "$@"', "sh", sys.executable, "-c", SUPERVISING, str(tmp_path)]
        started.append(subprocess.Popen(argv, cwd=ROOT))
        assert wait_for(lambda: len(lines_of(tmp_path / "pids")) == 2)
        return started[-1], lines_of(tmp_path / "pids")

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_leaves_no_process(supervising: Callable, number: signal.Signals) -> None:
    process, pids = supervising()
    process.send_signal(number)
    assert process.wait(timeout=5) == 0
    assert [pid for pid in pids if is_alive(pid)] == []


def test_an_interrupt_stops_it_also_when_it_was_started_ignoring_interrupts(supervising: Callable) -> None:
    """As every background job of a shell is."""
    process, pids = supervising(ignoring_interrupts=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == 0
    assert [pid for pid in pids if is_alive(pid)] == []


@on_linux
def test_a_killed_supervisor_ends_its_child(supervising: Callable) -> None:
    process, (child, grandchild) = supervising()
    process.kill()
    process.wait()
    assert wait_for(lambda: not is_alive(child))
    os.kill(int(grandchild), signal.SIGKILL)


def test_leftover_processes_are_stopped_only_if_id_and_start_time_agree(tmp_path: Path) -> None:
    records = tmp_path / "records"
    records.mkdir()
    ours, other = (subprocess.Popen(["sleep", "60"], process_group=0) for _ in range(2))
    try:
        (records / "ours").write_text(f"{ours.pid} {int(signal.SIGTERM)} {birth(ours.pid)}")
        (records / "other").write_text(f"{other.pid} {int(signal.SIGTERM)} 1")
        assert stop_leftovers(records, grace=2) == ["ours"]
        assert ours.wait(timeout=5) == -signal.SIGTERM
        assert other.poll() is None
        assert list(records.iterdir()) == []
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()

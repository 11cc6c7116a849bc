"""Starting processes, restarting those that crash, and stopping all of them.

Each child leads a process group of its own, so that Ctrl-C reaches only the supervisor and a child's own children can
be killed with it. On Linux the kernel also signals the child when the supervisor is killed.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack.report import StepFailed, Stopped, say

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
TICK_SECONDS = 0.1


@dataclass(frozen=True)
class Account:
    """The Unix user as which a child runs; only root can set one."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """What to start and how to stop it. Times in seconds."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    account: Account | None = None
    standard_input: bytes | None = None


class CrashRecord:
    """The crashes of one program: how long to wait before the next start, and when to give up."""

    def __init__(self, *, limit: int = 5, window: float = 60.0, first_wait: float = 0.5) -> None:
        self.limit = limit
        self.window = window
        self.first_wait = first_wait
        self._times: list[float] = []

    def note(self, now: float) -> float | None:
        """Note a crash. Returns the seconds to wait, doubled for each crash within the window; None to give up."""
        self._times = [moment for moment in self._times if now - moment < self.window] + [now]
        if len(self._times) >= self.limit:
            return None
        return self.first_wait * 2.0 ** (len(self._times) - 1)


class Signals:
    """Turns SIGINT, SIGTERM and SIGHUP into an orderly stop.

    With `raises`, the first signal raises Stopped; else `received_at` is checked. SIGINT's handler is installed
    explicitly, as a shell starts background jobs with SIGINT ignored, and then no KeyboardInterrupt would be raised.
    An ignored SIGHUP stays ignored, as with `nohup`.
    """

    def __init__(self) -> None:
        self.received_at: float | None = None
        self.is_hurried = False
        self.raises = True

    def install(self) -> None:
        """Install the handlers."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._receive)

    def _receive(self, number: int, frame: object) -> None:
        now = time.monotonic()
        if self.received_at is None:
            self.received_at = now
        elif now - self.received_at > 1:  # one Ctrl-C often arrives twice: from the shell and from make
            self.is_hurried = True
        if self.raises:
            self.raises = False
            raise Stopped


def tie_to_parent(number: int) -> Callable[[], None]:
    """Return a `preexec_fn` with which the kernel sends the signal `number` to the child when this process dies.

    A change of user clears this setting, so it must run afterwards, which is subprocess's order.
    """
    parent = os.getpid()

    def tie() -> None:
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return tie


def birth(pid: int) -> str | None:
    """Return when process `pid` started, as the system formats it; None if there is no such process.

    Together with the id it identifies a process, as ids are reused.
    """
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, *rest = fields.rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip() or None


def clear_group(leader: int) -> None:
    """Kill what is left of a child's process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
        os.killpg(leader, signal.SIGKILL)


@dataclass
class Child:
    """A program with its process; None while it waits to be started again at `start_at`."""

    program: Program
    crashes: CrashRecord
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0


class Supervisor:
    """Runs children, in the order of their start; `records` is the folder where their process ids are noted."""

    def __init__(self, signals: Signals, records: Path, *, first_wait: float = 0.5) -> None:
        self.signals = signals
        self.records = records
        self.first_wait = first_wait
        self.children: list[Child] = []

    def start(self, program: Program) -> None:
        """Start a program. Raises StepFailed."""
        child = Child(program, CrashRecord(first_wait=self.first_wait))
        self.children.append(child)
        self._spawn(child)

    def watch(self, until: Callable[[], bool]) -> bool:
        """Keep the children running until `until()` is true (returns True) or a signal arrives (returns False).

        Raises StepFailed if a child crashed too often.
        """
        while self.signals.received_at is None:
            for child in self.children:
                self._look_after(child)
            if until():
                return True
            time.sleep(TICK_SECONDS)
        return False

    def stop(self) -> None:
        """Stop the children, the last started first; kill those that don't end within their grace period."""
        while self.children:
            child = self.children.pop()
            if child.process is not None:
                self._stop(child, child.process)
            self._record(child).unlink(missing_ok=True)

    def _record(self, child: Child) -> Path:
        return self.records / child.program.name

    def _spawn(self, child: Child) -> None:
        program = child.program
        account: dict[str, Any] = {}
        if program.account is not None:
            account = {"user": program.account.uid, "group": program.account.gid, "extra_groups": []}
        with open(program.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            try:
                process = subprocess.Popen(
                    program.argv,
                    cwd=program.folder,
                    env=dict(program.environment),
                    stdin=subprocess.DEVNULL if program.standard_input is None else subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    process_group=0,
                    preexec_fn=tie_to_parent(program.stop_signal),
                    **account,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise StepFailed(f"{program.name} could not be started: {error}.") from error
        child.process = process
        text = f"{process.pid} {int(program.stop_signal)} {birth(process.pid)}"
        self._record(child).write_text(text, encoding="utf-8")
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # a dead child is noticed later
                pipe.write(program.standard_input or b"")

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._spawn(child)
        elif child.process.poll() is not None:
            clear_group(child.process.pid)
            ending = child.process.returncode
            child.process = None
            wait = child.crashes.note(now)
            name, log = child.program.name, child.program.log
            if wait is None:
                raise StepFailed(f"{name} crashed five times in a minute; the reason is in {log}")
            child.start_at = now + wait
            say(f"{name} ended by itself ({ending}); starting it again in {wait:g} s. Log: {log}")

    def _stop(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.send_signal(child.program.stop_signal)
        end = time.monotonic() + child.program.grace
        while process.poll() is None and time.monotonic() < end and not self.signals.is_hurried:
            time.sleep(0.02)
        clear_group(process.pid)
        process.wait()
        child.process = None


def stop_leftovers(records: Path, *, grace: float = 10.0) -> list[str]:
    """Stop the processes that a killed supervisor left running, and return their names.

    A noted process id counts only if that process has the noted start time.
    """
    stopped = []
    for record in sorted(records.iterdir()) if records.is_dir() else []:
        pid, number, born = [*record.read_text(encoding="utf-8").split(" ", 2), "", ""][:3]
        if pid.isdigit() and number.isdigit() and birth(int(pid)) == born:
            stopped.append(record.name)
            stop_process(int(pid), int(number), born, grace=grace)
            clear_group(int(pid))
        record.unlink(missing_ok=True)
    return stopped


def stop_process(pid: int, number: int, born: str | None, *, grace: float) -> bool:
    """Send the signal `number` to a process, and SIGKILL after `grace` seconds; True if it ended before."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    end = time.monotonic() + grace
    while time.monotonic() < end:
        if birth(pid) != born:
            return True
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return False

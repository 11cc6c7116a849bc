"""PostgreSQL and Valkey, running as long as a command in this folder needs them.

`run`, `test`, `shell` and the rest may run together and share the servers. Each command holds a shared lock; one keeper
process starts the servers, and stops them once no command holds that lock. The kernel releases the lock of a killed
command, so nothing keeps running after it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from localstack.locks import FileLock, exclusive, is_held
from localstack.places import Places, write_private
from localstack.report import StepFailed, say
from localstack.servers import (
    Servers,
    find_servers,
    make_roles,
    postgres_answers,
    postgres_program,
    prepare_data,
    settle_ports,
    valkey_program,
)
from localstack.supervisor import Signals, Supervisor, stop_leftovers

READY_SECONDS = 60.0
STOP_SECONDS = 45.0


def keep(places: Places) -> int:
    """Run as the keeper: start both servers, write that they are ready, wait until nobody needs them, stop them."""
    signals = Signals()
    signals.raises = False
    signals.install()
    lock = FileLock(places.lock("keeper"))
    if not lock.take(wait_seconds=2):
        return 0
    supervisor = Supervisor(signals, places.records("services"))
    ready = places.local / "services.json"
    try:
        stop_leftovers(places.records("services"), grace=30)
        servers = start_servers(places, supervisor)
        write_private(ready, json.dumps({"ports": dict(servers.ports), "pid": os.getpid()}))
        users = FileLock(places.lock("users"))
        supervisor.watch(until=users.take)
    except StepFailed as failure:
        write_private(places.local / "services.failed", str(failure))
        return 1
    finally:
        supervisor.stop()
        ready.unlink(missing_ok=True)
    return 0


def start_servers(places: Places, supervisor: Supervisor) -> Servers:
    """Start both servers and wait until they answer. Raises StepFailed."""
    log, broker_log = places.rotate("postgres"), places.rotate("valkey")
    servers = settle_ports(find_servers(places))
    prepare_data(servers, log)
    supervisor.start(postgres_program(servers, log))
    supervisor.start(valkey_program(servers, broker_log))
    end = time.monotonic() + READY_SECONDS
    supervisor.watch(
        until=lambda: (postgres_answers(servers) and valkey_answers(servers)) or time.monotonic() > end
    )
    if not postgres_answers(servers):
        raise StepFailed(f"PostgreSQL did not answer within {READY_SECONDS:g} s; the reason is in {log}")
    if not valkey_answers(servers):
        raise StepFailed(f"Valkey did not answer within {READY_SECONDS:g} s; the reason is in {broker_log}")
    return servers


def valkey_answers(servers: Servers) -> bool:
    """Return whether Valkey accepts our password and has loaded its file."""
    try:
        with socket.create_connection(("127.0.0.1", servers.ports["valkey"]), timeout=2) as connection:
            connection.sendall(f"AUTH {servers.secrets['valkey']}\r\nPING\r\nQUIT\r\n".encode())
            answer = b""
            while piece := connection.recv(256):
                answer += piece
    except OSError:
        return False
    return b"+PONG" in answer


class Services:
    """Keeps the servers running for one command: `with Services(places, "run") as services:`."""

    def __init__(self, places: Places, label: str) -> None:
        self.places = places
        self.label = label
        self._keeper: subprocess.Popen[bytes] | None = None
        self.servers: Servers | None = None

    def __enter__(self) -> "Services":
        self._users = FileLock(self.places.lock("users"))
        self._users.take(shared=True, wait_seconds=None)
        self._own = FileLock(self.places.local / "users" / str(os.getpid()))
        self._own.take(wait_seconds=1)  # another process may be checking it just now
        self._own.write(self.label)
        try:
            self.ensure()
        except BaseException:
            self.leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def ensure(self) -> None:
        """Make sure that the servers run and have their roles; start a keeper if there is none."""
        failed = self.places.local / "services.failed"
        with exclusive(self.places.lock("start")):
            if not is_held(self.places.lock("keeper")):
                failed.unlink(missing_ok=True)
                (self.places.local / "services.json").unlink(missing_ok=True)
                self._start_keeper()
            self._wait_until_ready(failed)
            self.servers = find_servers(self.places)
            make_roles(self.servers, self.places.project)

    def is_up(self) -> bool:
        """Return whether a keeper runs."""
        return is_held(self.places.lock("keeper"))

    def failure(self) -> str | None:
        """Return why the keeper gave up; None if it didn't, or was killed."""
        failed = self.places.local / "services.failed"
        return failed.read_text(encoding="utf-8") if failed.exists() else None

    def _start_keeper(self) -> None:
        log = self.places.rotate("services")
        with open(log, "ab") as output:
            self._keeper = subprocess.Popen(
                [sys.executable, str(self.places.project / "dev.py"), "keep-services"],
                cwd=self.places.project,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _wait_until_ready(self, failed: Path) -> None:
        end = time.monotonic() + READY_SECONDS + 30
        while not (self.places.local / "services.json").exists():
            if failed.exists():
                raise StepFailed(failed.read_text(encoding="utf-8"))
            ended = self._keeper is not None and self._keeper.poll() is not None
            if ended or time.monotonic() > end:
                raise StepFailed(
                    f"PostgreSQL and Valkey did not start; the reason is in {self.places.log('services')}"
                )
            time.sleep(0.05)

    def leave(self) -> None:
        """Release the locks; the last command waits until the servers have stopped."""
        self._own.path.unlink(missing_ok=True)
        self._own.close()
        self._users.close()
        end = time.monotonic() + STOP_SECONDS
        while self.is_up() and not self._has_others() and time.monotonic() < end:
            time.sleep(0.05)
        if self._keeper is not None and not self.is_up():
            self._keeper.wait()

    def _has_others(self) -> bool:
        return any(is_held(file) for file in (self.places.local / "users").iterdir())


def wait_until_free(lock: Path, seconds: float) -> bool:
    """Wait until no process has the lock; False if one still has it after so many seconds."""
    end = time.monotonic() + seconds
    while is_held(lock):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def stop_everything(places: Places) -> list[str]:
    """Stop the commands that use the servers, then the servers; returns the names of what was stopped."""
    stopped = []
    for file in sorted((places.local / "users").iterdir(), key=lambda path: path.name):
        if is_held(file):  # its process runs, and the file's name is its id
            stopped.append(file.read_text(encoding="utf-8"))
            os.kill(int(file.name), signal.SIGTERM)
            wait_until_free(file, 60)
        file.unlink(missing_ok=True)
    stopped += stop_leftovers(places.records("run"))
    if is_held(places.lock("keeper")) and not wait_until_free(places.lock("keeper"), STOP_SECONDS):
        say("PostgreSQL and Valkey do not stop by themselves; killing them.")
    stopped += stop_leftovers(places.records("services"), grace=30)
    return stopped

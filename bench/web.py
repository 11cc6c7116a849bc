"""Web servers to measure, and a client that times whole pages."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2


@dataclass(frozen=True)
class Page:
    """An address on a server, with the browser's headers; `in_database` reads the time from `bench.timed`."""

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    in_database: bool = False

    def get(self) -> tuple[float, bytes]:
        """Return milliseconds from connecting to the last byte, or in the database, and the page; raises
        unless 200.
        """
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", self.path, headers=dict(self.headers))
        answer = connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - started) * 1000
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{self.path} on port {self.port} answered {answer.status}")
        if self.in_database:
            taken = float(answer.headers["Server-Timing"].removeprefix("db;dur="))
        return taken, body


def free_port() -> int:
    """Return a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(application: str, environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run gunicorn with two sync workers, as `make run` does; yield its port."""
    port = free_port()
    argv = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
    argv += ["--workers", str(WORKERS), "--worker-class", "sync", "--no-control-socket", "--timeout", "120"]
    with log.open("ab") as said:
        process = subprocess.Popen(argv, cwd=ROOT, env=dict(environment), stdout=said, stderr=said)
    try:
        wait_for(process, port, log)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(process: subprocess.Popen, port: int, log: Path) -> None:
    """Wait until the process listens on the port; RuntimeError after a minute, or if it ends."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: see {log}")

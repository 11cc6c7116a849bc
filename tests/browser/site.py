"""The whole site for a browser: gunicorn, a worker and beat, with a real database, broker and mail sink.

`running()` starts all of it on free ports of the loopback and ends what it started, and nothing else.
"""

import fcntl
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from aiosmtpd.controller import Controller
from redis import Redis

from localstack.supervisor import tie_to_parent
from tests import databases

SWEEP_SECONDS = 2
READY_SECONDS = 60
STOP_SECONDS = 10
MAIL_SECONDS = 30
# The broker has 16 numbered stores; the last ones are the tests', one for each pytest process.
STORES = range(8, 16)
SWEPT = re.compile(r"Task reintegration\.tasks\.send_due_reminders\[[^]]*\] succeeded")


@dataclass(frozen=True)
class Mail:
    """A message as the mail server received it."""

    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self.message.get_content()


class Sink:
    """A mail server that keeps its messages; its thread passes them to whoever waits."""

    def __init__(self) -> None:
        self._mails: list[Mail] = []
        self._came = threading.Condition()

    async def handle_DATA(self, server, session, envelope) -> str:  # aiosmtpd asks for this name
        message = message_from_bytes(envelope.content, policy=policy.default)
        with self._came:
            self._mails.append(Mail(tuple(envelope.rcpt_tos), message))
            self._came.notify_all()
        return "250 Message accepted"

    def about(self, words: str) -> list[Mail]:
        """Return mails with these words in the subject."""
        with self._came:
            return self._about(words)

    def to(self, addresses: set[str]) -> list[Mail]:
        """Return mails to any of these addresses."""
        with self._came:
            return [mail for mail in self._mails if addresses & set(mail.recipients)]

    def wait_for(self, words: str) -> Mail:
        """Return the first mail with these words in the subject; fails after 30 seconds."""
        with self._came:
            if not self._came.wait_for(lambda: self._about(words), MAIL_SECONDS):
                subjects = [mail.subject for mail in self._mails]
                raise AssertionError(f"no mail about “{words}” in {MAIL_SECONDS} s; there were {subjects}")
            return self._about(words)[0]

    def _about(self, words: str) -> list[Mail]:
        return [mail for mail in self._mails if words in mail.subject]


@dataclass
class Site:
    """A running site."""

    url: str
    database: str
    logs: Path
    sink: Sink
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def rows(self, statement: str, values: list | None = None) -> list[tuple]:
        """Read or change the database as its owner, who sees all rows."""
        link = databases.as_owner(self.database)
        try:
            with link.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            link.close()

    def today(self) -> date:
        """Return the day in Nepal, where the caseworkers are."""
        return self.rows("SELECT (now() AT TIME ZONE 'Asia/Kathmandu')::date")[0][0]

    def sweeps(self) -> int:
        """Return how many sweeps for due reminders the worker has finished."""
        return len(SWEPT.findall((self.logs / "worker.log").read_text(encoding="utf-8")))

    def wait_for_sweeps(self, count: int) -> None:
        """Wait until the worker has finished this many more sweeps."""
        wanted = self.sweeps() + count
        self.wait(lambda: self.sweeps() >= wanted, (count + 1) * SWEEP_SECONDS + 20, "the worker swept")

    def tails(self, lines: int = 25) -> str:
        """Return the last lines of each process's log."""
        return "\n".join(
            f"--- {path.name}\n"
            + "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
            for path in sorted(self.logs.glob("*.log"))
        )

    def wait(self, is_so: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until `is_so` is true; fails at once if a process of the site has ended."""
        end = time.monotonic() + seconds
        while not is_so():
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            if ended or time.monotonic() > end:
                reason = f"{', '.join(ended)} ended" if ended else f"not within {seconds:.0f} s"
                raise AssertionError(f"{what}: {reason}\n{self.tails()}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether the web process, the database and the broker answer."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def running(number: int = 0, *, host: str = "127.0.0.1", second_factor: bool = False) -> Iterator[Site]:
    """Run a site with its own demo caseload; `number` separates the sites of parallel test processes.

    Browsers make passkeys for host names only: for these `host` is localhost.
    """
    collect_static()
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iom_cases_browser_")))
        name = stack.enter_context(
            databases.clone(f"test_iom_browser{number}_{os.getpid()}{'_2' if second_factor else ''}")
        )
        logging.getLogger("mail.log").setLevel(
            logging.WARNING
        )  # otherwise it logs each line of each connection
        sink = Sink()
        carrier = Controller(sink, hostname="127.0.0.1", port=free_port())
        carrier.start()
        stack.callback(carrier.stop)
        port = free_port()
        site = Site(f"http://{host}:{port}", name, logs, sink)
        values = _environment(site, mail_port=carrier.port, number=number)
        values |= {"ALLOWED_HOSTS": f"127.0.0.1,{host}", "MFA_REQUIRED": str(int(second_factor))}
        stack.callback(_stop, site.processes)
        for program, words in _programs(site, port, number).items():
            site.processes[program] = _start(program, words, values, logs)
        site.wait(site.is_ready, READY_SECONDS, "the site answers on /readyz")
        site.wait(lambda: site.sweeps() > 0, READY_SECONDS, "the worker takes what beat sends")
        yield site


def store_of(number: int) -> str:
    """Return the address of the broker's store for the site of this number."""
    return urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{STORES[number % len(STORES)]}"))


def _environment(site: Site, *, mail_port: int, number: int) -> dict[str, str]:
    """Return the environment of each process of the site. None of them gets the owner's address."""
    store = store_of(number)
    with Redis.from_url(store) as broker:
        broker.flushdb()
    values = databases.environment(site.database) | {
        "REDIS_URL": store,
        "SITE_URL": site.url,
        "EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
        "SWEEP_SECONDS": str(SWEEP_SECONDS),
        "DEBUG": "0",
        "DEMO": "1",
        "PYTHONUNBUFFERED": "1",
    }
    del values["MIGRATION_DATABASE_URL"]
    return values


def _programs(site: Site, port: int, number: int) -> dict[str, list[str]]:
    celery = ["celery", "-A", "iom_cases"]
    gunicorn = ["gunicorn", "tests.hashes:site()", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    quiet = ["--without-gossip", "--without-mingle", "--hostname", f"browser{number}-{os.getpid()}@localhost"]
    return {
        "web": [*gunicorn, "--worker-class", "sync", "--no-control-socket"],
        "worker": [*celery, "worker", "--loglevel", "INFO", "--concurrency", "1", *quiet],
        "beat": [*celery, "beat", "--schedule", str(site.logs / "schedule"), "--pidfile="],
    }


def _start(name: str, words: list[str], values: dict[str, str], logs: Path) -> subprocess.Popen:
    """Start a process in its own group, so that its children end with it; it is killed if this process is."""
    with open(logs / f"{name}.log", "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=databases.ROOT,
            env=values,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tie_to_parent(signal.SIGTERM),
        )


def _stop(processes: dict[str, subprocess.Popen]) -> None:
    """Ask each to end, beat first; kill what is left of a group after ten seconds."""
    for process in reversed(processes.values()):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        with suppress(subprocess.TimeoutExpired):  # a process that is too slow is killed below
            process.wait(max(end - time.monotonic(), 0.1))
        with suppress(ProcessLookupError):  # the whole group has ended already
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def collect_static() -> None:
    """Copy `static/` to `staticfiles/` unless it is up to date."""
    made = databases.ROOT / "staticfiles" / "staticfiles.json"
    with open(Path(tempfile.gettempdir()) / "iom_cases_static.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = [path for path in (databases.ROOT / "static").rglob("*") if path.is_file()]
        newest = max(path.stat().st_mtime for path in sources)
        if not made.is_file() or made.stat().st_mtime < newest:
            databases.manage("postgres", "collectstatic", "--noinput", "-v0")

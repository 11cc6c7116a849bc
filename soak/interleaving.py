"""Mixed requests of two NGOs and of nobody on kept connections: none may see what another left behind.

Once on one connection to PostgreSQL, and once through PgBouncer in transaction mode, where four processes
share two connections. Exceptions, broken statements and aborted downloads are mixed in (soak/probes.py).
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from bench.web import free_port, wait_for
from soak.report import Failed, say
from tests import databases

ROOT = Path(__file__).resolve().parent.parent
REQUESTS = int(os.environ.get("SOAK_REQUESTS", "10000"))
SEED = 7
CLIENTS, POOL = 4, 2
INSTALL = "there is no pgbouncer here: apt-get install pgbouncer"


def run() -> tuple[str, bool]:
    """Run one process on one kept connection."""
    with databases.clone(f"soak_kept_{os.getpid()}") as name:
        environment = _environment(name)
        found = _traffic(environment, _prepared(environment), clients=1)
    return verdict("interleaving", found, backends=1)


def run_pooled() -> tuple[str, bool]:
    """Run several processes through PgBouncer in transaction mode, on fewer connections than processes."""
    with databases.clone(f"soak_pooled_{os.getpid()}") as name:
        environment = _environment(name)
        prepared = _prepared(environment)
        with bouncer(environment["DATABASE_URL"]) as address:
            found = _traffic(environment | {"DATABASE_URL": address}, prepared, clients=CLIENTS)
    return verdict("pgbouncer", found, backends=POOL)


def verdict(part: str, found: Counter, *, backends: int) -> tuple[str, bool]:
    """Return the closing line, and whether all conditions are met.

    Each NGO must also have found rows of its own: otherwise finding none of the other's would mean nothing.
    """
    statuses = ", ".join(f"{found[name]} × {name[7:]}" for name in sorted(found) if name.startswith("status"))
    say(f"  {statuses}")
    say(f"  own rows found by A {found['own A']}, by B {found['own B']}; connections {found['backends']}")
    say(f"  streams that still found their own after the request {found['late']}")
    say(f"  requests after which a context was left {found['left']}")
    passes = (
        found["foreign"] == found["left"] == 0 and min(found[name] for name in ("own A", "own B", "late")) > 0
    )
    passes = passes and found["backends"] == backends and found["status 500"] > 0
    return f"{part} {found['requests']} foreign {found['foreign']}", passes


def _environment(name: str) -> dict[str, str]:
    """Return an environment without the owner's address, as the site has it."""
    given = databases.environment(name) | {"PYTHONPATH": str(ROOT)}
    return {key: value for key, value in given.items() if key != "MIGRATION_DATABASE_URL"}


def _prepared(environment: dict[str, str]) -> str:
    return _python(environment, "prepare").communicate()[0]


def _python(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "soak.traffic", *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _traffic(environment: dict[str, str], prepared: str, *, clients: int) -> Counter:
    """Run so many processes at once, each with its share; return the sum of their counts."""
    share = str(REQUESTS // clients)
    running = [_python(environment, "run", share, str(SEED + number)) for number in range(clients)]
    for process in running:
        process.stdin.write(prepared)
        process.stdin.close()
    found: Counter = Counter()
    backends = set()
    for process in running:
        said = process.stdout.read()
        if process.wait() != 0:
            raise Failed("a process of the traffic ended early; its error is printed above")
        counts = json.loads(said)
        backends |= set(counts.pop("backends"))
        found.update(counts)
    return found + Counter(backends=len(backends))


@contextmanager
def bouncer(address: str) -> Iterator[str]:
    """Run PgBouncer on a free port in front of this database; yield its address."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise Failed(INSTALL)
    parts = urlsplit(address)
    port, database = free_port(), parts.path.strip("/")
    with tempfile.TemporaryDirectory(prefix="soak_pool") as name:
        folder = Path(name)
        log = folder / "log"
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": folder / "users",
            "pool_mode": "transaction",
            "default_pool_size": POOL,
            "logfile": log,
        }
        lines = [f"{key} = {value}" for key, value in settings.items()]
        behind = f"{database} = host={parts.hostname} port={parts.port} dbname={database}"
        (folder / "ini").write_text("\n".join(["[databases]", behind, "[pgbouncer]", *lines, ""]))
        (folder / "users").write_text(f'"{parts.username}" "{unquote(parts.password or "")}"\n')
        process = subprocess.Popen([program, "-q", str(folder / "ini")], user=_other_user(folder))
        try:
            wait_for(process, port, log)
            through = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}")
            yield urlunsplit(through._replace(query="DISABLE_SERVER_SIDE_CURSORS=true"))
        finally:
            process.terminate()
            process.wait(timeout=30)


def _other_user(folder: Path) -> int | None:
    """PgBouncer refuses to run as root: return the user nobody then, and give it the folder."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody").pw_uid
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody, -1)
    return nobody

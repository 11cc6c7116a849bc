"""The local stack's folders, secrets and ports.

Everything is in the project's `.local/`, except that a database which root runs as user `nobody` may have to be where
that user can reach it.
"""

import errno
import hashlib
import json
import os
import pwd
import re
import secrets
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from localstack.report import StepFailed, say
from localstack.supervisor import Account

PROJECT = Path(__file__).resolve().parent.parent
OUTSIDE = Path("/var/tmp")
SERVER_VARIABLES = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")
FOREIGN = re.compile(r"PG[A-Z]+|GUNICORN_CMD_ARGS|PYTHONHOME|PYTHONPATH|VIRTUAL_ENV|DJANGO_SETTINGS_MODULE")


@dataclass(frozen=True)
class Places:
    """The folders and files of one checkout."""

    project: Path
    outside_root: Path = OUTSIDE

    @property
    def local(self) -> Path:
        """The folder of all local data."""
        return self.project / ".local"

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.project / ".venv"

    @property
    def python(self) -> Path:
        """The virtual environment's Python."""
        return self.venv / "bin" / "python"

    @property
    def env_file(self) -> Path:
        """The file with the site's variables for manage.py."""
        return self.local / "env"

    def lock(self, name: str) -> Path:
        """Return the path of a lock file."""
        return self.local / f"{name}.lock"

    def log(self, name: str) -> Path:
        """Return the path of a log file."""
        return self.local / "log" / f"{name}.log"

    def records(self, name: str) -> Path:
        """Return the folder where a supervisor notes its process ids."""
        return self.local / "processes" / name

    @property
    def outside(self) -> Path:
        """The folder for data that can't be in `.local`; its name is derived from the project's path."""
        word = re.sub(r"[^A-Za-z0-9]+", "-", self.project.name).strip("-") or "project"
        return self.outside_root / f"{word}-{hashlib.sha256(os.fsencode(self.project)).hexdigest()[:12]}"

    def make(self) -> None:
        """Create the folders. Root's `.local` has mode 0711, as user `nobody` must pass through. Raises StepFailed."""
        if self.local.exists() and self.local.stat().st_uid != os.geteuid():
            raise StepFailed(f"{self.local} belongs to user {self.local.stat().st_uid}: work as that user.")
        try:
            self.local.mkdir(exist_ok=True)
            self.local.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for folder in ("log", "mail", "users", "processes/run", "processes/services"):
                (self.local / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        except PermissionError as error:
            raise StepFailed(f"{error.filename} belongs to another user: work as that user.") from error

    def rotate(self, name: str) -> Path:
        """Start a new log, keep the former one as `.log.1`, and return the new one's path."""
        log = self.log(name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)
        return log


def server_account() -> Account | None:
    """Return the Unix user for the servers: `nobody` if we are root, whom PostgreSQL refuses; None for ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def reaches(account: Account, *, run: Path, read: Path, enter: Path) -> bool:
    """Return whether a user can run one file, read another and enter a folder, by trying it as that user."""
    result = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1" && test -r "$2" && test -x "$3"', "sh", run, read, enter],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return result.returncode == 0


def choose_home(places: Places, account: Account | None, reachable: Callable[[], bool]) -> Path:
    """Return the folder for the servers' data: `.local`, or the one outside if `nobody` can't reach it.

    Data that are outside stay there, even if the project's folder is opened later.
    """
    if account is None:
        return places.local
    return places.outside if is_outside_ours(places) or not reachable() else places.local


def is_outside_ours(places: Places) -> bool:
    """Return whether this checkout created the folder outside, and not an earlier one at the same path."""
    ours, theirs = places.local / "id", places.outside / "id"
    return ours.exists() and theirs.exists() and ours.read_bytes() == theirs.read_bytes()


def claim_outside(places: Places) -> None:
    """Create the folder outside; set aside the one of an earlier checkout at this path.

    Raises StepFailed if another user created it: everyone can write to `/var/tmp`.
    """
    mark = places.local / "id"
    if not mark.exists():
        write_private(mark, secrets.token_hex(8))
    folder = places.outside
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.geteuid()):
        raise StepFailed(f"{folder} is not ours: move it away and start again.")
    if folder.exists() and not is_outside_ours(places):
        aside = folder.with_name(f"{folder.name}.{time.strftime('%Y%m%d-%H%M%S')}")
        folder.rename(aside)
        say(f"Data of an earlier checkout at this path were set aside in {aside}")
    if not folder.exists():
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        write_private(folder / "id", mark.read_text(encoding="utf-8"))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
    draft.replace(path)


def stored_secrets(home: Path) -> dict[str, str]:
    """Return the stack's passwords and keys; random ones are created once and stored beside the data."""
    path = home / "secrets.json"
    stored: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    new = {name: secrets.token_urlsafe(24) for name in ("superuser", "owner", "app", "valkey")}
    new |= {"key": secrets.token_urlsafe(64), "fields": b64encode(secrets.token_bytes(32)).decode()}
    if new.keys() - stored.keys():
        stored = new | stored
        write_private(path, json.dumps(stored))
    return stored


def own_servers(environment: Mapping[str, str]) -> bool:
    """Return whether the environment names other servers. Raises StepFailed unless all three URLs are set or none."""
    given = [name for name in SERVER_VARIABLES if environment.get(name)]
    if given and len(given) < len(SERVER_VARIABLES):
        missing = ", ".join(name for name in SERVER_VARIABLES if name not in given)
        raise StepFailed(f"{given[0]} is set but not {missing}: set all three, or none for the local ones.")
    return bool(given)


def free_port(preferred: int | None) -> int:
    """Return a free port on 127.0.0.1, the preferred one if it is free."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StepFailed("No free port on 127.0.0.1.")


def is_port_taken(port: int) -> bool:
    """Return whether a program uses this port on 127.0.0.1 or ::1 (browsers try both)."""
    return any(
        _is_taken(family, address, port)
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
    )


def _is_taken(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family) as caller, socket.socket(family) as probe:
            caller.settimeout(1)
            if caller.connect_ex((address, port)) == 0:
                return True
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except PermissionError as error:
        raise StepFailed(f"Port {port} is for root alone: take one from 1024 on.") from error
    except OSError as error:  # any other error means that this system has no such address family
        return error.errno == errno.EADDRINUSE
    return False

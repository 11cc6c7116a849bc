"""Where the local stack keeps things, and the variables it hands to the site.

Everything lives in `.local/` of the project, save that a database run by root as user `nobody` may have to
live where that user can reach it.
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
        return self.project / ".local"

    @property
    def venv(self) -> Path:
        return self.project / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def env_file(self) -> Path:
        return self.local / "env"

    def lock(self, name: str) -> Path:
        return self.local / f"{name}.lock"

    def log(self, name: str) -> Path:
        return self.local / "log" / f"{name}.log"

    def records(self, name: str) -> Path:
        return self.local / "processes" / name

    @property
    def outside(self) -> Path:
        """The folder for what `.local` can't hold; its name is made from the project's path."""
        word = re.sub(r"[^A-Za-z0-9]+", "-", self.project.name).strip("-") or "project"
        return self.outside_root / f"{word}-{hashlib.sha256(os.fsencode(self.project)).hexdigest()[:12]}"

    def make(self) -> None:
        """Make the folders. Root's `.local` may be passed through (0711), as user `nobody` must."""
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
        """A fresh log; the one before is kept as `.log.1`."""
        log = self.log(name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)
        return log


def server_account() -> Account | None:
    """Who runs the servers: `nobody` when we are root (PostgreSQL refuses root), else ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def reaches(account: Account, *, run: Path, read: Path, enter: Path) -> bool:
    """Whether that user can run one file, read another and enter a folder; tried, not computed."""
    tried = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1" && test -r "$2" && test -x "$3"', "sh", run, read, enter],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return tried.returncode == 0


def choose_home(places: Places, account: Account | None, reachable: Callable[[], bool]) -> Path:
    """The folder for the servers' data: `.local`, or the one outside when `nobody` can't get there.

    Data that were put outside once stay there, also when the project's folder is opened later.
    """
    if account is None:
        return places.local
    return places.outside if is_outside_ours(places) or not reachable() else places.local


def is_outside_ours(places: Places) -> bool:
    """Whether the folder outside was made by this checkout, and not by an earlier one at its path."""
    ours, theirs = places.local / "id", places.outside / "id"
    return ours.exists() and theirs.exists() and ours.read_bytes() == theirs.read_bytes()


def claim_outside(places: Places) -> None:
    """Make the folder outside ours: nobody else's, and not left by an earlier checkout at this path.

    `/var/tmp` is open to everyone, so a folder that somebody else made there is refused.
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
    """Write a file that only its owner reads; whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
    draft.replace(path)


def kept_secrets(home: Path) -> dict[str, str]:
    """The stack's own passwords and key: random, made once, kept beside the data they open."""
    path = home / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    made = {name: secrets.token_urlsafe(24) for name in ("superuser", "owner", "app", "valkey")}
    made |= {"key": secrets.token_urlsafe(64), "fields": b64encode(secrets.token_bytes(32)).decode()}
    if made.keys() - kept.keys():
        kept = made | kept
        write_private(path, json.dumps(kept))
    return kept


def own_servers(environment: Mapping[str, str]) -> bool:
    """Whether the environment names servers to use instead of ours: all three addresses or none."""
    given = [name for name in SERVER_VARIABLES if environment.get(name)]
    if given and len(given) < len(SERVER_VARIABLES):
        missing = ", ".join(name for name in SERVER_VARIABLES if name not in given)
        raise StepFailed(f"{given[0]} is set but not {missing}: set all three, or none for the local ones.")
    return bool(given)


def free_port(preferred: int | None) -> int:
    """A free port on 127.0.0.1, the preferred one if it can be had."""
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
    """Whether something answers or sits on this port, on 127.0.0.1 or ::1 (browsers try both)."""
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
    except OSError as error:  # anything but "in use" means that this family is not there
        return error.errno == errno.EADDRINUSE
    return False

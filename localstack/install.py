"""The virtual environment: made once, and again only when the requirements change."""

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from localstack.locks import exclusive
from localstack.places import Places
from localstack.report import StepFailed, last_line, say
from localstack.supervisor import tie_to_parent

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
OLDEST_GLIBC = (2, 28)  # what the wheels of PostgreSQL and Valkey are built for


def unsupported(system: str, libc: tuple[str, str], triplet: str, machine: str) -> str | None:
    """Why the wheels of PostgreSQL and Valkey can't run here, in one line; None when they can."""
    if machine.lower() not in ("x86_64", "amd64", "aarch64", "arm64"):
        return f"PostgreSQL and Valkey are packaged for x86-64 and ARM64, not for {machine}."
    if system != "linux":
        return None
    name, version = libc
    if "musl" in triplet or name != "glibc":
        return "PostgreSQL and Valkey are packaged for glibc, not for musl: use Debian, or a container of it."
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if numbers < OLDEST_GLIBC:
        return f"PostgreSQL and Valkey need glibc 2.28 or later; this system has {version}."
    return None


def stamp(project: Path, version: tuple[int, int]) -> str:
    """What the environment was made from: both requirement files and Python's version."""
    digest = hashlib.sha256(f"{version[0]}.{version[1]}\n".encode())
    for name in REQUIREMENTS:
        digest.update((project / name).read_bytes() + b"\0")
    return digest.hexdigest()


def ensure_environment(places: Places) -> None:
    """Have `.venv` hold what the requirements say; no network when it already does.

    An installation that was interrupted is begun anew; one that failed by itself has changed nothing.
    """
    problem = unsupported(
        sys.platform,
        platform.libc_ver(),
        str(sysconfig.get_config_var("HOST_GNU_TYPE")),
        platform.machine(),
    )
    if problem:
        raise StepFailed(problem)
    wanted = stamp(places.project, sys.version_info[:2])
    mark, under_way = places.venv / ".installed", places.local / "install.under-way"
    with exclusive(places.lock("install"), waiting="Another command installs the packages; waiting for it …"):
        is_whole = works(places) and not under_way.exists()
        if is_whole and mark.exists() and mark.read_text(encoding="utf-8") == wanted:
            return
        say("Installing the packages into .venv (on the first start only; about a minute) …")
        log = places.rotate("install")
        under_way.touch()
        if not is_whole:
            make_environment(places, log)
        try:
            run_step("Installing the packages", installer(places), log, places.project)
        except StepFailed:
            under_way.unlink()
            raise
        mark.write_text(wanted, encoding="utf-8")
        under_way.unlink()


def works(places: Places) -> bool:
    """Whether the environment's Python starts at all (an upgrade of the system can take it away)."""
    try:
        return subprocess.run([places.python, "-c", ""], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def make_environment(places: Places, log: Path) -> None:
    """Make `.venv` from nothing, in place of one that is broken or half made."""
    uv, python = shutil.which("uv"), getattr(sys, "_base_executable", None) or sys.executable
    probe = [python, "-c", "import ensurepip, venv"]
    if uv is None and subprocess.run(probe, check=False, capture_output=True).returncode:
        raise StepFailed("Python's venv module is missing: apt install python3-venv, then start again.")
    if places.venv.exists():
        shutil.rmtree(places.venv)
    argv = [uv, "venv", "--python", python] if uv else [python, "-m", "venv"]
    run_step("Making .venv", [*argv, str(places.venv)], log, places.project)


def installer(places: Places) -> list[str | Path]:
    """The command that installs the requirements: uv's where it is at hand, else pip's."""
    file = places.project / REQUIREMENTS[1]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", places.python, "-r", file]
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    return [places.python, "-m", "pip", "install", *quiet, "-r", file]


def run_step(
    what: str, argv: Sequence[str | Path], log: Path, folder: Path, env: dict[str, str] | None = None
) -> None:
    """Run one command to its end with its output in `log`; when it fails say so in one line."""
    with open(log, "a+b", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        start = file.seek(0, os.SEEK_END)
        try:
            ended = subprocess.run(
                argv,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                preexec_fn=tie_to_parent(signal.SIGTERM),
                check=False,
            )
        except OSError as error:
            raise StepFailed(f"{what} failed: {error}.") from error
        if ended.returncode:
            file.seek(start)
            said = last_line(file.read().decode(errors="replace"))
            raise StepFailed(f"{what} failed: {said[:300]} (the whole of it: {log})")

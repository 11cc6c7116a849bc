"""The virtual environment: installed once, and again only when the requirements change."""

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
    """Return in one line why the wheels of PostgreSQL and Valkey can't run on this system; None if they can."""
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


def stamp(project: Path) -> str:
    """Return a hash of both requirement files."""
    digest = hashlib.sha256()
    for name in REQUIREMENTS:
        digest.update((project / name).read_bytes() + b"\0")
    return digest.hexdigest()


def is_whole(version: str | None, installed: str, is_under_way: bool) -> bool:
    """Return whether `.venv` can be updated; else it must be created from scratch.

    `version` is that of its Python (None: it doesn't start), `installed` the note of the last complete installation.
    After a system upgrade the same `.venv` may contain another Python without the packages.
    """
    return version is not None and not is_under_way and (not installed or installed.split()[0] == version)


def ensure_environment(places: Places) -> None:
    """Install the requirements into `.venv`, without using the network if they are installed. Raises StepFailed.

    After an interrupted installation `.venv` is created again; an installation that failed has changed nothing.
    """
    problem = unsupported(
        sys.platform,
        platform.libc_ver(),
        str(sysconfig.get_config_var("HOST_GNU_TYPE")),
        platform.machine(),
    )
    if problem:
        raise StepFailed(problem)
    with exclusive(places.lock("install"), waiting="Another command installs the packages; waiting for it …"):
        _install(places)


def _install(places: Places) -> None:
    mark, under_way = places.venv / ".installed", places.local / "install.under-way"
    wanted, version = stamp(places.project), python_version(places)
    installed = mark.read_text(encoding="utf-8") if mark.exists() else ""
    if version is not None and not under_way.exists() and installed == f"{version} {wanted}":
        return
    say("Installing the packages into .venv (on the first start only; about a minute) …")
    log = places.rotate("install")
    keep = is_whole(version, installed, under_way.exists())
    under_way.touch()
    if not keep:
        make_environment(places, log)
    try:
        run_step("Installing the packages", installer(places), log, places.project)
    except StepFailed:
        if keep and installed:
            under_way.unlink()
        raise
    mark.write_text(f"{python_version(places)} {wanted}", encoding="utf-8")
    under_way.unlink()


def python_version(places: Places) -> str | None:
    """Return the version of the environment's Python, such as 3.11; None if it doesn't start."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        result = subprocess.run([places.python, "-c", code], check=False, capture_output=True, text=True)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def make_environment(places: Places, log: Path) -> None:
    """Create `.venv` from scratch, replacing a broken or incomplete one."""
    uv, python = shutil.which("uv"), getattr(sys, "_base_executable", None) or sys.executable
    probe = [python, "-c", "import ensurepip, venv"]
    if uv is None and subprocess.run(probe, check=False, capture_output=True).returncode:
        raise StepFailed("Python's venv module is missing: apt install python3-venv, then start again.")
    if places.venv.exists():
        shutil.rmtree(places.venv)
    argv = [uv, "venv", "--python", python] if uv else [python, "-m", "venv"]
    run_step("Making .venv", [*argv, str(places.venv)], log, places.project)


def installer(places: Places) -> list[str | Path]:
    """Return the command that installs the requirements: with uv if it is installed, else with pip."""
    file = places.project / REQUIREMENTS[1]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", places.python, "-r", file]
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    return [places.python, "-m", "pip", "install", *quiet, "-r", file]


def run_step(
    what: str, argv: Sequence[str | Path], log: Path, folder: Path, env: dict[str, str] | None = None
) -> None:
    """Run a command with its output in `log`. Raises StepFailed with the last line of the output."""
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
            problem = last_line(file.read().decode(errors="replace"))
            raise StepFailed(f"{what} failed: {problem[:300]} (the whole of it: {log})")

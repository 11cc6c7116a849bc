"""The commands of `dev.py`, as the Makefile and the README name them."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import quote

from localstack.install import ensure_environment, run_step
from localstack.keeper import Services, keep, stop_everything
from localstack.locks import FileLock, is_held
from localstack.places import (
    FOREIGN,
    PROJECT,
    SERVER_VARIABLES,
    Places,
    is_port_taken,
    own_servers,
    stored_secrets,
    write_private,
)
from localstack.report import StepFailed, Stopped, say
from localstack.supervisor import (
    CrashRecord,
    Program,
    Signals,
    Supervisor,
    clear_group,
    stop_leftovers,
    tie_to_parent,
)

DEFAULT_PORT = 8000
READY_SECONDS = 90.0
BROWSERS = ("chromium", "google-chrome")
MEASUREMENTS = {"bench": "bench/run.py", "soak": "soak/run.py"}
USAGE = """python3 dev.py run [--port 8000]   the whole site, until Ctrl-C
python3 dev.py services            PostgreSQL and Valkey alone, until Ctrl-C
python3 dev.py test [pytest's own] all tests
python3 dev.py check               format, lint, types, layers, migrations, deploy check
python3 dev.py bench|soak          the long measurements; soak takes the names of its parts
python3 dev.py shell               Django's shell in the local stack
python3 dev.py stop                stop what was left running
python3 dev.py reset [--yes]       throw the local data away"""


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code. Errors are printed as one line, without a traceback."""
    name, *rest = arguments or ["help"]
    places, signals = Places(PROJECT), Signals()
    command = COMMANDS.get(name)
    if command is None:
        say(USAGE)
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        places.make()
        if name != "keep-services":
            signals.install()
        return command(places, signals, rest)
    except StepFailed as failure:
        say(str(failure))
        return 1
    except Stopped:
        say("Stopped.")
        return 130
    except OSError as error:
        say(f"{name} failed: {error}")
        return 1


def run(places: Places, signals: Signals, rest: list[str]) -> int:
    """Install and prepare everything that is missing, then run the site until Ctrl-C."""
    port = port_from(rest)
    own_servers(os.environ)
    lock = FileLock(places.lock("run"))
    if not lock.take():
        raise StepFailed(f"The site already runs: {lock.path.read_text()}. make stop stops it.")
    if is_port_taken(port):
        raise StepFailed(
            f"Port {port} is taken by another program: choose another, as in make run PORT=9000."
        )
    lock.write(f"http://localhost:{port}, process {os.getpid()}")
    ensure_environment(places)
    with servers_for(places, "run") as services:
        environment = site_environment(places, services, port)
        prepare_site(places, environment)
        stop_leftovers(places.records("run"))
        serve(places, signals, services, environment, port)
    say("Everything is stopped.")
    return 0


def services(places: Places, signals: Signals, rest: list[str]) -> int:
    """Run only PostgreSQL and Valkey, with `.local/env` for manage.py, until Ctrl-C."""
    ensure_environment(places)
    with servers_for(places, "services") as own:
        site_environment(places, own, None)
        say("PostgreSQL and Valkey are up; manage.py reads .local/env. Ctrl-C stops them.")
        supervisor = Supervisor(signals, places.records("run"))
        watch(supervisor, signals, own, until=lambda: False)
    say("Everything is stopped.")
    return 0


def test(places: Places, signals: Signals, rest: list[str]) -> int:
    """Run pytest with the given arguments, on two processes unless they say otherwise."""
    ensure_environment(places)
    with servers_for(places, "test") as own:
        environment = site_environment(places, own, None)
        collect_static(places, environment)
        if not find_browser():
            say("No Chromium here (looked for /usr/bin/chromium): the browser tests will be skipped.")
        return attend(places, signals, ["-m", "pytest", *workers_for(rest), *rest], environment)


def workers_for(arguments: list[str]) -> list[str]:
    """Return pytest's option for two processes; none if the arguments choose, one process for output or a debugger."""
    if any(word == "-n" or word.startswith(("-n", "--numprocesses", "--dist")) for word in arguments):
        return []
    return ["-n", "0" if {"-s", "--capture=no", "--pdb", "--trace"} & set(arguments) else "2"]


def check(places: Places, signals: Signals, rest: list[str]) -> int:
    """Run the checks of format, lint, types, layers, migrations and deployment; all of them, even if some fail."""
    ensure_environment(places)
    failed = []
    with servers_for(places, "check") as own:
        environment = site_environment(places, own, None)
        strict = environment | {"SITE_URL": "https://cases.example.org", "DEBUG": "0", "DEMO": "0"}
        strict |= {"ALLOWED_HOSTS": "cases.example.org", "MFA_REQUIRED": "1", "TRUSTED_PROXIES": "1"}
        layers = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
        concise = ["--output-format", "concise"]
        wanted = {
            "format": (["-m", "ruff", "format", "--check", *concise, "."], environment),
            "lint": (["-m", "ruff", "check", *concise, "."], environment),
            "types": (["-m", "mypy", "."], environment),
            "layers": (["-c", layers], environment | {"PYTHONPATH": str(places.project)}),
            "migrations": (["manage.py", "makemigrations", "--check", "--dry-run"], environment),
            "deploy": (["manage.py", "check", "--deploy", "--fail-level", "WARNING"], strict),
        }
        for name, (argv, variables) in wanted.items():
            ended = attend(places, signals, argv, variables, quiet=True)
            say(f"{name:<11}{'ok' if ended == 0 else 'FAILED'}")
            failed += [name] if ended else []
    say(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def measurement(name: str) -> Callable[[Places, Signals, list[str]], int]:
    """Return the command for a measurement."""

    def measure(places: Places, signals: Signals, rest: list[str]) -> int:
        ensure_environment(places)
        with servers_for(places, name) as own:
            environment = site_environment(places, own, None)
            collect_static(places, environment)  # the measurement requests whole pages
            script = str(places.project / MEASUREMENTS[name])
            return attend(places, signals, [script, *rest], environment)

    return measure


def shell(places: Places, signals: Signals, rest: list[str]) -> int:
    """Run Django's shell in the local stack, which is started if it is down."""
    ensure_environment(places)
    with servers_for(places, "shell") as own:
        return attend(places, signals, ["manage.py", "shell", *rest], site_environment(places, own, None))


def stop(places: Places, signals: Signals, rest: list[str]) -> int:
    """Stop every running command of this folder, and what a killed one has left running."""
    stopped = stop_everything(places)
    say(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def reset(places: Places, signals: Signals, rest: list[str]) -> int:
    """Delete `.local` and the folder outside, after asking; the packages in .venv stay."""
    if is_held(places.lock("keeper")) or is_held(places.lock("run")):
        raise StepFailed("The local stack is up: make stop first.")
    outside = [*places.outside.parent.glob(f"{places.outside.name}*")]
    own = [path for path in outside if path.stat().st_uid == os.geteuid() and not path.is_symlink()]
    if "--yes" not in rest:
        say(f"This deletes {', '.join(map(str, [places.local, *own]))}. Type yes to go on:")
        if sys.stdin.readline().strip() != "yes":
            say("Nothing was touched.")
            return 1
    for folder in (*own, places.local):
        shutil.rmtree(folder)
    say("The local data are gone; make run begins afresh.")
    return 0


def keep_services(places: Places, signals: Signals, rest: list[str]) -> int:
    """Run PostgreSQL and Valkey for the other commands, which start this process; it isn't for developers."""
    return keep(places)


COMMANDS = {
    "run": run,
    "services": services,
    "test": test,
    "check": check,
    "shell": shell,
    "stop": stop,
    "reset": reset,
    "keep-services": keep_services,
    **{name: measurement(name) for name in MEASUREMENTS},
}


def port_from(arguments: list[str]) -> int:
    """Return the port of `--port 9000` or `--port=9000`, by default 8000. Raises StepFailed."""
    words = [part for word in arguments for part in word.split("=", 1)]
    if not words:
        return DEFAULT_PORT
    if len(words) != 2 or words[0] != "--port" or not words[1].isdigit():
        raise StepFailed("run takes only a port, as in: python3 dev.py run --port 9000")
    if not 1 <= int(words[1]) <= 65535:
        raise StepFailed(f"{words[1]} is no port: take one from 1024 to 65535.")
    return int(words[1])


def servers_for(places: Places, label: str) -> Services | nullcontext[None]:
    """Return a context manager for the local servers; an empty one if the environment names other servers."""
    return nullcontext() if own_servers(os.environ) else Services(places, label)


def site_environment(places: Places, services: Services | None, port: int | None) -> dict[str, str]:
    """Return the environment for the site, and write the site's variables to `.local/env`.

    The shell's variables are included, except those that would disturb (`FOREIGN`). Without a port SITE_URL keeps the
    last one.
    """
    if services is not None and services.servers is not None:
        addresses, keys = services.servers.variables(), services.servers.secrets
    else:
        addresses = {name: os.environ[name] for name in SERVER_VARIABLES}
        keys = stored_secrets(places.local)
    variables = addresses | {
        "SECRET_KEY": keys["key"],
        "FIELD_KEYS": keys["fields"],
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DEBUG": "0",
        "EMAIL_URL": f"filemail:///{quote(str(places.local / 'mail'))}",
        "FILES_PATH": str(places.local / "files"),
        "SITE_URL": f"http://localhost:{port}" if port else last_site(places.env_file),
        "MFA_REQUIRED": "0",
        "DEMO": "1",
    }
    write_private(places.env_file, "".join(f"{name}={value}\n" for name, value in variables.items()))
    shell = {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}
    return shell | variables | {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "iom_cases.settings"}


def last_site(env_file: Path) -> str:
    """Return the SITE_URL of the last run, or the one with the default port."""
    lines = env_file.read_text(encoding="utf-8").splitlines() if env_file.exists() else []
    sites = [line.removeprefix("SITE_URL=") for line in lines if line.startswith("SITE_URL=")]
    return sites[0] if sites else f"http://localhost:{DEFAULT_PORT}"


def collect_static(places: Places, environment: dict[str, str]) -> None:
    """Run `collectstatic`."""
    django(places, environment, "collectstatic", "--noinput")


def django(places: Places, environment: dict[str, str], *words: str) -> None:
    """Run one of Django's commands, with its output in `.local/log/<command>.log`. Raises StepFailed."""
    log = places.rotate(words[0])
    argv = [str(places.python), "manage.py", *words]
    run_step(f"manage.py {words[0]}", argv, log, places.project, environment)


def prepare_site(places: Places, environment: dict[str, str]) -> None:
    """Migrate, collect static files, and load programmes and demo data."""
    say("Preparing the database …")
    django(places, environment, "migrate", "--noinput")
    collect_static(places, environment)
    django(places, environment, "load_programmes")
    django(places, environment, "seed_demo", "--if-empty")


def programs(places: Places, environment: dict[str, str], port: int) -> list[Program]:
    """Return web, worker and beat. None of them gets the owner's database URL."""
    environment = {name: value for name, value in environment.items() if name != "MIGRATION_DATABASE_URL"}
    gunicorn = ["gunicorn", "iom_cases.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    gunicorn += ["--worker-class", "sync", "--access-logfile", "-", "--no-control-socket"]
    celery = ["celery", "-A", "iom_cases"]
    words = {
        "web": gunicorn,
        "worker": [*celery, "worker", "--loglevel", "INFO", "--concurrency", "2"],
        "beat": [*celery, "beat", "--schedule", str(places.local / "beat-schedule"), "--pidfile="],
    }
    return [
        Program(name, [str(places.python), "-m", *argv], environment, places.project, places.rotate(name))
        for name, argv in words.items()
    ]


def serve(
    places: Places, signals: Signals, services: Services | None, environment: dict[str, str], port: int
) -> None:
    """Start the three processes, print the site's address once it answers, and keep them running."""
    signals.raises = False
    supervisor = Supervisor(signals, places.records("run"))
    end = time.monotonic() + READY_SECONDS
    try:
        for program in programs(places, environment, port):
            supervisor.start(program)
        is_up = watch(supervisor, signals, services, until=lambda: answers(port) or time.monotonic() > end)
        if is_up and not answers(port):
            raise StepFailed(f"The site does not answer on /readyz; the reason is in {places.log('web')}")
        if is_up:
            greet(places, environment, port)
            watch(supervisor, signals, services, until=lambda: False)
        say("Stopping …")
    finally:
        supervisor.stop()


def watch(
    supervisor: Supervisor, signals: Signals, services: Services | None, until: Callable[[], bool]
) -> bool:
    """Run `supervisor.watch`, and check the servers once a second."""
    signals.raises = False
    crashes = CrashRecord()
    next_look = time.monotonic() + 1

    def is_done() -> bool:
        nonlocal next_look
        if services is not None and time.monotonic() >= next_look:
            next_look = time.monotonic() + 1
            revive(services, crashes)
        return until()

    return supervisor.watch(is_done)


def revive(services: Services, crashes: CrashRecord) -> None:
    """Start PostgreSQL and Valkey again if their keeper was killed. Raises StepFailed if it gave up itself."""
    if services.is_up():
        return
    if reason := services.failure():
        raise StepFailed(reason)
    if crashes.note(time.monotonic()) is None or services.servers is None:
        raise StepFailed("PostgreSQL and Valkey went away five times in a minute.")
    say("PostgreSQL and Valkey went away; starting them again.")
    before = services.servers.ports
    services.ensure()
    if services.servers.ports != before:
        raise StepFailed("PostgreSQL's or Valkey's port was taken meanwhile: start again.")


def answers(port: int) -> bool:
    """Return whether /readyz answers 200: web process, database and broker work."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def greet(places: Places, environment: dict[str, str], port: int) -> None:
    """Print the site's address and the demo users."""
    argv = [str(places.python), "manage.py", "seed_demo", "--sign-ins"]
    result = subprocess.run(
        argv, cwd=places.project, env=environment, capture_output=True, text=True, check=False
    )
    say(f"\nThe site is at http://localhost:{port}  (Ctrl-C stops it; logs in {places.log('web').parent})\n")
    say(result.stdout.rstrip() if result.returncode == 0 else "The demo sign-ins could not be read.")


def attend(
    places: Places, signals: Signals, argv: list[str], environment: dict[str, str], quiet: bool = False
) -> int:
    """Run Python with these arguments, pass signals on to it, and return its exit code; raises Stopped.

    With `quiet`, output is shown only if it fails. On a terminal the child shares our process group, as Ctrl-C and a
    debugger need.
    """
    signals.raises = False
    shares_group = sys.stdin is not None and sys.stdin.isatty()
    child = subprocess.Popen(
        [places.python, *argv],
        cwd=places.project,
        env=environment,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        process_group=None if shares_group else 0,
        preexec_fn=tie_to_parent(signal.SIGTERM),
    )
    output = _wait_for(child, signals, shares_group)
    if not shares_group:
        clear_group(child.pid)
    if signals.received_at is not None:
        raise Stopped
    if quiet and child.returncode:
        say(output.rstrip())
    return child.returncode


def _wait_for(child: subprocess.Popen[str], signals: Signals, shares_group: bool) -> str:
    """Wait for the child to end, and end it after a signal; returns its output if that is captured."""
    is_asked = shares_group
    while True:
        try:
            return child.communicate(timeout=0.2)[0] or ""
        except subprocess.TimeoutExpired:
            if signals.received_at is not None:
                end_child(child, signals, is_asked=is_asked)
                is_asked = True


def end_child(child: subprocess.Popen[str], signals: Signals, *, is_asked: bool) -> None:
    """Send SIGINT once, SIGTERM after five seconds, and SIGKILL after ten or a second signal."""
    assert signals.received_at is not None
    waited = time.monotonic() - signals.received_at
    if not is_asked:
        child.send_signal(signal.SIGINT)
    elif waited > 10 or signals.is_hurried:
        child.kill()
    elif waited > 5:
        child.terminate()


def find_browser() -> str | None:
    """Return the path of Chromium; None without one."""
    return "/usr/bin/chromium" if Path("/usr/bin/chromium").exists() else shutil.which(BROWSERS[0])

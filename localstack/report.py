"""What the person at the terminal reads: one line for each step, one line for what failed."""

import sys


class StepFailed(Exception):
    """A step that did not work. Its text is one line: what failed, and what to do."""


class Stopped(Exception):
    """Ctrl-C, SIGTERM or SIGHUP came while a step was under way."""


def say(line: str = "") -> None:
    """Print at once. A terminal that has gone away must not keep the stack from stopping."""
    try:
        print(line, flush=True)
    except (BrokenPipeError, OSError):
        sys.stdout = sys.stderr = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115


def last_line(text: str) -> str:
    """The line of `text` that says what went wrong: of a traceback the error, of pip its last ERROR."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    return (errors or lines or ["it printed nothing"])[-1]

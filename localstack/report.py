"""Output on the terminal: one line for each step, one line for each failure."""

import sys


class StepFailed(Exception):
    """A step failed; the message is one line that says what failed and what to do."""


class Stopped(Exception):
    """Ctrl-C, SIGTERM or SIGHUP arrived during a step."""


def say(line: str = "") -> None:
    """Print a line at once. A closed terminal is ignored, so that the stack still stops properly."""
    try:
        print(line, flush=True)
    except (BrokenPipeError, OSError):
        sys.stdout = sys.stderr = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115


def last_line(text: str) -> str:
    """Return the line of `text` that says what went wrong: the last error line, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    return (errors or lines or ["it printed nothing"])[-1]

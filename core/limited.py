"""Run a program of ours on bytes from strangers in a process with limits, without settings, database and keys.

A few kilobytes can take gigabytes or hours, or crash a library. A limit for each way is never complete; this one is for
all of them.
"""

import resource
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT_OF_MEMORY = 3  # exit code


class LimitReached(Exception):
    """The process took too much memory or time, or crashed."""


def run(module: str, *words: str, data: bytes, memory: int, seconds: int, longest: float) -> bytes:
    """Return what `python -m MODULE` makes of the data and the words; the module calls `serve`.

    Limits: bytes of memory, seconds of processor time, and seconds by the clock. Raises LimitReached.
    """
    command = [sys.executable, "-B", "-E", "-s", "-m", module, str(memory), str(seconds), *words]
    try:
        ended = subprocess.run(  # noqa: S603 - a program of our own
            command, input=data, capture_output=True, cwd=ROOT, env={}, timeout=longest, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LimitReached from error
    if ended.returncode < 0 or ended.returncode == OUT_OF_MEMORY:
        raise LimitReached
    if ended.returncode:
        raise RuntimeError(f"{module} failed: {ended.stderr.decode(errors='replace')}")
    return ended.stdout


def serve(work: Callable[..., bytes]) -> None:
    """Limit this process by its first two arguments, and print what `work` makes of standard input and the others.

    After an unexpected error print only the traceback's places, no content of the file.
    """
    memory, seconds, *words = sys.argv[1:]
    limit(int(memory), int(seconds))
    try:
        answer = work(sys.stdin.buffer.read(), *words)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except Exception as error:
        sys.exit("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
    sys.stdout.buffer.write(answer)


def limit(memory: int, seconds: int) -> None:
    """Limit this process to bytes of memory and seconds of processor time, and forbid it to write files."""
    if sys.platform != "darwin":  # macOS refuses this limit; there only the time is limited
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(kind, (0, 0))

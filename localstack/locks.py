"""Locks on files, which the kernel releases when their process ends, however it ends.

These locks show what runs here, never a process id alone, as ids are reused.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localstack.report import say


class FileLock:
    """A `flock` on a file. The file itself stays; it may contain a text about the process that has the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, *, shared: bool = False, wait_seconds: float | None = 0.0) -> bool:
        """Take the lock, waiting at most so many seconds (None: for ever); False if another process has it."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        end = None if wait_seconds is None else time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if end is not None and time.monotonic() >= end:
                    return False
                time.sleep(0.05)

    def write(self, text: str) -> None:
        """Replace the file's text."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def close(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Return whether a process has this lock."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.take()
    finally:
        lock.close()


@contextmanager
def exclusive(path: Path, *, waiting: str = "") -> Iterator[None]:
    """Hold the lock for the block; print `waiting` if waiting for it takes more than a second."""
    lock = FileLock(path)
    try:
        if not lock.take(wait_seconds=1):
            if waiting:
                say(waiting)
            lock.take(wait_seconds=None)
        yield
    finally:
        lock.close()

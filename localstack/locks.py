"""Locks on files, which the kernel gives back when their holder dies, however it dies.

Who runs here is answered by these locks and never by a bare process number: a number is used again.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localstack.report import say


class FileLock:
    """One `flock` on one file. The file itself stays; it may hold words about its holder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, *, shared: bool = False, wait_seconds: float | None = 0.0) -> bool:
        """Take the lock; wait at most so many seconds (None: for ever). False: somebody else has it."""
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

    def write(self, words: str) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, words.encode(), 0)

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process has this lock."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.take()
    finally:
        lock.close()


@contextmanager
def exclusive(path: Path, *, waiting: str = "") -> Iterator[None]:
    """Wait for the lock and hold it for the block; say `waiting` when that takes more than a second."""
    lock = FileLock(path)
    try:
        if not lock.take(wait_seconds=1):
            if waiting:
                say(waiting)
            lock.take(wait_seconds=None)
        yield
    finally:
        lock.close()

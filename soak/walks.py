"""The exhaustive tests: every user at every address, every page in a browser, every payload.

`make test` leaves out tests marked `walk`; each has a counterpart with a fixed selection.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run() -> tuple[str, bool]:
    """Run the marked tests on two processes; return pytest's closing line, and whether all passed."""
    command = [sys.executable, "-m", "pytest", "-m", "walk", "-n", "2"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = ""
    for line in process.stdout:
        print(line, end="", flush=True)
        last = line.strip() or last
    return f"walks: {last}", process.wait() == 0

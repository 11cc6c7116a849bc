#!/usr/bin/env python3
"""The local stack: `python3 dev.py run`, `test`, `check` and the rest; the Makefile only calls this.

It uses the standard library only, as nothing is installed yet when it starts, and no new syntax, so that an old Python
shows a message and not a syntax error.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (older Pythons may run this file)
    sys.exit("Python 3.11 or later is needed; this is {}.{}.".format(*sys.version_info[:2]))
if sys.platform == "win32":
    sys.exit("The local stack runs on Linux and macOS: on Windows use WSL with Debian or Ubuntu.")

from localstack.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

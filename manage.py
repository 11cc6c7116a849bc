#!/usr/bin/env python3
"""Run Django's commands, by default with the local stack if DATABASE_URL isn't set."""

import sys

from iom_cases import environment


def main() -> None:
    """Prepare the environment and run the command."""
    environment.prepare()
    from django.core.management import execute_from_command_line  # needs the settings named first

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

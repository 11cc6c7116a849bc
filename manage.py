#!/usr/bin/env python3
"""Runs Django's commands; against the local stack when no DATABASE_URL is set."""

import sys

from iom_cases import environment


def main() -> None:
    environment.prepare()
    from django.core.management import execute_from_command_line  # needs the settings named first

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

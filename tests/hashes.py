"""Password hashes at Argon2's lowest cost: microseconds instead of a fifth of a second each.

`python -m tests.hashes …` is `manage.py …` with such hashes, and `tests.hashes:site()` the site for gunicorn.
"""

import sys

LOWEST = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


def lower() -> dict[str, int]:
    """Make the hashes of this process cheap; return the costs of before."""
    from accounts.hashing import CappedArgon2PasswordHasher  # needs settings

    costs = {name: getattr(CappedArgon2PasswordHasher, name) for name in LOWEST}
    for name, cost in LOWEST.items():
        setattr(CappedArgon2PasswordHasher, name, cost)
    return costs


def site():
    """Return the site as a WSGI application."""
    from iom_cases.wsgi import application  # sets Django up

    lower()
    return application


if __name__ == "__main__":
    from iom_cases import environment

    environment.prepare()
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    lower()
    execute_from_command_line(sys.argv)

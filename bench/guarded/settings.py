"""The site's settings without the access policies: everything is read as the owner, and the list is
guardian's.

With GUARDED_BY=direct the tables with foreign keys are installed, and guardian uses them by itself; with
`generic` it uses its own table.
"""

import os

from iom_cases.settings import *  # noqa: F403
from iom_cases.settings import INSTALLED_APPS, MIDDLEWARE

if os.environ["GUARDED_BY"] == "direct":
    INSTALLED_APPS = [*INSTALLED_APPS, "bench.guarded.apps.GuardedConfig"]
ACCESS_MIDDLEWARE = ("core.middleware.DatabaseContext", "core.middleware.DenialRecord")
MIDDLEWARE = [name for name in MIDDLEWARE if name not in ACCESS_MIDDLEWARE]
ROOT_URLCONF = "bench.guarded.urls"
DATABASE_ROUTERS = ["bench.guarded.routers.AsOwner"]

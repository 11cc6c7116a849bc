"""Make cases and their rows through the same operations as the pages: one file a noun.

Each function `name` of a file here is also `factories.name`, so that a new file needs no line in another.
"""

import pkgutil
from importlib import import_module

for _file in pkgutil.iter_modules(__path__):
    _module = import_module(f"{__name__}.{_file.name}")
    globals().update(
        (name, thing)
        for name, thing in vars(_module).items()
        if getattr(thing, "__module__", None) == _module.__name__ and not name.startswith("_")
    )

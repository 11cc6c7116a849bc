"""`make soak`: checks that take too long for every change, part by part; each ends in a closing line.

`python3 dev.py soak mutants api` runs these parts alone. Exits with 1 if a part doesn't pass.
"""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from soak.report import Failed, say

# By name, as a part may run where the requirements of another are missing.
PARTS = {
    "walks": ("soak.walks", "run"),
    "mutants": ("soak.mutants", "run"),
    "interleaving": ("soak.interleaving", "run"),
    "pgbouncer": ("soak.interleaving", "run_pooled"),
    "api": ("soak.fuzzing", "run"),
    "scanner": ("soak.scanner", "run"),
}


def main(names: list[str]) -> int:
    """Run the named parts, or all; return the exit code."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        say(f"No part of the soak: {', '.join(unknown)}. The parts are {', '.join(PARTS)}.")
        return 2
    missed, lines = [], []
    for name in names or PARTS:
        say(f"{name} …")
        try:
            module, function = PARTS[name]
            line, passes = getattr(import_module(module), function)()
        except (Failed, RuntimeError) as failure:
            line, passes = f"{name} failed: {failure}", False
        say(line)
        lines.append(line)
        missed += [] if passes else [name]
    if len(lines) > 1:
        say("\n" + "\n".join(lines))
    if missed:
        say(f"Missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

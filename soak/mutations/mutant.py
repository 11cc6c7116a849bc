"""One mutant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A rule taken away or weakened: `text`, which stands once in `file`, becomes `replacement`.

    `first` names the tests that look there, which run before the others. `afresh` makes its database from
    nothing: for what only loading writes, and what a rule that is gone would leave standing.
    """

    name: str
    file: str
    text: str
    replacement: str
    first: str = ""
    afresh: bool = False

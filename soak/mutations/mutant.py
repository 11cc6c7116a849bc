"""The type of a mutant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A rule removed or weakened: `text`, which is in `file` exactly once, becomes `replacement`.

    `first` names the tests that are likely to fail, which run before the others. `afresh` makes its database
    from nothing: for code that only loading runs, and for rows that a removed rule would leave behind.
    """

    name: str
    file: str
    text: str
    replacement: str
    first: str = ""
    afresh: bool = False

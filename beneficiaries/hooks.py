"""Hooks: what higher apps do inside an operation of this app, in the same transaction.

`high_risk_found`: called with `assessment=`, `by=` and `now=` after a case's risk was found to be high.
"""

from collections.abc import Callable

high_risk_found: list[Callable[..., None]] = []

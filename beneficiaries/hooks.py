"""Hooks: what higher apps do inside an operation of this app, in its transaction. They register in their `apps.py`.

`case_closing`: called with `case=`, `by=` and `now=` before a case is closed; raises ValidationError to refuse.
`case_transferring`: called with `case=`, `receiver=`, `by=` and `now=` before another organisation leads a case, as the
user who takes it over; raises ValidationError to refuse.
`high_risk_found`: called with `assessment=`, `by=` and `now=` after the risk of a case was assessed as high.
"""

from collections.abc import Callable

case_closing: list[Callable[..., None]] = []
case_transferring: list[Callable[..., None]] = []
high_risk_found: list[Callable[..., None]] = []

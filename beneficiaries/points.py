"""Named points: what higher rooms do inside a deed of this room, in the same transaction.

`case_closing`: called with `case=`, `by=` and `now=` before a case closes; raises ValidationError to refuse.
`case_transferring`: called with `case=`, `receiver=`, `by=` and `now=` before a case changes its lead, in the place of
whoever takes it over; raises ValidationError to refuse.
"""

from collections.abc import Callable

case_closing: list[Callable[..., None]] = []
case_transferring: list[Callable[..., None]] = []

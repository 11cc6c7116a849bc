"""Pages of signing in, notices, and roles."""

from accounts.views.roles import role_list
from accounts.views.session import (
    csrf_failure,
    language_change,
    notice_list,
    notice_mark_read,
    sign_in,
    sign_out,
)

__all__ = [
    "csrf_failure",
    "language_change",
    "notice_list",
    "notice_mark_read",
    "role_list",
    "sign_in",
    "sign_out",
]

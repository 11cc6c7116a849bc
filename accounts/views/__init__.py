"""Pages of signing in, notices, roles, and the people of an organisation."""

from accounts.views.invitation import invitation
from accounts.views.people import (
    membership_change,
    person_add,
    person_detail,
    person_end,
    person_give_role,
    person_invite,
    person_list,
)
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
    "invitation",
    "language_change",
    "membership_change",
    "notice_list",
    "notice_mark_read",
    "person_add",
    "person_detail",
    "person_end",
    "person_give_role",
    "person_invite",
    "person_list",
    "role_list",
    "sign_in",
    "sign_out",
]

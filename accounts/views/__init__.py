"""Pages for signing in, its settings, notices, roles, and the users of an organisation."""

from accounts.views.frame import (
    csrf_failure,
    language_change,
    notice_list,
    notice_mark_read,
)
from accounts.views.invitation import invitation
from accounts.views.password import (
    password_change,
    password_forgotten,
    password_reset,
)
from accounts.views.requests import access_objection, access_request_detail, access_request_list
from accounts.views.roles import role_list
from accounts.views.security import (
    factor_add_app,
    factor_add_passkey,
    factor_remove_app,
    factor_remove_passkey,
    recovery_codes,
    security,
    session_end,
    session_end_others,
)
from accounts.views.sign_in import (
    confirm,
    second_step,
    sign_in,
    sign_out,
)
from accounts.views.tokens import token_add, token_confirm, token_revoke
from accounts.views.users import (
    membership_change,
    user_add,
    user_detail,
    user_end,
    user_give_role,
    user_invite,
    user_list,
)

__all__ = [
    "access_objection",
    "access_request_detail",
    "access_request_list",
    "confirm",
    "csrf_failure",
    "factor_add_app",
    "factor_add_passkey",
    "factor_remove_app",
    "factor_remove_passkey",
    "invitation",
    "language_change",
    "membership_change",
    "notice_list",
    "notice_mark_read",
    "password_change",
    "password_forgotten",
    "password_reset",
    "recovery_codes",
    "role_list",
    "second_step",
    "security",
    "session_end",
    "session_end_others",
    "sign_in",
    "sign_out",
    "token_add",
    "token_confirm",
    "token_revoke",
    "user_add",
    "user_detail",
    "user_end",
    "user_give_role",
    "user_invite",
    "user_list",
]

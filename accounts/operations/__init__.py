"""Every write to people, their roles and notices, and to how they sign in."""

from accounts.operations.factor import (
    add_app,
    add_passkey,
    make_recovery_codes,
    put_recovery_codes_away,
    remove_app,
    remove_passkey,
    reset_second_factor,
)
from accounts.operations.invitation import accept_invitation, invitation_path, invite, invite_again
from accounts.operations.leaving import StillCarrying
from accounts.operations.notice import leave_notice, leave_notices, mark_notices_read, notify
from accounts.operations.password import ask_for_reset, change_password, reset_password, set_password
from accounts.operations.people import (
    PersonGiven,
    add_person,
    change_language,
    deactivation_problems,
    end_access,
    give_role,
    refuse_own_role,
    save_membership,
    save_organisation,
    save_user,
    tailor_role,
)
from accounts.operations.session import end_other_sessions, end_session, note_sign_in, note_sign_out
from accounts.operations.sign_in import NotTheOne, try_code, try_own_password, try_passkey, try_password
from accounts.operations.throttle import MustWait, throttle_keys
from accounts.operations.token import (
    TOKEN_DAYS,
    confirm_api_token,
    create_api_token,
    note_token_use,
    revoke_api_token,
    revoke_api_tokens,
)

__all__ = [
    "TOKEN_DAYS",
    "MustWait",
    "NotTheOne",
    "PersonGiven",
    "StillCarrying",
    "accept_invitation",
    "add_app",
    "add_passkey",
    "add_person",
    "ask_for_reset",
    "change_language",
    "change_password",
    "confirm_api_token",
    "create_api_token",
    "deactivation_problems",
    "end_access",
    "end_other_sessions",
    "end_session",
    "give_role",
    "invitation_path",
    "invite",
    "invite_again",
    "leave_notice",
    "leave_notices",
    "make_recovery_codes",
    "mark_notices_read",
    "note_sign_in",
    "note_sign_out",
    "note_token_use",
    "notify",
    "put_recovery_codes_away",
    "refuse_own_role",
    "remove_app",
    "remove_passkey",
    "reset_password",
    "reset_second_factor",
    "revoke_api_token",
    "revoke_api_tokens",
    "save_membership",
    "save_organisation",
    "save_user",
    "set_password",
    "tailor_role",
    "throttle_keys",
    "try_code",
    "try_own_password",
    "try_passkey",
    "try_password",
]

"""The URLs of the accounts app."""

from django.urls import path

from accounts.views import frame, invitation, password, requests, roles, security, sign_in, tokens, users

app_name = "accounts"
urlpatterns = [
    path("accounts/login/", sign_in.sign_in, name="sign-in"),
    path("accounts/login/second/", sign_in.second_step, name="second-step"),
    path("accounts/confirm/", sign_in.confirm, name="confirm"),
    path("accounts/logout/", sign_in.sign_out, name="sign-out"),
    path("accounts/security/", security.security, name="security"),
    path("accounts/security/app/", security.factor_add_app, name="factor-add-app"),
    path("accounts/security/app/remove/", security.factor_remove_app, name="factor-remove-app"),
    path("accounts/security/passkey/", security.factor_add_passkey, name="factor-add-passkey"),
    path(
        "accounts/security/passkey/<int:number>/remove/",
        security.factor_remove_passkey,
        name="factor-remove-passkey",
    ),
    path("accounts/security/codes/", security.recovery_codes, name="recovery-codes"),
    path("accounts/tokens/new/", tokens.token_add, name="token-add"),
    path("accounts/tokens/<uuid:token_id>/confirm/", tokens.token_confirm, name="token-confirm"),
    path("accounts/tokens/<uuid:token_id>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("accounts/sessions/end/", security.session_end_others, name="session-end-others"),
    path("accounts/sessions/<uuid:session_id>/end/", security.session_end, name="session-end"),
    path("accounts/password/", password.password_change, name="password-change"),
    path("accounts/password/forgotten/", password.password_forgotten, name="password-forgotten"),
    path("accounts/password/<str:link>/", password.password_reset, name="password-reset"),
    path("accounts/notices/", frame.notice_list, name="notice-list"),
    path("accounts/notices/read/", frame.notice_mark_read, name="notice-mark-read"),
    path("accounts/invitation/<uuid:user_id>/<str:token>/", invitation.invitation, name="invitation"),
    path("accounts/objection/<str:link>/", requests.access_objection, name="access-objection"),
    path("team/requests/", requests.access_request_list, name="access-request-list"),
    path("team/requests/<uuid:request_id>/", requests.access_request_detail, name="access-request-detail"),
    path("team/", users.user_list, name="user-list"),
    path("team/new/", users.user_add, name="user-add"),
    path("team/<uuid:user_id>/", users.user_detail, name="user-detail"),
    path("team/<uuid:user_id>/roles/new/", users.user_give_role, name="user-give-role"),
    path(
        "team/<uuid:user_id>/roles/<uuid:membership_id>/",
        users.membership_change,
        name="membership-change",
    ),
    path("team/<uuid:user_id>/end/", users.user_end, name="user-end"),
    path("team/<uuid:user_id>/invitation/", users.user_invite, name="user-invite"),
    path("roles/", roles.role_list, name="role-list"),
]

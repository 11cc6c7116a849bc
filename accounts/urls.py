"""The URLs of the accounts app."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("accounts/login/", views.sign_in, name="sign-in"),
    path("accounts/login/second/", views.second_step, name="second-step"),
    path("accounts/confirm/", views.confirm, name="confirm"),
    path("accounts/logout/", views.sign_out, name="sign-out"),
    path("accounts/security/", views.security, name="security"),
    path("accounts/security/app/", views.factor_add_app, name="factor-add-app"),
    path("accounts/security/app/remove/", views.factor_remove_app, name="factor-remove-app"),
    path("accounts/security/passkey/", views.factor_add_passkey, name="factor-add-passkey"),
    path(
        "accounts/security/passkey/<int:number>/remove/",
        views.factor_remove_passkey,
        name="factor-remove-passkey",
    ),
    path("accounts/security/codes/", views.recovery_codes, name="recovery-codes"),
    path("accounts/tokens/new/", views.token_add, name="token-add"),
    path("accounts/tokens/<uuid:token_id>/confirm/", views.token_confirm, name="token-confirm"),
    path("accounts/tokens/<uuid:token_id>/revoke/", views.token_revoke, name="token-revoke"),
    path("accounts/sessions/end/", views.session_end_others, name="session-end-others"),
    path("accounts/sessions/<uuid:session_id>/end/", views.session_end, name="session-end"),
    path("accounts/password/", views.password_change, name="password-change"),
    path("accounts/password/forgotten/", views.password_forgotten, name="password-forgotten"),
    path("accounts/password/<str:link>/", views.password_reset, name="password-reset"),
    path("accounts/notices/", views.notice_list, name="notice-list"),
    path("accounts/notices/read/", views.notice_mark_read, name="notice-mark-read"),
    path("accounts/invitation/<uuid:user_id>/<str:token>/", views.invitation, name="invitation"),
    path("accounts/objection/<str:link>/", views.access_objection, name="access-objection"),
    path("team/requests/", views.access_request_list, name="access-request-list"),
    path("team/requests/<uuid:request_id>/", views.access_request_detail, name="access-request-detail"),
    path("team/", views.user_list, name="user-list"),
    path("team/new/", views.user_add, name="user-add"),
    path("team/<uuid:user_id>/", views.user_detail, name="user-detail"),
    path("team/<uuid:user_id>/roles/new/", views.user_give_role, name="user-give-role"),
    path(
        "team/<uuid:user_id>/roles/<uuid:membership_id>/",
        views.membership_change,
        name="membership-change",
    ),
    path("team/<uuid:user_id>/end/", views.user_end, name="user-end"),
    path("team/<uuid:user_id>/invitation/", views.user_invite, name="user-invite"),
    path("roles/", views.role_list, name="role-list"),
]

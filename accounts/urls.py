from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("accounts/login/", views.sign_in, name="sign-in"),
    path("accounts/logout/", views.sign_out, name="sign-out"),
    path("accounts/notices/", views.notice_list, name="notice-list"),
    path("accounts/notices/read/", views.notice_mark_read, name="notice-mark-read"),
    path("accounts/invitation/<uuid:person_id>/<str:token>/", views.invitation, name="invitation"),
    path("people/", views.person_list, name="person-list"),
    path("people/new/", views.person_add, name="person-add"),
    path("people/<uuid:person_id>/", views.person_detail, name="person-detail"),
    path("people/<uuid:person_id>/roles/new/", views.person_give_role, name="person-give-role"),
    path(
        "people/<uuid:person_id>/roles/<uuid:membership_id>/",
        views.membership_change,
        name="membership-change",
    ),
    path("people/<uuid:person_id>/end/", views.person_end, name="person-end"),
    path("people/<uuid:person_id>/invitation/", views.person_invite, name="person-invite"),
    path("roles/", views.role_list, name="role-list"),
]

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("accounts/login/", views.sign_in, name="sign-in"),
    path("accounts/logout/", views.sign_out, name="sign-out"),
    path("accounts/notices/", views.notice_list, name="notice-list"),
    path("accounts/notices/read/", views.notice_mark_read, name="notice-mark-read"),
    path("roles/", views.role_list, name="role-list"),
]

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.sign_in, name="sign-in"),
    path("logout/", views.sign_out, name="sign-out"),
    path("notices/", views.notice_list, name="notice-list"),
    path("notices/read/", views.notice_mark_read, name="notice-mark-read"),
]

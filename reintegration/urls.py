"""Addresses of admission, plans, grants, follow-ups and the audit log."""

from django.urls import path

from reintegration import views

app_name = "reintegration"
urlpatterns = [
    path("cases/<str:reference>/programmes/", views.admission_choose, name="admission-choose"),
    path("cases/<str:reference>/programmes/<slug:code>/", views.admission_assess, name="admission-assess"),
    path("cases/<str:reference>/programmes/<slug:code>/plan/", views.plan_agree, name="plan-agree"),
    path("cases/<str:reference>/plans/<uuid:plan_id>/grant/", views.grant_request, name="grant-request"),
    path("audit/", views.log_list, name="log-list"),
    path("grants/", views.grant_list, name="grant-list"),
    path("grants/<uuid:grant_id>/", views.grant_detail, name="grant-detail"),
    path("grants/<uuid:grant_id>/endorse/", views.grant_endorse, name="grant-endorse"),
    path("grants/<uuid:grant_id>/approve/", views.grant_approve, name="grant-approve"),
    path("grants/<uuid:grant_id>/refuse/", views.grant_refuse, name="grant-refuse"),
    path("grants/<uuid:grant_id>/withdraw/", views.grant_withdraw, name="grant-withdraw"),
    path("grants/<uuid:grant_id>/pay/", views.grant_pay, name="grant-pay"),
    path("follow-ups/", views.follow_up_list, name="follow-up-list"),
    path("follow-ups/<uuid:follow_up_id>/", views.follow_up_record, name="follow-up-record"),
]

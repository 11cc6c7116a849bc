"""Addresses of admission, plans, grants, follow-ups and the audit log."""

from django.urls import path

from reintegration.views import admission, follow_up, grant, log, plan

app_name = "reintegration"
urlpatterns = [
    path("cases/<str:reference>/programmes/", admission.admission_choose, name="admission-choose"),
    path(
        "cases/<str:reference>/programmes/<slug:code>/", admission.admission_assess, name="admission-assess"
    ),
    path("cases/<str:reference>/programmes/<slug:code>/plan/", plan.plan_agree, name="plan-agree"),
    path("cases/<str:reference>/plans/<uuid:plan_id>/", plan.plan_correct, name="plan-correct"),
    path("cases/<str:reference>/plans/<uuid:plan_id>/grant/", grant.grant_request, name="grant-request"),
    path(
        "cases/<str:reference>/follow-ups/<uuid:visit_id>/",
        follow_up.follow_up_correct,
        name="follow-up-correct",
    ),
    path("audit/", log.log_list, name="log-list"),
    path("grants/", grant.grant_list, name="grant-list"),
    path("grants/<uuid:grant_id>/", grant.grant_detail, name="grant-detail"),
    path("grants/<uuid:grant_id>/endorse/", grant.grant_endorse, name="grant-endorse"),
    path("grants/<uuid:grant_id>/approve/", grant.grant_approve, name="grant-approve"),
    path("grants/<uuid:grant_id>/refuse/", grant.grant_refuse, name="grant-refuse"),
    path("grants/<uuid:grant_id>/withdraw/", grant.grant_withdraw, name="grant-withdraw"),
    path("grants/<uuid:grant_id>/pay/", grant.grant_pay, name="grant-pay"),
    path("follow-ups/", follow_up.follow_up_list, name="follow-up-list"),
    path("follow-ups/<uuid:follow_up_id>/", follow_up.follow_up_record, name="follow-up-record"),
]

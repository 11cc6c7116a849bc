from django.urls import path

from beneficiaries import views

app_name = "beneficiaries"
urlpatterns = [
    path("", views.case_list, name="case-list"),
    path("new/", views.intake_consent, name="intake-consent"),
    path("new/<uuid:draft_id>/person/", views.intake_person, name="intake-person"),
    path("new/<uuid:draft_id>/situation/", views.intake_situation, name="intake-situation"),
    path("<str:reference>/sharing/", views.consent_share, name="consent-share"),
    path(
        "<str:reference>/consents/<uuid:consent_id>/withdraw/",
        views.consent_withdraw,
        name="consent-withdraw",
    ),
    path("<str:reference>/close/", views.case_close, name="case-close"),
]

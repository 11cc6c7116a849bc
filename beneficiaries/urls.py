"""Addresses of interviews, cases and what belongs to a case."""

from django.urls import path

from beneficiaries import views

app_name = "beneficiaries"
urlpatterns = [
    path("emergency/", views.emergency_open, name="emergency-open"),
    path("emergency/<str:reference>/", views.emergency_open, name="emergency-case"),
    path("referrals/", views.referral_list, name="referral-list"),
    path("referrals/<uuid:referral_id>/", views.referral_detail, name="referral-detail"),
    path("transfers/<uuid:transfer_id>/", views.transfer_detail, name="transfer-detail"),
    path("exports/", views.export_list, name="export-list"),
    path("exports/new/<slug:kind>/", views.export_ask, name="export-ask"),
    path("exports/<str:export_reference>/", views.export_detail, name="export-detail"),
    path("exports/<str:export_reference>/password/", views.export_password, name="export-password"),
    path("exports/<str:export_reference>/file/", views.export_file, name="export-file"),
    path("caseload/", views.caseload_list, name="caseload-list"),
    path("caseload/nobody/", views.caseload_nobody, name="caseload-nobody"),
    path("caseload/<uuid:user_id>/", views.caseload_detail, name="caseload-detail"),
    path("interviews/", views.draft_list, name="draft-list"),
    path("interviews/<uuid:draft_id>/", views.draft_reassign, name="draft-reassign"),
    path("interviews/<uuid:draft_id>/decide/", views.draft_decide, name="draft-decide"),
    path("cases/new/birth/", views.birth_read, name="birth-read"),
    path("cases/", views.case_list, name="case-list"),
    path("cases/new/", views.intake_consent, name="intake-consent"),
    path("cases/new/<uuid:draft_id>/consent/", views.intake_consent_change, name="intake-consent-change"),
    path("cases/new/<uuid:draft_id>/beneficiary/", views.intake_beneficiary, name="intake-beneficiary"),
    path("cases/new/<uuid:draft_id>/situation/", views.intake_situation, name="intake-situation"),
    path("cases/<str:reference>/sharing/", views.consent_share, name="consent-share"),
    path(
        "cases/<str:reference>/consents/<uuid:consent_id>/withdraw/",
        views.consent_withdraw,
        name="consent-withdraw",
    ),
    path("cases/<str:reference>/consents/<uuid:consent_id>/", views.consent_correct, name="consent-correct"),
    path("cases/<str:reference>/notes/new/", views.note_add, name="note-add"),
    path("cases/<str:reference>/documents/new/", views.document_add, name="document-add"),
    path("cases/<str:reference>/documents/<uuid:document_id>/", views.document_file, name="document-file"),
    path(
        "cases/<str:reference>/documents/<uuid:document_id>/remove/",
        views.document_remove,
        name="document-remove",
    ),
    path("cases/<str:reference>/referrals/new/", views.referral_send, name="referral-send"),
    path("cases/<str:reference>/beneficiary/", views.beneficiary_correct, name="beneficiary-correct"),
    path(
        "cases/<str:reference>/identity/<slug:identity_kind>/",
        views.identity_document,
        name="identity-document",
    ),
    path("cases/<str:reference>/situation/", views.situation_correct, name="situation-correct"),
    path("cases/<str:reference>/risk/", views.risk_assess, name="risk-assess"),
    path("cases/<str:reference>/transfers/new/", views.transfer_offer, name="transfer-offer"),
    path("cases/<str:reference>/readers/", views.case_readers, name="case-readers"),
    path("cases/<str:reference>/erase/", views.beneficiary_erase, name="beneficiary-erase"),
    path("cases/<str:reference>/caseworker/", views.case_reassign, name="case-reassign"),
    path("cases/<str:reference>/close/", views.case_close, name="case-close"),
]

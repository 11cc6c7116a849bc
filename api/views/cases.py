"""Beneficiaries, cases, consents and admission."""

from typing import Any

from django.db.models import Model, OuterRef, Prefetch, QuerySet, Subquery
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import Conflict
from api.serializers import admission, case_input, cases
from api.views.base import Resource, WrittenResource
from beneficiaries.choices import ConsentPurpose, RiskSource
from beneficiaries.models import (
    Assessment,
    Beneficiary,
    Case,
    CaseFile,
    Consent,
    Document,
    Enrolment,
    IdentityDocument,
    RiskAssessment,
    Screening,
)
from beneficiaries.operations.admission import record_screening
from beneficiaries.operations.case import close_case
from beneficiaries.operations.consent import correct_consent, record_consent, withdraw_consent
from beneficiaries.operations.correction import correct_beneficiary, correct_situation
from beneficiaries.operations.identity import record_identity_document
from beneficiaries.operations.intake import open_case
from beneficiaries.operations.risk import assess_risk
from core.clock import now
from reintegration.operations.admission import admit


class BeneficiaryViews(WrittenResource):
    """Beneficiaries, for those who work on a case of theirs."""

    http_method_names = ["get", "head", "patch"]
    inputs = {"partial_update": case_input.BeneficiaryCorrection}

    path, noun, lookup_url_kwarg = "beneficiaries", "beneficiary", "beneficiary_id"
    serializer_class = cases.BeneficiarySerializer
    ordering = ("-created_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return beneficiaries of cases that the user works on."""
        return Beneficiary.objects.visible_to(user).select_related("home_district", "home_local_level")

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of a record, on the `version` that was read. For the organisation that it belongs to."""
        row = self.row()
        self.require(Beneficiary.objects.editable_by(request.user).filter(pk=row.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            return correct_beneficiary(
                beneficiary=row,
                details=case_input.corrected_details(row, given),
                version=given["version"],
                reason=given["reason"],
                by=request.user,
                now=now(),
            )

        return self.correct(request, write, about=row, read=lambda: self.get_serializer(self.row()).data)


class IdentityDocumentViews(WrittenResource):
    """Identity documents of beneficiaries, one of a kind, also those that are missing."""

    http_method_names = ["get", "head", "post", "patch"]
    inputs = {
        "create": case_input.IdentityDocumentInput,
        "partial_update": case_input.IdentityDocumentCorrection,
    }

    path, noun = "identity-documents", "identity-document"
    lookup_url_kwarg = "identity_document_id"
    serializer_class = cases.IdentityDocumentSerializer
    query_class = cases.IdentityDocumentQuery
    ordering = ("-recorded_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return the documents of beneficiaries of cases that the user works on."""
        return IdentityDocument.objects.visible_to(user).select_related("issued_district", "recorded_by")

    def create(self, request: Request) -> Response:
        """Record an identity document; 409 where one of this kind is recorded. For the beneficiary's organisation."""
        self.require_writer()
        row = IdentityDocument()

        def write(given: dict[str, Any]) -> Model:
            row.beneficiary, row.kind, row.version = given["beneficiary"], given["kind"], 0
            return self._recorded(row, given | {"version": 0, "reason": ""})

        def read() -> Any:
            rows = self.get_queryset()
            return self.get_serializer(rows.get(beneficiary=row.beneficiary, kind=row.kind)).data

        return self.correct(request, write, read=read)

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of a document, on the `version` that was read."""
        row = self.row()
        self.require(IdentityDocument.objects.editable_by(request.user).filter(pk=row.pk).exists())
        return self.correct(
            request,
            lambda given: self._recorded(row, given),
            about=row,
            read=lambda: self.get_serializer(self.row()).data,
        )

    def _recorded(self, row: IdentityDocument, given: dict[str, Any]) -> IdentityDocument:
        return record_identity_document(
            beneficiary=row.beneficiary,
            kind=row.kind,
            details=case_input.identity_details(row, given),
            version=given["version"],
            reason=given["reason"],
            by=self.request.user,
            now=now(),
        )


class CaseViews(WrittenResource):
    """Cases. Summary access only shows the reference, the lead and the dates."""

    path, noun, lookup_url_kwarg = "cases", "case", "case_id"
    serializer_class = cases.CaseSerializer
    query_class = cases.CaseQuery
    ordering = ("-changed_on", "id")
    http_method_names = ["get", "head", "post", "patch"]
    inputs = {"create": case_input.CaseOpening, "file": case_input.SituationCorrection}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return cases that the user may see, with the file where they work on them."""
        files = CaseFile.objects.visible_to(user).select_related("caseworker", "current_district")
        return Case.objects.visible_to(user).prefetch_related(
            Prefetch("file", queryset=files, to_attr="opened_file")
        )

    def create(self, request: Request) -> Response:
        """Open a case for a beneficiary who consented."""
        self.require_writer()
        return self.run_once(
            request,
            lambda given: open_case(
                organisation=given["organisation"],
                consent=case_input.consent_of(given["consent"]),
                details=case_input.beneficiary_of(given["beneficiary"]),
                situation=case_input.situation_of(given["situation"]),
                by=request.user,
                now=now(),
            ),
        )

    @action(detail=True, methods=["patch"], url_path="file")
    def file(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of the situation, on the `version` of the file that was read."""
        case = self.row()
        self.require(Case.objects.editable_by(request.user).filter(pk=case.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            return correct_situation(
                case=case,
                situation=case_input.corrected_situation(case.opened_file, given),
                version=given["version"],
                reason=given["reason"],
                by=request.user,
                now=now(),
            ).case

        return self.correct(
            request, write, about=case, read=lambda: cases.CaseFileSerializer(self.row().opened_file).data
        )

    @action(detail=True, methods=["post"])
    def close(self, request: Request, **keys: Any) -> Response:
        """Close a case today; 409 while something is owed."""
        case = self.row()
        self.require(Case.objects.editable_by(request.user).filter(pk=case.pk).exists())
        return self.run_once(
            request, lambda given: close_case(case=case, by=request.user, now=now()), about=case
        )


class ConsentViews(WrittenResource):
    """Consents, by purpose."""

    path, noun, lookup_url_kwarg = "consents", "consent", "consent_id"
    serializer_class = cases.ConsentSerializer
    query_class = cases.ConsentQuery
    ordering = ("-recorded_at", "id")
    http_method_names = ["get", "head", "post", "patch"]
    inputs = {"create": cases.ConsentAnswer, "partial_update": case_input.ConsentCorrection}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return consents of cases that the user works on."""
        return Consent.objects.visible_to(user).select_related("recorded_by")

    def create(self, request: Request) -> Response:
        """Record an answer; access changes with it. Only for the organisation that leads the case."""
        self.require_writer()
        return self.run_once(request, lambda given: record_consent(**given, by=request.user, now=now()))

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct what was recorded about an answer, on the `version` that was read. It never gives more access."""
        row = self.row()
        self.require(Consent.objects.editable_by(request.user).filter(pk=row.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            return correct_consent(
                consent=row,
                answer=case_input.corrected_answer(row, given),
                version=given["version"],
                reason=given["reason"],
                by=request.user,
                now=now(),
            )

        return self.correct(request, write, about=row, read=lambda: self.get_serializer(self.row()).data)

    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, **keys: Any) -> Response:
        """Withdraw a consent from today; the access that it gave ends at once."""
        consent = self.row()
        self.require(Consent.objects.editable_by(request.user).filter(pk=consent.pk).exists())

        def write(given: dict[str, Any]) -> Consent:
            if consent.withdrawn_on is not None:
                raise Conflict("This consent is withdrawn already.")
            if consent.purpose == ConsentPurpose.SERVICES:
                raise Conflict("This is the consent that the case stands on: close the case instead.")
            withdraw_consent(consent=consent, by=request.user, now=now())
            return consent

        return self.run_once(request, write, about=consent)


class ScreeningViews(WrittenResource):
    """Answers to the questions that programmes ask."""

    path, noun, lookup_url_kwarg = "screenings", "screening", "screening_id"
    serializer_class = admission.ScreeningSerializer
    query_class = cases.ByCaseQuery
    ordering = ("-at", "id")
    inputs = {"create": admission.Interview}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return screenings of cases that the user works on."""
        return Screening.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Save answers. A later answer to the same question replaces an earlier one."""
        self.require_writer()
        return self.run_once(
            request,
            lambda given: record_screening(
                case=given["case"], answers=dict(given["answers"]), by=request.user, now=now()
            ),
        )


class AssessmentViews(Resource):
    """Decisions on admission, with the facts and each criterion's result."""

    path, noun, lookup_url_kwarg = "assessments", "assessment", "assessment_id"
    serializer_class = admission.AssessmentSerializer
    query_class = cases.ByCaseAndProjectQuery
    ordering = ("-at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return assessments of cases that the user works on, with the enrolment."""
        led_to = Enrolment.objects.visible_to(user).filter(assessment=OuterRef("pk")).values("pk")[:1]
        return Assessment.objects.visible_to(user).select_related("by").annotate(led_to=Subquery(led_to))


class RiskAssessmentViews(WrittenResource):
    """Risk assessments."""

    path, noun, lookup_url_kwarg = "risk-assessments", "risk-assessment", "risk_assessment_id"
    serializer_class = cases.RiskAssessmentSerializer
    query_class = cases.ByCaseQuery
    ordering = ("-at", "id")
    inputs = {"create": cases.RiskReview}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return risk assessments of cases that the user works on."""
        return RiskAssessment.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Assess the risk of a case. Of a high risk supervisors are notified at once, and a safety step is due."""
        self.require_writer()
        return self.run_once(
            request,
            lambda given: assess_risk(**given, source=RiskSource.REVIEW, by=request.user, now=now()),
        )


class DocumentViews(Resource):
    """Documents of cases, without the files."""

    path, noun, lookup_url_kwarg = "documents", "document", "document_id"
    serializer_class = cases.DocumentSerializer
    query_class = cases.ByCaseQuery
    ordering = ("-at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return documents that the user may read."""
        return Document.objects.visible_to(user).select_related("by")


class EnrolmentViews(WrittenResource):
    """Cases in programmes."""

    path, noun, lookup_url_kwarg = "enrolments", "enrolment", "enrolment_id"
    serializer_class = admission.EnrolmentSerializer
    query_class = cases.ByCaseAndProjectQuery
    ordering = ("-at", "id")
    inputs = {"create": admission.Admission}
    answers = {"create": AssessmentViews}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return enrolments that the user may see."""
        return Enrolment.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Decide on admission. The response is the assessment, with the enrolment where the case was admitted."""
        self.require_writer()
        return self.run_once(request, lambda given: admit(**given, by=request.user, now=now()))

"""The resources of the API, in the order of the apps."""

from api.views.base import Resource
from api.views.cases import (
    AssessmentViews,
    BeneficiaryViews,
    CaseViews,
    ConsentViews,
    DocumentViews,
    EnrolmentViews,
    IdentityDocumentViews,
    RiskAssessmentViews,
    ScreeningViews,
)
from api.views.log import AuditEventViews
from api.views.programmes import CriteriaViews, IndicatorViews, OrganisationViews, ProjectViews
from api.views.reintegration import FollowUpViews, GrantViews, InstalmentViews, PlanViews, ReminderViews
from api.views.sharing import ReferralViews, TransferViews

RESOURCES: tuple[type[Resource], ...] = (
    OrganisationViews,
    ProjectViews,
    CriteriaViews,
    IndicatorViews,
    BeneficiaryViews,
    IdentityDocumentViews,
    CaseViews,
    ConsentViews,
    RiskAssessmentViews,
    ScreeningViews,
    EnrolmentViews,
    AssessmentViews,
    DocumentViews,
    ReferralViews,
    TransferViews,
    PlanViews,
    GrantViews,
    InstalmentViews,
    FollowUpViews,
    ReminderViews,
    AuditEventViews,
)

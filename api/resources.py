"""The resources of the API, in the order of the apps."""

from api.views.admission import AssessmentViews, EnrolmentViews, ScreeningViews
from api.views.base import Resource
from api.views.beneficiary import BeneficiaryViews
from api.views.case import CaseViews
from api.views.consent import ConsentViews
from api.views.document import DocumentViews
from api.views.follow_up import FollowUpViews, ReminderViews
from api.views.grant import GrantViews, InstalmentViews
from api.views.identity import IdentityDocumentViews
from api.views.log import AuditEventViews
from api.views.plan import PlanViews
from api.views.programmes import CriteriaViews, IndicatorViews, OrganisationViews, ProjectViews
from api.views.risk import RiskAssessmentViews
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

"""The demo users: the same in demo data, tests and README."""

import hashlib
import hmac
from datetime import date, datetime

from django.conf import settings

from accounts.choices import RoleCode
from accounts.models import Membership, Role, User
from accounts.operations.password import set_password
from accounts.operations.users import save_membership, save_user
from projects.models import Project
from projects.operations import choose_programmes

# username: (first name, family name, organisation, role, language)
DEMO_USERS: dict[str, tuple[str, str, str, str, str]] = {
    "ngo_a_caseworker": ("Maya", "Gurung", "NGO_A", RoleCode.CASEWORKER, "en"),
    "ngo_a_reader": ("Hari", "Thapa", "NGO_A", RoleCode.READER, "en"),
    "ngo_a_supervisor": ("Kamala", "Limbu", "NGO_A", RoleCode.SUPERVISOR, "en"),
    "ngo_a_focal_point": ("Sarita", "Rai", "NGO_A", RoleCode.FOCAL_POINT, "en"),
    "ngo_b_caseworker": ("Nima", "Sherpa", "NGO_B", RoleCode.CASEWORKER, "ne"),
    "iom_supervisor": ("Anita", "Karki", "IOM", RoleCode.SUPERVISOR, "en"),
    "iom_approver": ("Bishnu", "Adhikari", "IOM", RoleCode.GRANT_APPROVER, "en"),
    "iom_finance": ("Deepa", "Maharjan", "IOM", RoleCode.FINANCE, "en"),
    "programme_manager": ("Kiran", "Basnet", "IOM", RoleCode.PROGRAMME_MANAGER, "en"),
    "protection_supervisor": ("Laxmi", "Poudel", "IOM", RoleCode.PROTECTION_SUPERVISOR, "en"),
    "protection_supervisor_2": ("Rita", "Lama", "IOM", RoleCode.PROTECTION_SUPERVISOR, "ne"),
    "data_steward": ("Prakash", "Joshi", "IOM", RoleCode.DATA_STEWARD, "en"),
    "researcher": ("Rojina", "Shakya", "IOM", RoleCode.RESEARCHER, "en"),
    "auditor": ("Suresh", "Bhatta", "IOM", RoleCode.AUDITOR, "en"),
    "administrator": ("Uma", "Dahal", "IOM", RoleCode.ADMINISTRATOR, "en"),
}
FOLLOWED = ("RASNM", "RASNM-2", "FWW")  # programmes whose summaries the programme manager sees


def password_of(username: str) -> str:
    """Return the demo password of a user: the same within an installation, different in every other."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"demo:{username}".encode(), hashlib.sha256).hexdigest()
    return f"{digest[:5]}-{digest[5:10]}-{digest[10:15]}"


def add_users(now: datetime) -> None:
    """Save the demo users, each with a role; before there are cases, as access then needs no second user."""
    for username, (first, family, organisation, role, language) in DEMO_USERS.items():
        user = User(
            username=username,
            first_name=first,
            last_name=family,
            email=f"{username}@example.org",
            language=language,
        )
        save_user(user=user, by=None, now=now)
        set_password(user, password_of(username))
        role_row = Role.objects.get(organisation__code=organisation, code=role)
        save_membership(
            membership=Membership(user=user, role=role_row, starts_on=date(2010, 1, 1)), by=None, now=now
        )
    followed = Project.objects.filter(code__in=FOLLOWED)
    manager = Role.objects.get(organisation__code="IOM", code=RoleCode.PROGRAMME_MANAGER)
    choose_programmes(role=manager, projects=followed, by=None, now=now)

"""The context processor for the layout of every page."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.authority import authority_of
from accounts.queries import may_audit, unread_notices
from accounts.recent import is_confined


def frame(request) -> dict:
    """Return the navigation by what the user may do, the number of unread notices, and their organisations' names."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or is_confined(request):
        return {"is_demo": settings.DEMO}
    authority, is_nepali = authority_of(user), get_language() == "ne"
    pages = [
        (_("Today"), reverse("dashboard"), True),
        (_("Cases"), reverse("beneficiaries:case-list"), authority.may("read_cases")),
        (_("Follow-ups"), reverse("reintegration:follow-up-list"), authority.may("read_cases")),
        (
            _("Grants"),
            reverse("reintegration:grant-list"),
            authority.may("read_cases") or authority.reads_summaries,
        ),
        (_("Referrals"), reverse("beneficiaries:referral-list"), authority.may("refer_cases")),
        (
            _("Exports"),
            reverse("beneficiaries:export-list"),
            authority.may("export_cases") or authority.may("approve_exports"),
        ),
        (_("Emergency"), reverse("beneficiaries:emergency-open"), authority.may("break_glass")),
        (_("Users"), reverse("accounts:user-list"), authority.may("manage_users")),
        (_("Audit log"), reverse("reintegration:log-list"), may_audit(user)),
        (_("Programmes"), reverse("projects:project-list"), True),
        (_("Roles"), reverse("accounts:role-list"), True),
    ]
    return {
        "is_demo": settings.DEMO,
        "nav": [
            {
                "label": label,
                "url": url,
                "current": request.path == url or (url != "/" and request.path.startswith(url)),
            }
            for label, url, is_open in pages
            if is_open
        ],
        "notice_count": unread_notices(user),
        "organisation_names": [(is_nepali and name_ne) or name_en for name_en, name_ne in authority.names],
    }

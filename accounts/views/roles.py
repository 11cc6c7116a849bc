"""The page of roles: who may do what, for every signed-in user."""

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.choices import PURPOSES, STARTING_PERMISSIONS, OrganisationKind, Permission, RoleCode
from accounts.models import Membership, Organisation
from accounts.queries import organisations_of, own_memberships, permissions_by_role, programmes_by_role
from accounts.rules import INCOMPATIBLE, in_force, limits_of
from core.clock import now


@login_required
@require_safe
def role_list(request: HttpRequest) -> HttpResponse:
    """Show all roles as they are in one of the user's organisations; without one, their starting permissions."""
    organisations = list(organisations_of(request.user))
    organisation = _chosen(organisations, request.GET.get("in", ""))
    own = own_memberships(request.user, on=now().date())
    context = {
        "organisation": organisation,
        "organisations": [
            {"label": other.name, "url": f"?in={other.code}", "current": other == organisation}
            for other in organisations
        ],
        "mine": [_own_role(membership) for membership in own],
        "roles": _roles(organisation, own),
        "pairs": [
            {"names": [RoleCode(code).label for code in sorted(pair.codes)], "why": pair.refusal}
            for pair in INCOMPATIBLE
        ],
    }
    return render(request, "accounts/role_list.html", context)


def _chosen(organisations: list[Organisation], code: str) -> Organisation | None:
    """Return the organisation with this code among the user's own; the first one for "". Raises Http404."""
    found = [organisation for organisation in organisations if code in ("", organisation.code)]
    if code and not found:
        raise Http404
    return found[0] if found else None


def _own_role(membership: Membership) -> dict[str, object]:
    """Return one of the user's own roles for the page: where, and until when."""
    first, last = (
        day and date_format(day, "DATE_FORMAT") for day in (membership.starts_on, membership.ends_on)
    )
    until = _("From %(first)s to %(last)s") if last else _("From %(first)s, with no end date")
    return {
        "role": membership.role.get_code_display(),
        "where": membership.role.organisation.name,
        "days": until % {"first": first, "last": last},
        "is_to_come": membership.starts_on > now().date(),
    }


def _roles(organisation: Organisation | None, own: QuerySet[Membership]) -> list[dict[str, object]]:
    """Return each role for the page: what it may and can't do, and whether it is one of the user's own."""
    permissions = permissions_by_role(organisation) if organisation else {}
    single_programmes = programmes_by_role(organisation) if organisation else {}
    kind = organisation.kind if organisation else OrganisationKind.IOM
    own_codes = {membership.role.code for membership in own if membership.role.organisation == organisation}
    shown = []
    for code in RoleCode:
        starting = frozenset(STARTING_PERMISSIONS.get(code, ()))
        granted = permissions.get(code, starting)
        effective = in_force(granted, kind)
        programmes = single_programmes.get(code, []) if Permission.READ_SUMMARIES not in effective else []
        shown.append(
            {
                "name": code.label,
                "purpose": PURPOSES[code],
                "may": [
                    *(capfirst(choice.label) for choice in Permission if choice in effective),
                    *_summary_line(programmes),
                ],
                "cannot": limits_of(effective, follows=bool(programmes)),
                "nothing": _("Nothing here: this role has effect only in an IOM office.")
                if granted
                else _("Nothing yet."),
                "is_tailored": granted != starting,
                "is_mine": code in own_codes,
            }
        )
    return shown


def _summary_line(programmes: list[tuple[str, str]]) -> list[str]:
    """Return one line with the programmes to which a role has summary access; an empty list without any."""
    is_nepali = get_language() == "ne"
    names = "; ".join((is_nepali and name_ne) or name_en for name_en, name_ne in programmes)
    line = _("See case references and amounts, without names, of these programmes only: %(names)s")
    return [line % {"names": names}] if names else []

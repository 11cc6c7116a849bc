"""Who may do what, for everyone who is signed in."""

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
    """Each role as it stands in one of the person's organisations; for somebody without one, as it starts."""
    organisations = list(organisations_of(request.user))
    organisation = _chosen(organisations, request.GET.get("in", ""))
    mine = own_memberships(request.user, on=now().date())
    context = {
        "organisation": organisation,
        "organisations": [
            {"label": other.name, "url": f"?in={other.code}", "current": other == organisation}
            for other in organisations
        ],
        "mine": [_held(membership) for membership in mine],
        "roles": _roles(organisation, mine),
        "pairs": [
            {"names": [RoleCode(code).label for code in sorted(pair.codes)], "why": pair.refusal}
            for pair in INCOMPATIBLE
        ],
    }
    return render(request, "accounts/role_list.html", context)


def _chosen(organisations: list[Organisation], code: str) -> Organisation | None:
    """The one asked for, of the person's own; the first where none is."""
    found = [organisation for organisation in organisations if code in ("", organisation.code)]
    if code and not found:
        raise Http404
    return found[0] if found else None


def _held(membership: Membership) -> dict[str, object]:
    """One of the person's own roles: where, and until when."""
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


def _roles(organisation: Organisation | None, mine: QuerySet[Membership]) -> list[dict[str, object]]:
    given = permissions_by_role(organisation) if organisation else {}
    followed = programmes_by_role(organisation) if organisation else {}
    kind = organisation.kind if organisation else OrganisationKind.IOM
    own = {membership.role.code for membership in mine if membership.role.organisation == organisation}
    shown = []
    for code in RoleCode:
        starting = frozenset(STARTING_PERMISSIONS.get(code, ()))
        granted = given.get(code, starting)
        held = in_force(granted, kind)
        programmes = followed.get(code, []) if Permission.READ_SUMMARIES not in held else []
        shown.append(
            {
                "name": code.label,
                "purpose": PURPOSES[code],
                "may": [
                    *(capfirst(choice.label) for choice in Permission if choice in held),
                    *_figures_of(programmes),
                ],
                "cannot": limits_of(held, follows=bool(programmes)),
                "nothing": _("Nothing here: this role has effect only in an IOM office.")
                if granted
                else _("Nothing yet."),
                "is_tailored": granted != starting,
                "is_mine": code in own,
            }
        )
    return shown


def _figures_of(programmes: list[tuple[str, str]]) -> list[str]:
    """Which single programmes' figures a role sees, in one line; none where it sees none."""
    is_nepali = get_language() == "ne"
    names = "; ".join((is_nepali and name_ne) or name_en for name_en, name_ne in programmes)
    told = _("See case references and amounts, without names, of these programmes only: %(names)s")
    return [told % {"names": names}] if names else []

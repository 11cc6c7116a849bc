"""The admin site for configuration, and who may enter it."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import recent
from accounts.choices import OrganisationKind, Permission
from accounts.queries import organisations_of
from core import audit

READING = ("GET", "HEAD")
# Views with a form: they ask for a recent proof of identity before it is filled in, not after.
FORMS = ("add_view", "change_view", "delete_view")
SEARCHES = ("changelist_view",)  # a POST there is a search and writes nothing
METHODS = (*READING, "POST")
UNRECORDED = ("i18n_javascript",)  # translations of Django's scripts
# Passwords and sign-out are only in `accounts`; `view_on_site` would look up any row by its id.
DROPPED = {"logout", "password_change", "password_change_done", "view_on_site"}


class ConfigurationSite(admin.AdminSite):
    """Open to users who may configure at IOM, never to partners; `is_staff` has no effect.

    Every form requires a recent proof of identity, the second factor included (accounts.recent).
    """

    site_header = _("Sahayatra: configuration")
    site_title = _("Sahayatra: configuration")
    index_title = _("Programmes, users and places")

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may configure at IOM; cached on the request, as pages check it many times."""
        if not hasattr(request, "may_configure"):
            offices = organisations_of(request.user, Permission.CONFIGURE).filter(kind=OrganisationKind.IOM)
            request.may_configure = offices.exists()  # type: ignore[attr-defined]
        return request.may_configure  # type: ignore[attr-defined]

    def admin_view(self, view: Callable, cacheable: bool = False) -> Any:
        """Check access, the method and a recent proof of identity, and record in the audit log that a page is read.

        Who isn't signed in is redirected to sign in; a user who may not enter gets PermissionDenied. Reading is
        recorded for all methods, as some of Django's views show the form again after a POST.
        """
        inside = super().admin_view(view, cacheable)

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in METHODS:
                return HttpResponseNotAllowed(METHODS)
            if "\0" in unquote(request.path) or "%00" in request.GET.urlencode():
                raise BadRequest  # PostgreSQL has no text with this character
            if self.has_permission(request):
                name = getattr(view, "__name__", "")
                needs_proof = name in FORMS or (request.method not in READING and name not in SEARCHES)
                if needs_proof and not recent.is_recent(request):
                    return recent.redirect_to_confirm(request)
                response = inside(request, *args, **kwargs)
                if response.status_code == 200 and name not in UNRECORDED and not audit.is_read(request):
                    audit.read(request, verb="configuration read")
                return response
            if request.user.is_authenticated:
                raise PermissionDenied
            return redirect_to_login(request.get_full_path(), reverse("accounts:sign-in"))

        return checked

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect to the site's own sign-in."""
        return redirect_to_login(
            request.GET.get("next") or reverse("admin:index"), reverse("accounts:sign-in")
        )

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Return names to choose from, recorded as read like every list."""
        response = super().autocomplete_view(request)
        if response.status_code != 200:
            return response
        of = f"{request.GET['app_label']}.{request.GET['model_name']}"
        detail = {"of": of, "filters": ["term"], "count": len(json.loads(response.content)["results"])}
        audit.read(request, verb="configuration read", detail=detail)
        return response

    def get_urls(self) -> list:
        """Leave out the views in `DROPPED`."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in DROPPED]

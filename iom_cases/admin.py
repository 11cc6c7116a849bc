"""The admin site for configuration, and its door."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import recent
from accounts.choices import OrganisationKind, Permission
from accounts.queries import organisations_of
from core import audit

# Passwords and sign-out have one way each, through `accounts`; `view_on_site` would look up any row by key.
READING = ("GET", "HEAD")
# Views with a form: one says again who one is before filling it in, not after.
FORMS = ("add_view", "change_view", "delete_view")
SEARCHES = ("changelist_view",)  # what is sent there is searched for, and nothing is written
METHODS = (*READING, "POST")
UNRECORDED = ("i18n_javascript",)  # words of Django's own scripts
DROPPED = {"logout", "password_change", "password_change_done", "view_on_site"}


class ConfigurationSite(admin.AdminSite):
    """Open to whoever may configure at IOM: partners never enter, and `is_staff` opens nothing.

    Every form asks for a recent proof of who one is, the second factor included (accounts.recent).
    """

    site_header = _("Sahayatra: configuration")
    site_title = _("Sahayatra: configuration")
    index_title = _("Programmes, users and places")

    def has_permission(self, request: HttpRequest) -> bool:
        """Asked many times a page, answered once a request."""
        if not hasattr(request, "may_configure"):
            at = organisations_of(request.user, Permission.CONFIGURE).filter(kind=OrganisationKind.IOM)
            request.may_configure = at.exists()  # type: ignore[attr-defined]
        return request.may_configure  # type: ignore[attr-defined]

    def admin_view(self, view: Callable, cacheable: bool = False) -> Any:
        """The door: whoever isn't signed in is led there; whoever is and may not enter is refused.

        Every page that is shown is on record: Django's own views look at no method, and some draw a form again.
        """
        inside = super().admin_view(view, cacheable)

        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in METHODS:
                return HttpResponseNotAllowed(METHODS)
            if self.has_permission(request):
                name = getattr(view, "__name__", "")
                weighs = name in FORMS or (request.method not in READING and name not in SEARCHES)
                if weighs and not recent.is_recent(request):
                    return recent.redirect_to_confirm(request)
                response = inside(request, *args, **kwargs)
                if response.status_code == 200 and name not in UNRECORDED and not audit.is_read(request):
                    audit.read(request, verb="configuration read")
                return response
            if request.user.is_authenticated:
                raise PermissionDenied
            return redirect_to_login(request.get_full_path(), reverse("accounts:sign-in"))

        return door

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """No sign-in of its own."""
        return redirect_to_login(
            request.GET.get("next") or reverse("admin:index"), reverse("accounts:sign-in")
        )

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Names to choose from, as somebody types; on record like every list."""
        response = super().autocomplete_view(request)
        if response.status_code != 200:
            return response
        of = f"{request.GET['app_label']}.{request.GET['model_name']}"
        detail = {"of": of, "filters": ["term"], "count": len(json.loads(response.content)["results"])}
        audit.read(request, verb="configuration read", detail=detail)
        return response

    def get_urls(self) -> list:
        return [url for url in super().get_urls() if getattr(url, "name", None) not in DROPPED]

"""Users, organisations, roles and memberships in the admin."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_leaving import LeavingMixin
from accounts.choices import Permission
from accounts.leaving_form import receivers_in
from accounts.models import AccessRequest, Membership, Organisation, Role, User
from accounts.operations.factor import reset_second_factor
from accounts.operations.invitation import invite_again
from accounts.operations.organisation import deactivation_problems, save_organisation
from accounts.operations.users import save_membership, save_user, tailor_role
from accounts.queries import live_users, organisations_worked_in
from core import clock
from core.admin import ConfigurationAdmin, ConfigurationForm, ConfigurationInline, ReadOnlyInline


class MembershipForm(ConfigurationForm):
    """A membership."""

    def clean(self) -> dict[str, Any] | None:
        """Add an error for the same role twice at one time, before the database's constraint refuses it."""
        found = super().clean()
        given = self.cleaned_data
        user, role, first = (given.get(name) for name in ("user", "role", "starts_on"))
        if user and not user._state.adding and role and first and "ends_on" in given:
            begun = role.memberships.filter(user=user, starts_on__lte=given["ends_on"] or date.max)
            if begun.filter(Q(ends_on=None) | Q(ends_on__gte=first)).exclude(pk=self.instance.pk).exists():
                self.add_error("starts_on", _("This user already has this role on some of these days."))
        return found


class RoleInline(ReadOnlyInline):
    """The roles of an organisation, each with a link."""

    model = Role
    fields = ("code",)
    readonly_fields = ("code",)
    show_change_link = True


class ApprovalAdmin(ConfigurationAdmin):
    """An admin whose changes may become requests for a second user; then a message says so."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and say if it became a request."""
        before = AccessRequest.objects.asked_by(request.user).count()
        super().save_model(request, obj, form, change)
        self._message_if_asked(request, before)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save, and say if a row became a request."""
        before = AccessRequest.objects.asked_by(request.user).count()
        super().save_formset(request, form, formset, change)
        self._message_if_asked(request, before)

    def _message_if_asked(self, request: HttpRequest, before: int) -> None:
        if AccessRequest.objects.asked_by(request.user).count() > before:
            text = _(
                "This gives more access, so it was sent for approval: it takes effect once a second "
                "user has approved it."
            )
            self.message_user(request, text, messages.WARNING)


class MembershipInline(ConfigurationInline):
    """A user's memberships. They are ended by their last day and never deleted, so past access stays known."""

    model = Membership
    fk_name = "user"
    form = MembershipForm
    fields = ("role", "starts_on", "ends_on")
    labels = {"role": _("Role")}
    autocomplete_fields = ("role",)
    can_delete = False


@admin.register(Organisation)
class OrganisationAdmin(ConfigurationAdmin):
    """Organisations, with what prevents their deactivation."""

    fields = ("code", "name_en", "name_ne", "kind", "is_active", "open_work")
    readonly_fields = ("open_work",)
    inlines = (RoleInline,)
    list_display = ("code", "name_en", "name_ne", "kind", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("code", "name_en", "name_ne")

    @admin.display(description=_("Still to be settled"))
    def open_work(self, organisation: Organisation) -> str:
        """Return why the organisation can't be deactivated now."""
        return "\n".join(deactivation_problems(organisation, by=None, now=clock.now())) or gettext(
            "Nothing: it can be deactivated."
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the open work of a new organisation."""
        return self.fields if obj else self.fields[:-1]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Leave out the roles of a new organisation."""
        return self.inlines if obj else ()

    def write(self, *, obj: Organisation, form: Any, by: Any, now: datetime) -> None:
        """Save the organisation and its roles."""
        save_organisation(organisation=obj, by=by, now=now)


class RoleForm(ConfigurationForm):
    """The permissions of a role."""

    permissions = forms.MultipleChoiceField(
        label=_("In its organisation this role may"),
        choices=Permission.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            granted = self.instance.group.organisationgrouppermission_set.filter(
                content_object=self.instance.organisation
            )
            self.initial["permissions"] = sorted(granted.values_list("permission__codename", flat=True))


@admin.register(Role)
class RoleAdmin(LeavingMixin, ApprovalAdmin):
    """Roles. Each organisation has all roles from the start; here their permissions are changed."""

    form = RoleForm
    fields = ("organisation_name", "code", "permissions")
    readonly_fields = ("organisation_name", "code")
    list_display = ("code", "organisation_name")
    list_filter = ("code", "organisation__kind", ("organisation", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("organisation",)
    search_fields = ("code", "organisation__code", "organisation__name_en", "organisation__name_ne")

    @admin.display(description=_("organisation"), ordering="organisation__code")
    def organisation_name(self, role: Role) -> str:
        """Return the organisation's name."""
        return str(role.organisation)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Join the organisation and the group."""
        return super().get_queryset(request).select_related("organisation", "group")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow nobody: roles come with their organisation."""
        return False

    def write(self, *, obj: Role, form: Any, by: Any, now: datetime) -> None:
        """Save the permissions."""
        tailor_role(
            role=obj, codenames=form.cleaned_data["permissions"], by=by, now=now, to=receivers_in(form)
        )

    def leavers(self, obj: Role) -> tuple[Any, Any]:
        """Return the users who have the role."""
        return live_users(obj), [obj.organisation_id]


class UserForm(ConfigurationForm):
    """A user, without a password: a new user is invited and chooses their own."""

    new_invitation = forms.BooleanField(
        label=_("Send a new invitation"),
        help_text=_("For a user who has not chosen a password yet. It is sent to the user's e-mail address."),
        required=False,
    )
    without_factor = forms.BooleanField(
        label=_("Remove the second step"),
        help_text=_(
            "For a user who has lost both phone and recovery codes, once you are sure who is "
            "asking. The user is notified by e-mail, and sets up a new second step at the next "
            "sign-in."
        ),
        required=False,
    )


@admin.register(User)
class UserAdmin(LeavingMixin, ApprovalAdmin):
    """Users. What they may do comes only from their roles."""

    form = UserForm
    fieldsets = (
        (None, {"fields": ("username", "new_invitation", "without_factor", "is_active")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "language")}),
        (_("Sign-in dates"), {"fields": ("date_joined", "last_login")}),
    )
    readonly_fields = ("date_joined", "last_login")
    inlines = (MembershipInline,)
    list_display = ("username", "first_name", "last_name", "email", "language", "is_active", "last_login")
    list_filter = ("is_active", "memberships__role__code", "memberships__role__organisation")
    ordering = ("username",)
    search_fields = ("username", "first_name", "last_name", "email")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out of a new user's page what only an existing user has."""
        found = super().get_fieldsets(request, obj)
        return found if obj else ((None, {"fields": ("username",)}), *found[1:2])

    def write(self, *, obj: User, form: Any, by: Any, now: datetime) -> None:
        """Save the user; invite them again or reset their second factor if it is ticked."""
        save_user(user=obj, by=by, now=now, to=receivers_in(form))
        if form.cleaned_data.get("new_invitation"):
            invite_again(user=obj, by=by, now=now)
        if form.cleaned_data.get("without_factor"):
            reset_second_factor(user=obj, by=by, now=now)

    def write_row(self, *, obj: Membership, form: Any, by: Any, now: datetime) -> None:
        """Save a membership."""
        save_membership(membership=obj, by=by, now=now, to=receivers_in(form))

    def leavers(self, obj: User) -> tuple[Any, Any]:
        """Return the user, and the organisations in which they have a role today."""
        return [obj], organisations_worked_in(obj)


@admin.register(Membership)
class MembershipAdmin(LeavingMixin, ApprovalAdmin):
    """Memberships: who has which role, from when to when."""

    form = MembershipForm
    fields = ("user", "role", "starts_on", "ends_on")
    labels = {"user": _("Person"), "role": _("Role")}
    autocomplete_fields = ("user", "role")
    date_hierarchy = "starts_on"
    list_display = ("user_name", "role_name", "starts_on", "ends_on")
    list_filter = ("role__code", "role__organisation")
    list_select_related = ("user", "role__organisation")
    search_fields = ("user__username", "user__first_name", "user__last_name", "role__organisation__code")

    @admin.display(description=_("user"), ordering="user__username")
    def user_name(self, membership: Membership) -> str:
        """Return the user's name."""
        return str(membership.user)

    @admin.display(description=_("role"), ordering="role__code")
    def role_name(self, membership: Membership) -> str:
        """Return the role with its organisation."""
        return str(membership.role)

    def write(self, *, obj: Membership, form: Any, by: Any, now: datetime) -> None:
        """Save the membership."""
        save_membership(membership=obj, by=by, now=now, to=receivers_in(form))

    def leavers(self, obj: Membership) -> tuple[Any, Any]:
        """Return the membership's user and organisation."""
        return [obj.user], [obj.role.organisation_id]

    def log_addition(self, request: HttpRequest, obj: Membership, message: Any) -> Any:
        """Log nothing if the membership became a request."""
        return super().log_addition(request, obj, message) if _is_saved(obj) else None

    def response_add(
        self, request: HttpRequest, obj: Membership, post_url_continue: Any = None
    ) -> HttpResponse:
        """Go to the list without Django's message if the membership became a request."""
        if _is_saved(obj):
            return super().response_add(request, obj, post_url_continue)
        return redirect("admin:accounts_membership_changelist")

    def response_change(self, request: HttpRequest, obj: Membership) -> HttpResponse:
        """Go to the list without Django's message if the change became a request."""
        if _is_saved(obj):
            return super().response_change(request, obj)
        return redirect("admin:accounts_membership_changelist")


def _is_saved(membership: Membership) -> bool:
    """Return whether the row in the database has these values."""
    days = {"starts_on": membership.starts_on, "ends_on": membership.ends_on}
    return Membership.objects.filter(pk=membership.pk, role=membership.role_id, **days).exists()

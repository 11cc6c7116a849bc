"""Admin pages of programmes, donors and criteria."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import yaml
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import RoleAdmin, RoleForm
from accounts.models import Role
from core.admin import (
    AdminDayInput,
    ConfigurationAdmin,
    ConfigurationForm,
    ConfigurationInline,
    ReadOnlyInline,
    attempt,
    check_period,
)
from core.clock import now
from core.forms import DayField
from projects.choices import TargetGroup
from projects.facts import COUNTRIES, DISTRICTS
from projects.models import (
    BudgetLine,
    Criteria,
    Donor,
    FollowUpInterval,
    Indicator,
    Project,
    ProjectDonor,
    ProjectPartner,
    ServiceType,
)
from projects.operations import (
    choose_programmes,
    remove_configuration,
    revise_criteria,
    save_configuration,
    start_new_phase,
)
from projects.programme_files import ProgrammeFileError
from projects.programme_files.criteria import criteria as read_criteria
from projects.programme_files.document import DEEPEST
from projects.rules import codes_named

LONGEST_TREE = 100_000  # characters
INDENT = 2
NAMES_FIRST = ("code", "label_en", "label_ne", "source", "fact")
NUL = "\\u0000"  # in JSON; PostgreSQL can't store it
SOURCES = (
    ("", "---------"),
    ("brief", gettext_lazy("given by IOM")),
    ("public", gettext_lazy("published")),
    ("ours", gettext_lazy("our own: can be changed")),
)


class Configuring(ConfigurationAdmin):
    """Base of admin pages of a programme's definition; saves through operations."""

    def write(self, *, obj: models.Model, form: Any, by: Any, now: datetime) -> None:
        """Save the object."""
        save_configuration(obj=obj, by=by, now=now)

    def write_row(self, *, obj: models.Model, form: Any, by: Any, now: datetime) -> None:
        """Save an object of an inline."""
        save_configuration(obj=obj, by=by, now=now)

    def remove(self, *, obj: models.Model, by: Any, now: datetime) -> None:
        """Delete the object."""
        remove_configuration(obj=obj, by=by, now=now)


@admin.register(Donor)
class DonorAdmin(Configuring):
    """Donors."""

    fields = ("code", "name_en", "name_ne")
    list_display = ("code", "name_en", "name_ne")
    search_fields = ("code", "name_en", "name_ne")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Allow deletion to all users of the admin."""
        return self.admin_site.has_permission(request)


class DonorInline(ConfigurationInline):
    """Donors of a programme."""

    model = ProjectDonor
    autocomplete_fields = ("donor",)
    labels = {"donor": gettext_lazy("Donor")}
    verbose_name = gettext_lazy("donor")
    verbose_name_plural = gettext_lazy("donors")


class PartnerInline(ConfigurationInline):
    """Partners of a programme."""

    model = ProjectPartner
    autocomplete_fields = ("organisation",)
    labels = {"organisation": gettext_lazy("Organisation")}


class ServiceTypeInline(ConfigurationInline):
    """Services of a programme."""

    model = ServiceType


class IndicatorForm(ConfigurationForm):
    """An indicator with its source."""

    source = forms.ChoiceField(label=gettext_lazy("Source"), choices=SOURCES, required=False)


class IndicatorInline(ConfigurationInline):
    """Indicators of a programme."""

    model = Indicator
    form = IndicatorForm


class FollowUpIntervalInline(ConfigurationInline):
    """Follow-up intervals of a programme."""

    model = FollowUpInterval


class BudgetLineInline(ConfigurationInline):
    """Budget lines of a programme."""

    model = BudgetLine


def formatted(tree: Any) -> str:
    """Return criteria as JSON to read and edit, with the operand of each node last."""
    return json.dumps(_ordered(tree), indent=INDENT, ensure_ascii=False)


def _ordered(node: Any) -> Any:
    """Sort the keys: names first, as the database doesn't keep their order."""
    if isinstance(node, list):
        return [_ordered(child) for child in node]
    if isinstance(node, dict):
        names = [name for name in NAMES_FIRST if name in node]
        return {name: _ordered(node[name]) for name in (*names, *sorted(node.keys() - set(names)))}
    return node


class CriteriaInline(ReadOnlyInline):
    """All versions of the criteria, newest first, read-only."""

    model = Criteria
    fields = readonly_fields = ("version", "made_at", "as_text")

    @admin.display(description=gettext_lazy("who may be admitted"))
    def as_text(self, criteria: Criteria) -> str:
        """Show the tree on demand."""
        return format_html(
            "<details><summary>{}</summary><pre>{}</pre></details>", _("Show"), formatted(criteria.tree)
        )


def several(label: Any, choices: Mapping[str, Any], widget: Any) -> forms.MultipleChoiceField:
    """Return a field with several choices."""
    return forms.MultipleChoiceField(
        label=label, choices=list(choices.items()), required=False, widget=widget
    )


class ProjectForm(ConfigurationForm):
    """A programme, with its codes as choices."""

    target_groups = several(gettext_lazy("For whom"), dict(TargetGroup.choices), forms.CheckboxSelectMultiple)
    countries = several(
        gettext_lazy("Countries"), COUNTRIES, FilteredSelectMultiple(gettext_lazy("countries"), False)
    )
    districts = several(
        gettext_lazy("Districts"), DISTRICTS, FilteredSelectMultiple(gettext_lazy("districts"), False)
    )


class CriteriaForm(forms.Form):
    """The criteria as JSON, checked by the rules for programme files."""

    tree = forms.CharField(
        label=gettext_lazy("Who may be admitted"),
        help_text=gettext_lazy(
            "A tree of “all”, “any”, and facts with one comparison each: is, in, has_any, at_least or below."
        ),
        max_length=LONGEST_TREE,
        widget=forms.Textarea(attrs={"rows": 40, "cols": 100, "spellcheck": "false"}),
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        self.project = project
        self.newest = project.criteria.order_by("-version").first()
        super().__init__(*args, **kwargs)
        self.initial = {"tree": formatted(self.newest.tree) if self.newest else "", "seen": self.version}

    @property
    def version(self) -> int:
        """The number of the newest version; 0 before the first."""
        return self.newest.version if self.newest else 0

    def clean_tree(self) -> dict[str, Any]:
        """Return the tree. Raises ValidationError with the line of the first fault."""
        found = _parsed(self.cleaned_data["tree"])
        # Formatted again, so that line numbers in messages are those on the page.
        text = formatted(found)
        self.data = {"tree": text, "seen": self.data.get("seen")}
        tree = _checked(text)
        for fact, listed, what in (
            ("country_of_stay", self.project.countries, gettext_lazy("countries")),
            ("districts", self.project.districts, gettext_lazy("districts")),
        ):
            others = sorted(codes_named(tree, fact) - set(listed))
            if others:
                raise ValidationError(
                    _("The criteria name %(code)s, which is not among the programme’s %(what)s.")
                    % {"code": others[0], "what": what}
                )
        return tree

    def clean_seen(self) -> int:
        """Refuse where somebody added a version since the page was opened."""
        if self.cleaned_data["seen"] != self.version:
            raise ValidationError(
                _("Somebody made a new version in the meantime. Start again from that one.")
            )
        return self.version


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; refuse a key that stands twice, of which json would silently keep the last."""
    keys = [key for key, _value in pairs]
    repeated = next((key for key in keys if keys.count(key) > 1), None)
    if repeated is not None:
        raise ValidationError(_("“%(key)s” appears twice in one place.") % {"key": repeated[:60]})
    return dict(pairs)


def _parsed(text: str) -> Any:
    """Return the parsed JSON. Raises ValidationError where it is malformed or can't be stored."""
    invalid_character = _("It has a character that can’t be saved.")
    try:
        found = json.loads(text, object_pairs_hook=_once)
        formatted(found).encode()
    except UnicodeEncodeError as error:  # one half of a surrogate pair
        raise ValidationError(invalid_character) from error
    except json.JSONDecodeError as error:
        raise ValidationError(
            _("This is not well-formed JSON: line %(line)s, column %(column)s.")
            % {"line": error.lineno, "column": error.colno}
        ) from error
    except RecursionError as error:
        raise ValidationError(_too_deep()) from error
    except ValueError as error:  # Python limits the number of digits
        raise ValidationError(_("It has a number that is too long.")) from error
    if NUL in text:
        raise ValidationError(invalid_character)
    return found


def _too_deep() -> str:
    return _("It has more than %(most)s levels inside each other.") % {"most": DEEPEST}


def _checked(text: str) -> dict[str, Any]:
    """Return the tree as the reader of programme files parses it. Raises ValidationError with line and expectation."""
    if any(len(line) - len(line.lstrip(" ")) > INDENT * DEEPEST for line in text.splitlines()):
        raise ValidationError(_too_deep())
    try:
        node = cast(yaml.Node, yaml.compose(text, Loader=yaml.SafeLoader))  # JSON is YAML
        return read_criteria(node)
    except ProgrammeFileError as error:
        raise ValidationError(
            _("Line %(line)s: expected %(expected)s, found %(found)s.")
            % {"line": error.line, "expected": error.expected, "found": error.found}
        ) from error
    except yaml.YAMLError as error:
        raise ValidationError(_("It has a character that can’t be saved.")) from error


class PhaseForm(forms.Form):
    """The code and dates of a new phase; everything else is copied."""

    code = forms.SlugField(label=gettext_lazy("Code of the new phase"), max_length=40)
    starts_on = DayField(label=gettext_lazy("First day"), widget=AdminDayInput)
    ends_on = DayField(label=gettext_lazy("Last day"), widget=AdminDayInput)

    def clean(self) -> dict[str, Any] | None:
        """Check that the phase ends after it starts."""
        found = super().clean()
        check_period(self)
        return found


@admin.register(Project)
class ProjectAdmin(Configuring):
    """A programme and its parts on one page; criteria and new phases on pages of their own."""

    form = ProjectForm
    fieldsets = (
        (None, {"fields": ("code", "name_en", "name_ne", "summary_en", "summary_ne")}),
        (
            gettext_lazy("When and by whom"),
            {"fields": ("starts_on", "ends_on", "earlier_phase", "managed_by")},
        ),
        (gettext_lazy("For whom and where"), {"fields": ("target_groups", "countries", "districts")}),
        (gettext_lazy("Grants"), {"fields": ("grant_ceiling_npr", "grant_instalments_max")}),
    )
    labels = {"managed_by": gettext_lazy("Managed by")}
    readonly_fields = ("earlier_phase",)
    autocomplete_fields = ("managed_by",)
    inlines = (
        PartnerInline,
        DonorInline,
        ServiceTypeInline,
        IndicatorInline,
        FollowUpIntervalInline,
        BudgetLineInline,
        CriteriaInline,
    )
    date_hierarchy = "starts_on"
    list_display = ("code", "name_en", "starts_on", "ends_on", "manager")
    list_filter = (("managed_by", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("managed_by",)
    search_fields = ("code", "name_en", "name_ne")

    @admin.display(description=gettext_lazy("next phase of"))
    def earlier_phase(self, project: Project) -> str:
        """The programme of which this is the next phase."""
        return str(project.phase_of) if project.phase_of else "-"

    @admin.display(description=gettext_lazy("managed by"), ordering="managed_by__code")
    def manager(self, project: Project) -> str:
        """The managing organisation."""
        return str(project.managed_by)

    def get_urls(self) -> list:
        """Add the pages of criteria and new phases."""
        protected = self.admin_site.admin_view
        return [
            path(
                "<uuid:project_id>/criteria/", protected(self.criteria_view), name="projects_project_criteria"
            ),
            path("<uuid:project_id>/phase/", protected(self.phase_view), name="projects_project_phase"),
            *super().get_urls(),
        ]

    def criteria_view(self, request: HttpRequest, project_id: UUID) -> HttpResponse:
        """Add a version of the criteria."""
        project = self._project(request, project_id)
        form = CriteriaForm(request.POST or None, project=project)
        if request.method == "POST" and form.is_valid():
            criteria = attempt(
                form,
                lambda: revise_criteria(
                    project=project, tree=form.cleaned_data["tree"], by=request.user, now=now()
                ),
            )
            if criteria is not None:
                return self._revised(request, project, criteria, is_new=criteria.version != form.version)
        return self._page(request, project, form, _("Who may be admitted: the next version"))

    def _revised(
        self, request: HttpRequest, project: Project, criteria: Criteria, *, is_new: bool
    ) -> HttpResponse:
        if is_new:
            text = _(
                "Version %(version)s of the criteria is used from now on. Earlier decisions keep "
                "their own version."
            )
            self.log_change(request, project, f"criteria {criteria.version}")
        else:
            text = _("The criteria are the same as in version %(version)s: nothing was changed.")
        self.message_user(request, text % {"version": criteria.version}, messages.SUCCESS)
        return redirect("admin:projects_project_change", project.pk)

    def phase_view(self, request: HttpRequest, project_id: UUID) -> HttpResponse:
        """Start a new phase with its own code and dates."""
        project = self._project(request, project_id)
        form = PhaseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            phase = attempt(
                form,
                lambda: start_new_phase(project=project, **form.cleaned_data, by=request.user, now=now()),
            )
            if phase is not None:
                self.log_addition(request, phase, f"phase of {project.code}")
                self.message_user(
                    request, _("The new phase is created. Check what was copied."), messages.SUCCESS
                )
                return redirect("admin:projects_project_change", phase.pk)
        return self._page(request, project, form, _("Start a new phase"))

    def _project(self, request: HttpRequest, project_id: UUID) -> Project:
        project = self.get_object(request, str(project_id))
        if project is None:
            raise Http404
        return project

    def _page(self, request: HttpRequest, project: Project, form: forms.Form, title: str) -> HttpResponse:
        shown = AdminForm(form, [(None, {"fields": list(form.fields)})], {})  # type: ignore[arg-type]
        context = {
            **self.admin_site.each_context(request),
            "adminform": shown,
            "media": self.media + shown.media,
            "opts": self.opts,
            "original": project,
            "subtitle": str(project),
            "title": title,
        }
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        page = TemplateResponse(request, "admin/projects/project/form_page.html", context)
        return self.on_record(request, page, str(project.pk))


class FollowingRoleForm(RoleForm):
    """A role, and the single programmes whose references and aggregates it sees."""

    programmes = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Programmes whose case references and amounts this role sees"),
        help_text=gettext_lazy(
            "Only programmes that the organisation manages. A role that sees the amounts of the "
            "whole organisation needs none of these."
        ),
        queryset=Project.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        managed = cast(forms.ModelMultipleChoiceField, self.fields["programmes"])
        managed.queryset = Project.objects.filter(managed_by=self.instance.organisation_id).order_by("code")
        self.initial["programmes"] = managed.queryset.filter(
            projectgrouppermission__group=self.instance.group_id
        )


admin.site.unregister(Role)


@admin.register(Role)
class FollowingRoleAdmin(RoleAdmin):
    """The page of `FollowingRoleForm`."""

    form = FollowingRoleForm
    fields = (*RoleAdmin.fields, "programmes")  # type: ignore[assignment]

    def write(self, *, obj: Role, form: Any, by: Any, now: datetime) -> None:
        """Save the role, then its programmes."""
        super().write(obj=obj, form=form, by=by, now=now)
        choose_programmes(role=obj, projects=form.cleaned_data["programmes"], by=by, now=now)

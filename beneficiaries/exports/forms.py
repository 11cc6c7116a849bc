"""Forms to ask for an export, and to approve one."""

from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from beneficiaries.models import Export
from core.forms import OnceForm


class ExportForm(OnceForm):
    """What the export is for; and of which organisation, for who may export in several."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("For which organisation?"), empty_label=None
    )
    reason = forms.CharField(
        label=_("What is it needed for?"),
        help_text=_("The user who approves the export reads this. Do not name anybody who is helped."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args, organisations: frozenset[UUID], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organisation"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Organisation.objects.filter(pk__in=organisations).order_by("code")
        if len(organisations) == 1:
            field.initial, field.widget = next(iter(organisations)), forms.HiddenInput()


class ExportAnswerForm(OnceForm):
    """Whether a long export is approved."""

    agrees = forms.ChoiceField(
        label=_("Do you approve this export?"),
        choices=[("yes", _("Yes, I approve")), ("no", _("No, I refuse"))],
        widget=forms.RadioSelect,
    )
    answer = forms.CharField(
        label=_("If you refuse: why"),
        required=False,
        max_length=Export._meta.get_field("answer").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

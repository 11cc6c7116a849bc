"""Forms for signing in, passwords, tokens, and users with their roles."""

import json
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import LANGUAGES, Role
from core.addresses import AddressFormField
from core.forms import CountField, OnceForm, check_period, day_field


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(forms.Form):
    """A code of an authenticator app."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "govuk-input--width-10"}
        ),
    )


class CredentialField(forms.CharField):
    """A passkey's answer as JSON, which the page's script fills in.

    Django's JSONField would raise ValueError for a number of 5,000 digits, and RecursionError for 100,000 brackets.
    """

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        """Return the parsed answer; None if there is none."""
        text = super().to_python(value)
        try:
            return json.loads(text) if text else None
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(gettext("The passkey can’t be read. Try again.")) from error


class FactorForm(CodeForm):
    """A code of an app, a recovery code, or a passkey's answer, which the page's script fills in."""

    credential = CredentialField(required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].required = not self.data.get("credential")


class PasskeyAddForm(forms.Form):
    """A new passkey, which the page's script fills in, and its name."""

    credential = CredentialField(error_messages={"required": _("The passkey was not created. Try again.")})
    name = forms.CharField(
        label=_("Name of the passkey"),
        max_length=40,
        required=False,  # the passkey exists already, so it isn't refused without a name
        help_text=_("So that you recognise it later, such as “my phone”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        """Give a nameless passkey a name."""
        return self.cleaned_data["name"] or gettext("My passkey")


class OwnPasswordForm(forms.Form):
    """The signed-in user's password."""

    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class TokenForm(OnceForm):
    """What a token is for, and how long it lasts."""

    name = forms.CharField(
        label=_("What the token is for"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = CountField(
        label=_("Days"),
        help_text=_("How long it lasts, 366 at most."),
        min_value=1,
        max_value=366,
        initial=90,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-5"}),
    )
    field_order = ["name", "days"]


class ForgottenForm(forms.Form):
    """The address to which a reset link is mailed."""

    email = AddressFormField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )


class RoleChoice(forms.ModelChoiceField):
    """A choice of roles, shown with their organisation if there are several organisations."""

    def __init__(self, **kwargs) -> None:
        super().__init__(Role.objects.none(), label=_("Role"), **kwargs)

    def offer(self, roles: QuerySet[Role]) -> None:
        """Set the roles to choose from."""
        self.queryset = roles
        self.has_one_organisation = len({role.organisation_id for role in roles}) < 2

    def label_from_instance(self, obj: Role) -> str:  # type: ignore[override]  # rows here are roles
        """Return the role's name, with the organisation if there are several."""
        return obj.get_code_display() if self.has_one_organisation else str(obj)


class MembershipPeriodForm(OnceForm):
    """The first and the last day of a role."""

    starts_on = day_field(_("First day"))
    ends_on = day_field(_("Last day"), required=False)

    def clean(self):
        """Check the order of the days."""
        found = super().clean()
        check_period(self)
        return found


class ReasonForm(MembershipPeriodForm):
    """The days of a role, and the reason for the second user who may have to approve it."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=300,
        required=False,
        help_text=_("The second user who approves this reads it. How do you know this person?"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RoleGivenForm(ReasonForm):
    """A role with its days; `roles` are those that the user may give."""

    role = RoleChoice()
    field_order = ["role"]

    def __init__(self, *args, roles: QuerySet[Role], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, RoleChoice)
        field.offer(roles)


class NewUserForm(RoleGivenForm):
    """A new user with a role. The user name is generated."""

    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Family name"), max_length=150, required=False)
    email = AddressFormField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The user's own address, which nobody else reads: the invitation is sent there."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    language = forms.ChoiceField(
        label=_("Language of mails"),
        choices=LANGUAGES,
        widget=forms.RadioSelect(attrs={"class": "govuk-radios--inline"}),
        initial="ne",
    )
    field_order = ["first_name", "last_name", "email", "language", "role"]


class NewPasswordForm(forms.Form):
    """A new password, typed twice."""

    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        help_text=_("12 characters or more, for example a sentence that only you would say."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same password again"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self):
        """Check that both are the same."""
        found = super().clean()
        typed = self.cleaned_data
        if typed.get("password") and typed.get("again") and typed["password"] != typed["again"]:
            self.add_error("again", _("The two passwords are not the same."))
        return found


class ResetForm(NewPasswordForm):
    """A new password with a second factor's code, as the link alone is no proof after a change of address."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_(
            "From your app, or a recovery code. It is needed because the e-mail address of your "
            "account was changed recently."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "govuk-input--width-10"}
        ),
    )


class DecisionForm(OnceForm):
    """Approve, refuse or stop a request for access."""

    decision = forms.ChoiceField(choices=[(name, name) for name in ("approve", "refuse", "stop")])

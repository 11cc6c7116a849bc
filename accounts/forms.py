"""Forms of sign-in."""

from django import forms
from django.contrib.auth import authenticate
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SignInForm(forms.Form):
    """Name and password. What is wrong is never said more closely than that."""

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

    def __init__(self, *args, request=None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean(self):
        super().clean()
        found = self.cleaned_data
        if found.get("username") and found.get("password"):
            self.user = authenticate(  # type: ignore[assignment]  # the one user model there is
                self.request, username=found["username"], password=found["password"]
            )
            if self.user is None:
                raise forms.ValidationError(_("The user name or the password is not right."))
        return found

"""Second factors for tests: an app's secret, the codes that it shows, and signing in with both steps."""

import time
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from accounts.models import User
from accounts.operations.factor import RecoveryCodes
from core.context import acting_as
from reintegration.demo import password_of

LOGIN, SECOND, CONFIRM = "/accounts/login/", "/accounts/login/second/", "/accounts/confirm/"


@dataclass(frozen=True)
class App:
    """An authenticator app."""

    secret: str

    def code(self, steps: int = 0) -> str:
        """Return the code that the app shows now, or `steps` half minutes later."""
        return format_hotp_value(hotp_value(self.secret, int(time.time()) // 30 + steps))


def enrolled(user: User) -> App:
    """Give the user an app and recovery codes, as if they had enrolled before."""
    secret = generate_totp_secret()
    with acting_as(user):
        TOTP.activate(user, secret)
        RecoveryCodes.activate(user)
    return App(secret)


def recovery_codes_of(user: User) -> list[str]:
    authenticator = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    return RecoveryCodes(authenticator).get_unused_codes()


def give_password(client: Client, username: str, password: str = "", **more):
    return client.post(LOGIN, {"username": username, "password": password or password_of(username), **more})


def give_code(client: Client, code: str, **more):
    return client.post(SECOND, {"code": code}, **more)


def signed_in_with(app: App, username: str) -> Client:
    """Return a client signed in with both steps, by a code that no test uses again."""
    client = Client()
    give_password(client, username)
    done = give_code(client, app.code(-1))
    assert done.status_code == 302, done.content.decode()
    return client


def is_in(client: Client) -> bool:
    """Whether a page of the site opens, instead of leading to sign-in or to the second step."""
    return client.get("/roles/").status_code == 200

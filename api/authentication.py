"""Authentication: a program by its token, a user by their browser session."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.operations.token import note_token_use
from accounts.queries import is_enrolled, live_token
from core.clock import now
from core.context import enter

REFUSED = "This token is unknown, has ended or was revoked."
NO_FACTOR = "The user of this token has no second step for signing in; without it the token opens nothing."


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`. On success the database context becomes that of the token's user.

    The middleware entered the context of the session's user, or of nobody, before the view ran. The error is the same
    for unknown, expired and revoked tokens.
    """

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the user and the token, or None for another scheme.

        Raises AuthenticationFailed, or PermissionDenied for a user without a second factor.
        """
        scheme, _space, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != self.keyword.lower().encode():
            return None
        try:
            token = live_token(text.strip().decode("ascii"), on=timezone.localdate())
        except UnicodeDecodeError as error:
            raise AuthenticationFailed(REFUSED) from error
        if token is None:
            raise AuthenticationFailed(REFUSED)
        if settings.MFA_REQUIRED and not is_enrolled(token.user):
            raise PermissionDenied(NO_FACTOR)
        note_token_use(token=token, now=now())
        enter(token.user.pk)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return the scheme for `WWW-Authenticate`, so that a missing login is a 401."""
        return self.keyword


class TokenInSchema(OpenApiAuthenticationExtension):
    """The token in the OpenAPI document."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the security scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and a space before the token, which `manage.py create_api_token` prints.",
        }

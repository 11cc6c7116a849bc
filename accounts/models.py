"""Users, organisations, roles, memberships, requests for access, notices, tokens, sessions and sign-in throttling."""

import uuid

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase

from accounts.authority import Authority, authority_of
from accounts.choices import (
    ACCESS_REQUEST_EVENTS,
    USER_EVENTS,
    DecidedAs,
    OrganisationKind,
    Permission,
    RequestKind,
    RequestState,
    RoleCode,
)
from accounts.rules import LONGEST_IDLE, LONGEST_SESSION
from accounts.throttle_models import (  # noqa: F401 - so that Django finds them
    InvitationSent,
    ResetAsked,
    SignInThrottle,
    UsedProof,
)
from accounts.user_manager import UserManager
from core.access import AccessPolicy, Open, ScopedQuerySet
from core.addresses import AddressField, only_plain
from core.constraints import not_before
from core.context import acting_as
from core.models import EVERY_COLUMN
from core.names import NameField

LANGUAGES = [("en", "English"), ("ne", "नेपाली")]
ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")


class User(AbstractUser):
    """Somebody who signs in. What a user may do comes from memberships, never from this row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    first_name = NameField(_("first name"), max_length=150, blank=True)
    last_name = NameField(_("last name"), max_length=150, blank=True)
    email = AddressField(_("e-mail"))
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES, default="en")
    # When a credential was last changed without the user's own proof: see queries.may_reset_by_mail.
    email_changed_at = models.DateTimeField(null=True, editable=False)
    factor_reset_at = models.DateTimeField(null=True, editable=False)
    password_mailed_at = models.DateTimeField(null=True, editable=False)  # last reset by a mailed link
    closed_at = models.DateTimeField(
        null=True, editable=False
    )  # when the account was last closed: by a trigger

    never_recorded = ("password", "last_login")
    audit_events = USER_EVENTS
    access_policy = Open(("SELECT", "INSERT", "UPDATE"), "sign-in must find a user before there is a context")
    objects = UserManager()  # type: ignore[misc]  # Django's way to add to a manager

    class Meta:
        ordering = ["username"]
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="accounts_user_name_once",
                violation_error_message=_("Somebody has this user name already, with other capitals."),
            ),
            models.CheckConstraint(
                name="accounts_user_plain_name",
                condition=Q(username__regex="^[A-Za-z0-9.@+_-]+$"),
                violation_error_message=_(
                    "A user name has the letters a to z, digits and the signs @ . + - _ only."
                ),
            ),
            only_plain("accounts_user_plain_address", "email"),
        ]

    def check_password(self, raw_password: str | None) -> bool:
        """Save an upgraded hash acting as the user, as the database accepts it from nobody else."""

        def save_hash(password: str) -> None:
            former = self.password
            self.set_password(password)
            self._password = None
            with acting_as(
                self
            ):  # only while it is the password that was checked, as it may have ended meanwhile
                User.objects.filter(pk=self.pk, password=former).update(password=self.password)

        return check_password(raw_password, self.password, save_hash)

    @property
    def principal(self) -> Authority | None:
        """For whom scopes are asked; None for a user who may do nothing any more."""
        return authority_of(self) if self.is_active else None

    @property
    def name(self) -> str:
        """The full name; the user name if there is none."""
        return self.get_full_name() or self.username


class Organisation(models.Model):
    """An IOM office, an NGO, a government body, a company, a shelter, a university or a UN agency."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(_("code"), max_length=40)
    name_en = NameField(_("name in English"), max_length=200)
    name_ne = NameField(_("name in Nepali"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=OrganisationKind)
    is_active = models.BooleanField(_("active"), default=True)
    cases_since = models.DateTimeField(null=True, editable=False)  # set by a trigger of the beneficiaries app

    audit_events = {"organisation saved": _("Saved an organisation")}
    access_policy = Open(
        ("SELECT", "INSERT", "UPDATE"), "configuration: names of organisations, written by administrators"
    )

    class Meta:
        ordering = ["code"]
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        default_permissions = ()
        permissions = [(choice.value, choice.label) for choice in Permission]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="accounts_organisation_code_once"),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(kind=OrganisationKind.IOM),
                name="accounts_organisation_one_iom",
                violation_error_message=_("There is an IOM office already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language of the page; the English one if there is no Nepali one."""
        return self.name_ne if get_language() == "ne" and self.name_ne else self.name_en


class OrganisationGroupPermission(GroupObjectPermissionBase):
    """A group's permission in an organisation: django-guardian's object permission with a real foreign key."""

    content_object = models.ForeignKey(Organisation, on_delete=models.CASCADE)

    access_policy = Open(ALL, "configuration: permissions of roles, written by administrators")

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False


class Role(models.Model):
    """One role in one organisation: a group whose permissions an administrator can change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="roles")
    code = models.CharField(_("role"), max_length=30, choices=RoleCode)
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="role")

    audit_events = {"role tailored": _("Changed what a role may do")}
    access_policy = Open(("SELECT", "INSERT", "UPDATE"), "configuration: which roles an organisation has")

    class Meta:
        ordering = ["organisation", "code", "id"]
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "code"], name="accounts_role_once_an_organisation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_code_display()}, {self.organisation}"


class MembershipQuerySet(models.QuerySet):
    """Memberships by their dates."""

    def live(self, on):
        """Return memberships that are valid on the given date."""
        return self.not_over(on).filter(starts_on__lte=on)

    def not_over(self, on):
        """Return memberships that are valid on the given date or begin later."""
        return self.filter(Q(ends_on=None) | Q(ends_on__gte=on))

    def overlapping(self, other: "Membership"):
        """Return the other memberships that share a day with this one."""
        found = self.exclude(pk=other.pk).not_over(other.starts_on)
        return found if other.ends_on is None else found.filter(starts_on__lte=other.ends_on)


class AccessRequestQuerySet(models.QuerySet):
    """Requests for access by their state."""

    def open(self):
        """Return requests that wait for a decision or for the time at which they take effect."""
        return self.filter(state__in=[RequestState.PENDING, RequestState.APPROVED])

    def asked_by(self, user):
        """Return what this user asked for."""
        return self.filter(asked_by=user.pk)


class AccessRequest(models.Model):
    """A request for access by one user, to be approved by a second one.

    The application adds pending rows; the functions of accounts/sql/040_requests.sql change them. `organisation` is the
    one whose second user decides; None means several, and IOM's protection supervisors decide. `email` is the user's
    address at the time of the request, or the new address for a request of kind EMAIL.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=RequestKind)
    state = models.CharField(max_length=20, choices=RequestState, default=RequestState.PENDING)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="access_requests")
    role = models.ForeignKey(Role, null=True, on_delete=models.PROTECT, related_name="+")
    permissions = ArrayField(models.CharField(max_length=40), default=list)
    programmes = ArrayField(models.CharField(max_length=40), default=list)
    email = AddressField(blank=True)
    former_email = AddressField(blank=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_as = models.CharField(max_length=20, choices=DecidedAs, blank=True)
    takes_effect_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    audit_events = ACCESS_REQUEST_EVENTS
    access_policy = Open(
        ("SELECT", "INSERT"), "who asked for whose access, and who approved it; changed only by functions"
    )
    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="accounts_request_decided_by_another",
                condition=Q(decided_by=None) | (~Q(decided_by=F("asked_by")) & ~Q(decided_by=F("user"))),
            ),
            models.CheckConstraint(
                name="accounts_request_asked_for_another",
                condition=Q(asked_by=None) | Q(user=None) | ~Q(asked_by=F("user")),
            ),
            models.CheckConstraint(
                name="accounts_request_approved_before_it_is_done",
                condition=~Q(state__in=["approved", "done"])
                | Q(decided_by__isnull=False, decided_at__isnull=False, takes_effect_at__gte=F("decided_at")),
            ),
            models.CheckConstraint(
                name="accounts_request_done_in_time",
                condition=Q(state="done", done_at__gte=F("takes_effect_at"))
                | (~Q(state="done") & Q(done_at=None)),
            ),
            models.CheckConstraint(
                name="accounts_request_of_somebody",
                condition=Q(kind__in=["tailor", "programmes"], role__isnull=False)
                | Q(kind="role", user__isnull=False, role__isnull=False, starts_on__isnull=False)
                | (Q(kind__in=["email", "factor", "reopen"], user__isnull=False) & ~Q(email="")),
            ),
            models.CheckConstraint(
                name="accounts_request_ends_after_start",
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
            ),
            not_before("accounts_request_after_1900", "starts_on"),
            only_plain("accounts_request_plain_email", "email"),
            only_plain("accounts_request_plain_former_email", "former_email"),
            models.UniqueConstraint(
                fields=["kind", "user", "role"],
                name="accounts_request_once",
                condition=Q(state__in=["pending", "approved"]),
                nulls_distinct=False,
            ),
        ]


class Membership(models.Model):
    """A user's role in an organisation from one day to another, both included.

    A trigger sets `given_by` and `given_at`, and requires an approved `request` in an organisation with cases.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="memberships")
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to"), null=True, blank=True)
    given_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    given_at = models.DateTimeField(null=True, editable=False)
    request = models.ForeignKey(
        AccessRequest, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    audit_events = {
        "membership saved": _("Gave a role or changed its dates"),
        "membership removed": _("Removed a role that starts today or later"),
    }
    access_policy = Open(ALL, "who works where and when; read before there is a context")
    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["user", "starts_on", "id"]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.CheckConstraint(
                name="accounts_membership_ends_after_start",
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
            ),
            not_before("accounts_membership_after_1900", "starts_on"),
            ExclusionConstraint(
                name="accounts_membership_no_overlap",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (
                        Func(
                            "starts_on",
                            "ends_on",
                            RangeBoundary(inclusive_lower=True, inclusive_upper=True),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.role}"


class Handover(models.Model):
    """Who took over the open work of a user who left an organisation; `receiver` None: its supervisors assign it.

    `work`: a key of `accounts.hooks.user_leaving`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    work = models.CharField(max_length=20)
    receiver = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    audit_events = {"work handed over": _("Chose who takes over the work of a user")}
    access_policy = Open(
        ("SELECT", "INSERT"), "who took over whose work; read when a former colleague would be notified"
    )

    class Meta:
        ordering = ["-at", "id"]
        constraints = [
            models.CheckConstraint(
                name="accounts_handover_to_another", condition=Q(receiver=None) | ~Q(receiver=F("user"))
            )
        ]


class NoticeQuerySet(ScopedQuerySet):
    """Notices, visible to their recipient only."""

    def unread(self):
        """Return the notices that were not marked as read."""
        return self.filter(read_at=None)


class Notice(models.Model):
    """A message to a user within the site. The text names nobody: it contains a case reference at most."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=120)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    never_recorded = EVERY_COLUMN
    access_policy = AccessPolicy(
        read=lambda principal: Q(recipient=principal.user_id),
        insert=lambda principal: principal.has_user,
        update=lambda principal: Q(recipient=principal.user_id),
        delete=None,
        because="only its recipient reads a notice; every user may add one",
    )
    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["recipient", "key"], name="accounts_notice_once")]


class ApiTokenQuerySet(models.QuerySet):
    """Tokens by user and validity."""

    def visible_to(self, user):
        """Return the user's own tokens."""
        return self.filter(user=user)

    def live(self, on):
        """Return tokens that are valid on this day: confirmed, neither revoked nor expired, of an active user."""
        confirmed = self.filter(confirmed_at__isnull=False, revoked_at=None)
        return confirmed.filter(expires_on__gte=on, user__is_active=True)


class ApiToken(models.Model):
    """A token with which a program uses the API as a user. Only its SHA-256 digest is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_on = models.DateField()
    confirmed_at = models.DateTimeField(null=True)  # by its user, on creating it or afterwards
    last_used_on = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)

    never_recorded = ("digest", "last_used_on")
    audit_events = {
        "token created": _("Created a token for a program"),
        "token confirmed": _("Confirmed a token for a program"),
        "tokens revoked": _("Revoked the tokens of a user"),
    }
    access_policy = Open(
        ("SELECT", "INSERT", "UPDATE"),
        "read before there is a context; contains digests, from which no token can be made",
    )
    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["digest"], name="accounts_token_digest_once")]


class SessionQuerySet(models.QuerySet):
    """Sessions by user and validity."""

    def visible_to(self, user):
        """Return the user's own sessions."""
        return self.filter(user_id=user.pk)

    def alive(self, at):
        """Return the valid sessions: neither idle for too long nor too old, whatever the cookie's age."""
        return self.filter(
            expire_date__gt=at,
            last_seen_at__gt=at - LONGEST_IDLE,
            started_at__gt=at - LONGEST_SESSION,
        )


class Session(AbstractBaseSession):
    """A browser's session. `session_key` is a digest of the cookie's key, so a copy of the table opens no session."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    started_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    device = models.CharField(max_length=60, blank=True)
    network = models.CharField(max_length=60, blank=True)

    never_recorded = EVERY_COLUMN
    audit_events = {"sessions ended": _("Ended sessions")}
    access_policy = Open(
        ALL, "read before there is a context; contains digests, from which no cookie can be made"
    )
    objects = BaseSessionManager.from_queryset(SessionQuerySet)()  # type: ignore[misc]

    class Meta(AbstractBaseSession.Meta):
        ordering = ["-last_seen_at", "pk"]
        indexes = [models.Index(fields=["last_seen_at"], name="accounts_session_last_seen")]

"""Django's settings, read from the environment only.

`ENVIRONMENT` lists every variable with its purpose. If one is missing or malformed, the process stops with one line
that names it.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from core.encryption import keys_from

BASE_DIR = Path(__file__).resolve().parent.parent

ENVIRONMENT = {
    "DATABASE_URL": "the application's role: owns nothing, bypasses nothing",
    "MIGRATION_DATABASE_URL": "the owner's role, for migrations and bulk loading only",
    "REDIS_URL": "Celery's broker",
    "SECRET_KEY": "signs sessions and tokens; 50 characters or more",
    "FIELD_KEYS": "encrypt personal data: 32 random bytes each in base64, comma-separated, the newest first",
    "ALLOWED_HOSTS": "host names, separated by commas",
    "DEBUG": "1 shows errors to developers; default 0",
    "EMAIL_URL": "where mail goes: smtp+tls://user:password@host:587, or filemail:///folder",
    "EMAIL_FROM": "the sender's address",
    "SITE_URL": "the address that people type; its scheme decides on secure cookies and HSTS",
    "MFA_REQUIRED": "1 asks everyone for a second factor; default 1",
    "DEMO": "1 says that the data is invented, on every page; default 0",
    "SWEEP_SECONDS": "how often beat starts the sweeps for due reminders and waiting mail; default 30",
    "TRUSTED_PROXIES": "how many proxies in front set X-Forwarded-Proto and -For; default 0",
    "FILES_PATH": "the folder of uploaded files, readable by the site only; default media/",
    "SCANNER": "host:port of clamd, which scans uploaded files; empty where there is none",
    "HASH_SLOTS": "how many passwords are hashed at once, at 100 MB each; default 2",
    "UPLOAD_SLOTS": "how many files are checked at once, at 1 GB each; fewer than web workers; default 1",
}
REQUIRED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "ALLOWED_HOSTS", "EMAIL_URL", "SITE_URL")

env = environ.Env()


def _stop(name: str, problem: str) -> None:
    sys.stderr.write(f"{name} {problem}: {ENVIRONMENT[name]}\n")
    raise SystemExit(1)


def _read(name: str, reader, default=environ.Env.NOTSET):
    if name in REQUIRED and not env.ENVIRON.get(name):
        _stop(name, "is missing")
    try:
        return reader(name, default=default)
    except Exception as error:  # whatever the parser raises
        _stop(name, f"is malformed ({error})")


SECRET_KEY = _read("SECRET_KEY", env.str)
if len(SECRET_KEY) < 50:
    _stop("SECRET_KEY", "is too short")
try:
    FIELD_KEYS = keys_from(env.str("FIELD_KEYS", ""))
except ValueError as error:
    _stop("FIELD_KEYS", f"is malformed ({error})" if env.ENVIRON.get("FIELD_KEYS") else "is missing")
DEBUG = _read("DEBUG", env.bool, False)
DEMO = _read("DEMO", env.bool, False)
MFA_REQUIRED = _read("MFA_REQUIRED", env.bool, True)
ALLOWED_HOSTS = _read("ALLOWED_HOSTS", env.list)
SITE_URL = _read("SITE_URL", env.str).rstrip("/")
if urlsplit(SITE_URL).scheme not in ("http", "https") or not urlsplit(SITE_URL).netloc:
    _stop("SITE_URL", "is malformed")
IS_SECURE = SITE_URL.startswith("https://")

INSTALLED_APPS = [
    "core",
    "geography",
    "accounts",
    "projects",
    "beneficiaries",
    "reintegration",
    "api",
    "iom_cases.apps.ConfigurationConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "guardian",
    "allauth",
    "allauth.account",  # allauth.mfa needs it; none of its pages has a URL
    "allauth.mfa",
    "csp",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.CompressedPages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.middleware.PrivatePages",
    "core.middleware.DenialRecord",
    "core.middleware.DatabaseContext",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # allauth's passkeys need the request
    "iom_cases.middleware.SecondFactor",
    "iom_cases.middleware.BusyPage",
]

ROOT_URLCONF = "iom_cases.urls"
WSGI_APPLICATION = "iom_cases.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "/"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "iom_cases.navigation.frame",
            ],
        },
    },
]
FORM_RENDERER = "core.rendering.FormRenderer"

DATABASES = {
    "default": _read("DATABASE_URL", env.db_url)
    | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False},
}
if env.ENVIRON.get("MIGRATION_DATABASE_URL"):
    DATABASES["owner"] = _read("MIGRATION_DATABASE_URL", env.db_url)
DATABASE_ROUTERS = ["core.routers.OwnerRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "core_cache"},
}
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = 10 * 60 * 60  # accounts.rules.LONGEST_SESSION; 20 idle minutes end a session sooner
SESSION_COOKIE_SECURE = IS_SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = IS_SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "accounts.views.frame.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

SECURE_SSL_REDIRECT = IS_SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if IS_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_SECURE
SECURE_HSTS_PRELOAD = IS_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES = _read("TRUSTED_PROXIES", env.int, 0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

PASSWORD_HASHERS = [
    "accounts.hashing.CappedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
HASH_SLOTS = _read("HASH_SLOTS", env.int, 2)
# allauth stores second factors; pages, throttling and mails are our own (docs/adr/0007-sign-in.md).
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # nobody can sign up, but allauth's checks require it
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "accounts.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Sahayatra"
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"
ANONYMOUS_USER_NAME = None  # guardian would otherwise create an anonymous user
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # its backend is not used: one query reads all permissions

# One parser, one renderer, no browsable pages; without signing in only the schema and its page are open.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.bodies.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "api.schema.ApiSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "api.problems.answer",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sahayatra API",
    "VERSION": "1",
    "DESCRIPTION": "The site for programs: a user may read and do here exactly what they may on the pages.",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "RiskEnum": "beneficiaries.choices.Risk",
        "RiskLevelEnum": "beneficiaries.choices.RISK_LEVELS",
        "AssessmentOutcomeEnum": "beneficiaries.choices.AssessmentOutcome",
        "FollowUpOutcomeEnum": "reintegration.choices.FollowUpOutcome",
        "ConsentGiverEnum": "beneficiaries.choices.ConsentGiver",
        "LiveGiverEnum": "beneficiaries.forms.interview.LIVE_GIVERS",
        "ConsentHowEnum": "beneficiaries.choices.ConsentHow",
        "LiveHowEnum": "beneficiaries.forms.interview.LIVE_HOWS",
        "TargetGroupEnum": "projects.choices.TargetGroup",
        "IdentityKindEnum": "beneficiaries.choices.IdentityKind",
        "IdentityStateEnum": "beneficiaries.choices.IdentityState",
    },
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ne", "नेपाली")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["iom_cases.formats"]
LANGUAGE_COOKIE_SECURE = IS_SECURE
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
USE_TZ = True
TIME_ZONE = "Asia/Kathmandu"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
UPLOAD_SLOTS = _read("UPLOAD_SLOTS", env.int, 1)
MEDIA_ROOT = _read("FILES_PATH", env.str, str(BASE_DIR / "media"))  # it has no URL: core.files
# Uploads stay in memory until they are encrypted, and files that are too large are dropped.
FILE_UPLOAD_HANDLERS = ["core.uploads.BoundedUpload"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1  # no form takes more, and each is held in memory
SCANNER = _read("SCANNER", env.str, "")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_MANIFEST_STRICT = False

globals().update(_read("EMAIL_URL", env.email_url))
DEFAULT_FROM_EMAIL = _read("EMAIL_FROM", env.str, "Sahayatra <no-reply@localhost>")
EMAIL_TIMEOUT = 20

REDIS_URL = _read("REDIS_URL", env.str)
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TIMEZONE = TIME_ZONE
SWEEP_SECONDS = _read("SWEEP_SECONDS", env.int, 30)
# A task that waited longer than its interval expires: the next one does the same work.
CELERY_BEAT_SCHEDULE = {
    "send-due-reminders": {
        "task": "reintegration.tasks.send_due_reminders",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},
    },
    "watch-reading": {
        "task": "beneficiaries.tasks.watch_reading",
        "schedule": 20 * SWEEP_SECONDS,
        "options": {"expires": 20 * SWEEP_SECONDS},
    },
    "notify-of-cases-of-nobody": {
        "task": "beneficiaries.tasks.notify_of_cases_without_caseworker",
        "schedule": 20 * SWEEP_SECONDS,
        "options": {"expires": 20 * SWEEP_SECONDS},
    },
    "scan-waiting": {
        "task": "beneficiaries.tasks.scan_waiting",
        "schedule": 2 * SWEEP_SECONDS,
        "options": {"expires": 2 * SWEEP_SECONDS},
    },
    "sweep-files": {
        "task": "beneficiaries.tasks.sweep_files",
        "schedule": 24 * 60 * 60,
        "options": {"expires": 60 * 60},
    },
    "write-exports": {
        "task": "beneficiaries.tasks.write_exports",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},
    },
    "expire-exports": {
        "task": "beneficiaries.tasks.expire_exports",
        "schedule": 20 * SWEEP_SECONDS,
        "options": {"expires": 20 * SWEEP_SECONDS},
    },
    "sweep-drafts": {
        "task": "beneficiaries.tasks.sweep_drafts",
        "schedule": 20 * SWEEP_SECONDS,
        "options": {"expires": 20 * SWEEP_SECONDS},
    },
    "mail-resets": {
        "task": "accounts.tasks.mail_resets",
        "schedule": SWEEP_SECONDS / 3,
        "options": {"expires": SWEEP_SECONDS},
    },
    "take-due-access": {
        "task": "accounts.tasks.take_due_effects",
        "schedule": 2 * SWEEP_SECONDS,
        "options": {"expires": 2 * SWEEP_SECONDS},
    },
    "deliver-outbox": {
        "task": "core.tasks.deliver_outbox",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "core.logs.LineFormatter", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # Denials are in the audit log; server logs must not contain case references (core/logs.py).
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "pikepdf": {"level": "ERROR"},
    },
}

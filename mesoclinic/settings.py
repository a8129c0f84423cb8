"""Settings, all from the environment. A missing one says what to do.

`bin/up` and `bin/test` set everything for a machine with nothing on it; docker-compose.yml is the production shape.
"""
from __future__ import annotations

import os
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pghistory
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from clinic.languages import NAMES

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = Path(os.environ.get("MESOCLINIC_LOCAL", BASE_DIR / ".local"))


def required(name: str, why: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: {why}")
    return value


def flag(name: str, default: bool) -> bool:
    return os.environ.get(name, str(int(default))).lower() in {"1", "true", "yes", "on"}


def database(url: str) -> dict[str, object]:
    """A Django connection from `postgresql://user:password@host:port/name`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # Bounded waits: a lock or a query that hangs ends in a sentence, never in a stuck page.
        "OPTIONS": {
            # To start helpers for a query of a few milliseconds takes longer than the query: only long ones get them.
            "options": "-c lock_timeout=3s -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s"
            " -c parallel_setup_cost=20000",
            "application_name": "mesoclinic",
            # A network that is cut is noticed within a minute, not after hours.
            "connect_timeout": 10,
            "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000,
        },
    }


# --- where this runs -----------------------------------------------------------------------------------------------
SECRET_KEY = required("SECRET_KEY", "give a long random text, for example from `openssl rand -base64 48`.")
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if key]
DEBUG = flag("DEBUG", False)
DEMO = flag("MESOCLINIC_DEMO", False)
HTTPS = flag("HTTPS", True)
BASE_URL = os.environ.get("BASE_URL", "http://localhost:8000").rstrip("/")  # every link in a mail starts here
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1").split(",") if host]
CSRF_TRUSTED_ORIGINS = [BASE_URL]
REQUIRE_MFA = flag("REQUIRE_MFA", not DEMO)
TRUSTED_PROXIES = int(os.environ.get("TRUSTED_PROXIES", "0"))

# --- the house -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "sessions.apps.TreatmentSessionsConfig",
    "protocols.apps.ProtocolsConfig",
    "patients.apps.PatientsConfig",
    "clinic.apps.ClinicConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "crispy_forms",
    "crispy_bootstrap5",
    "phonenumber_field",
    "template_partials",
    "pgtrigger",
    "pghistory",
]
MIDDLEWARE = [
    "mesoclinic.logs.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "clinic.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "clinic.middleware.LoginRequiredMiddleware",
    "clinic.middleware.IdleTimeoutMiddleware",
    "clinic.middleware.MfaRequiredMiddleware",
    "clinic.middleware.HistoryContextMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "clinic.middleware.CurrentSiteMiddleware",
    "clinic.middleware.MissingMiddleware",
    "clinic.middleware.NoStoreMiddleware",
    "clinic.middleware.RefusalMiddleware",
]
ROOT_URLCONF = "mesoclinic.urls"
WSGI_APPLICATION = "mesoclinic.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "template_partials.templatetags.partials",
                "clinic.templatetags.ui",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.context.frame",
                "sessions.language_note.context",
            ],
        },
    },
    {
        # For what a page draws eighty times (docs/decisions/0026).
        "NAME": "compiled",
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "compiled"],
        "OPTIONS": {"environment": "clinic.components.compiled.environment"},
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- data: the app role lives in `default`; `owner` migrates and maintains (docs/decisions) ------------------------
DATABASES = {
    "default": database(required("DATABASE_URL", "run bin/up, or give postgresql://user:password@host:5432/name.")),
    "owner": database(
        os.environ.get("OWNER_DATABASE_URL") or required("DATABASE_URL", "the owner connection falls back to it.")
    ),
}
DATABASES["owner"]["CONN_MAX_AGE"] = 0
DATABASES["owner"]["OPTIONS"] = {"options": "-c lock_timeout=5s", "application_name": "mesoclinic-owner"}
DATABASES["owner"]["TEST"] = {"NAME": os.environ.get("TEST_DATABASE_NAME", "test_mesoclinic")}
DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
DATABASE_ROUTERS = ["clinic.routers.OwnerMigrates"]
CACHES = {
    # A database table: pages must work while Redis is down.
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "clinic_cache"}
}

# Row history: the context sits in the event row, because the shared context table would need UPDATE rights.
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_APPEND_ONLY = True
PGHISTORY_INSTALL_CONTEXT_FUNC_ON_MIGRATE = True
PGHISTORY_ADMIN_ALL_EVENTS = False
PGTRIGGER_INSTALL_ON_MIGRATE = False

# --- signing in ----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "clinic.User"
AUTHENTICATION_BACKENDS = ["clinic.signin.StaffBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "board"
ACCOUNT_ADAPTER = "clinic.signin.StaffAccountAdapter"
MFA_ADAPTER = "clinic.signin.EncryptedMfaAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # staff are invited by a manager; the invitation proves the address
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no stranger gets a mail because somebody typed their address
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_FORMS = {
    "add_webauthn": "clinic.passkey_forms.AddPasskeyForm",
    "login_webauthn": "clinic.passkey_forms.LoginPasskeyForm",
    "authenticate_webauthn": "clinic.passkey_forms.ConfirmPasskeyForm",
    "reauthenticate_webauthn": "clinic.passkey_forms.ReauthenticatePasskeyForm",
}
MFA_TOTP_ISSUER = "Mesoclinic"
USERSESSIONS_TRACK_ACTIVITY = False

SESSION_ENGINE = "clinic.signed_in"  # Django's own in the database, asked the quick way
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
IDLE_TIMEOUT_SECONDS = int(os.environ.get("IDLE_TIMEOUT_MINUTES", "15" if not DEMO else "60")) * 60
_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_PREFIX}session"
CSRF_COOKIE_NAME = f"{_PREFIX}csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- headers -------------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^live/$", r"^ready/$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and TRUSTED_PROXIES else None
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: []
    for name in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "payment", "usb",
    )
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_HANDLERS = ["clinic.file_receiving.CappedFileHandler"]

# --- language, time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = list(NAMES.items())  # what patients are spoken to in; staff screens speak clinic.languages.STAFF
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
PHONENUMBER_DB_FORMAT = "E164"

# --- static files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", LOCAL_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Letters and laboratory reports: outside of everything a web server serves; readable by the app's user alone.
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": os.environ.get("PRIVATE_FILES", str(LOCAL_DIR / "private")),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "mesoclinic.storage.ModuleManifestStorage"},
}

# --- mail, tasks, documents ----------------------------------------------------------------------------------------
_mail = urlsplit(os.environ.get("EMAIL_URL", "smtp://localhost:2525"))
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = _mail.hostname or "localhost"
EMAIL_PORT = _mail.port or 25
EMAIL_HOST_USER = unquote(_mail.username or "")
EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
EMAIL_USE_TLS = _mail.scheme == "smtp+tls"
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "Mesoclinic <clinic@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# What comes back comes to this address with a signed part in it (sessions/return_addresses.py); "off" for servers that
# take mail from the plain sender alone.
MAIL_RETURN_ADDRESS = os.environ.get("MAIL_RETURN_ADDRESS") or parseaddr(DEFAULT_FROM_EMAIL)[1]
# A provider of django-anymail (postmark, mailgun, ...) instead of SMTP; its keys are ANYMAIL_... variables.
EMAIL_PROVIDER = os.environ.get("EMAIL_PROVIDER", "")
if EMAIL_PROVIDER:
    INSTALLED_APPS.append("anymail")
    EMAIL_BACKEND = f"anymail.backends.{EMAIL_PROVIDER}.EmailBackend"
    ANYMAIL: dict[str, object] = {
        name.removeprefix("ANYMAIL_"): value for name, value in os.environ.items() if name.startswith("ANYMAIL_")
    }
    ANYMAIL |= {
        "REQUESTS_TIMEOUT": (5, 15),
        "WEBHOOK_SECRET": required("ANYMAIL_WEBHOOK_SECRET", "give user:password, as in the provider's webhook address."),
    }
# The outbox (sessions/sending.py). A claim must outlive the slowest mail: eight steps of EMAIL_TIMEOUT and a last one of three
# times that. A row that a worker holds without having begun it is free again after the same time.
CALENDAR_POLL_SECONDS = int(os.environ.get("CALENDAR_POLL_SECONDS", "20"))  # what others do shows after so long
MESSAGE_HOLD_SECONDS = int(os.environ.get("MESSAGE_HOLD_SECONDS", "180"))  # a change by staff can be undone so long
MESSAGE_ROUND_SECONDS = int(os.environ.get("MESSAGE_ROUND_SECONDS", "60"))
MESSAGE_CLAIM_SECONDS = int(os.environ.get("MESSAGE_CLAIM_SECONDS", "240"))  # then the worker counts as gone
MESSAGE_SETTLE_SECONDS = int(os.environ.get("MESSAGE_SETTLE_SECONDS", "900"))  # then an unknown one goes once more
MESSAGE_MINUTE_SECONDS = float(os.environ.get("MESSAGE_MINUTE_SECONDS", "60"))  # proofs shorten the retry ladder

CELERY_BROKER_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_TASK_TIME_LIMIT = 300
CELERY_TIMEZONE = "UTC"

# The key and certificate that seal documents (clinic/sealing.py); made there once if the directory holds none.
SEAL_DIRECTORY = os.environ.get("SEAL_DIRECTORY", str(LOCAL_DIR / "seal"))
RENDERER_SOCKET = os.environ.get("RENDERER_SOCKET", str(LOCAL_DIR / "renderer.sock"))
RENDER_WAIT_SECONDS = 6  # how long a page waits before it shows the document's own page

# --- logs: only what is listed leaves (mesoclinic/logs.py) ---------------------------------------------------------
LOGGING_CONFIG = "mesoclinic.logs.configure"
LOGGING: dict[str, object] = {"level": os.environ.get("LOG_LEVEL", "INFO")}

SILENCED_SYSTEM_CHECKS: list[str] = []

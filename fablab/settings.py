"""One settings file, driven by the environment. Development needs no variable set; `.env.example` explains each."""

import ssl
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from fablab.lib import datadir, env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = datadir.data_dir()
IS_PRODUCTION = env.flag("FABLAB_PRODUCTION")
IS_DEMO = env.flag("FABLAB_DEMO")
DEBUG = env.flag("FABLAB_DEBUG")

SECRETS = {} if IS_PRODUCTION and env.text("SECRET_KEY") else datadir.load_secrets(DATA_DIR)
SECRET_KEY = env.text("SECRET_KEY") or SECRETS.get("secret_key", "")
FIELD_KEYS = env.words("FABLAB_FIELD_KEYS") or [SECRETS.get("field_key", "")]

if IS_PRODUCTION:
    for name in ("SECRET_KEY", "DATABASE_URL", "MQTT_URL", "FABLAB_FIELD_KEYS", "PUBLIC_URL"):
        if not env.text(name):
            raise ImproperlyConfigured(f"{name} is missing. Production needs it: see .env.example.")
    if DEBUG:
        raise ImproperlyConfigured("FABLAB_DEBUG=1 is refused in production. Remove it.")

PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in ("http", "https") or not _public.hostname:
    raise ImproperlyConfigured(f"PUBLIC_URL={PUBLIC_URL!r} is not an address. Write https://lab.example.org.")
IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", _public.hostname, *env.words("FABLAB_ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
# What /address/ shows; `up --lan` sets both.
ADDRESSES = env.words("FABLAB_ADDRESSES") or [PUBLIC_URL]
TLS_AUTHORITY = env.text("FABLAB_TLS_AUTHORITY")
TLS_CERTIFICATE = env.text("FABLAB_TLS_CERTIFICATE")

# --- data -------------------------------------------------------------------------------------------------------

DATABASE_URL = env.text("DATABASE_URL")
DATABASES = {
    "default": env.postgres_url("DATABASE_URL", DATABASE_URL)
    if DATABASE_URL
    else {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "fablab",
        "USER": "fablab",
        "PASSWORD": SECRETS.get("database_password", ""),
        "HOST": str(datadir.socket_dir(DATA_DIR)),
        "PORT": "5432",
    }
}
DATABASES["default"] |= {
    "CONN_MAX_AGE": 600,
    "CONN_HEALTH_CHECKS": True,
    # A wait for a lock is a bug or a storm: fail with a sentence rather than hang.
    "OPTIONS": {
        "options": env.text("FABLAB_PG_OPTIONS", "-c lock_timeout=8s -c TimeZone=UTC"),
        "connect_timeout": 5,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        # Above it a third goes, in the order of the names: strangers' counts would push out the tries at a password.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Of each process its own: sums over weeks, which nobody needs to the second.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "sums"},
}

MQTT_URL = env.text("MQTT_URL")
# Our machines appear in Home Assistant, which listens on the same broker.
HOMEASSISTANT = env.flag("FABLAB_HOMEASSISTANT")
MQTT_CA = env.text("FABLAB_MQTT_CA")
MQTT_PORT = env.integer("FABLAB_MQTT_PORT", 18883, least=1, most=65535)
# Where the lab's own broker listens on the local network; 0: nowhere. For pages and enrolments to tell.
MQTT_TLS_PORT = env.integer("FABLAB_MQTT_TLS_PORT", 0, least=0, most=65535)
MQTT_PLAIN_PORT = env.integer("FABLAB_MQTT_PLAIN_PORT", 0, least=0, most=65535)


def _broker() -> dict[str, object]:
    """Host, port, username, password, is_tls and ca_file that our own processes connect with."""
    if not MQTT_URL:
        return {
            "host": "127.0.0.1",
            "port": MQTT_PORT,
            "username": "fablab-server",
            "password": SECRETS.get("broker_password", ""),
            "is_tls": False,
            "ca_file": None,
        }
    parts = urlsplit(MQTT_URL)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ImproperlyConfigured("MQTT_URL is not a broker's address. Write MQTT_URL=mqtt://user:password@host:1883.")
    is_tls = parts.scheme == "mqtts"
    return {
        "host": parts.hostname,
        "port": parts.port or (8883 if is_tls else 1883),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "is_tls": is_tls,
        "ca_file": _broker_authority() if is_tls else None,
    }


def _broker_authority() -> str | None:
    """The file with the authority that made the broker's certificate; None for those that the system trusts."""
    if not MQTT_CA:
        return None
    try:
        ssl.create_default_context(cafile=MQTT_CA)
    except OSError:
        raise ImproperlyConfigured(
            f"FABLAB_MQTT_CA={MQTT_CA} holds no certificate in PEM form that can be read. Name your authority's ca.crt."
        ) from None
    return MQTT_CA


BROKER = _broker()

# --- applications -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "fablab",
    "projects",
    "printing",
    "iot",
    "reservations",
    "machines",
    "people",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "template_partials",
    "crispy_forms",
    "crispy_bootstrap5",
    "rules",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "fablab.middleware.language_of_person",
    "fablab.middleware.fragments_are_not_pages",
    "django.middleware.common.CommonMiddleware",
    "fablab.middleware.first_things_first",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "fablab.middleware.signed_in_pages_are_not_kept",
    "fablab.kiosk_session.watch_kiosk_sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "fablab.modules.ModulesOffAreGone",
    "fablab.second_factor.StaffNeedsSecondFactor",
    "fablab.own_password.FirstPasswordIsReplaced",
]

ROOT_URLCONF = "fablab.urls"
WSGI_APPLICATION = "fablab.wsgi.application"
ASGI_APPLICATION = "fablab.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "fablab" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "fablab.context.shell",
            ],
            "builtins": ["template_partials.templatetags.partials", "fablab.templatetags.shell"],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- people and sign-in -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "people.sign_in_backends.PersonBackend",
    "people.sign_in_backends.AddressBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "people.handed_out.HandedOutHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("first_name", "last_name", "contact_email", "card_code")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "me"
ACCOUNT_ADAPTER = "people.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "people.forms.SignupForm",
    "login": "people.forms.LoginForm",
    "add_email": "people.forms_sign_in.AddEmailForm",
    "change_password": "people.forms_sign_in.ChangePasswordForm",
    "set_password": "people.forms_sign_in.SetPasswordForm",
    "reset_password": "people.forms_sign_in.ResetPasswordForm",
    "reset_password_from_key": "people.forms_sign_in.ResetPasswordKeyForm",
    "reauthenticate": "people.forms_sign_in.PasswordAgainForm",
}
# The card code signs people in; it is no name.
ACCOUNT_USER_DISPLAY = str
# Time enough to fetch a telephone and set an app up after having signed in.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = "card_code"
# A contact address may be shared by a family: it signs nobody in. Those that do are allauth's own rows.
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PRESERVE_USERNAME_CASING = True
ACCOUNT_SESSION_REMEMBER = None
# Whoever acts for others needs a second key; the demo's accounts are public anyway and reach this machine only.
STAFF_NEEDS_SECOND_FACTOR = IS_PRODUCTION or env.flag("FABLAB_STAFF_SECOND_FACTOR", default=not IS_DEMO)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "people.adapters.SecondKeyAdapter"
MFA_FORMS = {
    "authenticate": "people.forms_second_key.CodeForm",
    "reauthenticate": "people.forms_second_key.CodeAgainForm",
    "activate_totp": "people.forms_second_key.FirstCodeForm",
    "add_webauthn": "people.forms_second_key.AddPasskeyForm",
    "edit_webauthn": "people.forms_second_key.NamePasskeyForm",
}
# Many labs send no e-mail at all: an address that nobody confirmed must not keep the second key away.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
# http://localhost is the one insecure address at which browsers offer passkeys.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS
# Behind our own proxy, limits per address count the caller's, not the proxy's.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.flag("FABLAB_BEHIND_PROXY") else 0
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
# Read by the backend that sends: the mail server of the town, the school or the provider.
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, least=1, most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "lab@localhost")
KNOX_TOKEN_MODEL = "people.ApiToken"  # noqa: S105  (a model, no secret)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "fablab_session"
SECURE_REFERRER_POLICY = "same-origin"

# --- languages --------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "fablab" / "locale"]
LANGUAGE_COOKIE_NAME = "fablab_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
TIME_ZONE = "Europe/Paris"

# --- files ------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "fablab" / "static"]
IS_TESTING = "pytest" in sys.modules
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or IS_TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or IS_TESTING
MEDIA_ROOT = DATA_DIR / "files"
MEDIA_URL = "/files/"
UPLOAD_MAX_MB = env.integer("FABLAB_UPLOAD_MAX_MB", 200, least=1, most=2000)
# Bodies come whole from the spool (fablab/spool.py); Django keeps large parts on disk.
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- printers ---------------------------------------------------------------------------------------------------

# Networks in which printers may be dialled; loopback only where the demo or a test asks for it.
PRINTER_NETWORKS = env.words("FABLAB_PRINTER_NETWORKS", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7")
if IS_DEMO:
    PRINTER_NETWORKS = [*PRINTER_NETWORKS, "127.0.0.0/8"]

# --- API --------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "people.authentication.ScopedTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["people.authentication.SignedInOrReadOnlyWithScope"],
    "DEFAULT_RENDERER_CLASSES": ["fablab.lib.json_renderer.MsgspecRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["fablab.lib.throttling.AnonymousRate", "fablab.lib.throttling.PersonRate"],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.text("FABLAB_API_RATE_ANONYMOUS", "120/min"),
        "user": env.text("FABLAB_API_RATE_PERSON", "1200/min"),
    },
    # Whose address is counted: the caller's own, or the one our own proxy names; never one that anybody may write.
    "NUM_PROXIES": 1 if env.flag("FABLAB_BEHIND_PROXY") else 0,
    "EXCEPTION_HANDLER": "fablab.lib.api.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fab lab API",
    "DESCRIPTION": "Machines, reservations, measured use and print jobs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
}

# --- security ---------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = env.integer("FABLAB_HSTS_S", 31_536_000, least=0, most=63_072_000) if IS_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("FABLAB_BEHIND_PROXY") else None
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # the proxy or `up` redirects to HTTPS

# Named only where it is wanted: what is named is imported, and takes a tenth of a second.
LOG_JSON = {"json": {"()": "fablab.lib.json_log.formatter"}} if env.flag("FABLAB_LOG_JSON") else {}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}, **LOG_JSON},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json" if LOG_JSON else "line"}},
    "root": {"handlers": ["console"], "level": env.text("FABLAB_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "procrastinate": {"level": "WARNING"},
        "amqtt": {"level": "WARNING"},
        "transitions": {"level": "WARNING"},
    },
}
LAB_NAME = env.text("FABLAB_NAME", "Fablab")

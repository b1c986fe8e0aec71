"""NEMO as its documentation sets it up, on the database that PEER_DATABASE names. Mail goes nowhere."""

import os
from urllib.parse import unquote, urlsplit


class TablesFromModels(dict):
    """Its two hundred migrations end in the very tables and indexes of its models: made at once, in seconds."""

    def __contains__(self, label: object) -> bool:
        return True

    def __getitem__(self, label: str) -> None:
        return None


def database(address: str) -> dict:
    parts = urlsplit(address)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.removeprefix("/"),
        "USER": parts.username,
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.netloc.rpartition("@")[2]),
        "PORT": "5432",
    }


DATABASES = {"default": database(os.environ["PEER_DATABASE"])}
MIGRATION_MODULES = TablesFromModels()
SECRET_KEY = "of a bench"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
AUTH_USER_MODEL = "NEMO.User"
AUTHENTICATION_BACKENDS = ["NEMO.views.authentication.RemoteUserAuthenticationBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
ROOT_URLCONF = "NEMO.urls"
WSGI_APPLICATION = "NEMO.wsgi.application"
LOGIN_URL = LOGIN_REDIRECT_URL = "login"
TIME_ZONE = "Europe/Paris"
USE_TZ, USE_I18N = True, False
DATETIME_FORMAT, DATE_FORMAT, TIME_FORMAT = "l, F jS, Y @ g:i A", "m/d/Y", "g:i A"
DATETIME_INPUT_FORMATS, DATE_INPUT_FORMATS, TIME_INPUT_FORMATS = ["%m/%d/%Y %I:%M %p"], ["%m/%d/%Y"], ["%I:%M %p"]
STATIC_URL, MEDIA_URL = "/static/", "/media/"
STATIC_ROOT, MEDIA_ROOT = (os.path.join(os.environ["PEER_FOLDER"], name) for name in ("static", "media"))
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
SERVER_EMAIL = DEFAULT_FROM_EMAIL = "lab@localhost"
ALLOW_CONDITIONAL_URLS, INTERLOCKS_ENABLED = True, False
INSTALLED_APPS = [
    *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages", "staticfiles", "admin")),
    "django.contrib.humanize",
    "NEMO.apps.kiosk",
    "NEMO.apps.area_access",
    "NEMO",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "mptt",
    "auditlog",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.BrokenLinkEmailsMiddleware",
    "NEMO.middleware.DeviceDetectionMiddleware",
    "NEMO.middleware.SessionTimeout",
    "NEMO.middleware.ImpersonateMiddleware",
    "NEMO.middleware.NEMOAuditlogMiddleware",
]
_processors = ("debug", "media", "static", "tz", "request")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "NEMO.context_processors.show_logout_button",
                "NEMO.context_processors.base_context",
                "django.contrib.auth.context_processors.auth",
                *(f"django.template.context_processors.{name}" for name in _processors),
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ("NEMO.permissions.DjangoModelPermissions",),
    "DEFAULT_FILTER_BACKENDS": ("NEMO.rest_filter_backend.NEMOFilterBackend",),
    "DEFAULT_PAGINATION_CLASS": "NEMO.rest_pagination.NEMOPageNumberPagination",
    "PAGE_SIZE": 1000,
}
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"handlers": [], "level": "CRITICAL"}}

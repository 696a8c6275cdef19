"""Settings: one file, environment only. `.env` beside `manage.py` is read first; `.env.example` explains each name."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent
environment.read_file(BASE_DIR / ".env")

SECRET_KEY = environment.text("SECRET_KEY", secret=True, at_least=32)
DEBUG = environment.flag("DEBUG", False)
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]"))

INSTALLED_APPS = [
    "accounts",
    "outlets",
    "wa_sessions",
    "blast",
    "config",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]

MIDDLEWARE = [
    "config.middleware.PathMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.LanguageMiddleware",
    "config.middleware.DatabaseUnavailableMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
# Spared where a program reads the API with a token. They look at cookies, forms, passwords and static files only.
MIDDLEWARE_FOR_BROWSERS = {
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
}

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False  # `PathMiddleware` takes both spellings; a redirect would lose the body of a POST

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
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": environment.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'gerai.sqlite3'}")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = environment.url("REDIS_URL", "", ("redis", "rediss", "unix"))
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # redis-py gives up on a socket that is silent for 5 s, which is what a receiver's socket mostly is.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

# People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.RoleBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "outlet-status"
LOGOUT_REDIRECT_URL = "login"

# Axes counts failed passwords in the database and answers before a hash is computed once there are too many.
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "config.errors.locked_out"

API_TOKEN_DAYS = environment.whole("API_TOKEN_DAYS", 90, low=1, high=3650)

# Headers and cookies. HTTPS is how people reach the program, whether it or a proxy before it speaks TLS.

HTTPS = environment.flag("HTTPS", not DEBUG)
BEHIND_PROXY = environment.flag("BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = environment.names("CSRF_TRUSTED_ORIGINS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The redirect to https, and what HSTS covers beyond this host, are for whoever runs the proxy to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its arrows and ticks as data: images
        "font-src": [SELF],
        "connect-src": [SELF],  # covers ws: and wss: to the same host
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Request bodies. The handler refuses larger ones before it reads them.

REQUEST_BODY_LIMIT = 12 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
REQUEST_THREADS = 4  # more of them only take turns at the interpreter: 2 to 4 cost a fifth less CPU than 8

# API

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",  # first, so that nobody at all is 401 and not 403
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.errors.api_exception",
    "UNICODE_JSON": False,  # an error may quote half a surrogate pair, which has no UTF-8
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_THROTTLE_RATES": {"password": "20/min"},
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Gerai",
    "DESCRIPTION": "Keeps the WhatsApp numbers of all outlets online and tells the truth about each one.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "DbStatus": "wa_sessions.states.Status.choices",
        "BlastStatus": "blast.states.BlastStatus.choices",
        "RecipientStatus": "blast.states.RecipientStatus.choices",
    },
}

# Languages and time

LANGUAGE_CODE = "id"
LANGUAGES = [("id", _("Indonesian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = environment.time_zone("TIME_ZONE", "Asia/Jakarta")

# Static files

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# WhatsApp

CREDENTIAL_KEYS = environment.fernet_keys("CREDENTIAL_KEYS")
WA_SOCKET_URL = environment.url("WA_SOCKET_URL", "wss://web.whatsapp.com/ws/chat", ("wss", "ws"))
WA_ROOT_KEY = environment.root_key("WA_ROOT_KEY")  # None: WhatsApp's own
WA_CLIENT_VERSION = environment.client_version("WA_CLIENT_VERSION", "2.3000.1045649367")
WA_MAX_RETRIES = environment.whole("WA_MAX_RETRIES", 3, low=0, high=100)
WA_RETRY_DELAY = environment.seconds("WA_RETRY_DELAY", 3, low=0, high=3600)
WA_SLOW_RETRY = environment.flag("WA_SLOW_RETRY", True)
WA_PING_INTERVAL = environment.seconds("WA_PING_INTERVAL", 15, low=0.1, high=300)
WA_PING_TIMEOUT = environment.seconds("WA_PING_TIMEOUT", 10, low=0.1, high=300)
WA_SIMULATOR_CONTROL = environment.url("WA_SIMULATOR_CONTROL", "", ("ws",))  # empty: no simulator page

# Blasts

BLAST_PACING = environment.flag("BLAST_PACING", True)  # off: outlets without a pace of their own have no limits
BLAST_RECENT_DAYS = environment.whole("BLAST_RECENT_DAYS", 7, low=1, high=365)
BLAST_GRACE = environment.seconds("BLAST_GRACE", 60, low=0, high=3600)
BLAST_TYPING_S = environment.seconds("BLAST_TYPING_S", 0, low=0, high=10)
BLAST_REPEAT_HOURS = environment.whole("BLAST_REPEAT_HOURS", 48, low=1, high=24 * 14)
OPT_OUT_WORDS = environment.names("OPT_OUT_WORDS", ("STOP", "BERHENTI", "UNSUB"))

# Log lines go to stderr as they are: the ones of the status module carry their own prefix.

LOG_LEVEL = environment.log_level("LOG_LEVEL", "INFO")
WA_LOG_LEVEL = environment.log_level("WA_LOG_LEVEL", "ERROR")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "wa_sessions": {"level": LOG_LEVEL},
        "whatsapp": {"level": WA_LOG_LEVEL},
        "blast": {"level": LOG_LEVEL},
        "config": {"level": LOG_LEVEL},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "ERROR"},  # a 4xx is the answer to a request, and no event here
        "axes": {"level": "ERROR"},
        "psycopg.pool": {"level": "ERROR"},  # whoever wanted the connection says that there is none
    },
}

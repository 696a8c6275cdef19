"""The settings of a public server, for `check --deploy`."""

from tests.settings import *  # noqa: F403

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600

"""The settings tests run with: the program's own, on keys and a database of the test run, never the developer's."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet

os.environ["ENV_FILE"] = ""
for _name in [name for name in os.environ if name.startswith("WA_")]:
    del os.environ[_name]
os.environ.update(
    SECRET_KEY="tests-only-" + "0123456789abcdef" * 3,
    CREDENTIAL_KEYS=Fernet.generate_key().decode(),
    ALLOWED_HOSTS="testserver,127.0.0.1,localhost",
    HTTPS="off",
    DEBUG="off",
    REDIS_URL="",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", "sqlite:///gerai-tests.sqlite3"),
)

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, STORAGES  # noqa: E402

# A file and not memory: threads of a server under test each need a connection to it, with real locks.
if DATABASES["default"]["ENGINE"] == "config.sqlite":
    _folder = tempfile.mkdtemp(prefix="gerai-tests-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_folder) / "test.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True  # straight from static/, without collecting

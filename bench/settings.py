"""The program's own settings; only what it writes goes to the bench's temporary folder."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import STORAGES

STATIC_ROOT = Path(os.environ["BENCH_FOLDER"]) / "static"
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

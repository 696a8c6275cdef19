"""`python -m config.first_start`: make `.env` with fresh keys where there is none, and say what comes next."""

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent

TEMPLATE = """\
# Made by `make run`. Keep it secret and keep a copy: without CREDENTIAL_KEYS every outlet has to scan again.
# Every setting is explained in .env.example.
SECRET_KEY={secret_key}
CREDENTIAL_KEYS={credential_key}
# People reach this server over plain http. Change it to "on" once a proxy with TLS stands before it.
HTTPS=off
"""

WELCOME = """\
Welcome to Gerai. Fresh keys are in {path}.
Make the first account, a super admin, in a second terminal:

    .venv/bin/python manage.py createsuperuser
"""


def main() -> None:
    path = Path(os.environ.get("ENV_FILE") or ROOT / ".env")
    try:
        # For this account only, from the first moment on; and never over a file that is there.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(TEMPLATE.format(secret_key=secrets.token_urlsafe(48), credential_key=Fernet.generate_key().decode()))
    print(WELCOME.format(path=path.name))  # noqa: T201


if __name__ == "__main__":
    main()

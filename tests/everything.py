"""`make test`: every check there is, one after the other, and at the end what failed and what could not be run.

What a machine lacks (Chromium, Node, PostgreSQL) is skipped with one line each; where `CI` is set it is a failure.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# Two for each core, as tests wait most of the time: for a server, a browser, a time-out.
WORKERS = os.environ.get("TEST_WORKERS") or str(min(2 * (os.cpu_count() or 1), 8))
PYTEST = [sys.executable, "-m", "pytest", "-q"]
TOGETHER = [*PYTEST, "-n", WORKERS, "--dist", "loadgroup", "-m", "not alone"]
ALONE = [*PYTEST, "-m", "alone"]
MANAGE = [sys.executable, "manage.py"]

# What a public server would have: the checks for it are meant for that.
DEPLOYED = {"HTTPS": "on", "ALLOWED_HOSTS": "gerai.example", "DJANGO_SETTINGS_MODULE": "tests.settings_deployed"}


def steps() -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, command and additional environment of each check, the quick ones first."""
    return [
        ("ruff check", [str(BIN / "ruff"), "check", "."], {}),
        ("ruff format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."], {}),
        ("import arrows", [str(BIN / "lint-imports"), "--no-cache"], {}),
        ("mypy", [str(BIN / "mypy")], {}),
        ("migrations", [*MANAGE, "makemigrations", "--check", "--dry-run", "--verbosity", "1"], {}),
        ("deployment", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], DEPLOYED),
        ("OpenAPI", [*MANAGE, "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull], {}),
        ("tests on SQLite", TOGETHER, {}),
        ("promised times on SQLite", ALONE, {}),
    ]


def main() -> int:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONWARNINGS": "default"}
    plan = steps()
    missing = _missing()
    if "PostgreSQL" not in missing:
        plan.append(("tests on PostgreSQL", [*TOGETHER, "-p", "tests.postgres"], {}))
        plan.append(("promised times on PostgreSQL", [*ALONE, "-p", "tests.postgres"], {}))
    failed = []
    for name, command, more in plan:
        print(f"\n=== {name}", flush=True)
        began = time.monotonic()
        if subprocess.run(command, cwd=ROOT, env={**env, **more}, check=False).returncode:
            failed.append(name)
        print(f"--- {name}: {time.monotonic() - began:.0f} s", flush=True)
    return _report(failed, missing)


def _missing() -> dict[str, str]:
    """What this machine lacks, and what is not run for that."""
    missing = {}
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        missing["Chromium"] = "the pages were not tried in a browser"
    if not shutil.which("node") or not (ROOT / "tests/interop/node_modules").is_dir():
        missing["Node with its packages"] = "the simulator was not tried against Baileys"
    attempt = subprocess.run([sys.executable, "-m", "tests.postgres"], cwd=ROOT, capture_output=True, text=True)
    if attempt.returncode:
        missing["PostgreSQL"] = f"the suite ran on SQLite only ({(attempt.stderr.splitlines() or ['?'])[-1]})"
    return missing


def _report(failed: list[str], missing: dict[str, str]) -> int:
    print()
    for what, consequence in missing.items():
        print(f"SKIPPED: {what} is missing: {consequence}.")
    for name in failed:
        print(f"FAILED: {name}")
    is_ci = os.environ.get("CI", "").lower() in ("1", "true")
    if failed or (missing and is_ci):
        print("Not everything is well.")
        return 1
    print("Everything is well.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

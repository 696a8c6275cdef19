"""`python -m tests.messages`: compile every translation. The .mo files are committed: running needs no gettext."""

from pathlib import Path

import polib

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compiled(po: Path) -> bytes:
    """What belongs into the .mo beside this .po."""
    return bytes(polib.pofile(str(po)).to_binary())


def main() -> None:
    for po in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        po.with_suffix(".mo").write_bytes(compiled(po))
        print(f"{po.parent.parent.name}: {polib.pofile(str(po)).percent_translated()} % translated")


if __name__ == "__main__":
    main()

"""Translations are complete, compiled, and keep their placeholders."""

import re
from pathlib import Path

import polib
import pytest

from tests.messages import LOCALE, compiled

CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))


@pytest.mark.parametrize("po", CATALOGUES, ids=lambda po: po.parent.parent.name)
def test_it_is_complete_and_compiled(po: Path):
    entries = polib.pofile(str(po))
    if po.parent.parent.name != "en":  # the texts in the code are English
        assert [entry.msgid for entry in entries.untranslated_entries()] == []
    assert [entry.msgid for entry in entries.fuzzy_entries()] == []
    assert po.with_suffix(".mo").read_bytes() == compiled(po), "run `make messages`"


@pytest.mark.parametrize("po", CATALOGUES, ids=lambda po: po.parent.parent.name)
def test_it_keeps_placeholders(po: Path):
    placeholder = re.compile(r"%\([a-z_]+\)[sd]|\{[a-z_]*\}")
    for entry in polib.pofile(str(po)).translated_entries():
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                expected = set(placeholder.findall(entry.msgid_plural or entry.msgid))
                assert set(placeholder.findall(text)) <= expected | set(placeholder.findall(entry.msgid)), entry.msgid

"""The token dictionary, version 3: the strings that both sides write as one or two bytes (PROTOCOL.md §5).

`tokens.json` beside this file is data, equal in all known clients; this module only turns it into what the codec needs.
"""

import json
from pathlib import Path
from typing import Final

_TABLE = json.loads(Path(__file__).with_name("tokens.json").read_text(encoding="utf-8"))

DICTIONARY_VERSION: Final[int] = _TABLE["dict_version"]
FIRST_DICTIONARY_TAG: Final = 236  # 236..239 choose one of the four dictionaries, an index byte follows

# Index 0 is unused: the byte 0 is the tag of the empty list.
SINGLE: Final[tuple[str, ...]] = tuple(_TABLE["single"])
DOUBLE: Final[tuple[tuple[str, ...], ...]] = tuple(tuple(words) for words in _TABLE["double"])


def _encoded() -> dict[str, bytes]:
    table: dict[str, bytes] = {}
    for number, words in enumerate(DOUBLE):
        for index, word in enumerate(words):
            table[word] = bytes((FIRST_DICTIONARY_TAG + number, index))
    for index, word in enumerate(SINGLE):  # a single byte wins where a word stands in both
        if index:
            table[word] = bytes((index,))
    return table


TOKENS: Final[dict[str, bytes]] = _encoded()

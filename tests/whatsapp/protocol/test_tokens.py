from whatsapp.protocol.tokens import DICTIONARY_VERSION, DOUBLE, SINGLE, TOKENS


def test_it_is_the_dictionary_that_the_intro_announces() -> None:
    assert DICTIONARY_VERSION == 3
    assert len(SINGLE) == 236
    assert [len(words) for words in DOUBLE] == [256] * 4


def test_it_writes_each_word_as_what_reads_back() -> None:
    for word, token in TOKENS.items():
        read = SINGLE[token[0]] if len(token) == 1 else DOUBLE[token[0] - 236][token[1]]
        assert read == word


def test_it_has_no_token_for_the_empty_string() -> None:
    assert "" not in TOKENS
    assert TOKENS["s.whatsapp.net"] == b"\x03"

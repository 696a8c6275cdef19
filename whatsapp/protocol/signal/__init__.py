"""End-to-end encryption between two devices: Signal's version 3, as WhatsApp uses it (PROTOCOL.md §15).

Nothing here does I/O or knows the time. A `records.Record` is all that is known about one address; it never changes:
`cipher.encrypt`, `cipher.decrypt` and `x3dh.initiate` give a new one. You must have stored the new record before its
ciphertext leaves or its plaintext is acknowledged; if that fails, drop it and nothing has happened.

    initiate    record | None, bundle     ->  record
    encrypt     record, plaintext         ->  record, "msg" | "pkmsg", bytes
    decrypt     record | None, kind, bytes [, pre-key]  ->  record, plaintext, ...

`cipher.wanted_pre_key` says which one-time pre-key `decrypt` will need, so that the store is asked for no other.
"""

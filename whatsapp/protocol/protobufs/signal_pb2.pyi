from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WhisperMessage(_message.Message):
    __slots__ = ("ratchet_key", "counter", "previous_counter", "ciphertext")
    RATCHET_KEY_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_COUNTER_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    ratchet_key: bytes
    counter: int
    previous_counter: int
    ciphertext: bytes
    def __init__(self, ratchet_key: _Optional[bytes] = ..., counter: _Optional[int] = ..., previous_counter: _Optional[int] = ..., ciphertext: _Optional[bytes] = ...) -> None: ...

class PreKeyWhisperMessage(_message.Message):
    __slots__ = ("pre_key_id", "base_key", "identity_key", "message", "registration_id", "signed_pre_key_id")
    PRE_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_KEY_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_KEY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNED_PRE_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    pre_key_id: int
    base_key: bytes
    identity_key: bytes
    message: bytes
    registration_id: int
    signed_pre_key_id: int
    def __init__(self, pre_key_id: _Optional[int] = ..., base_key: _Optional[bytes] = ..., identity_key: _Optional[bytes] = ..., message: _Optional[bytes] = ..., registration_id: _Optional[int] = ..., signed_pre_key_id: _Optional[int] = ...) -> None: ...

class StoredChain(_message.Message):
    __slots__ = ("ratchet_key", "chain_key", "next_counter", "skipped_counters", "skipped_keys")
    RATCHET_KEY_FIELD_NUMBER: _ClassVar[int]
    CHAIN_KEY_FIELD_NUMBER: _ClassVar[int]
    NEXT_COUNTER_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_COUNTERS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_KEYS_FIELD_NUMBER: _ClassVar[int]
    ratchet_key: bytes
    chain_key: bytes
    next_counter: int
    skipped_counters: _containers.RepeatedScalarFieldContainer[int]
    skipped_keys: bytes
    def __init__(self, ratchet_key: _Optional[bytes] = ..., chain_key: _Optional[bytes] = ..., next_counter: _Optional[int] = ..., skipped_counters: _Optional[_Iterable[int]] = ..., skipped_keys: _Optional[bytes] = ...) -> None: ...

class StoredPending(_message.Message):
    __slots__ = ("base_key", "signed_pre_key_id", "pre_key_id")
    BASE_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNED_PRE_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PRE_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    base_key: bytes
    signed_pre_key_id: int
    pre_key_id: int
    def __init__(self, base_key: _Optional[bytes] = ..., signed_pre_key_id: _Optional[int] = ..., pre_key_id: _Optional[int] = ...) -> None: ...

class StoredSession(_message.Message):
    __slots__ = ("identity", "base_key", "registration_id", "root_key", "ratchet_private", "ratchet_public", "sending_key", "next_counter", "previous_counter", "receiving", "pending")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    BASE_KEY_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_ID_FIELD_NUMBER: _ClassVar[int]
    ROOT_KEY_FIELD_NUMBER: _ClassVar[int]
    RATCHET_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    RATCHET_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    SENDING_KEY_FIELD_NUMBER: _ClassVar[int]
    NEXT_COUNTER_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_COUNTER_FIELD_NUMBER: _ClassVar[int]
    RECEIVING_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    identity: bytes
    base_key: bytes
    registration_id: int
    root_key: bytes
    ratchet_private: bytes
    ratchet_public: bytes
    sending_key: bytes
    next_counter: int
    previous_counter: int
    receiving: _containers.RepeatedCompositeFieldContainer[StoredChain]
    pending: StoredPending
    def __init__(self, identity: _Optional[bytes] = ..., base_key: _Optional[bytes] = ..., registration_id: _Optional[int] = ..., root_key: _Optional[bytes] = ..., ratchet_private: _Optional[bytes] = ..., ratchet_public: _Optional[bytes] = ..., sending_key: _Optional[bytes] = ..., next_counter: _Optional[int] = ..., previous_counter: _Optional[int] = ..., receiving: _Optional[_Iterable[_Union[StoredChain, _Mapping]]] = ..., pending: _Optional[_Union[StoredPending, _Mapping]] = ...) -> None: ...

class StoredRecord(_message.Message):
    __slots__ = ("identity", "current", "archived")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_FIELD_NUMBER: _ClassVar[int]
    identity: bytes
    current: bytes
    archived: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, identity: _Optional[bytes] = ..., current: _Optional[bytes] = ..., archived: _Optional[_Iterable[bytes]] = ...) -> None: ...

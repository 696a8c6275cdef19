"""What messages say: contents to bytes and back, and the names of messages and device lists (PROTOCOL.md §15 to §17).

A *payload* is a serialized Message, as the recipient reads it. It is what you keep for retry receipts; `own_copy`
makes of it what the sender's other devices get, `pad` makes it ready for `signal.cipher`.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from google.protobuf.message import DecodeError

from whatsapp.exceptions import MalformedMessageError
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.media import MediaKind, UploadedMedia
from whatsapp.protocol.protobufs.e2e_pb2 import DocumentMessage, ImageMessage, Message, ProtocolMessage

_MAX_PADDING: Final = 16
_ID_PREFIX: Final = "3EB0"  # of the messages of linked devices
_MAX_WRAPPERS: Final = 8  # deeper ones are nobody's message
_WRAPPERS: Final = (
    "ephemeral_message",
    "document_with_caption_message",
    "view_once_message",
    "view_once_message_v2",
    "view_once_message_v2_extension",
    "edited_message",
)
_TEXTS: Final = (
    ("conversation", None),
    ("extended_text_message", "text"),
    ("image_message", "caption"),
    ("video_message", "caption"),
    ("document_message", "caption"),
    ("buttons_response_message", "selected_display_text"),
    ("template_button_reply_message", "selected_display_text"),
    ("list_response_message", "title"),
)


@dataclass(frozen=True, slots=True)
class Text:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Image:
    media: UploadedMedia
    caption: str = field(default="", repr=False)
    mimetype: str = "image/jpeg"
    width: int = 0  # pixels; 0 if unknown
    height: int = 0
    thumbnail: bytes = field(default=b"", repr=False)  # a small JPEG


@dataclass(frozen=True, slots=True)
class Document:
    media: UploadedMedia
    caption: str = field(default="", repr=False)
    mimetype: str = "application/octet-stream"
    file_name: str = ""


Content: TypeAlias = Text | Image | Document


@dataclass(frozen=True, slots=True)
class Received:
    """What we understood of a payload. `text` is None where a message has none, or none that we understand."""

    text: str | None = field(default=None, repr=False)
    destination: str | None = None  # the chat, in copies of what another own device sent
    is_protocol: bool = False  # between the devices' programs, nothing that anybody wrote
    is_edit: bool = False  # `text` is the new one of an older message


def encode(content: Content) -> bytes:
    """The payload of a content. Raises ValueError for a text that is no Unicode (half a surrogate pair)."""
    message = Message()
    match content:
        case Text(text):
            message.conversation = text
        case Image():
            image = message.image_message
            _describe(image, content.media, content.mimetype)
            if content.caption:
                image.caption = content.caption
            if content.width and content.height:
                image.width, image.height = content.width, content.height
            if content.thumbnail:
                image.jpeg_thumbnail = content.thumbnail
        case Document():
            # Only the wrapped form shows its caption.
            inner = message.document_with_caption_message.message if content.caption else message
            document = inner.document_message
            _describe(document, content.media, content.mimetype)
            if content.file_name:
                document.file_name = document.title = content.file_name
            if content.caption:
                document.caption = content.caption
    return message.SerializeToString()


def own_copy(payload: bytes, chat: Jid) -> bytes:
    """The payload for the sender's other devices. `payload`: one of `encode`; `chat`: whom the message is for."""
    outer = Message()
    sent = outer.device_sent_message
    sent.destination_jid = str(chat.bare)
    sent.message.ParseFromString(payload)
    if sent.message.HasField("message_context_info"):
        outer.message_context_info.CopyFrom(sent.message.message_context_info)
    return outer.SerializeToString()


def stanza_type(content: Content) -> str:
    """The `type` of `<message>`."""
    return "text" if isinstance(content, Text) else "media"


def media_type(content: Content) -> str | None:
    """The `mediatype` of `<enc>`; None if it has none."""
    match content:
        case Text():
            return None
        case Image():
            return MediaKind.IMAGE.value
        case Document():
            return MediaKind.DOCUMENT.value


def media_type_of(payload: bytes) -> str | None:
    """`media_type` of a payload that was kept; the message is a "media" one if it has one."""
    message = Message()
    try:
        message.ParseFromString(payload)
    except DecodeError:
        return None
    message, _ = _unwrap(message)
    if message.HasField("image_message"):
        return MediaKind.IMAGE.value
    if message.HasField("document_message"):
        return MediaKind.DOCUMENT.value
    return None


def read(payload: bytes) -> Received:
    """Understand a payload as far as we can. Never raises: nothing of it is nothing."""
    message, destination = Message(), None
    try:
        message.ParseFromString(payload)
    except DecodeError:
        return Received()
    if message.HasField("device_sent_message"):
        destination = _string(message.device_sent_message.destination_jid) or None
        message = message.device_sent_message.message
    message, is_edit = _unwrap(message)
    return Received(_text_of(message), destination, message.HasField("protocol_message"), is_edit)


def pad(payload: bytes) -> bytes:
    """Hide the length of a payload a little: 1 to 16 bytes more."""
    count = 1 + secrets.randbelow(_MAX_PADDING)
    return payload + bytes((count,)) * count


def unpad(padded: bytes) -> bytes:
    """Undo `pad`. Raises MalformedMessageError."""
    count = padded[-1] if padded else 0
    if not 1 <= count <= len(padded) or padded[-count:] != bytes((count,)) * count:
        raise MalformedMessageError("not padded")
    return padded[:-count]


def new_message_id() -> str:
    """A name for a message, 22 characters. Store it before you send: receivers drop what has a name they know."""
    return _ID_PREFIX + secrets.token_hex(9).upper()


def participants_hash(devices: Iterable[Jid]) -> str:
    """The `phash` of a set of devices, 10 characters; the server names its own in the ack of a message."""
    names = sorted(f"{jid.user}.{jid.agent}:{jid.device}@{jid.server}" for jid in devices)
    digest = hashlib.sha256("".join(names).encode()).digest()[:6]
    return "2:" + base64.b64encode(digest).decode()


def _describe(message: ImageMessage | DocumentMessage, media: UploadedMedia, mimetype: str) -> None:
    message.url = media.url
    message.direct_path = media.direct_path
    message.mimetype = mimetype
    message.media_key = media.media_key
    message.media_key_timestamp = media.media_key_timestamp
    message.file_sha256 = media.file_sha256
    message.file_enc_sha256 = media.file_enc_sha256
    message.file_length = media.file_length


def _unwrap(message: Message) -> tuple[Message, bool]:
    """The message inside of what disappears, is seen once, has a caption or was edited; and whether it was edited."""
    is_edit = False
    for _ in range(_MAX_WRAPPERS):
        protocol = message.protocol_message
        if protocol.type == ProtocolMessage.MESSAGE_EDIT and protocol.HasField("edited_message"):
            message, is_edit = protocol.edited_message, True
            continue
        wrapper = next(filter(message.HasField, _WRAPPERS), None)
        if wrapper is None:
            break
        message = getattr(message, wrapper).message
    return message, is_edit


def _text_of(message: Message) -> str | None:
    for name, part in _TEXTS:
        if message.HasField(name):
            value = getattr(message, name)
            text = value if part is None else getattr(value, part)
            if text:
                return _string(text)
    return None


def _string(value: str | bytes) -> str:
    # protobuf gives bytes where a string is none
    return value.decode(errors="replace") if isinstance(value, bytes) else value

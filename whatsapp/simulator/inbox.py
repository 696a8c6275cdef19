"""What a simulated phone shows its owner: the messages that came, each once."""

from dataclasses import asdict, dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from whatsapp.protocol.media import MediaKind
from whatsapp.protocol.messages import Received, read
from whatsapp.protocol.protobufs.e2e_pb2 import DocumentMessage, ImageMessage, Message


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One message. `text` is that of a text, or the caption of a file."""

    message_id: str
    sender: str  # a number, digits
    device: int  # of the sender
    text: str | None
    at: float  # when it was read here, seconds since 1970
    kind: str = "text"  # "text", "image", "document", "other"
    mimetype: str = ""
    file_name: str = ""
    width: int = 0  # of an image as the message says it, pixels; 0 if it does not
    height: int = 0
    thumbnail: bytes = field(default=b"", repr=False)  # what is shown of an image before it is downloaded
    media: bytes | None = field(default=None, repr=False)  # the file; None for texts, and if it could not be had
    problem: str = ""  # why there is no file
    as_lid: bool = False  # whether it came addressed to the LID
    chat: str = ""  # copies of what another own device sent: to whom; else the sender

    def as_dict(self) -> dict[str, Any]:
        """For JSON: in place of the file and the thumbnail their lengths."""
        row = asdict(self)
        row["media"] = None if self.media is None else len(self.media)
        row["thumbnail"] = len(self.thumbnail)
        return row


@dataclass(frozen=True, slots=True)
class PhoneReceipt:
    """What became of a message that the phone sent."""

    message_id: str
    sender: str  # a number
    device: int
    kind: str  # "" is delivered; else "read", "retry", …


@dataclass(slots=True)
class Inbox:
    """Messages by (sender, id), in the order they came."""

    messages: dict[tuple[str, str], InboxMessage] = field(default_factory=dict)
    repeats: int = 0  # messages that came again, and were dropped
    undecryptable: int = 0  # given up after all retries
    ignored: int = 0  # dropped without a word, as phones do where nobody vouches for the sender's device

    def knows(self, sender: str, message_id: str) -> bool:
        return (sender, message_id) in self.messages

    def add(self, message: InboxMessage) -> bool:
        """Whether it is new."""
        key = message.sender, message.message_id
        if key in self.messages:
            self.repeats += 1
            return False
        self.messages[key] = message
        return True

    def summary(self) -> dict[str, Any]:
        return {
            "count": len(self.messages),
            "ids": [message.message_id for message in self.messages.values()],
            "repeats": self.repeats,
            "undecryptable": self.undecryptable,
            "ignored": self.ignored,
        }


def file_of(payload: bytes) -> tuple[MediaKind, ImageMessage | DocumentMessage] | None:
    """The image or document of a payload; None if there is none, or nothing can be read."""
    try:
        message = Message.FromString(payload)
    except DecodeError:
        return None
    if message.HasField("device_sent_message"):
        message = message.device_sent_message.message
    if message.HasField("document_with_caption_message"):
        message = message.document_with_caption_message.message
    if message.HasField("image_message"):
        return MediaKind.IMAGE, message.image_message
    if message.HasField("document_message"):
        return MediaKind.DOCUMENT, message.document_message
    return None


def described(file: ImageMessage | DocumentMessage) -> dict[str, Any]:
    """What a message says of its file, as `InboxMessage` has it."""
    if isinstance(file, DocumentMessage):
        return {"mimetype": file.mimetype, "file_name": file.file_name}
    size = {"width": file.width, "height": file.height}
    return {"mimetype": file.mimetype, **size, "thumbnail": file.jpeg_thumbnail}


def understood(payload: bytes) -> Received | None:
    """What the owner would see; None for what programs tell each other."""
    received = read(payload)
    if received.is_protocol or (received.text is None and file_of(payload) is None):
        return None
    return received

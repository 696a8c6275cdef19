"""Sessions with libsignal, and messages and media with Baileys, both ways."""

import base64
import random
from collections.abc import Iterator

import pytest

from tests.interop.baileys import MISSING
from tests.whatsapp.protocol.signal.independent import Independent
from tests.whatsapp.protocol.signal.party import Message, Party
from whatsapp.protocol import curve, media, messages
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.media import MediaKind
from whatsapp.protocol.signal.x3dh import Bundle

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.xdist_group("interop")]


@pytest.fixture(scope="module")
def independent() -> Iterator[Independent]:
    independent = Independent()
    yield independent
    independent.stop()


class Peer:
    """The party over there, in the words of ours."""

    def __init__(self, independent: Independent) -> None:
        self._ask = independent.ask
        self._bundle = self._ask("fresh")

    def bundle(self) -> Bundle:
        its = self._bundle
        return Bundle(
            registration_id=its["registrationId"],
            identity=bytes.fromhex(its["identity"])[1:],
            signed_pre_key_id=its["signedId"],
            signed_pre_key=bytes.fromhex(its["signed"])[1:],
            signature=bytes.fromhex(its["signature"]),
            pre_key_id=its["preKeyId"],
            pre_key=bytes.fromhex(its["preKey"])[1:],
        )

    def begin(self, bundle: Bundle) -> None:
        def typed(key: bytes | None) -> str | None:
            return key and (curve.KEY_TYPE + key).hex()

        answer = self._ask(
            "begin",
            registrationId=bundle.registration_id,
            identity=typed(bundle.identity),
            signedId=bundle.signed_pre_key_id,
            signed=typed(bundle.signed_pre_key),
            signature=bundle.signature.hex(),
            preKeyId=bundle.pre_key_id,
            preKey=typed(bundle.pre_key),
        )
        assert answer["verified"], "our signature of the signed pre-key"

    def encrypt(self, plaintext: bytes) -> Message:
        answer = self._ask("encrypt", plaintext=plaintext.hex())
        return answer["kind"], bytes.fromhex(answer["data"])

    def decrypt(self, message: Message) -> bytes:
        kind, data = message
        return bytes.fromhex(self._ask("decrypt", kind=kind, data=data.hex())["plaintext"])


@pytest.fixture
def peer(independent: Independent) -> Peer:
    return Peer(independent)


def talk(one: Party | Peer, other: Party | Peer) -> None:
    for number in range(3):
        for writer, reader in ((one, other), (other, one)):
            plaintext = b"%d" % number * number
            assert reader.decrypt(writer.encrypt(plaintext)) == plaintext


def test_we_begin(peer):
    ours = Party()
    peer.bundle().verify(is_companion=False)
    ours.begin(peer.bundle())
    first, second = ours.encrypt(b"one"), ours.encrypt(b"two")
    assert peer.decrypt(second) == b"two"
    assert peer.decrypt(first) == b"one"
    talk(peer, ours)


@pytest.mark.parametrize("key_id", [1, None])
def test_the_other_begins(peer, key_id):
    ours = Party()
    peer.begin(ours.bundle(key_id))
    first, second = peer.encrypt(b"one"), peer.encrypt(b"two")
    assert ours.decrypt(second) == b"two"
    assert ours.decrypt(first) == b"one"
    talk(ours, peer)


def test_both_begin_at_once(peer):
    ours = Party()
    ours.begin(peer.bundle())
    peer.begin(ours.bundle())
    mine, yours = ours.encrypt(b"mine"), peer.encrypt(b"yours")
    assert ours.decrypt(yours) == b"yours"
    assert peer.decrypt(mine) == b"mine"
    # Had we the first word, libsignal would try its newer session too, and spoil it by that.
    talk(peer, ours)


def test_what_was_taken_is_not_taken_again(peer):
    ours = Party()
    ours.begin(peer.bundle())
    talk(ours, peer)
    message = ours.encrypt(b"one")
    peer.decrypt(message)
    with pytest.raises(RuntimeError):
        peer.decrypt(message)


@pytest.mark.parametrize("seed", range(5))
def test_out_of_order_with_loss(peer, seed):
    chance = random.Random(seed)
    ours = Party()
    ours.begin(peer.bundle())
    talk(ours, peer)
    ways: dict[bool, list] = {True: [], False: []}  # to the peer, to us
    for number in range(80):
        to_peer = chance.random() < 0.5
        way = ways[to_peer]
        if way and chance.random() < 0.6:
            message, plaintext = way.pop(chance.randrange(max(0, len(way) - 4), len(way)))
            if chance.random() < 0.8:
                assert (peer if to_peer else ours).decrypt(message) == plaintext
        else:
            way.append(((ours if to_peer else peer).encrypt(b"%d" % number), b"%d" % number))


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 100_000])
@pytest.mark.parametrize("kind", MediaKind)
def test_media(independent, kind, length):
    data = random.Random(length).randbytes(length)
    ours = media.encrypt(data, kind)
    if length:  # an empty URL has nothing to read
        answer = independent.ask("decryptMedia", body=ours.body.hex(), kind=kind, mediaKey=ours.media_key.hex())
        assert bytes.fromhex(answer["data"]) == data
    theirs = independent.ask("encryptMedia", data=data.hex(), kind=kind)
    same = media.encrypt(data, kind, bytes.fromhex(theirs["mediaKey"]))
    assert same.body.hex() == theirs["body"]
    assert (same.file_sha256.hex(), same.file_enc_sha256.hex()) == (theirs["sha256"], theirs["encSha256"])
    assert same.file_length == theirs["length"]
    body = bytes.fromhex(theirs["body"])
    assert media.decrypt(body, kind, same.media_key, file_sha256=same.file_sha256) == data


UPLOADED = media.encrypt(b"file", MediaKind.IMAGE, bytes(32)).uploaded(
    url="https://m/x", direct_path="/x", at=1_761_388_535
)
DESCRIBED = {
    "url": "https://m/x",
    "directPath": "/x",
    "mediaKey": "A" * 43 + "=",
    "mediaKeyTimestamp": 1_761_388_535,
    "fileLength": 4,
    "fileSha256": base64.b64encode(UPLOADED.file_sha256).decode(),
    "fileEncSha256": base64.b64encode(UPLOADED.file_enc_sha256).decode(),
}
CONTENTS = [
    (messages.Text("Halo 🙂"), {"conversation": "Halo 🙂"}),
    (
        messages.Image(UPLOADED, "Promo", "image/png", 640, 480, b"jpeg"),
        {
            "imageMessage": DESCRIBED
            | {"caption": "Promo", "mimetype": "image/png", "width": 640, "height": 480, "jpegThumbnail": "anBlZw=="}
        },
    ),
    (
        messages.Document(UPLOADED, mimetype="application/pdf", file_name="a.pdf"),
        {"documentMessage": DESCRIBED | {"mimetype": "application/pdf", "fileName": "a.pdf", "title": "a.pdf"}},
    ),
    (
        messages.Document(UPLOADED, "Promo", "application/pdf"),
        {
            "documentWithCaptionMessage": {
                "message": {"documentMessage": DESCRIBED | {"mimetype": "application/pdf", "caption": "Promo"}}
            }
        },
    ),
]


@pytest.mark.parametrize(("content", "told"), CONTENTS)
def test_they_read_our_messages(independent, content, told):
    payload = messages.encode(content)
    assert independent.ask("readMessage", padded=messages.pad(payload).hex()) == told
    copy = messages.own_copy(payload, Jid("6281", device=3))
    assert independent.ask("readMessage", padded=messages.pad(copy).hex()) == {
        "deviceSentMessage": {"destinationJid": "6281@s.whatsapp.net", "message": told}
    }


@pytest.mark.parametrize(
    "message",
    [
        {"conversation": "STOP"},
        {"extendedTextMessage": {"text": "STOP", "contextInfo": {"stanzaId": "3EB0"}}},
        {"imageMessage": {"caption": "STOP", "url": "https://m/x"}},
        {"videoMessage": {"caption": "STOP"}},
        {"documentMessage": {"caption": "STOP"}},
        {"documentWithCaptionMessage": {"message": {"documentMessage": {"caption": "STOP"}}}},
        {"ephemeralMessage": {"message": {"extendedTextMessage": {"text": "STOP"}}}},
        {"viewOnceMessage": {"message": {"imageMessage": {"caption": "STOP"}}}},
        {"viewOnceMessageV2": {"message": {"imageMessage": {"caption": "STOP"}}}},
        {"viewOnceMessageV2Extension": {"message": {"imageMessage": {"caption": "STOP"}}}},
        {"buttonsResponseMessage": {"selectedButtonId": "1", "selectedDisplayText": "STOP"}},
        {"templateButtonReplyMessage": {"selectedId": "1", "selectedDisplayText": "STOP"}},
        {"listResponseMessage": {"title": "STOP"}},
        {"editedMessage": {"message": {"protocolMessage": {"type": 14, "editedMessage": {"conversation": "STOP"}}}}},
        {"deviceSentMessage": {"destinationJid": "6281@s.whatsapp.net", "message": {"conversation": "STOP"}}},
        {"conversation": "STOP", "messageContextInfo": {"messageSecret": "AAAA"}},
    ],
    ids=lambda message: next(iter(message)),
)
def test_we_read_their_messages(independent, message):
    padded = bytes.fromhex(independent.ask("writeMessage", **message)["padded"])
    received = messages.read(messages.unpad(padded))
    assert received.text == "STOP"
    assert not received.is_protocol
    assert received.is_edit == ("editedMessage" in message)
    assert received.destination == ("6281@s.whatsapp.net" if "deviceSentMessage" in message else None)


@pytest.mark.parametrize(
    "message",
    [
        {"protocolMessage": {"type": 0}},
        {"reactionMessage": {"text": "👍"}},
        {"stickerMessage": {}},
        {"imageMessage": {}},
        {"senderKeyDistributionMessage": {"groupId": "1@g.us"}},
    ],
    ids=lambda message: next(iter(message)),
)
def test_they_write_what_is_no_text(independent, message):
    padded = bytes.fromhex(independent.ask("writeMessage", **message)["padded"])
    received = messages.read(messages.unpad(padded))
    assert received.text is None
    assert received.is_protocol == ("protocolMessage" in message)

"""Blasts with a file, over real sockets: phones download it, decrypt it, and show what the message says of it."""

import pytest
from asgiref.sync import sync_to_async

from blast import pictures, selectors
from blast.models import Attachment, Blast
from blast.storing import NewAttachment
from tests.blast.house import BlastHouse, open_blast_house, phone
from tests.blast.images import image, opened

pytestmark = pytest.mark.django_db(transaction=True)

PDF = b"%PDF-1.7 " + bytes(range(256)) * 200


def attached(data: bytes, kind: str, mimetype: str, file_name: str) -> NewAttachment:
    return NewAttachment(kind=kind, mimetype=mimetype, file_name=file_name, data=data)


def poster(data: bytes) -> NewAttachment:
    return attached(data, Attachment.Kind.IMAGE, "image/jpeg", "poster.jpg")


PRICES = attached(PDF, Attachment.Kind.DOCUMENT, "application/pdf", "harga.pdf")


async def test_an_image_comes_with_its_size_and_something_to_show_at_once(monkeypatch):
    data, looked = image("JPEG", (1280, 640), color=(200, 30, 30)), []
    look_at = pictures.look_at
    monkeypatch.setattr("blast.content.look_at", lambda data: looked.append(len(data)) or look_at(data))
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.started([house.cast.jakarta], 5, attachment=poster(data))
        await house.becomes(blast, "DONE")
        for n in range(1, 6):
            (message,) = house.inbox(phone(n))
            assert (message.kind, message.mimetype, message.text) == ("image", "image/jpeg", f"Halo Orang {n}!")
            assert (message.media, message.problem) == (data, "")
            assert (message.width, message.height) == (1280, 640)
            shown = opened(message.thumbnail)
            assert (shown.format, shown.size) == ("JPEG", (72, 36))
            assert max(abs(one - other) for one, other in zip(shown.getpixel((9, 9)), (200, 30, 30), strict=True)) < 9
        assert house.simulator.media.uploads == 1, "once for all, not for each"
        assert looked == [len(data)]
        assert house.simulator.mistakes == []


async def test_one_that_was_attached_before_images_were_looked_at_is_sent_all_the_same():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.started([house.cast.jakarta], 1, attachment=poster(b"\xff\xd8\xffnothing"))
        await house.becomes(blast, "DONE")
        (message,) = house.inbox(phone(1))
        assert (message.kind, message.media) == ("image", b"\xff\xd8\xffnothing")
        assert (message.width, message.height, message.thumbnail) == (0, 0, b"")


@pytest.mark.parametrize("body", ["Halo {name}!", ""], ids=["caption", "bare"])
async def test_a_document_comes_with_its_name_and_caption(body):
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.started([house.cast.jakarta], 3, body=body, attachment=PRICES)
        await house.becomes(blast, "DONE")
        for n in range(1, 4):
            (message,) = house.inbox(phone(n))
            assert (message.kind, message.mimetype, message.file_name) == ("document", "application/pdf", "harga.pdf")
            assert (message.text or "") == body.format(name=f"Orang {n}")
            assert (message.media, message.problem) == (PDF, "")
        assert house.simulator.media.uploads == 1


@sync_to_async
def said(house: BlastHouse, blast: Blast) -> set[tuple[str, str, str]]:
    page = selectors.recipients_page(blast, status="FAILED")
    return {(row["status"], row["error"]["code"], row["error"]["message"]) for row in page["recipients"]}


async def test_a_refused_upload_is_said_at_the_recipient_and_not_tried_for_ever(monkeypatch):
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        refused = []
        upload = house.simulator.media._upload
        monkeypatch.setattr(house.simulator.media, "_upload", lambda *how: refused.append(how) or upload(*how))
        house.simulator.fault("media", house.cast.jakarta.whatsapp_number, code=507)
        blast = await house.started([house.cast.jakarta], 2, attachment=PRICES)
        await house.becomes(blast, "DONE")
        assert await house.counts(blast) == {"FAILED": 2}
        assert await said(house, blast) == {("FAILED", "upload", "Lampiran tidak dapat diunggah.")}
        assert len(refused) == 2, "once for each"
        assert house.shown(2) == [[], []]
        await house.simulator.lift()
        again = await house.started([house.cast.jakarta], 2, attachment=PRICES)
        await house.becomes(again, "DONE")
        assert [len(house.inbox(phone(n))) for n in (1, 2)] == [1, 1]

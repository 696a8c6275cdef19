"""The message for one person, as the engine takes it."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from blast import variables
from blast.claims import Claimed
from blast.models import Attachment
from blast.pictures import BadPictureError, Picture, look_at
from blast.plan import Job
from wa_sessions.db import run_db_when_back
from whatsapp.client import Client
from whatsapp.protocol.media import MediaKind, UploadedMedia
from whatsapp.protocol.messages import Content, Document, Image, Text

_KEPT = 20  # uploads of one outlet


@dataclass(frozen=True, slots=True)
class _Uploaded:
    media: UploadedMedia
    mimetype: str
    file_name: str
    picture: Picture | None  # of an image


class Contents:
    """Of one outlet: an attachment is uploaded once for each blast, and once more where WhatsApp lost it."""

    def __init__(self, outlet_name: str) -> None:
        self._outlet_name = outlet_name
        self._uploads: OrderedDict[int, _Uploaded] = OrderedDict()  # by blast

    async def of(self, row: Claimed, job: Job, client: Client) -> Content:
        """Raises `variables.Missing`, `variables.BadBody`, and as `Client.upload`."""
        text = variables.fill(job.body, row, self._outlet_name)
        if not job.has_attachment:
            return Text(text)
        uploaded = self._uploads.get(job.pk) or await self._upload(job, client)
        if (picture := uploaded.picture) is not None:
            size = picture.width, picture.height
            return Image(uploaded.media, text, uploaded.mimetype, *size, picture.thumbnail)
        return Document(uploaded.media, text, uploaded.mimetype, uploaded.file_name)

    async def _upload(self, job: Job, client: Client) -> _Uploaded:
        row = await run_db_when_back(Attachment.objects.get, pk=job.pk)
        data = bytes(row.data)
        picture = await asyncio.to_thread(_picture_of, data) if row.kind == Attachment.Kind.IMAGE else None
        media = await client.upload(data, MediaKind.DOCUMENT if picture is None else MediaKind.IMAGE)
        uploaded = self._uploads[job.pk] = _Uploaded(media, row.mimetype, row.file_name, picture)
        while len(self._uploads) > _KEPT:
            self._uploads.popitem(last=False)
        return uploaded


def _picture_of(data: bytes) -> Picture:
    try:
        return look_at(data)
    except BadPictureError:  # taken before images were looked at; phones show a grey box
        return Picture(0, 0, b"")

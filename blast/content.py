"""The message for one person, as the engine takes it."""

from collections import OrderedDict
from dataclasses import dataclass

from blast import variables
from blast.claims import Claimed
from blast.models import Attachment
from blast.plan import Job
from wa_sessions.db import run_db_when_back
from whatsapp.client import Client
from whatsapp.protocol.media import MediaKind, UploadedMedia
from whatsapp.protocol.messages import Content, Document, Image, Text

_KEPT = 20  # uploads of one outlet


@dataclass(frozen=True, slots=True)
class _Uploaded:
    media: UploadedMedia
    kind: str
    mimetype: str
    file_name: str


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
        if uploaded.kind == Attachment.Kind.IMAGE:
            return Image(uploaded.media, text, uploaded.mimetype)
        return Document(uploaded.media, text, uploaded.mimetype, uploaded.file_name)

    async def _upload(self, job: Job, client: Client) -> _Uploaded:
        row = await run_db_when_back(Attachment.objects.get, pk=job.pk)
        kind = MediaKind.IMAGE if row.kind == Attachment.Kind.IMAGE else MediaKind.DOCUMENT
        media = await client.upload(bytes(row.data), kind)
        uploaded = self._uploads[job.pk] = _Uploaded(media, row.kind, row.mimetype, row.file_name)
        while len(self._uploads) > _KEPT:
            self._uploads.popitem(last=False)
        return uploaded

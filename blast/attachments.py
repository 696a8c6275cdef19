"""What may go with a message as a file: the one place for pages and programs."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from blast.models import Attachment
from blast.pictures import BadPictureError, look_at
from blast.storing import NewAttachment

ATTACHMENT_BYTES = 8_000_000  # the whole form has to fit into one request
_IMAGES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}  # what every phone shows


def rules() -> str:
    """What a person should know before choosing a file."""
    said = _("At most %(limit)s MB. JPEG and PNG are shown as pictures; every other file arrives as a document.")
    return said % {"limit": ATTACHMENT_BYTES // 1_000_000}


def read_attachment(file: "UploadedFile[Any]") -> NewAttachment:
    """The file as a blast carries it. What it is, its first bytes tell better than its name.

    Raises `ValidationError` for one that is empty or too large, and for an image that cannot be shown.
    """
    if not file.size:
        raise ValidationError(_("The file is empty."), code="empty")
    if file.size > ATTACHMENT_BYTES:
        limit = ATTACHMENT_BYTES // 1_000_000
        raise ValidationError(_("The file is larger than %(limit)s MB.") % {"limit": limit}, code="too_large")
    data = file.read()
    mimetype = next((kind for magic, kind in _IMAGES.items() if data.startswith(magic)), "")
    kind = Attachment.Kind.IMAGE if mimetype else Attachment.Kind.DOCUMENT
    if mimetype:
        try:
            look_at(data)
        except BadPictureError as error:
            raise ValidationError(str(error.sentence), code=error.code) from None
    else:
        mimetype = "application/pdf" if data.startswith(b"%PDF-") else "application/octet-stream"
    name = "".join(sign for sign in file.name or "" if sign.isprintable())[:200] or "berkas"
    return NewAttachment(kind=kind, mimetype=mimetype, file_name=name, data=data)

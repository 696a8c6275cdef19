"""What phones show of an image before it is downloaded: its size and a small picture. Without them it is a grey box."""

import io
import struct
import threading
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image

MAX_PIXELS = 40_000_000
THUMBNAIL = 72  # pixels, its longer side: one or two kilobytes, which go to every recipient
_QUALITY = 60
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)
_MANGLED = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error)
# A small file may need 160 MB for its pixels: that much once, not once for each of those who upload.
_one_at_a_time = threading.Lock()


class BadPictureError(ValueError):
    """An image that cannot be shown. `sentence` says why to whom it belongs; `code` to programs."""

    def __init__(self, code: str, sentence: Promise | str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Picture:
    """`width` and `height` in pixels, the way that it is held up; `thumbnail` a small JPEG."""

    width: int
    height: int
    thumbnail: bytes = field(repr=False)


def look_at(data: bytes) -> Picture:
    """Read a JPEG or PNG wholly. Takes milliseconds, or a second for a huge one. Raises BadPictureError."""
    try:
        with _one_at_a_time:
            return _look_at(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # Pillow's limit is above ours
        raise _too_large() from None
    except BadPictureError:
        raise
    except _MANGLED:
        raise BadPictureError("broken_image", _("This image is damaged. Choose another file.")) from None


def _look_at(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise _too_large()
        picture: Image.Image = image
        if image.mode.startswith("I"):  # 16 bits of grey, which Pillow cannot make smaller
            picture = image.convert("I").point(lambda level: level / 256).convert("L")
        picture.thumbnail((THUMBNAIL, THUMBNAIL))  # of a JPEG it reads only as many pixels as that needs
        small, orientation = _on_white(picture), _orientation(image)
        if orientation in _TURNS:
            small = small.transpose(_TURNS[orientation])
        if orientation in _SIDEWAYS:
            width, height = height, width
        out = io.BytesIO()
        small.save(out, "JPEG", quality=_QUALITY)
        return Picture(width, height, out.getvalue())


def _too_large() -> BadPictureError:
    limit = MAX_PIXELS // 1_000_000
    return BadPictureError("too_many_pixels", _("This image has more than %(limit)s megapixels.") % {"limit": limit})


def _on_white(image: Image.Image) -> Image.Image:
    """For JPEG, which knows no transparency."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    paper = Image.new("RGB", clear.size, "white")
    paper.paste(clear, mask=clear.getchannel("A"))
    return paper


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except _MANGLED:  # what a camera wrote beside the image takes nothing from it
        return 1
    return found if isinstance(found, int) else 1

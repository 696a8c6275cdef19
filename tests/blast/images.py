"""Images as people attach them."""

import io
from typing import Any

from PIL import Image


def image(
    kind: str = "PNG", size: tuple[int, int] = (640, 480), mode: str = "RGB", color: Any = 0, **more: Any
) -> bytes:
    """`kind`: "PNG" or "JPEG". `more`: as Pillow's `save` takes it."""
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, kind, **more)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """With its pixels read."""
    found = Image.open(io.BytesIO(data))
    found.load()
    return found

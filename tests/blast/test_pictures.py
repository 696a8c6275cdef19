"""What is read of an image before it is sent, and which images are none."""

import random
from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from PIL import Image

from blast.attachments import read_attachment
from blast.pictures import BadPictureError, look_at
from tests.blast.images import image, opened

MODES = [("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")]
MODES += [("JPEG", mode) for mode in ("RGB", "L", "CMYK")]


@pytest.mark.parametrize(("kind", "mode"), MODES, ids=str)
def test_every_kind_has_its_size_and_a_small_jpeg(kind, mode):
    picture = look_at(image(kind, (640, 480), mode))
    assert (picture.width, picture.height) == (640, 480)
    small = opened(picture.thumbnail)
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (72, 54))
    assert len(picture.thumbnail) < 3000


@pytest.mark.parametrize(
    ("mode", "color", "shown"),
    [("RGBA", (255, 0, 0, 0), 255), ("RGBA", (0, 0, 0, 255), 0), ("I;16", 0x8000, 128), ("LA", (0, 128), 127)],
    ids=["clear", "opaque", "16 bits", "half clear"],
)
def test_it_looks_like_the_image(mode, color, shown):
    red, green, blue = opened(look_at(image("PNG", mode=mode, color=color)).thumbnail).getpixel((30, 30))
    assert all(abs(level - shown) < 4 for level in (red, green, blue))


def test_one_that_is_small_is_not_made_larger():
    assert opened(look_at(image(size=(20, 10))).thumbnail).size == (20, 10)


def test_one_that_is_a_line_has_a_thumbnail():
    assert opened(look_at(image(size=(5000, 1))).thumbnail).size == (72, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_held_up_as_the_camera_was(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = look_at(image("JPEG", (640, 480), exif=exif))
    is_tall = orientation > 4
    assert (picture.width, picture.height) == ((480, 640) if is_tall else (640, 480))
    assert opened(picture.thumbnail).size == ((54, 72) if is_tall else (72, 54))


def test_a_nonsense_orientation_is_none():
    assert look_at(image("JPEG", exif=b"Exif\0\0nonsense")).width == 640


def test_a_small_file_with_endless_pixels_is_refused_unread():
    for size in ((10_000, 5_000), (12_000, 9_000), (20_000, 20_000)):
        data = image(size=size, mode="1")
        assert len(data) < 60_000
        with pytest.raises(BadPictureError, match="too_many_pixels"):
            look_at(data)


def test_a_damaged_one_is_read_or_refused_and_nothing_else():
    chance = random.Random(1)
    for data in (image("JPEG", (64, 48)), image("PNG", (64, 48), "RGBA")):
        for _ in range(500):
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            with suppress(BadPictureError):
                look_at(bytes(damaged[: chance.randrange(len(damaged))] if chance.random() < 0.2 else damaged))


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (image()[:-100], "broken_image", "This image is damaged. Choose another file."),
        (b"\xff\xd8\xff", "broken_image", "This image is damaged. Choose another file."),
        (image(size=(20_000, 20_000), mode="1"), "too_many_pixels", "This image has more than 40 megapixels."),
    ],
    ids=["cut", "start only", "bomb"],
)
def test_it_is_refused_at_upload_with_a_sentence(content, code, sentence):
    with translation.override("en"), pytest.raises(ValidationError) as raised:
        read_attachment(SimpleUploadedFile("a.png", content))
    assert (raised.value.code, raised.value.messages) == (code, [sentence])

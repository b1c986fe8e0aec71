"""Photos of machines: kept as a plain picture, shown to anyone, and nothing else of the files folder is."""

import io
import zlib

import pytest
from django.test import Client
from PIL import Image, ImageOps

from machines.photos import NotAPhoto, reencoded
from tests.factories import make_machine, make_site

GPS_INFO = 0x8825
ORIENTATION = 0x0112
SHORT_HEADER = b"\x89PNG\r\n\x1a\n\0\0\0\x05IHDR\0\0\0\x01\0" + zlib.crc32(b"IHDR\0\0\0\x01\0").to_bytes(4)


def picture(size: tuple[int, int] = (3000, 1200)) -> io.BytesIO:
    """A picture that tells where it was taken."""
    exif = Image.Exif()
    exif[GPS_INFO] = {1: "N", 2: (47.0, 23.0, 0.0)}
    target = io.BytesIO()
    Image.new("RGB", size, "#0a6b5d").save(target, "JPEG", exif=exif)
    target.seek(0)
    return target


def test_photo_is_made_smaller_and_forgets_where_it_was_taken():
    kept = Image.open(reencoded(picture()))

    assert (kept.size, dict(kept.getexif())) == ((1600, 640), {})


def with_metadata(kind: str, metadata: bytes) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (80, 40)).save(target, kind, exif=metadata)
    return target.getvalue()


# On its side, and the maker's name said to be a number with a point.
ODD_MAKER = b"Exif\0\0MM\0*\0\0\0\x08\0\2" + bytes.fromhex("010f000b000000013f80000001120003000000010006000000000000")


@pytest.mark.parametrize(
    ("content", "size"),
    [
        pytest.param(with_metadata("PNG", b"Exif\0\0no such thing"), (80, 40), id="PNG with rubbish"),
        pytest.param(with_metadata("WEBP", b"Exif\0\0no such thing"), (80, 40), id="WebP with rubbish"),
        pytest.param(with_metadata("JPEG", ODD_MAKER), (40, 80), id="one field of another kind"),
    ],
)
def test_photo_whose_metadata_is_damaged_is_kept(content: bytes, size: tuple[int, int]):
    kept = Image.open(reencoded(io.BytesIO(content)))

    assert kept.size == size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photo_taken_on_its_side_is_turned_upright(orientation: int):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    target = io.BytesIO()
    drawn = Image.new("RGB", (80, 40), "black")
    drawn.paste("white", (0, 0, 20, 20))
    drawn.save(target, "JPEG", exif=exif)

    kept, wanted = Image.open(reencoded(target)), ImageOps.exif_transpose(Image.open(target))

    corners = [(2, 2), (kept.width - 3, 2), (2, kept.height - 3), (kept.width - 3, kept.height - 3)]
    assert kept.size == wanted.size
    assert [kept.getpixel(at)[0] > 128 for at in corners] == [wanted.getpixel(at)[0] > 128 for at in corners]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<svg onload='alert(1)'/>", id="a drawing that runs"),
        pytest.param(picture().getvalue()[:400], id="cut in half"),
        pytest.param(SHORT_HEADER, id="a PNG that does not say how large it is"),
    ],
)
def test_what_is_no_photo_is_refused(content: bytes):
    with pytest.raises(NotAPhoto):
        reencoded(io.BytesIO(content))


@pytest.mark.django_db
def test_photo_is_shown_to_anyone(client: Client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    machine = make_machine()
    machine.photo.save("laser.jpg", reencoded(picture()))

    answer = client.get(f"/machines/{machine.slug}/photo/")

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(answer.streaming_content).startswith(b"\xff\xd8")


@pytest.mark.django_db
def test_files_folder_itself_is_not_open(client: Client):
    make_site()

    assert client.get("/files/prints/").status_code == 404

"""Photos of machines: kept as a plain picture, shown to anyone, and nothing else of the files folder is."""

import io

import pytest
from django.test import Client
from PIL import Image

from machines.photos import NotAPhoto, reencoded
from tests.factories import make_machine, make_site

GPS_INFO = 0x8825


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


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<svg onload='alert(1)'/>", id="a drawing that runs"),
        pytest.param(picture().getvalue()[:400], id="cut in half"),
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

"""Machines of the first day: so many of each template, or a list of one's own."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from machines.models import Category, Machine, Qualification, Room, Unit
from tests.fablab.first_run_pages import (
    ADMINISTRATOR,
    PLACE,
    answer,
    begun,
    here,
    page,
)
from tests.factories import NOW, make_person, reserve

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return begun()


def names() -> list[str]:
    return list(Machine.objects.filter(retired_at=None).order_by("pk").values_list("name", flat=True))


def rooms() -> list[str]:
    return list(Room.objects.order_by("pk").values_list("name", flat=True))


# --- machines ---------------------------------------------------------------------------------------------------------


def test_machines_are_made_to_the_number(client: Client) -> None:
    data = {"fdm-printer-count": "2", "public-pc-count": "1"}

    assert answer(client, "machines", data) == page("team")
    assert answer(client, "machines", data) == page("team")

    assert names() == ["3D printer 1", "3D printer 2", "Public PC 1"]
    printers, computers = Category.objects.all()
    assert (printers.name_fr, printers.qualification.name_fr, computers.is_seat) == (
        "Imprimantes 3D",
        "Impression 3D",
        True,
    )
    assert b'value="2"' in client.get(page("machines")).content


def test_machines_are_called_in_the_administrators_language() -> None:
    client = here("fr")
    answer(client, "administrator", ADMINISTRATOR)
    answer(client, "place", PLACE)

    answer(client, "machines", {"laser-cutter-count": "1"})

    assert names() == ["Découpeuse laser 1"]


def test_fewer_machines_takes_the_last_ones_away(client: Client) -> None:
    answer(client, "machines", {"fdm-printer-count": "3", "laptop-count": "1"})

    answer(client, "machines", {"fdm-printer-count": "1", "laptop-count": "0"})

    assert names() == ["3D printer 1"]
    assert Unit.objects.count() == 1
    assert [category.name_en for category in Category.objects.all()] == ["3D printers"]


def test_last_of_a_kind_takes_category_and_qualification_along(client: Client) -> None:
    answer(client, "machines", {"cnc-mill-count": "1"})

    answer(client, "machines", {"cnc-mill-count": ""})

    assert not Category.objects.exists()
    assert not Qualification.objects.exists()


def test_machine_that_was_reserved_is_retired_not_lost(client: Client) -> None:
    client.post(page("hours"), {"unknown": "1"})
    answer(client, "machines", {"laptop-count": "1"})
    machine = Machine.objects.with_places().get()
    start = NOW + dt.timedelta(hours=3)
    reserve(machine=machine, start=start, end=start + dt.timedelta(hours=1), holder=make_person())

    answer(client, "machines", {"laptop-count": "0"})

    machine.refresh_from_db()
    assert machine.retired_at is not None
    assert names() == []


def test_machines_move_to_the_room_that_is_chosen(client: Client) -> None:
    answer(client, "rooms", {"names": "Workshop\nHall"})
    workshop, hall = (str(room.pk) for room in Room.objects.order_by("pk"))
    answer(client, "machines", {"laptop-count": "2", "laptop-room": workshop})

    answer(client, "machines", {"laptop-count": "3", "laptop-room": hall})

    assert set(Machine.objects.values_list("name", "room__name")) == {(f"Laptop {n}", "Hall") for n in (1, 2, 3)}


@pytest.mark.parametrize("count", ["-1", "51", "many", "1.5"])
def test_number_that_makes_no_sense_is_asked_again(client: Client, count: str) -> None:
    assert "laptop-count" in answer(client, "machines", {"laptop-count": count})
    assert names() == []


# --- a list of one's own ----------------------------------------------------------------------------------------------

LIST = "Prusa; 3D printer; Workshop\nLoom; weaving loom; Textile\nNameless\nPrusa; laser; Hall"


def send_list(client: Client, text: str, **data: object) -> object:
    return client.post(reverse("first-run-machine-list"), {"text": text, **data})


def test_list_is_looked_at_before_anything_is_made(client: Client) -> None:
    response = send_list(client, LIST)

    body = response.content.decode()
    assert names() == []
    assert "2 machines will be made." in body
    assert "2 lines need another look" in body
    assert "The kind is missing" in body
    assert "Line 1 has the same name" in body
    assert "nobody may use it before an induction" in body


def test_list_is_made_once(client: Client) -> None:
    first = send_list(client, LIST, make="1")
    send_list(client, LIST, make="1")

    assert first["Location"] == page("machines")
    assert names() == ["Prusa", "Loom"]
    assert rooms() == ["Workshop", "Textile"]
    assert Category.objects.get(name_en="weaving loom").qualification.name == "weaving loom"


def test_listed_machine_counts_as_one_of_its_template(client: Client) -> None:
    send_list(client, "Prusa; 3D printer", make="1")

    answer(client, "machines", {"fdm-printer-count": "2"})

    assert names() == ["Prusa", "3D printer 1"]


def test_machines_of_two_rooms_stay_where_they_are(client: Client) -> None:
    send_list(client, "A; laptop; Hall\nB; laptop; Attic", make="1")

    body = client.get(page("machines")).content.decode()
    answer(client, "machines", {"laptop-count": "2", "laptop-room": "as-they-are"})

    assert "As they are now" in body
    assert set(Machine.objects.values_list("name", "room__name")) == {("A", "Hall"), ("B", "Attic")}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xef\xbb\xbfPrusa;3D printer;Hall\r\n", "1 machine will be made."),
        ("Fraiseuse;fraiseuse numérique;Étage".encode("cp1252"), "1 machine will be made."),
        ("Prusa\t3D printer\tHall\n".encode("utf-16"), "1 machine will be made."),
        (b"PK\x03\x04 workbook", "spreadsheet in its own format"),
        (b"\x00\x01\x02\x03", "not a list that can be read"),
        (b"\n".join(b"M %d;laser" % n for n in range(5000)), "5000 lines"),
        (b"", "no machine in this list"),
        (b"x" * 300_000, "too large"),
    ],
    ids=["UTF-8 with mark", "Windows-1252", "UTF-16 tabs", "workbook", "binary", "5,000 lines", "empty", "large"],
)
def test_file_is_read_or_refused_in_words(client: Client, content: bytes, words: str) -> None:
    response = send_list(client, "", file=SimpleUploadedFile("list.csv", content))

    assert words in response.content.decode()
    assert names() == []


def test_list_with_markup_is_shown_as_it_was_typed(client: Client) -> None:
    body = send_list(client, "<script>alert(1)</script>; laser; <b>Hall</b>").content.decode()

    assert "<script>alert" not in body
    assert "&lt;script&gt;alert" in body

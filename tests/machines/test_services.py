"""What a fab manager sets: weekly hours, rooms, categories, machines."""

import datetime as dt
import io

import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from machines.errors import PhotoUnreadable, StillUsed
from machines.models import Category, OpeningHours, Qualification, Room, Unit
from machines.qualification_kind_services import create_qualification, remove_qualification, update_qualification
from machines.services import (
    bring_back_machine,
    create_category,
    create_machine,
    create_room,
    remove_category,
    remove_room,
    rename_room,
    retire_machine,
    set_photo,
    set_weekly_hours,
    update_category,
    update_machine,
)
from people.models import Kiosk
from tests.factories import (
    NOW,
    at,
    grant,
    make_category,
    make_machine,
    make_qualification,
    make_room,
    make_site,
    minutes,
    reserve,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

TEN, NOON, TWO, SEVEN, MIDNIGHT = dt.time(10), dt.time(12), dt.time(14), dt.time(19), dt.time(0)


def hours_of(site) -> list[tuple[int, dt.time, dt.time]]:
    return list(OpeningHours.objects.filter(site=site).values_list("weekday", "opens", "closes"))


# --- weekly hours -----------------------------------------------------------------------------------------------


def test_weekly_hours_replace_the_week(by):
    site = make_site()

    set_weekly_hours(site=site, ranges={2: [(TWO, SEVEN), (TEN, NOON)], 6: [(TEN, MIDNIGHT)]}, by=by, now=NOW)

    assert hours_of(site) == [(2, TEN, NOON), (2, TWO, SEVEN), (6, TEN, MIDNIGHT)]


def test_weekly_hours_of_another_site_stay(by):
    site, other = make_site(hours={1: [("09:00", "10:00")]}), make_site(hours={1: [("09:00", "10:00")]})

    set_weekly_hours(site=site, ranges={}, by=by, now=NOW)

    assert (hours_of(site), len(hours_of(other))) == ([], 1)


@pytest.mark.parametrize(
    "ranges",
    [
        [(NOON, TEN)],
        [(TEN, TEN)],
        [(TEN, TWO), (NOON, SEVEN)],
        [(TEN, MIDNIGHT), (TWO, SEVEN)],
    ],
    ids=["ends before it begins", "nothing long", "overlap", "overlap after midnight's end"],
)
def test_weekly_hours_that_make_no_sense_change_nothing(by, ranges):
    site = make_site(hours={1: [("09:00", "10:00")]})

    with pytest.raises(ValidationError):
        set_weekly_hours(site=site, ranges={1: ranges}, by=by, now=NOW)

    assert hours_of(site) == [(1, dt.time(9), TEN)]


# --- rooms ------------------------------------------------------------------------------------------------------


def test_room_comes_with_its_unit(by):
    site = make_site()

    room = create_room(site=site, name=" Atelier bois ", by=by)

    assert (room.name, room.slug, room.unit.kind, room.unit.site) == ("Atelier bois", "atelier-bois", "room", site)


def test_rooms_of_two_sites_may_share_a_name_but_no_address(by):
    first, second = (create_room(site=make_site(), name="Atelier", by=by) for _ in range(2))

    assert (first.slug, second.slug) == ("atelier", "atelier-2")


@pytest.mark.parametrize("name", ["", "  ", "atelier", "x" * 81], ids=["empty", "blank", "taken", "too long"])
def test_room_without_a_name_of_its_own_is_refused(by, name):
    site = make_site()
    create_room(site=site, name="Atelier", by=by)

    with pytest.raises(ValidationError) as refused:
        create_room(site=site, name=name, by=by)

    assert list(refused.value.message_dict) == ["name"]
    assert Unit.objects.count() == 1


def test_name_without_letters_of_ours_gets_an_address(by):
    assert create_room(site=make_site(), name="工作室", by=by).slug == "room"


def test_renamed_room_keeps_its_address(by):
    room = create_room(site=make_site(), name="Atelier", by=by)

    rename_room(room=room, name="Wood", by=by)

    room.refresh_from_db()
    assert (room.name, room.slug) == ("Wood", "atelier")


def test_room_with_machines_says_why_it_stays(by):
    site = make_site()
    room = make_room(site=site)
    make_machine(site=site, room=room)

    with pytest.raises(StillUsed) as refused:
        remove_room(room=room, by=by)

    assert refused.value.sentence.startswith("1 machine stands in it")


def test_empty_room_goes_with_its_unit(by):
    room = create_room(site=make_site(), name="Atelier", by=by)

    remove_room(room=room, by=by)

    assert (Room.objects.count(), Unit.objects.count()) == (0, 0)


# --- categories and qualifications ------------------------------------------------------------------------------


def test_category_is_added_last(by):
    make_category(position=4)

    category = create_category(name_fr="Découpe laser", name_en="Laser", by=by, longest=minutes(120))

    assert (category.slug, category.position, category.longest) == ("decoupe-laser", 5, minutes(120))


def test_category_that_breaks_a_rule_says_so(by):
    category = make_category()

    with pytest.raises(ValidationError) as refused:
        update_category(category=category, by=by, longest=minutes(10))

    assert refused.value.messages == ["The longest reservation is at least as long as the shortest."]
    assert Category.objects.get(pk=category.pk).longest == minutes(240)


def test_category_with_machines_says_how_many(by):
    category = make_category()
    for _ in range(3):
        make_machine(category=category)

    with pytest.raises(StillUsed) as refused:
        remove_category(category=category, by=by)

    assert refused.value.sentence == "3 machines belong to it, retired ones included."


def test_unused_category_is_removed(by):
    remove_category(category=make_category(), by=by)

    assert not Category.objects.exists()


def test_qualification_is_made_renamed_and_removed(by):
    made = create_qualification(name_fr="Découpe", name_en="Cutting", by=by, training_en="Thursdays")
    update_qualification(qualification=made, by=by, name_en="Laser cutting")

    assert Qualification.objects.get().name_en == "Laser cutting"
    remove_qualification(qualification=made, by=by)
    assert not Qualification.objects.exists()


def test_qualification_that_somebody_holds_stays(by):
    qualification = make_qualification()
    grant(person=by, qualification=qualification)

    with pytest.raises(StillUsed) as refused:
        remove_qualification(qualification=qualification, by=by)

    assert "1 people hold it" in refused.value.sentence


# --- machines ---------------------------------------------------------------------------------------------------


def test_machine_comes_with_a_unit_and_an_address(by):
    site, category = make_site(), make_category()
    room = make_room(site=site)

    first, second = (
        create_machine(site=site, category=category, name="Prusa", room=room, by=by, now=NOW) for _ in range(2)
    )

    assert (first.slug, second.slug, first.site, first.room) == ("prusa", "prusa-2", site, room)
    assert first.unit != second.unit


@pytest.mark.parametrize("field", ["room", "kiosk"])
def test_machine_stands_with_what_it_is_tied_to(by, field):
    elsewhere = make_site()
    kiosk = Kiosk.objects.create(site=elsewhere, name="PC", token_digest="x", enrolled_at=NOW)
    thing = make_room(site=elsewhere) if field == "room" else kiosk

    with pytest.raises(ValidationError) as refused:
        create_machine(site=make_site(), category=make_category(), name="A", by=by, now=NOW, **{field: thing})

    assert refused.value.message_dict == {field: ["That stands at another place."]}


def test_machine_keeps_its_address_when_renamed(by):
    machine = make_machine(name="Prusa")
    slug = machine.slug

    update_machine(machine=machine, by=by, now=NOW, name="Bambu", longest=minutes(90))

    machine.refresh_from_db()
    assert (machine.name, machine.slug, machine.booking.longest) == ("Bambu", slug, minutes(90))


def test_machine_with_contradicting_overrides_is_refused(by):
    machine = make_machine(shortest=minutes(60))

    with pytest.raises(ValidationError) as refused:
        update_machine(machine=machine, by=by, now=NOW, longest=minutes(30))

    assert refused.value.messages == ["The longest reservation is at least as long as the shortest."]


def test_retired_machine_comes_back_and_keeps_its_reservations(by):
    machine = make_machine()
    reservation = reserve(machine=machine, start=at("14:00"), end=at("15:00"), holder=by)

    retire_machine(machine=machine, by=by, now=NOW)
    retire_machine(machine=machine, by=by, now=NOW + minutes(5))

    machine.refresh_from_db()
    assert machine.retired_at == NOW
    bring_back_machine(machine=machine, by=by, now=NOW)
    reservation.refresh_from_db()
    assert (machine.retired_at, reservation.status) == (None, "confirmed")


def picture(colour: str = "red") -> io.BytesIO:
    stream = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(stream, "PNG")
    stream.seek(0)
    return stream


def test_photo_is_drawn_anew_and_the_earlier_file_goes(by, settings, tmp_path, django_capture_on_commit_callbacks):
    settings.MEDIA_ROOT = str(tmp_path)
    machine = make_machine()
    with django_capture_on_commit_callbacks(execute=True):
        set_photo(machine=machine, picture=picture(), by=by)
    first = machine.photo.path

    with django_capture_on_commit_callbacks(execute=True):
        set_photo(machine=machine, picture=picture("blue"), by=by)

    kept = [str(path) for path in tmp_path.rglob("*.jpg")]
    assert kept == [machine.photo.path]
    assert first not in kept
    with django_capture_on_commit_callbacks(execute=True):
        set_photo(machine=machine, picture=None, by=by)
    assert list(tmp_path.rglob("*.jpg")) == []


def test_photo_that_is_none_is_refused_and_the_one_there_stays(by, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    machine = make_machine()
    set_photo(machine=machine, picture=picture(), by=by)

    with pytest.raises(PhotoUnreadable):
        set_photo(machine=machine, picture=io.BytesIO(b"%PDF-1.7"), by=by)

    machine.refresh_from_db()
    assert machine.photo.name

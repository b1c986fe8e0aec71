"""The settings pages as a fab manager uses them: nothing typed is lost, and what no longer fits is shown."""

import datetime as dt
import re

import pytest
from django.urls import reverse

from fablab.templatetags.shell import icon
from machines.forms import DRAWINGS, ICONS
from machines.models import Category, OpeningException, OpeningHours, Room
from people.models import FileAccess, Role, Site
from tests.fablab.settings_pages import coming, words_of
from tests.factories import (
    give_role,
    make_category,
    make_machine,
    make_room,
    make_site,
    turn_off,
)
from tests.test_house import STATIC, symbols

pytestmark = pytest.mark.django_db


# --- index ------------------------------------------------------------------------------------------------------


def test_index_says_what_is_missing(manager_client, site):
    OpeningHours.objects.all().delete()

    shown = words_of(manager_client.get(reverse("settings")))

    assert [words in shown for words in ("No opening hours yet", "No room yet", "No machine yet")] == [True] * 3
    assert "Modules" not in shown, "only administrators change them"


def test_index_of_two_places_shows_the_one_chosen(manager_client, manager, site):
    other = make_site(name="Hilltop")
    give_role(person=manager, site=other, role=Role.FAB_MANAGER)

    page = manager_client.get(reverse("settings"), {"site": other.slug})

    assert reverse("settings-hours", args=[other.slug]) in page.content.decode()
    assert reverse("settings-hours", args=[site.slug]) not in page.content.decode()


@pytest.mark.parametrize("module", ["devices", "printing"])
def test_module_that_is_off_takes_its_settings_away(manager_client, module):
    turn_off(module)
    name = {"devices": "settings-devices", "printing": "settings-printers"}[module]

    page = manager_client.get(reverse("settings"))

    assert reverse(name) not in page.content.decode()
    assert manager_client.get(reverse(name)).status_code == 404


# --- opening hours ----------------------------------------------------------------------------------------------


def week(**fields: str) -> dict[str, str]:
    return {"opens_1_0": "10:00", "closes_1_0": "12:00", "opens_1_1": "14:00", "closes_1_1": "00:00"} | fields


def hours_of(site: Site) -> list[tuple[int, str, str]]:
    rows = OpeningHours.objects.filter(site=site).order_by("weekday", "opens")
    return [(row.weekday, f"{row.opens:%H:%M}", f"{row.closes:%H:%M}") for row in rows]


def test_hours_may_be_the_same_as_the_day_before(manager_client, site):
    answer = manager_client.post(reverse("settings-hours", args=[site.slug]), week(same_2="on", same_3="on"))

    assert answer.status_code == 302
    ranges = [("10:00", "12:00"), ("14:00", "00:00")]
    assert hours_of(site) == [(day, *times) for day in (1, 2, 3) for times in ranges]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"closes_1_0": ""}, "Give both times, or leave both empty."),
        ({"closes_1_0": "09:00"}, "The closing time comes after the opening time"),
        ({"closes_1_0": "15:00"}, "Two ranges of a day overlap"),
        ({"opens_1_0": "25:00"}, "Enter a valid time."),
    ],
    ids=["half", "backwards", "overlap", "no time"],
)
def test_hours_that_make_no_sense_are_kept_on_the_page(manager_client, site, fields, sentence):
    before = hours_of(site)

    page = manager_client.post(reverse("settings-hours", args=[site.slug]), week(**fields))

    assert page.status_code == 200
    assert sentence in words_of(page)
    assert 'value="14:00"' in page.content.decode()
    assert hours_of(site) == before


def test_hours_with_three_ranges_a_day_keep_the_third(manager_client, site):
    OpeningHours.objects.all().delete()
    for opens in (8, 12, 16):
        OpeningHours.objects.create(site=site, weekday=1, opens=dt.time(opens), closes=dt.time(opens + 2))
    page = manager_client.get(reverse("settings-hours", args=[site.slug]))
    data = dict(re.findall(r'name="(\w+)" value="([\d:]+)"', page.content.decode()))

    manager_client.post(reverse("settings-hours", args=[site.slug]), data)

    assert [opens for _day, opens, _closes in hours_of(site)] == ["08:00", "12:00", "16:00"]


def test_changed_hours_show_whom_to_call(manager_client, manager, site):
    reservation = coming(make_machine(site=site, name="Laser"))

    manager_client.post(reverse("settings-hours", args=[site.slug]), week())

    shown = words_of(manager_client.get(reverse("settings-hours", args=[site.slug])))
    assert "1 reservation no longer fits." in shown
    calls = words_of(manager_client.get(reverse("settings-calls", args=[site.slug])))
    assert all(words in calls for words in ("Laser", "Ines", "+33 1 23", "we are closed then"))
    read = FileAccess.objects.get(person=reservation.holder)
    assert (read.by, read.deed) == (manager, "read")
    reservation.refresh_from_db()
    assert reservation.status == "confirmed"


def test_reservation_that_may_run_while_closed_blocks_until_the_new_opening(manager_client, site):
    printer = make_machine(site=site, attendance="start")
    reservation = coming(printer, hour=17)
    held = reservation.held_units.get()

    manager_client.post(reverse("settings-hours", args=[site.slug]), {f"opens_{n}_0": "12:00" for n in range(1, 8)}
                | {f"closes_{n}_0": "17:30" for n in range(1, 8)})  # fmt: skip

    held.refresh_from_db()
    assert held.blocked.upper > reservation.end


# --- closures ---------------------------------------------------------------------------------------------------


def test_closure_is_added_listed_as_one_and_removed(manager_client, site):
    url = reverse("settings-closures", args=[site.slug])
    dates = {"first": "2031-12-24", "last": "2031-12-26"}

    manager_client.post(url, dates | {"kind": "closed", "title": "Winter break"})

    shown = words_of(manager_client.get(url))
    assert shown.count("Winter break") == 1
    assert "closed all day · Winter break" in shown
    manager_client.post(reverse("settings-closure-remove", args=[site.slug]), dates)
    assert not OpeningException.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"last": "2031-12-01"}, "The last day comes after the first."),
        ({"last": "2039-12-01"}, "That is more than a year"),
        ({"kind": "other"}, "From when are you open?"),
        ({"kind": "other", "opens_0": "10:00"}, "Give both times"),
        ({"kind": "other", "opens_0": "10:00", "closes_0": "09:00"}, "The closing time comes after"),
        ({"first": "yesterday"}, "Enter a valid date."),
    ],
    ids=["backwards", "eight years", "open when", "half", "times backwards", "no date"],
)
def test_closure_that_makes_no_sense_loses_nothing_typed(manager_client, site, fields, sentence):
    data = {"first": "2031-12-24", "last": "", "kind": "closed", "title": "Open evening"} | fields

    page = manager_client.post(reverse("settings-closures", args=[site.slug]), data)

    assert sentence in words_of(page)
    assert 'value="Open evening"' in page.content.decode()
    assert not OpeningException.objects.exists()


# --- rooms, categories, qualifications --------------------------------------------------------------------------


def test_room_that_is_used_says_why_it_stays(manager_client, site):
    room = make_room(site=site)
    make_machine(site=site, room=room)

    page = manager_client.post(reverse("settings-room-remove", args=[room.slug]), follow=True)

    assert "1 machine stands in it" in words_of(page)
    assert Room.objects.filter(pk=room.pk).exists()


def lengths(**values: tuple[str, str]) -> dict[str, str]:
    known = {
        "shortest": ("30", "min"), "longest": ("4", "h"), "notice": ("0", "min"), "window": ("28", "d"),
        "setup_buffer": ("0", "min"), "cleanup_buffer": ("0", "min"),
    } | values  # fmt: skip
    return {f"{name}_{n}": part for name, pair in known.items() for n, part in enumerate(pair)}


def category_data(**fields: str) -> dict[str, str]:
    return lengths() | {
        "name_fr": "Presse", "name_en": "Press", "icon": "tools", "position": "0", "risk_level": "0",
        "qualification_level": "2", "attendance": "throughout", "grid_min": "15",
    } | fields  # fmt: skip


def test_category_says_lengths_as_people_do(manager_client):
    category = make_category(shortest=dt.timedelta(minutes=90), longest=dt.timedelta(days=2))

    page = manager_client.get(reverse("settings-category", args=[category.slug])).content.decode()

    assert re.search(r'name="shortest_0" value="90"', page)
    assert re.search(r'name="longest_0" value="2"', page)
    assert re.search(r'<option value="d" selected>', page)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (lengths(longest=("10", "min")), "The longest reservation is at least as long as the shortest."),
        (lengths(shortest=("0", "min")), "0:01:00"),
        (lengths(window=("0", "d")), "Durations are not negative."),
        ({"name_fr": ""}, "This field is required."),
        ({"icon": "skull"}, "Select a valid choice."),
    ],
    ids=["longest below shortest", "nothing long", "no window", "no name", "no such icon"],
)
def test_category_that_breaks_a_rule_loses_nothing_typed(manager_client, fields, sentence):
    category = make_category()

    page = manager_client.post(reverse("settings-category", args=[category.slug]), category_data(**fields))

    assert sentence in words_of(page)
    assert 'value="Press"' in page.content.decode()
    assert Category.objects.get().name_en == "Cutting"


def test_icons_and_drawings_offered_exist():
    assert set(ICONS) <= symbols()
    assert {name for name in DRAWINGS if name} == {path.stem for path in (STATIC / "machines").glob("*.svg")}
    assert 'aria-hidden="true"' in icon("tools")

"""Groups against closures and outages: listed when something changed, warned of and never refused when reserved."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from fablab.unfit import unfit_reservations
from fablab.views.desk_groups import few
from machines.models import Machine
from people.models import Person, Site
from reservations.group import reserve_group
from reservations.models import Reservation
from reservations.series_dates import wall_interval
from tests.fablab.settings_pages import words_of
from tests.factories import make_exception, make_machine, make_outage

pytestmark = pytest.mark.django_db
MORNING, EVENING = (dt.time(10), dt.time(12)), (dt.time(19), dt.time(21))


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def day_of(site: Site, days: int = 10) -> dt.date:
    return timezone.now().astimezone(site.zone).date() + dt.timedelta(days=days)


def group(site: Site, by: Person, machine: Machine, times: tuple[dt.time, dt.time] = MORNING) -> Reservation:
    start, end = wall_interval(day_of(site), *times, site)
    return reserve_group(
        site=site, units=[machine.unit], title="Sewing workshop", start=start, end=end, by=by, now=timezone.now()
    )


@pytest.mark.parametrize(
    ("times", "exception", "is_listed"),
    [
        (MORNING, (None, None), True),
        (MORNING, ("14:00", "18:00"), True),
        (MORNING, ("09:00", "18:00"), False),
        (EVENING, ("09:00", "22:00"), False),
        (EVENING, None, False),
    ],
    ids=["closed", "other hours", "inside other hours", "open for it", "an evening of an ordinary week"],
)
def test_group_is_listed_when_a_closure_touches_it(site, manager, times, exception, is_listed):
    held = group(site, manager, make_machine(site=site), times)
    if exception:
        make_exception(site=site, date=day_of(site).isoformat(), opens=exception[0], closes=exception[1])

    found = [(unfit.reservation, unfit.reason) for unfit in unfit_reservations(site=site, now=timezone.now())]

    assert found == ([(held, "we are closed then")] if is_listed else [])


def test_call_list_names_group_and_who_reserved_it(site, manager, manager_client):
    held = group(site, manager, make_machine(site=site))
    make_exception(site=site, date=day_of(site).isoformat())

    shown = words_of(manager_client.get(reverse("settings-calls", args=[site.slug])))

    assert "Sewing workshop" in shown
    assert f"a group, reserved by {manager}" in shown
    assert "anonymous ticket" not in shown
    assert "Cancel" in words_of(manager_client.get(held.get_absolute_url()))


def test_group_with_a_broken_computer_is_listed_with_its_name(site, manager):
    broken = make_machine(site=site, name="PC 3")
    held = group(site, manager, broken)
    make_outage(machine=broken, start=timezone.now())
    make_outage(machine=make_machine(site=site, name="PC 4"), start=timezone.now())

    found = [(unfit.reservation, unfit.reason) for unfit in unfit_reservations(site=site, now=timezone.now())]

    assert found == [(held, "PC 3 is out of service")]


def test_group_fits_when_the_computer_is_back_before(site, manager):
    broken = make_machine(site=site)
    group(site, manager, broken)
    make_outage(machine=broken, start=timezone.now(), expected_end=day_of(site, 9))

    assert unfit_reservations(site=site, now=timezone.now()) == []


@pytest.mark.parametrize("is_closed", [True, False], ids=["in the closure", "when open"])
def test_booking_a_group_in_a_closure_warns_and_holds(site: Site, manager_client: Client, *, is_closed: bool) -> None:
    machine = make_machine(site=site)
    if is_closed:
        make_exception(site=site, date=day_of(site).isoformat())
    form = {"title": "Visit", "day": day_of(site).isoformat(), "opens": "10:00", "closes": "12:00", "every_weeks": "0"}

    page = manager_client.post(reverse("desk-groups"), form | {"machines": [machine.pk]}, follow=True)

    assert Reservation.objects.filter(title="Visit").exists()
    assert ("Outside the opening hours" in words_of(page)) is is_closed


def test_all_machines_of_a_kind_are_reserved_with_one_tick(site: Site, manager_client: Client) -> None:
    first = make_machine(site=site, name="PC 1")
    make_machine(site=site, name="PC 2", category=first.category)
    make_machine(site=site, name="Laser")
    form = {"title": "Visit", "day": day_of(site).isoformat(), "opens": "10:00", "closes": "12:00", "every_weeks": "0"}

    page = manager_client.post(
        reverse("desk-groups"), form | {"sets": [f"kind-{first.category_id}", "kind-0"]}, follow=True
    )

    held = Reservation.objects.get(title="Visit").held_units.values_list("unit__machine__name", flat=True)
    assert sorted(held) == ["PC 1", "PC 2"]
    assert "PC 1, PC 2" in words_of(page), "the row says what is reserved"


def test_refused_set_comes_back_as_its_machines(site: Site, manager: Person, manager_client: Client) -> None:
    first = make_machine(site=site, name="PC 1")
    second = make_machine(site=site, name="PC 2", category=first.category)
    make_outage(machine=second, start=timezone.now())
    form = {"title": "Visit", "day": day_of(site).isoformat(), "opens": "10:00", "closes": "12:00", "every_weeks": "0"}

    page = manager_client.post(reverse("desk-groups"), form | {"sets": [f"kind-{first.category_id}"]})

    ticked = page.context["form"]["machines"].value()
    assert page.status_code == 409
    assert sorted(ticked) == sorted([str(first.pk), str(second.pk)])
    assert page.context["form"]["sets"].value() == []


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, ""), (1, "1"), (5, "1, 2, 3, 4, 5"), (6, "1, 2, 3, 4 and 2 more")],
    ids=["none", "one", "one more than the most", "many"],
)
def test_few_names_then_a_number(count, words):
    assert few([str(n) for n in range(1, count + 1)]) == words

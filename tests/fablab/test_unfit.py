"""Groups against closures and outages: listed when something changed, warned of and never refused when reserved."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from fablab.unfit import unfit_reservations
from fablab.views.desk_groups import few
from machines.models import Machine, OpeningException, Season
from people.models import Notice, Person, Site
from reservations.group import reserve_group
from reservations.models import Deed, Reservation
from reservations.series_dates import wall_interval
from tests.fablab.settings_pages import words_of
from tests.fablab.test_query_counts import MOST, is_frame
from tests.factories import make_exception, make_machine, make_outage, make_person, reserve

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

    assert found == [(held, "PC 3 is out of service (Belt worn)")]


def settle_page(client: Client, site: Site, choice: str, row: Reservation, why: str = "") -> None:
    form = {"choice": choice, "reservations": [row.reference], "why": why}
    client.post(reverse("settings-calls-act", args=[site.slug]), form)


def closed_row(site: Site, title: str = "Works in the street", **holder: object) -> Reservation:
    start, end = wall_interval(day_of(site), *MORNING, site)
    row = reserve(
        machine=make_machine(site=site), start=start, end=end, holder=make_person(**holder), now=timezone.now()
    )
    OpeningException.objects.create(site=site, date=day_of(site), title=title)
    return row


CLOSED_EN = "we are closed then (Works in the street)"
CLOSED_FR = "nous sommes fermés à ce moment-là (Works in the street)"


@pytest.mark.parametrize(
    ("choice", "why", "language", "read"),
    [
        pytest.param("cancel", "", "en", CLOSED_EN, id="cancelled without a word"),
        pytest.param("cancel", "", "fr", CLOSED_FR, id="in the language of whoever reads it"),
        pytest.param("notify", "", "en", CLOSED_EN, id="told without a word"),
        pytest.param("cancel", "The roof leaks", "en", "The roof leaks", id="what was typed goes first"),
        pytest.param("keep", "", "en", "", id="kept, which nobody is told"),
    ],
)
def test_whoever_is_told_reads_why(
    site: Site, manager_client: Client, choice: str, why: str, language: str, read: str
) -> None:
    row = closed_row(site, language=language)

    settle_page(manager_client, site, choice, row, why)

    assert Deed.objects.filter(reservation=row).latest("pk").why == read
    notices = Notice.objects.filter(person=row.holder, kind__in=["reservation_cancelled", "reservation_does_not_fit"])
    assert [notice.params["why"] for notice in notices] == ([read] if read else [])


def test_page_shows_what_will_be_said(site: Site, manager_client: Client) -> None:
    closed_row(site)
    broken = make_machine(site=site)
    start, end = wall_interval(day_of(site, 11), *MORNING, site)
    reserve(machine=broken, start=start, end=end, holder=make_person(), now=timezone.now())
    make_outage(machine=broken, start=timezone.now())

    shown = words_of(manager_client.get(reverse("settings-calls", args=[site.slug])))

    assert CLOSED_EN in shown
    assert "the machine is out of service (Belt worn)" in shown
    assert "Left empty, each of them reads" in shown


def test_season_and_holiday_give_their_name(site: Site, manager_client: Client) -> None:
    row = closed_row(site, title="")
    day = day_of(site)
    OpeningException.objects.all().delete()
    Season.objects.create(site=site, name="Summer break", kind="dates", first=day, last=day)

    found = [unfit.reason for unfit in unfit_reservations(site=site, now=timezone.now())]

    assert (row.start.astimezone(site.zone).date(), found) == (day, ["we are closed then (Summer break)"])


@pytest.mark.parametrize("name", ["settings-calls", "desk-calls"])
def test_call_lists_cost_few_queries_however_long(
    site: Site, manager: Person, manager_client: Client, name: str
) -> None:
    days = {"first": day_of(site).isoformat(), "last": day_of(site).isoformat()}
    start, end = wall_interval(day_of(site), *MORNING, site)
    path = reverse(name, args=[site.slug] if name == "settings-calls" else [])
    counts = []
    for number in (1, 5):
        for _again in range(number):
            holder = make_person(phone="", guardian=make_person())
            reserve(machine=make_machine(site=site), start=start, end=end, holder=holder, now=timezone.now())
            group(site, manager, make_machine(site=site))
        OpeningException.objects.get_or_create(site=site, date=day_of(site), defaults={"title": "Works"})
        # Who is read for the first time gets a note in their file.
        manager_client.get(path, days)
        with CaptureQueriesContext(connection) as captured:
            manager_client.get(path, days)
        counts.append(len([query for query in captured.captured_queries if not is_frame(query["sql"])]))
        OpeningException.objects.all().delete()

    assert counts[0] == counts[1] <= MOST, counts


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        pytest.param({"phone": "+33 1 23"}, "+33 1 23", id="telephone"),
        pytest.param({"phone": "", "guardian_name": "Ana", "guardian_phone": "+33 9"}, "+33 9 (Ana)", id="guardian"),
        pytest.param({"phone": "", "contact_email": "a@b.example"}, "E-mail a@b.example", id="e-mail"),
        pytest.param({"phone": "", "contact_email": ""}, "no address: tell them when they come", id="nothing"),
    ],
)
def test_call_lists_say_how_somebody_is_reached(
    site: Site, manager_client: Client, holder: dict[str, str], said: str
) -> None:
    closed_row(site, **holder)
    days = {"first": day_of(site).isoformat(), "last": day_of(site).isoformat()}

    unfit = words_of(manager_client.get(reverse("settings-calls", args=[site.slug])))
    desk = words_of(manager_client.get(reverse("desk-calls"), days))

    assert (said in unfit, said in desk) == (True, True)
    assert "Telephone, or e-mail" in unfit


def test_call_lists_give_the_number_of_who_reserved_for_a_group(
    site: Site, manager: Person, manager_client: Client
) -> None:
    Person.objects.filter(pk=manager.pk).update(phone="+33 7 77")
    group(site, manager, make_machine(site=site))
    make_exception(site=site, date=day_of(site).isoformat())
    days = {"first": day_of(site).isoformat(), "last": day_of(site).isoformat()}

    unfit = words_of(manager_client.get(reverse("settings-calls", args=[site.slug])))
    desk = words_of(manager_client.get(reverse("desk-calls"), days))

    for shown in (unfit, desk):
        assert f"a group, reserved by {manager}" in shown
        assert "+33 7 77" in shown


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

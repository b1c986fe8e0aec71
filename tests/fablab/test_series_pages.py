"""A series through its pages: how it repeats, what would come of it, all of it, and many dates changed at once."""

import datetime as dt
import re
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone, translation

from machines.models import Machine
from people.models import Person
from reservations.models import Reservation, ReservationSeries, Status
from reservations.series_words import rule_words
from tests.factories import make_machine, make_person, make_site, make_staff, minutes, reserve

pytestmark = pytest.mark.django_db
WEEK = dt.timedelta(days=7)


@pytest.fixture
def machine() -> Machine:
    return make_machine(site=make_site(time_zone="UTC"), name="Loom", window=dt.timedelta(days=90))


@pytest.fixture
def camille() -> Person:
    return make_person()


@pytest.fixture
def pages(camille: Person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(camille)
    return client


@pytest.fixture
def start() -> dt.datetime:
    return (timezone.now() + dt.timedelta(days=2)).replace(hour=14, minute=0, second=0, microsecond=0)


def asked(machine: Machine, start: dt.datetime, **fields: object) -> dict[str, object]:
    return {
        "machine": machine.slug, "day": f"{start:%Y-%m-%d}", "start": "14:00", "end": "16:00", "every": "week",
        "times": "3",
    } | fields  # fmt: skip


def without_drawings(page: HttpResponse) -> str:
    return re.sub(r"<svg.*?</svg>\s*", "", page.text, flags=re.DOTALL)


def starts() -> list[dt.datetime]:
    return list(Reservation.objects.filter(status=Status.CONFIRMED, series__isnull=False).order_by("start")
                .values_list("start", flat=True))  # fmt: skip


def test_looking_reserves_nothing_and_names_the_date_in_the_way(
    pages: Client, machine: Machine, start: dt.datetime
) -> None:
    reserve(machine=machine, start=start + WEEK, end=start + WEEK + minutes(60), now=timezone.now())

    page = pages.get(f"/reserve/repeat/?{urlencode(asked(machine, start))}")

    assert "One date cannot be reserved" in page.text
    assert "Reserve these 2 dates, leave out the rest" in page.text
    assert starts() == []


def test_all_dates_are_reserved_in_one_go(pages: Client, machine: Machine, start: dt.datetime, camille: Person) -> None:
    page = pages.post("/reserve/repeat/", asked(machine, start, note="Curtains"), follow=True)

    assert "Loom: 3 dates are reserved." in page.text
    assert starts() == [start, start + WEEK, start + 2 * WEEK]
    assert set(Reservation.objects.values_list("holder", "note")) == {(camille.pk, "Curtains")}


def test_date_taken_meanwhile_refuses_all_of_them_with_the_reasons(
    pages: Client, machine: Machine, start: dt.datetime
) -> None:
    reserve(machine=machine, start=start + WEEK, end=start + WEEK + minutes(60), now=timezone.now())

    refused = pages.post("/reserve/repeat/", asked(machine, start))
    skipped = pages.post("/reserve/repeat/", asked(machine, start, leave_out="1"), follow=True)

    assert (refused.status_code, "Nothing was reserved" in refused.text) == (409, True)
    assert "Loom: 2 dates are reserved." in skipped.text
    assert starts() == [start, start + 2 * WEEK]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"times": ""}, "Say how many times", id="no end"),
        pytest.param({"times": "3", "until": "2199-01-01"}, "not both", id="two ends"),
        pytest.param({"times": "61"}, "less than or equal to 60", id="too many"),
        pytest.param({"times": "", "until": "2199-01-01", "every": "day"}, "more than 60", id="too far"),
        pytest.param({"every": "hour"}, "Select a valid choice", id="not offered"),
        pytest.param({"times": "", "until": "2001-01-01"}, "comes after the first", id="over before it begins"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_lost(
    pages: Client, machine: Machine, start: dt.datetime, fields: dict[str, str], said: str
) -> None:
    page = pages.post("/reserve/repeat/", asked(machine, start, **fields))

    assert page.status_code == 400
    assert said in page.text
    assert 'name="start" value="14:00"' in page.text


def test_link_cut_short_goes_back_to_choosing(pages: Client, machine: Machine) -> None:
    page = pages.get(f"/reserve/repeat/?machine={machine.slug}&day=nonsense")

    assert page["Location"] == f"/reserve/?machine={machine.slug}"


def test_team_repeats_for_somebody(machine: Machine, start: dt.datetime, camille: Person) -> None:
    staff = make_staff(site=machine.site)
    client = Client()
    client.force_login(staff)

    client.post("/reserve/repeat/", asked(machine, start) | {"for": camille.reference})

    assert set(Reservation.objects.values_list("holder", "created_by")) == {(camille.pk, staff.pk)}


def test_following_dates_are_moved_together(pages: Client, machine: Machine, start: dt.datetime) -> None:
    pages.post("/reserve/repeat/", asked(machine, start))
    second = Reservation.objects.order_by("start")[1]

    page = pages.post(f"/reservations/{second.reference}/dates/move/", {
        "move-day": f"{second.start:%Y-%m-%d}", "move-start": "15:00", "move-end": "17:00", "move-scope": "following",
    }, follow=True)  # fmt: skip

    hour = minutes(60)
    assert "2 dates were moved." in page.text
    assert starts() == [start, start + WEEK + hour, start + 2 * WEEK + hour]
    assert ReservationSeries.objects.count() == 2


def test_parted_series_lead_to_each_other(pages: Client, machine: Machine, start: dt.datetime) -> None:
    pages.post("/reserve/repeat/", asked(machine, start))
    first, second, _third = Reservation.objects.order_by("start")
    before = pages.get(f"/reservations/{first.reference}/dates/")
    pages.post(f"/reservations/{second.reference}/dates/move/", {
        "move-day": f"{second.start:%Y-%m-%d}", "move-start": "15:00", "move-end": "17:00", "move-scope": "following",
    })  # fmt: skip

    old = pages.get(f"/reservations/{first.reference}/dates/")
    new = pages.get(f"/reservations/{second.reference}/dates/")

    def to(row: Reservation, words: str) -> str:
        return f'<a href="/reservations/{row.reference}/dates/">{words}</a>'

    found = [without_drawings(page) for page in (before, old, new)]
    assert [to(second, "The dates after these") in page for page in found] == [False, True, False]
    assert [to(first, "The dates before these") in page for page in found] == [False, False, True]


@pytest.mark.parametrize("scope", ["all", "following"])
def test_rule_is_not_said_once_all_dates_are_cancelled(
    pages: Client, machine: Machine, start: dt.datetime, scope: str
) -> None:
    pages.post("/reserve/repeat/", asked(machine, start))
    second = Reservation.objects.order_by("start")[1]

    page = pages.post(f"/reservations/{second.reference}/dates/cancel/", {"cancel-scope": scope}, follow=True)

    assert ("All dates cancelled" in page.text, "Every week" in page.text) == (scope == "all", scope != "all")


def test_one_date_in_the_way_leaves_all_where_they_were_and_offers_to_leave_it(
    pages: Client, machine: Machine, start: dt.datetime
) -> None:
    pages.post("/reserve/repeat/", asked(machine, start))
    first = Reservation.objects.order_by("start")[0]
    reserve(machine=machine, start=start + WEEK + minutes(120), end=start + WEEK + minutes(180), now=timezone.now())
    form = {
        "move-day": f"{first.start:%Y-%m-%d}", "move-start": "15:00", "move-end": "17:00", "move-scope": "all",
    }  # fmt: skip

    refused = pages.post(f"/reservations/{first.reference}/dates/move/", form)
    moved = pages.post(f"/reservations/{first.reference}/dates/move/", form | {"leave_out": "1"}, follow=True)

    assert (refused.status_code, "Move the others, leave these as they are" in refused.text) == (409, True)
    assert ("2 dates were moved." in moved.text, "One date stays as it was." in moved.text) == (True, True)
    assert starts() == [start + minutes(60), start + WEEK, start + 2 * WEEK + minutes(60)]


@pytest.mark.parametrize(
    ("lasts", "said"),
    [(dt.timedelta(hours=2), ""), (dt.timedelta(hours=10), ""), (dt.timedelta(hours=12), "1 night later, as now"),
     (dt.timedelta(days=3), "3 nights later, as now")],
    ids=["an afternoon", "until midnight", "over night", "days"],
)  # fmt: skip
def test_move_of_dates_says_how_many_nights_each_lasts(
    pages: Client, camille: Person, start: dt.datetime, lasts: dt.timedelta, said: str
) -> None:
    site = make_site(time_zone="UTC")
    loom = make_machine(site=site, longest=dt.timedelta(days=5), window=dt.timedelta(days=90))
    made = reserve(machine=loom, start=start, end=start + lasts, holder=camille, now=timezone.now())
    series = ReservationSeries.objects.create(
        site=site, machine=loom, rule="FREQ=WEEKLY;COUNT=3", created_at=timezone.now()
    )
    Reservation.objects.filter(pk=made.pk).update(series=series)

    form = pages.get(f"/reservations/{made.reference}/dates/").context["move_form"]

    assert form.fields["end"].help_text == said


def test_end_before_the_start_is_a_slip_not_a_night(pages: Client, machine: Machine, start: dt.datetime) -> None:
    pages.post("/reserve/repeat/", asked(machine, start))
    first = Reservation.objects.order_by("start")[0]

    page = pages.post(f"/reservations/{first.reference}/dates/move/", {
        "move-day": f"{first.start:%Y-%m-%d}", "move-start": "16:00", "move-end": "14:00", "move-scope": "all",
    })  # fmt: skip

    assert (page.status_code, "The end comes after the start." in page.text) == (400, True)
    assert starts() == [start, start + WEEK, start + 2 * WEEK]


def test_the_rest_is_cancelled(pages: Client, machine: Machine, start: dt.datetime) -> None:
    pages.post("/reserve/repeat/", asked(machine, start))
    second = Reservation.objects.order_by("start")[1]

    page = pages.post(f"/reservations/{second.reference}/dates/cancel/", {"cancel-scope": "following"}, follow=True)

    assert "2 dates were cancelled." in page.text
    assert starts() == [start]


@pytest.mark.parametrize(("verdict", "status"), [("approve", Status.CONFIRMED), ("refuse", Status.REFUSED)])
def test_one_answer_goes_to_all_dates_that_wait(start: dt.datetime, camille: Person, verdict: str, status: str) -> None:
    machine = make_machine(
        site=make_site(time_zone="UTC"), name="Loom", window=dt.timedelta(days=90), needs_approval=True
    )
    maker, team = Client(), Client(headers={"accept-language": "en"})
    maker.force_login(camille)
    team.force_login(make_staff(site=machine.site))
    maker.post("/reserve/repeat/", asked(machine, start))
    first = Reservation.objects.order_by("start")[0]

    page = team.get("/manage/requests/")
    answered = team.post(
        f"/manage/requests/{first.reference}/{verdict}/", {"decision": "Fine by us", "all_dates": "1"}, follow=True
    )

    assert "The same answer to all 3 dates of this series" in page.text
    assert "said to 3 dates." in answered.text
    assert set(Reservation.objects.values_list("status", "decision")) == {(status, "Fine by us")}


TWO_DAYS = "every 2 weeks, on Tuesday and Thursday, 8 times"
THIRD_TUESDAY = "every month, the third Tuesday of the month, until 19 May 2026"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=8", TWO_DAYS, id="two days"),
        pytest.param("FREQ=MONTHLY;INTERVAL=1;BYDAY=3TU;UNTIL=20260519", THIRD_TUESDAY, id="month"),
        pytest.param("FREQ=DAILY;COUNT=1", "every day, once", id="day"),
        pytest.param("FREQ=HOURLY;COUNT=1", "FREQ=HOURLY;COUNT=1", id="of a program"),
    ],
)
def test_rule_is_said_in_words(rule: str, words: str) -> None:
    with translation.override("en"):
        assert rule_words(rule) == words

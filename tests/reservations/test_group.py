"""What the team holds for a group: all of it or nothing, once or as a series, never over somebody's time."""

import datetime as dt

import pytest

from machines.models import Room, Unit
from people.models import Person, Site
from reservations.errors import ReservationRefused, WrongState
from reservations.group import reserve_group, reserve_series
from reservations.life import check_in, finish_reservation
from reservations.models import HeldUnit, Reservation, ReservationSeries, Status
from reservations.selectors import held_names, public_events
from reservations.series import Scope, cancel_dates
from reservations.series_dates import series_days, wall_interval
from reservations.services import cancel_reservation, move_reservation
from tests.factories import NOW, PARIS, at, make_machine, make_outage, make_person, make_room, make_site, reserve

pytestmark = pytest.mark.django_db
TUESDAY = dt.date(2026, 3, 17)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def staff() -> Person:
    return make_person()


def room_of(site: Site, name: str = "Textile") -> Room:
    room = make_room(site=site, name=name)
    room.unit = Unit.objects.create(site=site, kind=Unit.Kind.ROOM)
    room.save()
    return room


def weekly(site: Site, units: list[Unit], staff: Person, *, count: int = 4, is_skipping_taken: bool = False):
    return reserve_series(
        site=site, units=units, title="Sewing", first_day=TUESDAY, opens=dt.time(14), closes=dt.time(16),
        rule=f"FREQ=WEEKLY;COUNT={count}", by=staff, now=NOW, is_skipping_taken=is_skipping_taken,
    )  # fmt: skip


def test_group_holds_a_room_and_its_machines(site: Site, staff: Person) -> None:
    room, machines = room_of(site), [make_machine(site=site, name=f"PC {n}") for n in range(8)]
    units = [room.unit, *(machine.unit for machine in machines)]

    made = reserve_group(site=site, units=units, title="Sewing", start=at("14:00"), end=at("16:00"), by=staff, now=NOW)

    assert (made.machine, made.holder, made.title, made.status) == (None, None, "Sewing", Status.CONFIRMED)
    assert held_names(made) == ["Textile", *(f"PC {n}" for n in range(8))]


def test_group_is_refused_whole_and_names_each_thing_in_the_way(site: Site, staff: Person) -> None:
    free, taken, broken = (make_machine(site=site, name=name) for name in ("Free", "Taken", "Broken"))
    reserve(machine=taken, start=at("15:00"), end=at("17:00"))
    make_outage(machine=broken, start=NOW)

    with pytest.raises(ReservationRefused) as refusal:
        reserve_group(
            site=site, units=[free.unit, taken.unit, broken.unit], title="Sewing", start=at("14:00"),
            end=at("16:00"), by=staff, now=NOW,
        )  # fmt: skip

    found = [(denial.code, denial.params.get("what")) for denial in refusal.value.denials]
    assert found == [("taken", "Taken"), ("machine_unavailable", "Broken")]
    assert not Reservation.objects.exclude(machine=taken).exists()


def test_member_cannot_reserve_what_a_group_holds(site: Site, staff: Person) -> None:
    machine = make_machine(site=site)
    reserve_group(
        site=site, units=[machine.unit], title="Sewing", start=at("14:00"), end=at("16:00"), by=staff, now=NOW
    )

    with pytest.raises(ReservationRefused) as refusal:
        reserve(machine=machine, start=at("15:00"), end=at("16:00"))

    assert [denial.code for denial in refusal.value.denials] == ["taken"]


def test_opening_hours_are_the_teams_own_affair(staff: Person) -> None:
    site = make_site(hours={})
    room = room_of(site)

    made = reserve_group(
        site=site, units=[room.unit], title="Night", start=at("22:00"), end=at("23:30"), by=staff, now=NOW
    )

    assert made.status == Status.CONFIRMED


def test_units_of_two_sites_are_not_one_group(site: Site, staff: Person) -> None:
    other = room_of(make_site(), "Far away")

    with pytest.raises(ValueError, match="one site"):
        reserve_group(
            site=site, units=[other.unit], title="Sewing", start=at("14:00"), end=at("16:00"), by=staff, now=NOW
        )


def test_series_keeps_its_clock_time_over_the_change(site: Site, staff: Person) -> None:
    report = weekly(site, [room_of(site).unit], staff)

    clocks = [reservation.start.astimezone(PARIS).strftime("%d %H:%M") for reservation in report.made]
    offsets = [reservation.start.hour for reservation in report.made]
    assert clocks == ["17 14:00", "24 14:00", "31 14:00", "07 14:00"]
    assert offsets == [13, 13, 12, 12]


def test_series_is_all_or_nothing_and_says_which_date(site: Site, staff: Person) -> None:
    machine = make_machine(site=site)
    reserve(machine=machine, start=at("2026-03-24 15:00"), end=at("2026-03-24 17:00"))

    report = weekly(site, [machine.unit], staff)

    assert (report.series, report.made) == (None, [])
    assert [refused.day for refused in report.refused] == [dt.date(2026, 3, 24)]
    assert not ReservationSeries.objects.exists()


def test_series_may_leave_out_what_is_taken(site: Site, staff: Person) -> None:
    machine = make_machine(site=site)
    reserve(machine=machine, start=at("2026-03-24 15:00"), end=at("2026-03-24 17:00"))

    report = weekly(site, [machine.unit], staff, is_skipping_taken=True)

    assert [reservation.start.astimezone(PARIS).day for reservation in report.made] == [17, 31, 7]
    assert [refused.day for refused in report.refused] == [dt.date(2026, 3, 24)]


def test_cancelling_the_rest_of_a_series_keeps_what_came_before(site: Site, staff: Person) -> None:
    report = weekly(site, [room_of(site).unit], staff)

    count = len(cancel_dates(reservation=report.made[2], scope=Scope.FOLLOWING, by=staff, now=NOW).made)

    statuses = list(Reservation.objects.order_by("start").values_list("status", flat=True))
    assert count == 2
    assert statuses == ["confirmed", "confirmed", "cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param("FREQ=WEEKLY", "no end", id="for ever"),
        pytest.param("FREQ=DAILY;COUNT=100", "too many", id="a hundred days"),
        pytest.param("FREQ=WEEKLY;UNTIL=20200101T000000", "no date", id="over before it begins"),
        pytest.param("FREQ=WEEKLY;COUNT=3;UNTIL=20270101", "or two", id="two ends"),
        pytest.param("FREQ=DAILY;INTERVAL=0;COUNT=3", "every 1 to 99", id="every nothing"),
        pytest.param("FREQ=SECONDLY;COUNT=3", "daily, weekly or monthly", id="every second"),
        pytest.param("FREQ=DAILY;BYMONTHDAY=31;COUNT=3", "only a monthly", id="days of the month"),
        pytest.param("FREQ=WEEKLY;BYHOUR=3;COUNT=3", "not understood", id="hours"),
        pytest.param("FREQ=MONTHLY;BYDAY=XX;COUNT=3", "not|read|Unknown|XX", id="no such day"),
        pytest.param("FREQ=NEVER;COUNT=3", "daily, weekly or monthly", id="no rule"),
    ],
)
def test_rule_without_a_sensible_end_is_refused(rule: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        series_days(TUESDAY, rule)


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        pytest.param("14:00", "16:00", ("03-17 14:00", "03-17 16:00"), id="afternoon"),
        pytest.param("20:00", "00:00", ("03-17 20:00", "03-18 00:00"), id="until midnight"),
        pytest.param("22:00", "02:00", ("03-17 22:00", "03-18 02:00"), id="into the night"),
    ],
)
def test_wall_times_become_instants(site: Site, opens: str, closes: str, expected: tuple[str, str]) -> None:
    start, end = wall_interval(TUESDAY, dt.time.fromisoformat(opens), dt.time.fromisoformat(closes), site)

    assert (f"{start.astimezone(PARIS):%m-%d %H:%M}", f"{end.astimezone(PARIS):%m-%d %H:%M}") == expected


def test_group_finished_early_gives_everything_back(site: Site, staff: Person) -> None:
    units = [make_machine(site=site).unit for _n in range(3)]
    made = reserve_group(site=site, units=units, title="Visit", start=NOW, end=at("16:00"), by=staff, now=NOW)
    check_in(reservation=made, now=NOW)

    finish_reservation(reservation=made, now=at("10:00"), by=staff)

    assert {held.period.upper for held in HeldUnit.objects.all()} == {at("10:00")}


def test_group_cancelled_frees_its_units(site: Site, staff: Person) -> None:
    machine = make_machine(site=site)
    made = reserve_group(
        site=site, units=[machine.unit], title="Visit", start=at("14:00"), end=at("16:00"), by=staff, now=NOW
    )

    cancel_reservation(reservation=made, by=staff, now=NOW)

    assert reserve(machine=machine, start=at("14:00"), end=at("15:00")).status == Status.CONFIRMED


def test_group_is_not_moved_like_a_machine(site: Site, staff: Person) -> None:
    made = reserve_group(
        site=site, units=[make_machine(site=site).unit], title="Visit", start=at("14:00"), end=at("16:00"), by=staff,
        now=NOW,
    )  # fmt: skip

    with pytest.raises(WrongState) as error:
        move_reservation(reservation=made, start=at("15:00"), end=at("17:00"), by=staff, now=NOW)

    assert error.value.code == "held_for_a_group"


def test_public_events_are_titles_only(site: Site, staff: Person) -> None:
    reserve(machine=make_machine(site=site), start=at("14:00"), end=at("15:00"))
    made = reserve_group(
        site=site, units=[room_of(site).unit], title="Visit", start=at("14:00"), end=at("16:00"), by=staff, now=NOW
    )

    found = list(public_events(sites=[site], start=NOW, end=NOW + dt.timedelta(days=1)))

    assert found == [made]

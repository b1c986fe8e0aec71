"""A series of one's own: every date by the rules, all or none or all but; this date, the following, or all."""

import datetime as dt
import threading
from dataclasses import replace

import pytest
from django.conf import settings
from django.db import connection

from machines.models import Machine
from people.models import Notice, Person, Role
from reservations.credits import give_credits
from reservations.errors import WrongState
from reservations.models import HeldUnit, Quota, Refusal, Reservation, ReservationSeries, Status, WaitingEntry
from reservations.series import Scope, cancel_dates, move_dates, rehearse_dates, reserve_dates
from reservations.series_dates import series_days
from reservations.services import move_reservation
from reservations.waiting import join_waiting
from reservations.wishes import Wish
from tests.factories import NOW, PARIS, at, make_machine, make_outage, make_person, make_site, make_staff, reserve

pytestmark = pytest.mark.django_db
WEEKLY = "FREQ=WEEKLY;COUNT=4"
DAYS = ["03-17", "03-24", "03-31", "04-07"]


@pytest.fixture
def machine() -> Machine:
    machine = make_machine(site=make_site(), window=dt.timedelta(days=60))
    return Machine.objects.with_places().get(pk=machine.pk)


@pytest.fixture
def camille() -> Person:
    return make_person()


def tuesdays(machine: Machine, holder: Person, **fields: object) -> Wish:
    return Wish(machine, at("2026-03-17 14:00"), at("2026-03-17 16:00"), holder, holder, **fields)  # type: ignore[arg-type]


def days(rows: list[Reservation]) -> list[str]:
    return [f"{row.start.astimezone(PARIS):%m-%d}" for row in rows]


def clocks(series: ReservationSeries | None) -> list[str]:
    rows = Reservation.objects.filter(series=series).order_by("start")
    return [f"{row.start.astimezone(PARIS):%m-%d %H:%M}–{row.end.astimezone(PARIS):%H:%M}" for row in rows]


def four_tuesdays(machine: Machine, holder: Person) -> list[Reservation]:
    return reserve_dates(tuesdays(machine, holder), WEEKLY, NOW, is_skipping=False).made


def test_series_holds_every_date_at_the_same_local_time(machine: Machine, camille: Person) -> None:
    report = reserve_dates(tuesdays(machine, camille), WEEKLY, NOW, is_skipping=False)

    # The clocks change on the 29th.
    assert clocks(report.series) == [f"{day} 14:00–16:00" for day in DAYS]
    assert HeldUnit.objects.filter(reservation__series=report.series, is_holding=True).count() == 4
    assert [row.series_date for row in report.made] == [row.start.astimezone(PARIS).date() for row in report.made]


def test_one_taken_date_refuses_the_whole_series_and_is_named(machine: Machine, camille: Person) -> None:
    reserve(machine=machine, start=at("2026-03-24 15:00"), end=at("2026-03-24 17:00"))

    report = reserve_dates(tuesdays(machine, camille), WEEKLY, NOW, is_skipping=False)

    assert (report.series, report.made) == (None, [])
    assert [(date.day, date.denials[0].code) for date in report.refused] == [(dt.date(2026, 3, 24), "taken")]
    assert not Reservation.objects.filter(holder=camille).exists()
    assert not ReservationSeries.objects.exists()
    assert Refusal.objects.filter(start=at("2026-03-24 14:00"), origin="series").count() == 1


def test_series_may_leave_out_what_is_refused(machine: Machine, camille: Person) -> None:
    reserve(machine=machine, start=at("2026-03-24 15:00"), end=at("2026-03-24 17:00"))

    report = reserve_dates(tuesdays(machine, camille), WEEKLY, NOW, is_skipping=True)

    assert days(report.made) == ["03-17", "03-31", "04-07"]
    assert [date.day for date in report.refused] == [dt.date(2026, 3, 24)]


def test_dates_of_a_series_count_against_limits_among_themselves(camille: Person) -> None:
    limited = make_machine(site=make_site(), window=dt.timedelta(days=60))
    Quota.objects.create(measure="count", period="to_come", most=2)

    report = reserve_dates(tuesdays(limited, camille), WEEKLY, NOW, is_skipping=True)

    assert days(report.made) == ["03-17", "03-24"]
    assert {date.denials[0].code for date in report.refused} == {"too_many_open"}


def test_credits_are_taken_for_each_date_and_never_below_nothing(camille: Person) -> None:
    paid = make_machine(site=make_site(), window=dt.timedelta(days=60), credits_per_hour=1)
    lot = give_credits(person=camille, amount=5, by=None, now=NOW)

    report = reserve_dates(tuesdays(paid, camille), WEEKLY, NOW, is_skipping=True)

    lot.refresh_from_db()
    assert (len(report.made), lot.left) == (2, 1)


def test_rehearsal_says_what_would_come_of_it_and_leaves_nothing(machine: Machine, camille: Person) -> None:
    reserve(machine=machine, start=at("2026-03-24 15:00"), end=at("2026-03-24 17:00"))
    make_outage(machine=machine, start=at("2026-04-07 08:00"), end=at("2026-04-07 20:00"))

    report = rehearse_dates(tuesdays(machine, camille), WEEKLY, NOW)

    codes = [date.denials[0].code for date in report.refused]
    assert (days(report.made), codes) == (["03-17", "03-31"], ["taken", "machine_unavailable"])
    assert not Reservation.objects.filter(holder=camille).exists()
    assert not ReservationSeries.objects.exists()
    assert not Refusal.objects.exists()


def test_nobody_slips_in_front_of_those_who_wait(machine: Machine, camille: Person) -> None:
    first = reserve(machine=machine, start=at("2026-03-24 14:00"), end=at("2026-03-24 16:00"))
    waits = make_person()
    join_waiting(machine=machine, person=waits, start=first.start, end=first.end, by=waits, now=NOW)
    Reservation.objects.filter(pk=first.pk).update(status=Status.CANCELLED, cancelled_at=NOW)

    report = reserve_dates(tuesdays(machine, camille), WEEKLY, NOW, is_skipping=True)

    assert days(report.made) == ["03-17", "03-31", "04-07"]
    assert WaitingEntry.objects.get().state == WaitingEntry.State.OFFERED


def test_team_reserves_a_series_for_somebody_who_is_told_once(machine: Machine, camille: Person) -> None:
    staff = make_staff(site=machine.site, role=Role.MEDIATOR)

    reserve_dates(replace(tuesdays(machine, camille), by=staff), WEEKLY, NOW, is_skipping=False)

    told = Notice.objects.filter(person=camille, due_at=NOW)
    assert [notice.kind for notice in told] == ["series_made"]


def test_series_that_needs_a_yes_asks_the_team_once(camille: Person) -> None:
    asked = make_machine(site=make_site(), window=dt.timedelta(days=60), needs_approval=True)
    staff = make_staff(site=asked.site)

    report = reserve_dates(tuesdays(asked, camille), WEEKLY, NOW, is_skipping=False)

    assert {row.status for row in report.made} == {Status.PENDING}
    assert Notice.objects.filter(person=staff, kind="request_waiting").count() == 1


def test_this_date_alone_is_moved(machine: Machine, camille: Person) -> None:
    made = four_tuesdays(machine, camille)

    move_dates(
        reservation=made[1], scope=Scope.THIS, start=at("2026-03-25 10:00"), end=at("2026-03-25 11:00"), by=camille,
        now=NOW,
    )  # fmt: skip

    assert clocks(made[0].series) == [
        "03-17 14:00–16:00", "03-25 10:00–11:00", "03-31 14:00–16:00", "04-07 14:00–16:00",
    ]  # fmt: skip
    assert Reservation.objects.get(pk=made[1].pk).series_date == dt.date(2026, 3, 24)


def test_the_following_become_a_series_that_continues_the_first(machine: Machine, camille: Person) -> None:
    made = four_tuesdays(machine, camille)

    report = move_dates(
        reservation=made[2], scope=Scope.FOLLOWING, start=at("2026-03-31 15:00"), end=at("2026-03-31 18:00"),
        by=camille, now=NOW,
    )  # fmt: skip

    old = ReservationSeries.objects.get(pk=made[0].series_id)
    assert report.series is not None
    assert report.series.continues == old
    assert clocks(old) == ["03-17 14:00–16:00", "03-24 14:00–16:00"]
    assert clocks(report.series) == ["03-31 15:00–18:00", "04-07 15:00–18:00"]
    assert (old.rule, report.series.rule) == ("FREQ=WEEKLY;UNTIL=20260324", "FREQ=WEEKLY;UNTIL=20260407")


def test_all_to_come_move_to_another_day_and_machine(machine: Machine, camille: Person) -> None:
    made = reserve_dates(tuesdays(machine, camille), "FREQ=WEEKLY;BYDAY=TU;COUNT=4", NOW, is_skipping=False).made
    twin = Machine.objects.with_places().get(
        pk=make_machine(site=machine.site, category=machine.category, window=dt.timedelta(days=60)).pk
    )

    report = move_dates(
        reservation=made[1], scope=Scope.ALL, start=at("2026-03-25 14:00"), end=at("2026-03-25 16:00"), by=camille,
        now=NOW, machine=twin,
    )  # fmt: skip

    assert clocks(report.series) == [f"{day} 14:00–16:00" for day in ("03-18", "03-25", "04-01", "04-08")]
    assert report.series is not None
    assert report.series.rule == "FREQ=WEEKLY;BYDAY=WE;UNTIL=20260408"
    assert {row.machine_id for row in Reservation.objects.filter(series=report.series)} == {twin.pk}
    assert not HeldUnit.objects.filter(unit=machine.unit, is_holding=True).exists()


@pytest.mark.parametrize("days_later", [pytest.param(1, id="a day later"), pytest.param(-1, id="a day earlier")])
def test_dates_of_a_series_are_not_in_each_others_way(camille: Person, days_later: int) -> None:
    machine = make_machine(site=make_site(), window=dt.timedelta(days=60), longest=dt.timedelta(days=1))
    wish = Wish(machine, at("2026-03-17 08:00"), at("2026-03-18 08:00"), camille, camille)
    made = reserve_dates(wish, "FREQ=DAILY;COUNT=3", NOW, is_skipping=False).made
    shift = dt.timedelta(days=days_later)

    report = move_dates(
        reservation=made[0], scope=Scope.ALL, start=made[0].start + shift, end=made[0].end + shift, by=camille, now=NOW
    )

    assert [row.start for row in report.made] == [row.start + shift for row in made]


def test_nothing_is_moved_when_one_date_cannot_be(machine: Machine, camille: Person) -> None:
    made = four_tuesdays(machine, camille)
    reserve(machine=machine, start=at("2026-04-07 17:00"), end=at("2026-04-07 18:00"))
    wanted = {"start": at("2026-03-24 15:00"), "end": at("2026-03-24 18:00"), "by": camille, "now": NOW}

    report = move_dates(reservation=made[1], scope=Scope.FOLLOWING, **wanted)
    skipping = move_dates(reservation=made[1], scope=Scope.FOLLOWING, is_skipping=True, **wanted)

    assert (report.made, [date.day for date in report.refused]) == ([], [dt.date(2026, 4, 7)])
    assert clocks(skipping.series) == ["03-24 15:00–18:00", "03-31 15:00–18:00", "04-07 14:00–16:00"]


def test_monthly_series_keeps_its_days(camille: Person) -> None:
    machine = make_machine(site=make_site(), window=dt.timedelta(days=200))
    made = reserve_dates(tuesdays(machine, camille), "FREQ=MONTHLY;BYDAY=3TU;COUNT=3", NOW, is_skipping=False).made

    with pytest.raises(WrongState, match="series_keeps_its_days"):
        move_dates(
            reservation=made[0], scope=Scope.ALL, start=at("2026-03-18 14:00"), end=at("2026-03-18 16:00"), by=camille,
            now=NOW,
        )  # fmt: skip

    assert days(list(Reservation.objects.order_by("start"))) == ["03-17", "04-21", "05-19"]


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        pytest.param(Scope.THIS, ["03-17", "03-24", "04-07"], id="this one"),
        pytest.param(Scope.FOLLOWING, ["03-17", "03-24"], id="this and the following"),
        pytest.param(Scope.ALL, [], id="all"),
    ],
)
def test_cancelling_means_as_many_dates_as_is_said(
    machine: Machine, camille: Person, scope: Scope, left: list[str]
) -> None:
    made = four_tuesdays(machine, camille)

    cancel_dates(reservation=made[2], scope=scope, by=camille, now=NOW)

    assert days(list(Reservation.objects.filter(status=Status.CONFIRMED).order_by("start"))) == left


def test_date_that_wants_more_notice_is_not_cancelled_and_is_named(camille: Person) -> None:
    strict = make_machine(site=make_site(), window=dt.timedelta(days=60), cancel_notice=dt.timedelta(days=10))
    made = four_tuesdays(strict, camille)

    report = cancel_dates(reservation=made[0], scope=Scope.ALL, by=camille, now=NOW)

    assert [date.day for date in report.refused] == [dt.date(2026, 3, 17)]
    assert days(report.made) == ["03-24", "03-31", "04-07"]


def test_moving_earlier_leaves_no_empty_series_behind(machine: Machine, camille: Person) -> None:
    made = four_tuesdays(machine, camille)

    alone = move_dates(
        reservation=made[0], scope=Scope.ALL, start=at("2026-03-17 13:00"), end=at("2026-03-17 15:00"), by=camille,
        now=NOW,
    )  # fmt: skip
    third = Reservation.objects.with_places().get(pk=made[2].pk)
    parted = move_dates(
        reservation=third, scope=Scope.FOLLOWING, start=at("2026-03-31 12:00"), end=at("2026-03-31 14:00"),
        by=camille, now=NOW,
    )  # fmt: skip

    assert alone.series == made[0].series
    assert clocks(made[0].series) == ["03-17 13:00–15:00", "03-24 13:00–15:00"]
    assert clocks(parted.series) == ["03-31 12:00–14:00", "04-07 12:00–14:00"]
    assert ReservationSeries.objects.get(pk=made[0].series_id).rule == "FREQ=WEEKLY;UNTIL=20260324"


def test_each_date_stays_on_its_machine_where_none_is_named(machine: Machine, camille: Person) -> None:
    made = four_tuesdays(machine, camille)
    twin = make_machine(site=machine.site, category=machine.category, window=dt.timedelta(days=60))
    move_reservation(reservation=made[1], start=made[1].start, end=made[1].end, by=camille, now=NOW, machine=twin)

    move_dates(
        reservation=made[0], scope=Scope.ALL, start=at("2026-03-17 15:00"), end=at("2026-03-17 17:00"), by=camille,
        now=NOW,
    )  # fmt: skip

    found = Reservation.objects.order_by("start").values_list("machine", flat=True)
    assert list(found) == [machine.pk, twin.pk, machine.pk, machine.pk]


def test_date_moved_to_another_site_is_that_teams(machine: Machine, camille: Person) -> None:
    made = four_tuesdays(machine, camille)
    elsewhere = make_machine(site=make_site(), window=dt.timedelta(days=60))
    move_reservation(reservation=made[3], start=made[3].start, end=made[3].end, by=camille, now=NOW, machine=elsewhere)

    cancel_dates(reservation=made[0], scope=Scope.ALL, by=make_staff(site=machine.site), now=NOW)

    assert days(list(Reservation.objects.filter(status=Status.CONFIRMED))) == ["04-07"]


@pytest.mark.parametrize(
    "rule",
    ["FREQ=DAILY;COUNT=3 RDATE:20260105T000000", "FREQ=WEEKLY;COUNT=3\nEXRULE:FREQ=SECONDLY"],
    ids=["another date", "another rule"],
)
def test_rule_is_one_line(rule: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        series_days(dt.date(2026, 3, 17), rule)


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
def test_series_and_single_reservations_never_hold_one_time_twice() -> None:
    machine = make_machine(site=make_site(), window=dt.timedelta(days=60))
    people = [make_person() for _ in range(4)]
    barrier = threading.Barrier(len(people))
    made: list[Reservation] = []

    def ask(person: Person) -> None:
        try:
            barrier.wait()
            made.extend(reserve_dates(tuesdays(machine, person), WEEKLY, NOW, is_skipping=True).made)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(days(made)) == DAYS
    assert HeldUnit.objects.filter(is_holding=True).count() == len(DAYS)

"""What is lent and not back in time is promised to nobody; who is reminded, warned and told."""

import datetime as dt

import pytest
from django.utils import translation

from machines.closing_services import declare_outage, lift_outage
from machines.models import Outage
from people.models import Delivery, Notice
from reservations.errors import ReservationRefused, WrongState
from reservations.life import close_ended_reservations
from reservations.loans import hand_over, take_back
from reservations.models import Condition, Reservation, Status
from reservations.overdue import GRACE, overdue_outages, watch_overdue
from reservations.services import move_reservation
from tests.factories import (
    at,
    make_machine,
    make_person,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

GOOD, WORN, DAMAGED, MISSING = Condition
WEDNESDAY_TEN, THURSDAY_TEN = at("10:00"), at("2026-03-12 10:00")
FRIDAY_TEN, SATURDAY_TEN = at("2026-03-13 10:00"), at("2026-03-14 10:00")
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def codes(refused):
    return [denial.code for denial in refused.value.denials]


def status_of(loan):
    return Reservation.objects.get(pk=loan.reservation_id).status


def kinds_told(person, **more):
    return [notice.kind for notice in Notice.objects.filter(person=person, kind__startswith="loan", **more)]


# Not back in time.


@pytest.mark.parametrize("sweeps", [1, 2], ids=["once", "twice"])
def test_loan_that_is_out_at_its_end_stays_in_use(out, sweeps):
    counts = [close_ended_reservations(now=THURSDAY_TEN + minutes(n)) for n in range(sweeps)]

    assert (sum(counts), status_of(out)) == (0, Status.IN_USE)


def test_loan_that_nobody_fetched_was_not_used(borrowed):
    close_ended_reservations(now=THURSDAY_TEN)

    assert Reservation.objects.get(pk=borrowed.pk).status == Status.NO_SHOW


@pytest.mark.parametrize(
    "sweeps",
    [[0], [0, 0], [0, 1, 2], [180], [3000, 3000]],
    ids=["on time", "doubled", "each minute", "three hours late", "days late and doubled"],
)
def test_overdue_thing_is_out_of_service_from_when_it_was_due_whenever_the_sweep_comes(out, laptop, sweeps):
    for late in sweeps:
        watch_overdue(THURSDAY_TEN + GRACE + minutes(late))

    outage = Outage.objects.get()
    assert (outage.machine, outage.kind, outage.start, outage.end) == (laptop, "to_check", THURSDAY_TEN, None)
    assert outage.reason == "Prêté, pas encore rendu." or outage.reason == "Lent and not back yet."
    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=laptop, start=SATURDAY_TEN, end=at("2026-03-14 12:00"), holder=make_person())
    assert codes(refused) == ["machine_unavailable"]


def test_whoever_stands_in_the_queue_is_not_late(out):
    assert watch_overdue(THURSDAY_TEN + GRACE - minutes(1)) == 0


def test_take_back_lifts_what_was_declared(out, laptop, mediator):
    watch_overdue(THURSDAY_TEN + GRACE)

    take_back(loan=out, conditions={laptop.pk: GOOD}, by=mediator, now=at("2026-03-12 14:00"))
    watch_overdue(at("2026-03-12 14:01"))

    outage = Outage.objects.get()
    made = Reservation.objects.get(pk=out.reservation_id)
    assert (outage.end, outage.lifted_by) == (at("2026-03-12 14:00"), mediator)
    assert (made.status, made.end, made.finished_at) == (Status.COMPLETED, THURSDAY_TEN, at("2026-03-12 14:00"))


def test_what_came_back_late_and_damaged_stays_out_of_service(out, laptop, mediator):
    watch_overdue(THURSDAY_TEN + GRACE)

    take_back(loan=out, conditions={laptop.pk: DAMAGED}, by=mediator, now=at("2026-03-12 14:00"))

    assert Outage.objects.get(end=None).reason == "It came back damaged from a loan."


def test_what_the_team_lifted_by_hand_stays_lifted(out, mediator):
    watch_overdue(THURSDAY_TEN + GRACE)
    lift_outage(outage=Outage.objects.get(), by=mediator, now=at("2026-03-12 11:00"))

    watch_overdue(at("2026-03-12 11:01"))

    assert not Outage.objects.filter(end=None).exists()


def test_another_outage_comes_first_and_then_this_one(out, laptop, mediator):
    other = declare_outage(
        machine=laptop, kind="fault", reason="", start=at("2026-03-12 09:00"), by=mediator, now=WEDNESDAY_TEN
    )
    watch_overdue(THURSDAY_TEN + GRACE)
    lift_outage(outage=other, by=mediator, now=at("2026-03-12 11:00"))

    watch_overdue(at("2026-03-12 11:01"))

    assert overdue_outages([laptop.pk], THURSDAY_TEN).get().start == at("2026-03-12 11:00")


def test_next_one_cannot_have_it_before_it_is_back(out, laptop, mediator):
    coming = reserve(machine=laptop, start=THURSDAY_TEN, end=FRIDAY_TEN, holder=make_person())

    with pytest.raises(WrongState, match="still_out"):
        hand_over(reservation=coming, conditions={laptop.pk: GOOD}, by=mediator, now=THURSDAY_TEN)
    take_back(loan=out, conditions={laptop.pk: GOOD}, by=mediator, now=THURSDAY_TEN)

    assert hand_over(reservation=coming, conditions={laptop.pk: GOOD}, by=mediator, now=THURSDAY_TEN)


@pytest.mark.parametrize("has_twin", [True, False])
def test_next_borrower_is_told_once_with_what_is_free_instead(out, laptop, site, kind, has_twin):
    if has_twin:
        make_machine(site=site, category=kind, name="Laptop 2")
    coming = reserve(machine=laptop, start=at("2026-03-12 14:00"), end=FRIDAY_TEN, holder=make_person())

    for late in (0, 0, 30):
        watch_overdue(THURSDAY_TEN + GRACE + minutes(late))

    told = Notice.objects.get(person=coming.holder, kind__startswith="loan")
    assert (told.kind, told.params["twin"]) == (
        ("loan_not_back_twin", "Laptop 2") if has_twin else ("loan_not_back", "")
    )


def test_next_borrower_of_another_week_is_not_worried(out, laptop):
    later = reserve(machine=laptop, start=SATURDAY_TEN, end=at("2026-03-14 12:00"), holder=make_person())

    watch_overdue(THURSDAY_TEN + GRACE)

    assert kinds_told(later.holder) == []


def test_next_borrower_hears_that_it_is_back_and_the_team_need_not_look_any_more(out, laptop, mediator):
    coming = reserve(machine=laptop, start=at("2026-03-12 14:00"), end=FRIDAY_TEN, holder=make_person())
    watch_overdue(THURSDAY_TEN + GRACE)
    assert kinds_told(mediator, read_at=None) == ["loan_overdue_team"]

    take_back(loan=out, conditions={laptop.pk: GOOD}, by=mediator, now=at("2026-03-12 11:00"))

    assert kinds_told(coming.holder, read_at=None) == ["loan_is_back"]
    assert kinds_told(mediator, read_at=None) == []


# Reminders.


def due_times(person):
    rows = Notice.objects.filter(person=person, kind__startswith="loan").order_by("due_at")
    return [(notice.kind, notice.due_at) for notice in rows]


def test_borrower_is_reminded_the_day_before_when_it_is_due_and_the_day_after(laptop, mediator):
    made = reserve(machine=laptop, start=WEDNESDAY_TEN, end=SATURDAY_TEN, holder=make_person())

    hand_over(reservation=made, conditions={laptop.pk: GOOD}, by=mediator, now=WEDNESDAY_TEN)

    assert due_times(made.holder) == [
        ("loan_due_soon", FRIDAY_TEN), ("loan_due", SATURDAY_TEN), ("loan_overdue", SATURDAY_TEN + DAY),
    ]  # fmt: skip
    assert not Notice.objects.filter(kind="reminder_end").exists()


def test_short_loan_has_no_day_before(out):
    assert [kind for kind, _due in due_times(out.reservation.holder)] == ["loan_due", "loan_overdue"]


def test_nobody_is_reminded_or_called_of_what_is_back(out, laptop, mediator):
    # Nothing reaches them but the telephone.
    assert set(Delivery.objects.filter(notice__kind="loan_due").values_list("channel", flat=True)) == {"call"}

    take_back(loan=out, conditions={laptop.pk: GOOD}, by=mediator, now=at("15:00"))

    assert due_times(out.reservation.holder) == []


def test_what_came_back_late_is_off_the_call_list(out, laptop, mediator):
    take_back(loan=out, conditions={laptop.pk: GOOD}, by=mediator, now=THURSDAY_TEN + minutes(30))

    assert set(Delivery.objects.filter(notice__kind__startswith="loan").values_list("status", flat=True)) == {"dropped"}
    assert [kind for kind, _due in due_times(out.reservation.holder)] == ["loan_due"]


def test_extended_loan_is_due_at_its_new_end(out, borrowed):
    move_reservation(reservation=borrowed, start=WEDNESDAY_TEN, end=SATURDAY_TEN, by=borrowed.holder, now=at("15:00"))

    assert [due for _kind, due in due_times(borrowed.holder)] == [FRIDAY_TEN, SATURDAY_TEN, SATURDAY_TEN + DAY]
    assert watch_overdue(FRIDAY_TEN) == 0

"""What leaves the place: handed over and taken back part by part; what is not back is promised to nobody."""

import datetime as dt
import io

import pytest
from django.utils import translation
from PIL import Image

from machines.models import Outage, Unit
from machines.parts import set_parts
from machines.photos import NotAPhoto
from reservations.day import day_starts
from reservations.errors import OnlyForTheTeam, ReservationRefused, WrongState
from reservations.life import check_in, finish_reservation
from reservations.loan_selectors import later_due
from reservations.loans import add_photo, hand_over, take_back, things_held
from reservations.models import Condition, Deed, Loan, LoanPhoto, Reservation, Status
from reservations.services import move_reservation, preview_reservation
from reservations.waiting import join_waiting
from tests.factories import (
    NOW,
    at,
    make_exception,
    make_machine,
    make_outage,
    make_person,
    make_site,
    make_staff,
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


def all_good(reservation):
    return {thing.pk: GOOD for thing in things_held(reservation)}


def codes(refused):
    return [denial.code for denial in refused.value.denials]


def status_of(loan):
    return Reservation.objects.get(pk=loan.reservation_id).status


# Handing over.


def test_hand_over_checks_in_and_keeps_the_condition_of_each_part(kit, mediator):
    made = reserve(machine=kit, start=WEDNESDAY_TEN, end=THURSDAY_TEN, holder=make_person())
    conditions = all_good(made) | {thing.pk: WORN for thing in things_held(made) if thing.name == "Tripod"}

    loan = hand_over(reservation=made, conditions=conditions, by=mediator, now=WEDNESDAY_TEN, note=" With its bag ")

    assert [(i.machine.name, i.condition_out) for i in loan.items.order_by("pk")] == [
        ("Case", GOOD), ("Camera", GOOD), ("Tripod", WORN),
    ]  # fmt: skip
    assert (loan.handed_over_at, loan.handed_over_by, loan.note_out) == (WEDNESDAY_TEN, mediator, "With its bag")
    assert status_of(loan) == Status.IN_USE
    assert Deed.objects.filter(reservation=made, kind="checked_in", by=mediator).exists()


def test_hand_over_twice_is_once(borrowed, laptop, mediator, out):
    again = hand_over(reservation=borrowed, conditions={laptop.pk: WORN}, by=mediator, now=at("10:01"))

    assert (again, again.items.get().condition_out) == (out, GOOD)


def test_hand_over_wants_each_part_ticked(kit, mediator):
    made = reserve(machine=kit, start=WEDNESDAY_TEN, end=THURSDAY_TEN, holder=make_person())
    unticked = [all_good(made) | {kit.pk: MISSING}]
    unticked += [{pk: GOOD for pk in all_good(made) if pk != thing.pk} for thing in things_held(made)]

    for conditions in unticked:
        with pytest.raises(WrongState, match="part_not_ticked"):
            hand_over(reservation=made, conditions=conditions, by=mediator, now=WEDNESDAY_TEN)

    assert not Loan.objects.exists()


def test_part_that_was_added_after_the_reservation_is_not_asked_for(kit, site, mediator):
    made = reserve(machine=kit, start=WEDNESDAY_TEN, end=THURSDAY_TEN, holder=make_person())
    lens = make_machine(site=site, name="Lens")
    set_parts(whole=kit.unit, exclusive=[lens.unit], shared=[])

    assert "Lens" not in [thing.name for thing in things_held(made)]


@pytest.mark.parametrize("who", ["holder", "elsewhere"])
def test_hand_over_is_for_the_team_of_the_site(borrowed, laptop, who):
    by = borrowed.holder if who == "holder" else make_staff(site=make_site())

    with pytest.raises(OnlyForTheTeam):
        hand_over(reservation=borrowed, conditions={laptop.pk: GOOD}, by=by, now=WEDNESDAY_TEN)


def test_what_stays_in_the_place_is_not_handed_over(site, mediator):
    laser = make_machine(site=site, name="Laser")
    made = reserve(machine=laser, start=WEDNESDAY_TEN, end=at("11:00"), holder=make_person())

    with pytest.raises(WrongState, match="not_lent"):
        hand_over(reservation=made, conditions={laser.pk: GOOD}, by=mediator, now=WEDNESDAY_TEN)


@pytest.mark.parametrize(
    ("now", "code"), [(at("09:30"), "too_early"), (THURSDAY_TEN, "not_open")], ids=["long before", "when it is over"]
)
def test_hand_over_has_its_time(borrowed, laptop, mediator, now, code):
    with pytest.raises(WrongState, match=code):
        hand_over(reservation=borrowed, conditions={laptop.pk: GOOD}, by=mediator, now=now)

    assert not Loan.objects.exists()


def test_what_is_out_of_service_is_not_handed_over(borrowed, laptop, mediator):
    make_outage(machine=laptop, start=at("09:30"))

    with pytest.raises(WrongState, match="out_of_service"):
        hand_over(reservation=borrowed, conditions={laptop.pk: GOOD}, by=mediator, now=WEDNESDAY_TEN)


def test_borrower_cannot_check_in_nor_finish_without_the_team(borrowed, out, laptop):
    another = reserve(machine=laptop, start=at("2026-03-12 12:00"), end=FRIDAY_TEN, holder=make_person())

    with pytest.raises(WrongState, match="handed_over_first"):
        check_in(reservation=another, now=at("2026-03-12 12:00"), by=another.holder)
    with pytest.raises(WrongState, match="still_lent"):
        finish_reservation(reservation=borrowed, now=at("12:00"), by=borrowed.holder)


# Taking back.


def test_take_back_in_time_gives_the_rest_back(borrowed, out, laptop, mediator):
    loan = take_back(loan=out, conditions={laptop.pk: WORN}, by=mediator, now=at("15:00"), note="A scratch")

    made = Reservation.objects.get(pk=borrowed.pk)
    assert (made.status, made.end, made.booked_end) == (Status.COMPLETED, at("15:00"), THURSDAY_TEN)
    assert (loan.returned_at, loan.returned_to, loan.note_back) == (at("15:00"), mediator, "A scratch")
    assert loan.items.get().condition_back == WORN
    assert not Outage.objects.exists()
    assert reserve(machine=laptop, start=at("15:00"), end=at("17:00"), holder=make_person(), now=at("15:00"))


def test_take_back_twice_is_once(out, laptop, mediator):
    take_back(loan=out, conditions={laptop.pk: GOOD}, by=mediator, now=at("15:00"))
    again = take_back(loan=out, conditions={laptop.pk: DAMAGED}, by=mediator, now=at("16:00"))

    assert (again.returned_at, again.items.get().condition_back) == (at("15:00"), GOOD)
    assert not Outage.objects.exists()
    assert Deed.objects.filter(reservation=out.reservation, kind="finished").count() == 1


def test_take_back_wants_each_part_ticked_by_the_team(out, laptop, mediator):
    with pytest.raises(WrongState, match="part_not_ticked"):
        take_back(loan=out, conditions={}, by=mediator, now=at("15:00"))
    with pytest.raises(OnlyForTheTeam):
        take_back(loan=out, conditions={laptop.pk: GOOD}, by=out.reservation.holder, now=at("15:00"))

    assert Loan.objects.get().returned_at is None


def test_what_came_back_damaged_or_not_at_all_is_looked_at_first(kit, mediator):
    made = reserve(machine=kit, start=WEDNESDAY_TEN, end=THURSDAY_TEN, holder=make_person())
    case, camera, tripod = things_held(made)
    left = {case.pk: DAMAGED, camera.pk: GOOD, tripod.pk: GOOD}
    loan = hand_over(reservation=made, conditions=left, by=mediator, now=WEDNESDAY_TEN)

    back = {case.pk: DAMAGED, camera.pk: DAMAGED, tripod.pk: MISSING}
    take_back(loan=loan, conditions=back, by=mediator, now=at("15:00"), note="Mr Martin dropped it")

    # The case was damaged when it left: somebody has looked at it already.
    found = Outage.objects.filter(kind="to_check", start=at("15:00"), end=None, reported_by=mediator)
    assert {(outage.machine, outage.reason) for outage in found} == {
        (camera, "It came back damaged from a loan."), (tripod, "It did not come back from a loan."),
    }  # fmt: skip
    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=kit, start=FRIDAY_TEN, end=SATURDAY_TEN, holder=make_person())
    assert codes(refused) == ["machine_unavailable"]


def test_damage_to_what_is_out_of_service_already_is_kept_with_the_loan(out, laptop, mediator):
    make_outage(machine=laptop, start=at("12:00"))

    take_back(loan=out, conditions={laptop.pk: DAMAGED}, by=mediator, now=at("15:00"))

    assert (Outage.objects.count(), Loan.objects.get().items.get().condition_back) == (1, DAMAGED)


# For longer.


def test_loan_is_not_kept_longer_while_somebody_waits(out, borrowed, laptop):
    other = make_person()
    # They asked for more than what is free: no offer can be made of it.
    join_waiting(machine=laptop, person=other, start=at("17:00"), end=FRIDAY_TEN, by=other, now=at("11:00"))

    with pytest.raises(ReservationRefused) as refused:
        move_reservation(reservation=borrowed, start=WEDNESDAY_TEN, end=FRIDAY_TEN, by=borrowed.holder, now=at("15:00"))

    assert (codes(refused), refused.value.denials[0].params.get("waits")) == (["taken"], True)
    assert Reservation.objects.get(pk=borrowed.pk).end == THURSDAY_TEN


def test_whoever_waits_for_the_free_time_gets_it_before_the_loan_is_extended(out, borrowed, laptop):
    other = make_person()
    join_waiting(machine=laptop, person=other, start=THURSDAY_TEN, end=FRIDAY_TEN, by=other, now=at("11:00"))

    with pytest.raises(ReservationRefused) as refused:
        move_reservation(reservation=borrowed, start=WEDNESDAY_TEN, end=FRIDAY_TEN, by=borrowed.holder, now=at("15:00"))

    assert codes(refused) == ["taken"]


def test_loan_is_not_due_on_a_closed_day(out, borrowed):
    night = at("2026-03-12 22:00")

    with pytest.raises(ReservationRefused) as refused:
        move_reservation(reservation=borrowed, start=WEDNESDAY_TEN, end=night, by=borrowed.holder, now=at("15:00"))

    assert codes(refused) == ["closed"]


def test_borrower_is_not_busy_while_they_have_it(out, borrowed, site):
    laser = make_machine(site=site, name="Laser")

    assert reserve(machine=laser, start=at("14:00"), end=at("15:00"), holder=borrowed.holder)


def test_every_start_offered_for_a_loan_would_be_accepted(laptop):
    reserve(machine=laptop, start=at("2026-03-12 15:00"), end=at("2026-03-13 15:00"), holder=make_person())
    person = make_person()

    found = day_starts(laptop, at("10:00").date(), DAY, NOW)

    assert [free.interval.start for free in found][:: len(found) - 1] == [WEDNESDAY_TEN, at("15:00")]
    for free in found:
        preview_reservation(
            machine=laptop, start=free.interval.start, end=free.interval.end, holder=person, now=NOW
        )  # fmt: skip


def test_loan_may_be_kept_until_the_next_day_that_is_open(site, borrowed, out):
    make_exception(site=site, date="2026-03-13")

    assert later_due(Reservation.objects.with_places().get(pk=borrowed.pk)) == SATURDAY_TEN


# Photos.


def picture(kind="JPEG"):
    stream = io.BytesIO()
    image = Image.new("RGB", (40, 30), "red")
    exif = image.getexif()
    exif[0x010E] = "Zorobabel’s kitchen"
    image.save(stream, kind, exif=exif)
    stream.seek(0)
    return stream


@pytest.fixture
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.mark.usefixtures("_media")
def test_photo_is_drawn_anew_and_says_whether_it_is_of_the_return(out, laptop, mediator):
    before = add_photo(item=out.items.get(), picture=picture(), by=mediator, now=at("10:01"))
    take_back(loan=out, conditions={laptop.pk: GOOD}, by=mediator, now=at("15:00"))
    after = add_photo(item=out.items.get(), picture=picture(), by=mediator, now=at("15:01"))

    assert (before.is_return, after.is_return) == (False, True)
    with before.image.open("rb") as kept:
        content = kept.read()
    assert b"Zorobabel" not in content
    assert not Image.open(io.BytesIO(content)).getexif()


@pytest.mark.usefixtures("_media")
def test_photo_is_a_picture_taken_by_the_team(out, mediator):
    item = out.items.get()

    with pytest.raises(NotAPhoto):
        add_photo(item=item, picture=io.BytesIO(b"%PDF-1.7"), by=mediator, now=at("10:01"))
    with pytest.raises(OnlyForTheTeam):
        add_photo(item=item, picture=picture(), by=out.reservation.holder, now=at("10:01"))

    assert not LoanPhoto.objects.exists()


def test_units_of_a_kit_are_held_for_the_whole_loan(kit):
    reserve(machine=kit, start=WEDNESDAY_TEN, end=THURSDAY_TEN, holder=make_person())
    camera = Unit.objects.get(machine__name="Camera").machine

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=camera, start=at("15:00"), end=at("16:00"), holder=make_person())

    assert codes(refused) == ["taken"]

"""What is taken along: held together or not at all, whichever is asked for first."""

import pytest
from django.core.exceptions import ValidationError

from machines.models import Attendance, Unit
from machines.parts import parts_of, set_parts
from reservations.closures import refit_blocked
from reservations.errors import ReservationRefused
from reservations.group import reserve_group
from reservations.models import HeldUnit
from reservations.services import cancel_reservation, move_reservation
from tests.factories import (
    NOW,
    at,
    every_day,
    make_exception,
    make_machine,
    make_outage,
    make_person,
    make_room,
    make_site,
    make_staff,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("10:00"), at("11:00")


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def laser(site):
    return make_machine(site=site, name="Laser")


@pytest.fixture
def extractor(site):
    return make_machine(site=site, name="Extractor", cleanup_buffer=minutes(30))


def units(reservation):
    return set(HeldUnit.objects.filter(reservation=reservation).values_list("unit_id", flat=True))


def test_part_is_held_with_the_whole_with_its_own_clean_up(laser, extractor):
    set_parts(whole=laser.unit, exclusive=[extractor.unit], shared=[])

    made = reserve(machine=laser, start=TEN, end=ELEVEN, holder=make_person())

    assert units(made) == {laser.unit_id, extractor.unit_id}
    assert HeldUnit.objects.get(unit=extractor.unit_id).blocked.upper == at("11:30")
    with pytest.raises(ReservationRefused, match="taken"):
        reserve(machine=extractor, start=TEN, end=ELEVEN, holder=make_person())


def test_part_that_is_taken_is_named(laser, extractor):
    set_parts(whole=laser.unit, exclusive=[extractor.unit], shared=[])
    reserve(machine=extractor, start=TEN, end=ELEVEN, holder=make_person())

    with pytest.raises(ReservationRefused) as refusal:
        reserve(machine=laser, start=TEN, end=ELEVEN, holder=make_person())

    assert [denial.params.get("part") for denial in refusal.value.denials] == ["Extractor"]


def test_shared_part_serves_two_but_has_to_work(site, laser, extractor):
    other = make_machine(site=site)
    for whole in (laser, other):
        set_parts(whole=whole.unit, exclusive=[], shared=[extractor.unit])

    made = [reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person()) for machine in (laser, other)]
    make_outage(machine=extractor, start=at("14:00"))

    assert [units(one) for one in made] == [{laser.unit_id}, {other.unit_id}]
    with pytest.raises(ReservationRefused, match="machine_unavailable"):
        reserve(machine=laser, start=at("14:00"), end=at("15:00"), holder=make_person())


def test_parts_of_parts_are_taken_too(site, laser, extractor):
    room = make_room(site=site)
    room.unit = Unit.objects.create(site=site, kind=Unit.Kind.ROOM)
    room.save()
    set_parts(whole=laser.unit, exclusive=[extractor.unit], shared=[])
    set_parts(whole=room.unit, exclusive=[laser.unit], shared=[])

    assert [part.name for part in parts_of([room.unit_id])] == ["Laser", "Extractor"]


def test_move_and_cancel_free_the_parts(site, laser, extractor):
    set_parts(whole=laser.unit, exclusive=[extractor.unit], shared=[])
    made = reserve(machine=laser, start=TEN, end=ELEVEN, holder=make_person())
    plain = make_machine(site=site)

    moved = move_reservation(reservation=made, machine=plain, start=TEN, end=ELEVEN, by=made.holder, now=NOW)

    assert units(moved) == {plain.unit_id}
    back = move_reservation(reservation=moved, machine=laser, start=TEN, end=ELEVEN, by=made.holder, now=NOW)
    cancel_reservation(reservation=back, by=made.holder, now=NOW)
    assert reserve(machine=extractor, start=TEN, end=ELEVEN, holder=make_person()).pk


def test_nothing_becomes_a_part_of_itself(laser, extractor):
    set_parts(whole=laser.unit, exclusive=[extractor.unit], shared=[])

    for whole, part in ((extractor, laser), (laser, laser)):
        with pytest.raises(ValidationError):
            set_parts(whole=whole.unit, exclusive=[part.unit], shared=[])
    with pytest.raises(ValidationError):
        set_parts(whole=laser.unit, exclusive=[make_machine().unit], shared=[])


def test_group_that_takes_a_room_takes_what_stands_in_it(site, laser):
    room = make_room(site=site)
    room.unit = Unit.objects.create(site=site, kind=Unit.Kind.ROOM)
    room.save()
    set_parts(whole=room.unit, exclusive=[laser.unit], shared=[])
    manager = make_staff(site=site)

    made = reserve_group(site=site, units=[room.unit], title="Course", start=TEN, end=ELEVEN, by=manager, now=NOW)

    assert units(made) == {room.unit_id, laser.unit_id}
    assert [deed.kind for deed in made.deeds.all()] == ["made"]


# --- a closure that comes or goes --------------------------------------------------------------------------------


@pytest.fixture
def printer():
    """Runs on at night; its dryer is held as long, and half an hour more."""
    site = make_site(hours=every_day("10:00", "19:00"))
    long = {"attendance": Attendance.START, "longest": minutes(3000)}
    whole, dryer = make_machine(site=site, **long), make_machine(site=site, cleanup_buffer=minutes(30))
    set_parts(whole=whole.unit, exclusive=[dryer.unit], shared=[])
    return whole


def held_until(reservation):
    rows = HeldUnit.objects.filter(reservation=reservation).order_by("unit")
    return [row.blocked.upper for row in rows]


def test_closure_that_comes_and_goes_refits_what_is_taken_along(printer):
    made = reserve(machine=printer, start=at("2026-03-12 17:00"), end=at("2026-03-13 02:00"), holder=make_person())
    before = held_until(made)

    closed = make_exception(site=printer.site, date="2026-03-13")
    stuck = refit_blocked(site=printer.site, now=NOW)
    during = held_until(made)
    closed.delete()
    refit_blocked(site=printer.site, now=NOW)

    assert (before, stuck) == ([at("2026-03-13 10:00"), at("2026-03-13 10:30")], [])
    assert during == [at("2026-03-14 10:00"), at("2026-03-14 10:30")]
    assert held_until(made) == before


def test_part_that_somebody_has_then_keeps_all_of_it_as_it_was(printer):
    made = reserve(machine=printer, start=at("2026-03-12 17:00"), end=at("2026-03-13 02:00"), holder=make_person())
    before = held_until(made)
    (dryer,) = [row.unit.machine for row in made.held_units.exclude(unit=printer.unit_id)]
    reserve(machine=dryer, start=at("2026-03-13 11:00"), end=at("2026-03-13 12:00"), holder=make_person())
    make_exception(site=printer.site, date="2026-03-13")

    assert refit_blocked(site=printer.site, now=NOW) == [made]
    assert held_until(made) == before

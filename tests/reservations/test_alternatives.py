"""What is offered instead of what was refused: up to three, and each can really be had."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from fablab.lib.intervals import Interval
from machines.models import Attendance
from reservations.errors import ReservationRefused
from reservations.models import HeldUnit
from reservations.services import cancel_reservation
from tests.factories import (
    NOW,
    at,
    every_day,
    make_category,
    make_exception,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    minutes,
    reserve,
)

HOUR = dt.timedelta(hours=1)


def span(start, end):
    return Interval(at(start), at(end))


def reserve_where_allowed(machine, start, end):
    """What others may already hold."""
    try:
        reserve(machine=machine, start=start, end=end, now=at("2026-03-10 12:00"))
    except ReservationRefused:
        return


class AlternativesAreAccepted(TestCase):
    """Whatever is offered instead can really be had."""

    @given(
        start=st.integers(0, 60),
        length=st.integers(6, 40),
        others=st.lists(st.tuples(st.integers(0, 12), st.integers(2, 20)), max_size=4),
        fields=st.fixed_dictionaries(
            {
                "attendance": st.sampled_from(Attendance.values),
                "cleanup_buffer": st.sampled_from([minutes(0), minutes(20)]),
                "setup_buffer": st.sampled_from([minutes(0), minutes(10)]),
                "notice": st.sampled_from([minutes(0), minutes(90)]),
                "window": st.sampled_from([HOUR * 24, HOUR * 24 * 28]),
            }
        ),
    )
    @settings(max_examples=25, deadline=None)
    def test_each_alternative_may_be_reserved(self, start, length, others, fields):
        site = make_site(hours=every_day("10:00", "19:00"))
        make_exception(site=site, date="2026-03-12")
        category = make_category(longest=HOUR * 20, **fields)
        machine, holder = make_machine(site=site, category=category), make_person()
        make_machine(site=site, category=category, grid_min=60, notice=HOUR * 3)
        make_machine(site=site, category=category, qualification=make_qualification())
        make_machine(site=site, category=category, longest=minutes(60), shortest=minutes(45))
        for begin, quarters in others:
            early = at("10:00") + minutes(30 * begin)
            reserve_where_allowed(machine, early, early + minutes(15 * quarters))
        asked = Interval(at("09:00") + minutes(10 * start), at("09:00") + minutes(10 * (start + length)))

        try:
            reserve(machine=machine, start=asked.start, end=asked.end, holder=holder)
            offered = []
        except ReservationRefused as refusal:
            offered = refusal.alternatives

        assert len(offered) <= 3
        for each in offered:
            made = reserve(machine=each.machine, start=each.interval.start, end=each.interval.end, holder=holder)
            assert HeldUnit.objects.filter(reservation=made, is_holding=True).exists()
            cancel_reservation(reservation=made, by=holder, now=NOW)


def refused(machine, start, end, holder=None):
    with pytest.raises(ReservationRefused) as caught:
        reserve(machine=machine, start=at(start), end=at(end), holder=holder)
    return [(found.machine, found.interval) for found in caught.value.alternatives]


@pytest.mark.django_db
def test_retired_machine_is_not_offered_again():
    machine = make_machine(retired_at=NOW)

    assert refused(machine, "10:00", "11:00") == []


@pytest.mark.django_db
def test_reason_that_time_does_not_cure_offers_nothing():
    machine = make_machine(qualification=make_qualification())

    assert refused(machine, "10:00", "11:00", make_person()) == []


@pytest.mark.django_db
def test_off_grid_request_is_offered_whole_steps():
    machine = make_machine()

    assert refused(machine, "10:07", "10:57")[0] == (machine, span("10:15", "11:15"))


@pytest.mark.django_db
def test_reservation_that_needs_nobody_leaves_the_person_free():
    site, holder = make_site(), make_person()
    machine = make_machine(site=site)
    reserve(machine=make_machine(site=site, attendance=Attendance.START), start=at("10:00"), end=at("14:00"),
            holder=holder)  # fmt: skip
    reserve(machine=machine, start=at("10:00"), end=at("11:00"))

    assert refused(machine, "10:00", "11:00", holder)[0] == (machine, span("11:00", "12:00"))


@pytest.mark.django_db
def test_many_twins_still_make_three_offers():
    site, category = make_site(), make_category()
    machine, *_twins = [make_machine(site=site, category=category) for _ in range(50)]
    reserve(machine=machine, start=at("10:00"), end=at("11:00"))

    assert len(refused(machine, "10:00", "11:00")) == 3


@pytest.mark.django_db
def test_unattended_run_that_nobody_could_clear_in_time_is_not_offered():
    site = make_site(hours=every_day("10:00", "19:00"))
    printer = make_machine(site=site, attendance=Attendance.START, cleanup_buffer=minutes(15))
    reserve(machine=printer, start=at("2026-03-12 10:00"), end=at("2026-03-12 12:00"))

    # From 17:00 on, three hours end after closing: the print would lie there when the next person comes at 10:00.
    offered = refused(printer, "17:00", "20:00")

    assert offered[0] == (printer, span("2026-03-12 12:15", "2026-03-12 15:15"))

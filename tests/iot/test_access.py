"""A badge at the machine: the rules of the booking page, and what only a machine asks for."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from iot.access.sessions import open_access
from iot.access.who import new_start_code
from iot.models import AccessAttempt, AccessSession, Device, MachineAccess, ReportedState, UseState
from machines.models import Machine, Outage
from reservations.models import Reservation, Status
from tests.factories import (
    NOW,
    make_outage,
    make_person,
    make_qualification,
    make_staff,
    make_team,
    minutes,
    reserve,
    suspend,
)
from tests.iot.readers import NUMBER, OTHER, badge_of, power_on, tap, with_badge

pytestmark = pytest.mark.django_db

THIRD = "04AAAAAAAAAAAA"


def test_badge_of_somebody_with_a_reservation_opens_until_its_end_and_checks_in(lathe: Machine, reader: Device) -> None:
    camille = with_badge()
    reservation = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(60))

    decision = tap(reader, at=NOW + minutes(5))

    reservation.refresh_from_db()
    assert (decision.is_allowed, decision.most_s, decision.display_name) == (True, 55 * 60, "Camille")
    assert reservation.status == Status.IN_USE
    session = open_access(lathe.pk)
    assert session is not None
    assert (session.reference, session.person, session.reservation) == (decision.session_id, camille, reservation)


def test_walk_up_reserves_the_time_so_that_nobody_else_can(lathe: Machine, reader: Device) -> None:
    with_badge()

    decision = tap(reader)

    made = Reservation.objects.get(machine=lathe)
    assert decision.most_s == 3600
    assert (made.origin, made.status, made.end - made.start) == ("walk_up", Status.IN_USE, minutes(60))


def test_decision_leaves_the_connection_as_it_was(lathe: Machine, reader: Device) -> None:
    with_badge()
    before = _waits_for_disk()

    tap(reader)

    # Only within a decision do commits not wait.
    assert _waits_for_disk() == before


def _waits_for_disk() -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'")
        return cursor.fetchone()


def test_walk_up_of_somebody_unqualified_says_all_reasons_at_once(lathe: Machine, reader: Device) -> None:
    lathe.qualification = make_qualification()
    lathe.save()
    suspend(person=with_badge(), start=NOW - minutes(60))

    tap(reader)

    codes = AccessAttempt.objects.get().codes
    assert {"qualification_missing", "suspended"} <= set(codes)


def test_walk_up_ends_where_the_next_reservation_begins(lathe: Machine, reader: Device) -> None:
    with_badge()
    reserve(machine=lathe, holder=make_person(), start=NOW + minutes(30), end=NOW + minutes(90))

    decision = tap(reader)

    assert decision.most_s == 30 * 60


def test_walk_up_may_be_forbidden(lathe: Machine, reader: Device) -> None:
    with_badge()
    MachineAccess.objects.create(machine=lathe, walk_up=dt.timedelta(0))

    assert tap(reader).reason == "no_reservation"


REFUSED = {
    "unknown badge": (lambda lathe: None, "unknown_badge"),
    "blocked badge": (lambda lathe: badge_of(make_person(), blocked_at=NOW), "unknown_badge"),
    "closed account": (lambda lathe: with_badge(is_active=False), "unknown_badge"),
    "suspended": (lambda lathe: suspend(person=with_badge(), start=NOW - minutes(1)), "suspended"),
    "taken by somebody": (
        lambda lathe: (with_badge(), reserve(machine=lathe, holder=make_person(), start=NOW, end=NOW + minutes(60))),
        "taken",
    ),
    "out of service": (lambda lathe: (with_badge(), make_outage(machine=lathe, start=NOW)), "machine_unavailable"),
    "to be checked": (
        lambda lathe: (with_badge(), make_outage(machine=lathe, start=NOW, kind=Outage.Kind.TO_CHECK)),
        "previous_to_check",
    ),
    "stopped for safety": (
        lambda lathe: (with_badge(), make_outage(machine=lathe, start=NOW, kind=Outage.Kind.LOCK_OUT)),
        "safety_input",
    ),
}


@pytest.mark.parametrize(("given", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refusal_says_why_and_opens_nothing(lathe: Machine, reader: Device, given: Any, reason: str) -> None:
    given(lathe)

    decision = tap(reader)

    assert (decision.is_allowed, decision.reason, decision.session_id) == (False, reason, "")
    assert decision.text
    assert not AccessSession.objects.exists()


def test_missing_qualification_is_refused_in_the_persons_language(lathe: Machine, reader: Device) -> None:
    wanted = make_qualification(name_en="Lathe", name_fr="Tour")
    Machine.objects.filter(pk=lathe.pk).update(qualification=wanted)
    with_badge(language="en")

    decision = tap(reader)

    assert decision.reason == "qualification_missing"
    assert "Lathe" in decision.text


def test_same_request_gets_the_same_answer_with_what_is_left_of_it(lathe: Machine, reader: Device) -> None:
    with_badge()
    first = tap(reader, request="r-1")

    again = tap(reader, request="r-1", at=NOW + dt.timedelta(seconds=10))

    assert (again.session_id, again.most_s) == (first.session_id, first.most_s - 10)
    assert (AccessSession.objects.count(), AccessAttempt.objects.count()) == (1, 1)


def test_denied_badge_never_touches_the_session_that_runs(lathe: Machine, reader: Device) -> None:
    with_badge()
    running = tap(reader)
    with_badge(OTHER)

    refused = tap(reader, OTHER, at=NOW + minutes(1))

    session = open_access(lathe.pk)
    assert (refused.is_allowed, refused.reason) == (False, "taken")
    assert session is not None
    assert (session.reference, session.ended_at) == (running.session_id, None)


def test_second_allowed_member_takes_over_with_both_recorded(lathe: Machine, reader: Device) -> None:
    ana, ben = with_badge(first_name="Ana"), with_badge(OTHER, first_name="Ben")
    team = make_team(site=lathe.site, members=[ana, ben])
    reservation = reserve(machine=lathe, holder=ana, start=NOW, end=NOW + minutes(60))
    Reservation.objects.filter(pk=reservation.pk).update(team=team)
    first = tap(reader)

    second = tap(reader, OTHER, at=NOW + minutes(10))

    before = AccessSession.objects.get(reference=first.session_id)
    after = AccessSession.objects.get(reference=second.session_id)
    assert (before.person, before.stop_reason, before.ended_at) == (ana, "takeover", NOW + minutes(10))
    assert (after.person, after.took_over, after.until) == (ben, before, NOW + minutes(60))


def test_badge_presented_again_leaves_and_gives_the_rest_back(lathe: Machine, reader: Device) -> None:
    with_badge()
    power_on(tap(reader))

    again = tap(reader, at=NOW + minutes(20))

    made = Reservation.objects.get(machine=lathe)
    assert (again.is_allowed, again.most_s) == (True, 0)
    assert (made.status, made.end) == (Status.COMPLETED, NOW + minutes(20))
    assert open_access(lathe.pk) is None


def test_badge_presented_again_never_cuts_what_works(lathe: Machine, reader: Device) -> None:
    with_badge()
    first = tap(reader)
    ReportedState.objects.create(machine=lathe, state=UseState.BUSY, since=NOW, at=NOW)

    again = tap(reader, at=NOW + minutes(20))

    assert (again.session_id, again.most_s) == (first.session_id, 40 * 60)
    assert open_access(lathe.pk) is not None


def test_badge_near_the_end_asks_for_more_time_by_the_same_rules(lathe: Machine, reader: Device) -> None:
    with_badge()
    first = tap(reader)

    again = tap(reader, at=NOW + minutes(57))

    assert (again.session_id, again.most_s) == (first.session_id, 33 * 60)


def test_more_time_is_refused_when_somebody_comes_next(lathe: Machine, reader: Device) -> None:
    with_badge()
    reserve(machine=lathe, holder=make_person(), start=NOW + minutes(60), end=NOW + minutes(90))
    tap(reader)

    again = tap(reader, at=NOW + minutes(57))

    session = open_access(lathe.pk)
    assert (again.is_allowed, again.reason) == (False, "taken")
    assert session is not None
    assert session.until == NOW + minutes(60)


def test_button_is_asked_for_where_the_machine_wants_it(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_button=True)
    with_badge()

    decision = tap(reader)

    session = open_access(lathe.pk)
    assert decision.needs_button
    assert session is not None
    assert (session.state, session.energised_at) == ("waiting_button", None)


def test_two_people_are_asked_for_and_both_are_kept(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_two_people=True)
    ana, ben = with_badge(first_name="Ana"), with_badge(OTHER, first_name="Ben")

    first, second = tap(reader), tap(reader, OTHER, at=NOW + dt.timedelta(seconds=10))

    session = open_access(lathe.pk)
    assert (first.is_allowed, first.reason) == (False, "two_person")
    assert second.is_allowed
    assert session is not None
    assert (session.person, session.second_person, session.state) == (ana, ben, "active")


def test_same_badge_twice_is_not_two_people(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_two_people=True)
    with_badge()
    tap(reader)

    again = tap(reader, at=NOW + dt.timedelta(seconds=5))

    assert (again.is_allowed, again.reason) == (False, "two_person")


def test_team_uses_it_against_the_rules_and_that_is_kept(lathe: Machine, reader: Device) -> None:
    Machine.objects.filter(pk=lathe.pk).update(qualification=make_qualification())
    badge_of(make_staff(site=lathe.site))

    decision = tap(reader)

    session = AccessSession.objects.get(reference=decision.session_id)
    assert decision.is_allowed
    assert session.overridden == ["qualification_missing"]


def test_what_was_stopped_for_safety_is_lifted_first_even_by_the_team(lathe: Machine, reader: Device) -> None:
    make_outage(machine=lathe, start=NOW, kind=Outage.Kind.LOCK_OUT)
    badge_of(make_staff(site=lathe.site))

    assert tap(reader).reason == "safety_input"


def test_badge_whose_answer_was_lost_gets_it_again_and_leaves_nothing(lathe: Machine, reader: Device) -> None:
    with_badge()
    first = tap(reader)

    again = tap(reader, at=NOW + minutes(1))

    assert (again.session_id, again.most_s) == (first.session_id, 59 * 60)
    assert open_access(lathe.pk) is not None


def test_many_unknown_badges_stop_guessing_and_nobody_else(lathe: Machine, reader: Device) -> None:
    for n in range(5):
        tap(reader, f"0400000{n}", at=NOW + dt.timedelta(seconds=n))
    code = new_start_code(machine=lathe, person=make_person(), now=NOW)
    with_badge()
    soon = NOW + dt.timedelta(seconds=6)

    assert tap(reader, "04111111", at=soon).reason == "too_many_attempts"
    assert tap(reader, code, kind="code", at=soon).reason == "too_many_attempts"
    assert tap(reader, at=soon).is_allowed


def test_who_begins_where_two_are_needed_does_not_end_what_runs(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_two_people=True)
    for number in (NUMBER, OTHER, THIRD):
        with_badge(number)
    tap(reader)
    running = tap(reader, OTHER, at=NOW + dt.timedelta(seconds=5))

    refused = tap(reader, THIRD, at=NOW + minutes(5))

    session = open_access(lathe.pk)
    assert (refused.is_allowed, refused.reason) == (False, "somebody_is_there")
    assert session is not None
    assert session.reference == running.session_id

"""Who is likely to have used a machine: a table of clues, and the same answer whichever way it is asked."""

import datetime as dt

import pytest

from iot.likely_users import Clues, Guess, Sign, likely_users, ranked, runs_likely_of
from iot.models import StopReason, UsageSession
from machines.models import Machine
from people.models import Person, Visit
from tests.factories import NOW, grant, make_person, make_qualification, minutes, reserve

HOUR = dt.timedelta(hours=1)
NONE = dt.timedelta(0)

TABLE = {
    "nothing speaks for anybody": ([Clues(1), Clues(2)], []),
    "reservation that touches": ([Clues(1, reserved_away=NONE)], [(1, Sign.RESERVED)]),
    "reservation two hours away": ([Clues(1, reserved_away=2 * HOUR)], [(1, Sign.RESERVED)]),
    "reservation further away": ([Clues(1, reserved_away=2 * HOUR + minutes(1))], []),
    "nearer reservation first": (
        [Clues(1, reserved_away=HOUR), Clues(2, reserved_away=minutes(5))], [(2, Sign.RESERVED), (1, Sign.RESERVED)]),
    "reservation before use before presence": (
        [Clues(1, was_here_and_may=True), Clues(2, used_away=HOUR), Clues(3, reserved_away=HOUR)],
        [(3, Sign.RESERVED), (2, Sign.USED_BEFORE), (1, Sign.WAS_HERE)]),
    "latest use first": (
        [Clues(1, used_away=5 * HOUR), Clues(2, used_away=HOUR)], [(2, Sign.USED_BEFORE), (1, Sign.USED_BEFORE)]),
    "use of another day": ([Clues(1, used_away=13 * HOUR)], []),
    "of equals who has more signs": (
        [Clues(1, reserved_away=HOUR), Clues(2, reserved_away=HOUR, was_here_and_may=True)],
        [(2, Sign.RESERVED), (1, Sign.RESERVED)]),
    "of equals the same order each time": (
        [Clues(2, was_here_and_may=True), Clues(1, was_here_and_may=True)], [(1, Sign.WAS_HERE), (2, Sign.WAS_HERE)]),
    "far reservation leaves the other signs": (
        [Clues(1, reserved_away=9 * HOUR, was_here_and_may=True)], [(1, Sign.WAS_HERE)]),
}  # fmt: skip


@pytest.mark.parametrize(("clues", "expected"), TABLE.values(), ids=TABLE.keys())
def test_ranked(clues: list[Clues], expected: list[tuple[int, Sign]]) -> None:
    assert ranked(clues) == [Guess(person_id, sign) for person_id, sign in expected]


def ran(machine: Machine, start: dt.datetime, end: dt.datetime | None, person: Person | None = None) -> UsageSession:
    return UsageSession.objects.create(
        machine=machine, person=person, start=start, end=end, last_busy_at=end or start,
        stop_reason=StopReason.NORMAL if end else "",
    )  # fmt: skip


@pytest.fixture
def later() -> dt.datetime:
    return NOW + dt.timedelta(hours=9)


def was_here(person: Person, machine: Machine, start: dt.datetime, end: dt.datetime | None) -> None:
    Visit.objects.create(site=machine.site, person=person, arrived_at=start, left_at=end)


@pytest.mark.django_db
def test_likely_users_and_the_runs_of_one_agree(lathe: Machine, later: dt.datetime) -> None:
    qualification = make_qualification()
    Machine.objects.filter(pk=lathe.pk).update(qualification=qualification)
    people = {
        name: make_person(first_name=name) for name in ("Reserved", "Used", "Here", "Unqualified", "Left", "Else")
    }
    for name in ("Reserved", "Used", "Here", "Left"):
        grant(person=people[name], qualification=qualification)
    reserve(machine=lathe_now(lathe), holder=people["Reserved"], start=NOW + minutes(180), end=NOW + minutes(240))
    ran(lathe, NOW, NOW + minutes(30), people["Used"])
    was_here(people["Here"], lathe, NOW, None)
    was_here(people["Unqualified"], lathe, NOW, None)
    was_here(people["Left"], lathe, NOW, NOW + minutes(20))
    run = ran(lathe, NOW + minutes(60), NOW + minutes(90))
    run = UsageSession.objects.select_related("machine__unit__site", "machine__category").get(pk=run.pk)

    likely = likely_users([run], later)

    assert [(person.first_name, sign) for person, sign in likely[run.pk]] == [
        ("Reserved", Sign.RESERVED), ("Used", Sign.USED_BEFORE), ("Here", Sign.WAS_HERE)
    ]  # fmt: skip
    asked = {name for name, person in people.items() if runs_likely_of(person, later).exists()}
    assert asked == {"Reserved", "Used", "Here"}


def lathe_now(lathe: Machine) -> Machine:
    return Machine.objects.with_places().get(pk=lathe.pk)


@pytest.mark.django_db
def test_presence_tells_nothing_where_anybody_may(lathe: Machine, later: dt.datetime) -> None:
    here = make_person()
    was_here(here, lathe, NOW, None)
    run = ran(lathe, NOW + minutes(60), NOW + minutes(90))

    assert likely_users([run], later) == {run.pk: []}
    assert not runs_likely_of(here, later).exists()


@pytest.mark.django_db
def test_run_that_is_somebodys_is_asked_of_nobody(lathe: Machine, later: dt.datetime) -> None:
    holder = make_person()
    reserve(machine=lathe, holder=holder, start=NOW + minutes(60), end=NOW + minutes(90))
    ran(lathe, NOW + minutes(60), NOW + minutes(90), make_person())

    assert not runs_likely_of(holder, later).exists()


@pytest.mark.django_db
def test_likely_users_takes_as_many_queries_for_ten_as_for_one(
    lathe: Machine, later: dt.datetime, django_assert_num_queries
) -> None:
    qualification = make_qualification()
    Machine.objects.filter(pk=lathe.pk).update(qualification=qualification)
    for n in range(10):
        start = NOW + minutes(30 * n)
        ran(lathe, start, start + minutes(10))
        here = make_person()
        was_here(here, lathe, start, None)
        grant(person=here, qualification=qualification)
    rows = UsageSession.objects.select_related(
        "machine__unit__site", "machine__category__qualification", "machine__qualification"
    )

    for runs in (list(rows[:1]), list(rows)):
        with django_assert_num_queries(5):
            likely_users(runs, later)

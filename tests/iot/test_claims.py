"""Runs that nobody was known for, claimed by one tap."""

import datetime as dt
import threading

import pytest
from django.conf import settings
from django.db import connection

from iot.claims import claim_run, undo_claim
from iot.models import StopReason, UsageSession
from machines.models import Machine
from people.errors import NotAllowed, PeopleError, WrongState
from people.models import Person
from reservations.models import Reservation
from tests.factories import NOW, make_machine, make_person, make_site, make_staff, make_team, minutes, reserve

pytestmark = pytest.mark.usefixtures("in_english")

LATER = NOW + dt.timedelta(hours=3)


UNTIL = NOW + minutes(45)


def ran(machine: Machine, start: dt.datetime = NOW, end: dt.datetime | None = UNTIL) -> UsageSession:
    return UsageSession.objects.create(
        machine=machine, start=start, end=end, last_busy_at=end or start,
        stop_reason=StopReason.NORMAL if end else "",
    )  # fmt: skip


@pytest.fixture
def camille(lathe: Machine) -> Person:
    """Her reservation begins an hour after the run."""
    return with_reservation(lathe, NOW + minutes(105), NOW + minutes(135))


def with_reservation(machine: Machine, start: dt.datetime, end: dt.datetime) -> Person:
    person = make_person()
    reserve(machine=machine, holder=person, start=start, end=end)
    return person


@pytest.mark.django_db
def test_claim_makes_the_run_theirs(lathe: Machine, camille: Person) -> None:
    run = ran(lathe)

    claimed = claim_run(session=run, person=camille, by=camille, now=LATER)

    assert (claimed.person, claimed.claimed_by, claimed.claimed_at) == (camille, camille, LATER)
    assert claimed.reservation is None


@pytest.mark.parametrize(
    ("start", "is_theirs"),
    [(NOW + minutes(15), True), (NOW + minutes(45), True), (NOW + minutes(60), False)],
    ids=["overlaps", "meets", "later"],
)
@pytest.mark.django_db
def test_claim_takes_the_reservation_that_touches(lathe: Machine, start: dt.datetime, is_theirs: bool) -> None:
    person = with_reservation(lathe, start, start + minutes(60))
    run = ran(lathe)

    claimed = claim_run(session=run, person=person, by=person, now=LATER)

    assert claimed.reservation == (Reservation.objects.get() if is_theirs else None)


@pytest.mark.django_db
def test_claim_of_a_teams_time_is_the_teams(lathe: Machine) -> None:
    person = make_person()
    team = make_team(site=lathe.site, members=[person])
    reserve(machine=lathe, holder=person, start=NOW + minutes(30), end=NOW + minutes(90), team=team)

    claimed = claim_run(session=ran(lathe), person=person, by=person, now=LATER)

    assert claimed.team == team


@pytest.mark.django_db
def test_claim_by_somebody_who_was_not_asked_is_refused(lathe: Machine) -> None:
    run, stranger = ran(lathe), make_person()

    with pytest.raises(NotAllowed) as refused:
        claim_run(session=run, person=stranger, by=stranger, now=LATER)

    assert refused.value.code == "not_yours"


@pytest.mark.django_db
def test_claim_for_somebody_else_is_the_teams(lathe: Machine, camille: Person) -> None:
    run, staff = ran(lathe), make_staff(site=lathe.site)
    elsewhere = make_staff(site=make_site(name="Elsewhere"))

    for by in (make_person(), elsewhere):
        with pytest.raises(NotAllowed):
            claim_run(session=run, person=camille, by=by, now=LATER)
    claimed = claim_run(session=run, person=camille, by=staff, now=LATER)

    assert (claimed.person, claimed.claimed_by) == (camille, staff)


@pytest.mark.django_db
def test_second_claim_is_refused_with_a_sentence(lathe: Machine, camille: Person) -> None:
    run, staff = ran(lathe), make_staff(site=lathe.site)
    claim_run(session=run, person=camille, by=camille, now=LATER)

    with pytest.raises(WrongState) as refused:
        claim_run(session=run, person=staff, by=staff, now=LATER)

    assert (refused.value.code, str(refused.value)) == ("claimed_already", "Somebody has claimed this run already.")


@pytest.mark.django_db
def test_undo_within_ten_minutes_makes_it_nobodys_again(lathe: Machine) -> None:
    person = with_reservation(lathe, NOW + minutes(15), NOW + minutes(60))
    run = claim_run(session=ran(lathe), person=person, by=person, now=LATER)

    undone = undo_claim(session=run, by=person, now=LATER + minutes(9))

    facts = (undone.person, undone.team, undone.reservation, undone.claimed_at, undone.claimed_by)
    assert facts == (None, None, None, None, None)
    claim_run(session=undone, person=person, by=person, now=LATER + minutes(10))


@pytest.mark.django_db
def test_undo_is_refused_later_and_to_others(lathe: Machine, camille: Person) -> None:
    run = claim_run(session=ran(lathe), person=camille, by=camille, now=LATER)

    for by, at in ((camille, LATER + minutes(11)), (make_person(), LATER + minutes(1))):
        with pytest.raises(WrongState, match="no longer"):
            undo_claim(session=run, by=by, now=at)
    undo_claim(session=run, by=make_staff(site=lathe.site), now=LATER + minutes(1))


@pytest.mark.django_db
def test_undo_never_takes_what_was_measured_with_a_name(lathe: Machine, camille: Person) -> None:
    run = ran(lathe)
    UsageSession.objects.filter(pk=run.pk).update(person=camille)

    with pytest.raises(WrongState):
        undo_claim(session=run, by=camille, now=LATER)


@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
def test_of_two_claims_at_once_one_wins() -> None:
    machine = make_machine(site=make_site())
    people = [
        with_reservation(machine, NOW + minutes(at), NOW + minutes(at + 30)) for at in (60, 90)
    ]  # fmt: skip
    run, said, ready = ran(machine), [], threading.Barrier(2)

    def claim(person: Person) -> None:
        ready.wait()
        try:
            claim_run(session=UsageSession.objects.get(pk=run.pk), person=person, by=person, now=LATER)
            said.append("")
        except PeopleError as error:
            said.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    run.refresh_from_db()
    assert sorted(said) == ["", "claimed_already"]
    assert run.person in people

"""A badge whose answer came too late or never: the device decided by itself, and the lab ends where the device is."""

import threading
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection, transaction

from iot.access.decide import answer
from iot.access.sessions import one_at_a_time
from iot.access.told import OFF_LASTS
from iot.models import (
    AccessAttempt,
    AccessSession,
    Device,
    DeviceCommand,
    MachineAccess,
    QuarantinedMessage,
    StopReason,
)
from iot.orders import Kind, take_to_send
from iot.protocol import Access, Decision
from machines.models import Machine
from people.badges import badge_digest
from people.models import Badge, Person
from reservations.models import Reservation
from tests.contract.running_broker import wait_until
from tests.factories import make_machine, make_person, make_site, make_team
from tests.iot.builders import NOW, Talker, at, make_device, make_reservation, store
from tests.iot.readers import NUMBER, OTHER, badge_of, power_on, tap

pytestmark = pytest.mark.django_db
AT_ONCE = pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))


@pytest.fixture
def machine(db: None) -> Machine:
    return make_machine(site=make_site())


@pytest.fixture
def reader(machine: Machine) -> Device:
    return make_device("reader-1", machine)


@pytest.fixture
def camille(db: None) -> Person:
    person = make_person()
    Badge.objects.create(person=person, digest=badge_digest(NUMBER), created_at=NOW)
    return person


def denied(request_id: str, at_s: float, *, number: str = NUMBER, talker: Talker | None = None) -> None:
    """The device waited two seconds for the lab, and its roster says no while somebody's session runs."""
    said = {"request_id": request_id, "credential": number, "decided": "denied"}
    store((talker or Talker("reader-1")).say("access", said, at_s))


def told() -> list[tuple[str, object]]:
    rows = DeviceCommand.objects.order_by("pk")
    return [(row.kind, {key: row.data.get(key) for key in ("session_id", "reason", "most_s")}) for row in rows]


def test_who_left_by_badge_leaves_no_power_on_when_the_answer_was_lost(reader: Device, camille: Person) -> None:
    began = tap(reader, at=NOW)
    power_on(began)
    left = tap(reader, at=at(1200), request="r-leave")

    denied("r-leave", 1202)

    off = {"session_id": began.session_id, "reason": "normal", "most_s": None}
    one = DeviceCommand.objects.get()
    assert (left.most_s, AccessSession.objects.get().stop_reason) == (0, StopReason.NORMAL)
    assert told() == [(Kind.DISABLE, off)]
    assert (one.data["when_idle"], one.expires_at - one.created_at) == (True, OFF_LASTS)


def test_more_time_whose_answer_was_lost_is_ordered(reader: Device, camille: Person) -> None:
    began = tap(reader, at=NOW)
    power_on(began)
    tap(reader, at=at(3500), request="r-more")

    denied("r-more", 3503)

    session = AccessSession.objects.get()
    on = {"session_id": began.session_id, "reason": None, "most_s": 5400 - 3503}
    assert (session.until, session.ended_at) == (at(5400), None)
    assert told() == [(Kind.ENABLE, on)]
    assert take_to_send(now=at(3600))[0].data["most_s"] == 1800


def test_who_leaves_while_it_cools_is_waited_for_by_the_device(reader: Device, camille: Person) -> None:
    began = tap(reader, at=NOW)
    power_on(began)
    session = AccessSession.objects.get()
    attempt = {"kind": "badge", "person": camille, "session": session, "is_allowed": True, "answer": {"most_s": 0}}
    AccessAttempt.objects.create(device=reader, request_id="r-leave", at=at(1200), **attempt)

    denied("r-leave", 1202)

    off = {"session_id": began.session_id, "reason": "normal", "most_s": None}
    assert (told(), AccessSession.objects.get().ended_at) == ([(Kind.DISABLE, off)], None)


def test_device_that_has_left_already_is_told_nothing_of_what_it_never_began(reader: Device, camille: Person) -> None:
    began = tap(reader, at=NOW, request="r-1")
    store(Talker("reader-1").say("event", {"event": "stop", "session_id": began.session_id}, 1))

    denied("r-1", 3, talker=Talker("reader-1", seq=1))

    assert told() == []


def test_takeover_that_the_device_never_heard_of_leaves_no_power_on(reader: Device, camille: Person) -> None:
    ben = make_person(first_name="Ben")
    badge_of(ben, OTHER)
    held = make_reservation(reader.machine, 0, 3600, holder=camille)
    Reservation.objects.filter(pk=held.pk).update(team=make_team(site=reader.machine.site, members=[camille, ben]))
    began = tap(reader, at=NOW)
    power_on(began)
    tap(reader, OTHER, at=at(600), request="r-ben")

    denied("r-ben", 602, number=OTHER)

    off = {"session_id": began.session_id, "reason": "takeover", "most_s": None}
    assert not AccessSession.objects.filter(ended_at=None).exists()
    assert told() == [(Kind.DISABLE, off)]


# --- both at once -------------------------------------------------------------------------------------------------


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def somebody_waits() -> bool:
    """Whether a connection waits for a lock that another one holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@AT_ONCE
@pytest.mark.serial
def test_yes_that_is_written_down_after_the_devices_no_holds_no_machine(reader: Device, camille: Person) -> None:
    answers: list[Decision | None] = []
    with one_at_a_time(reader.machine_id):
        deciding = in_thread(lambda: answers.append(answer(reader, Access("r-9", NUMBER), NOW)))
        assert wait_until(somebody_waits)
        denied("r-9", 3)
    deciding.join(20)

    session, attempt = AccessSession.objects.get(), AccessAttempt.objects.get()
    assert answers == [None]
    assert (session.ended_at is not None, session.stop_reason) == (True, StopReason.IDLE_TIMEOUT)
    assert (attempt.is_allowed, attempt.codes, attempt.answer) == (False, ["offline"], {})


@AT_ONCE
@pytest.mark.serial
def test_no_of_the_lab_after_the_devices_no_says_why(reader: Device) -> None:
    person = make_person(is_active=True)
    badge_of(person)
    MachineAccess.objects.create(machine=reader.machine, needs_two_people=True)
    with one_at_a_time(reader.machine_id):
        deciding = in_thread(lambda: answer(reader, Access("r-9", NUMBER), NOW))
        assert wait_until(somebody_waits)
        denied("r-9", 3)
    deciding.join(20)

    assert AccessAttempt.objects.get().codes == ["two_person"]


@AT_ONCE
@pytest.mark.serial
def test_devices_no_that_meets_the_yes_on_its_way_to_the_disk_is_not_lost(reader: Device, camille: Person) -> None:
    began = tap(reader, at=NOW, request="r-9")
    written = AccessAttempt.objects.get()
    AccessAttempt.objects.all().delete()

    def write_the_yes() -> None:
        with transaction.atomic():
            AccessAttempt(**{**_values(written), "at": NOW}).save(force_insert=True)
            is_written.set()
            assert wait_until(somebody_waits)

    is_written = threading.Event()
    writing = in_thread(write_the_yes)
    assert is_written.wait(20)
    denied("r-9", 3)
    writing.join(20)

    assert not QuarantinedMessage.objects.exists()
    assert AccessAttempt.objects.get().is_allowed
    assert AccessSession.objects.get(reference=began.session_id).stop_reason == StopReason.IDLE_TIMEOUT


def _values(row: AccessAttempt) -> dict[str, object]:
    names = ("device_id", "request_id", "kind", "person_id", "session_id", "is_allowed", "answer")
    return {name: getattr(row, name) for name in names}

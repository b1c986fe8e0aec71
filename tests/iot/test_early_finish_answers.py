# ruff: noqa: F811 (fixtures)
"""A machine at rest: who says that they go on keeps their time; a printer's own software tells of its rest."""

import pytest
from django.test import Client

from iot import early_finish
from iot.models import Reading, ReportedState, StopReason, UsageSession, UseState
from printing.models import JobState, Printer, PrintFile, PrintJob
from reservations.deeds import note_deed
from reservations.errors import WrongState
from reservations.models import Deed, Status
from tests.iot.builders import NOW, at, make_reservation
from tests.iot.test_early_finish import MIN, at_rest_with, holder, printer, rested, swept, told  # noqa: F401

pytestmark = pytest.mark.django_db


# --- “I go on” ----------------------------------------------------------------------------------------------------


def seen_by(reservation, minute, monkeypatch):
    monkeypatch.setattr("fablab.views.reservation.timezone.now", lambda: at(minute * MIN))
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(reservation.holder)
    return browser, browser.get(reservation.get_absolute_url()).content.decode()


def test_whoever_says_that_they_go_on_keeps_their_time(rested, monkeypatch):
    swept(15)
    browser, asked = seen_by(rested, 20, monkeypatch)

    answer = browser.post(f"{rested.get_absolute_url()}stay/", follow=True)
    kept = swept(25, 40, 54)
    asked_again, freed = swept(55, 64), swept(65)

    assert "Without a word from you the rest of your time goes to others at 14:25." in " ".join(asked.split())
    assert "It stays yours." in answer.content.decode()
    assert "do you still need it" not in answer.content.decode()
    # Half an hour, and then as long a rest as before.
    assert (kept, asked_again, freed) == ([0, 0, 0], [0, 0], [1])
    assert told(rested) == ["machine_at_rest", "machine_at_rest", "finished_at_rest"]
    assert rested.deeds.get(kind=Deed.Kind.STAYS).by == rested.holder


def test_nobody_is_asked_on_the_page_before_the_question_after_the_answer_and_after_the_time(rested, monkeypatch):
    pages = {minute: seen_by(rested, minute, monkeypatch)[1] for minute in (14,)}
    swept(15)
    pages |= {minute: seen_by(rested, minute, monkeypatch)[1] for minute in (16, 25)}
    note_deed(rested, Deed.Kind.CHANGED, by=rested.holder, now=at(17 * MIN))
    pages[18] = seen_by(rested, 18, monkeypatch)[1]

    assert {minute: "do you still need it" in page for minute, page in pages.items()} == {
        14: False, 16: True, 18: False, 25: False,
    }  # fmt: skip


def test_whoever_used_it_again_is_asked_nothing_on_the_page(rested, monkeypatch):
    swept(15)
    UsageSession.objects.create(
        machine=rested.machine, reservation=rested, person=rested.holder, start=at(17 * MIN),
        last_busy_at=at(19 * MIN), end=at(19 * MIN), stop_reason=StopReason.NORMAL,
    )  # fmt: skip

    assert "do you still need it" not in seen_by(rested, 20, monkeypatch)[1]


def test_over_is_over(rested):
    swept(15, 25)

    with pytest.raises(WrongState, match="not_open"):
        early_finish.stay(reservation=rested, by=rested.holder, now=at(26 * MIN))


# --- a printer without a plug ---------------------------------------------------------------------------------------


@pytest.fixture
def plain_printer(printer):
    """Its software answers; no device watches it. One who has printed on it for ten minutes has two hours."""
    row = at_rest_with(make_reservation(printer, 0, 120 * MIN, holder=holder(), status=Status.IN_USE))
    # As a print leaves it that was sent from here: a row in which no device ever wrote.
    ReportedState.objects.update(device=None, state=UseState.UNKNOWN, power_w=None)
    Reading.objects.all().delete()
    Printer.objects.create(machine=printer, base_url="http://10.0.0.9", connection="operational", kind="moonraker")
    return row


def printed(reservation, state):
    file = PrintFile.objects.create(
        sha256="a" * 64, size_bytes=1, name="cube.gcode", uploaded_by=reservation.holder, uploaded_at=NOW
    )
    PrintJob.objects.create(
        machine=reservation.machine, file=file, person=reservation.holder, reservation=reservation, state=state,
        usage_session=reservation.usage_sessions.get(), created_at=NOW, started_at=NOW, ended_at=at(9 * MIN),
    )  # fmt: skip


@pytest.mark.parametrize(("state", "finished"), [(JobState.FINISHED, [0, 1]), (JobState.FAILED, [0, 0])])
def test_plug_that_saw_a_whole_print_end_has_seen_its_job_finished(printer, state, finished):
    row = at_rest_with(
        make_reservation(printer, 0, 120 * MIN, holder=holder(), status=Status.IN_USE), reason=StopReason.NORMAL
    )
    printed(row, state)

    assert swept(15, 25) == finished


def answered(minute, **changes):
    Printer.objects.update(last_answer_at=at(minute * MIN), **changes)


def test_printer_s_own_software_tells_of_its_rest(plain_printer):
    finished = []
    for minute in (15, 24, 25):
        answered(minute)
        finished += swept(minute)

    assert finished == [0, 0, 1]
    assert told(plain_printer) == ["machine_at_rest", "finished_at_rest"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"connection": "printing"}, id="it prints"),
        pytest.param({"connection": "offline"}, id="link closed: it may print from its card"),
        pytest.param({"unreachable_since": at(5 * MIN)}, id="out of reach"),
        pytest.param({"returned_at": at(12 * MIN)}, id="was out of reach meanwhile"),
        pytest.param({"is_enabled": False}, id="out of service"),
        pytest.param({"kind": "octoprint"}, id="its program hears nothing of a print from a card"),
        pytest.param({"error_code": "printer_auth"}, id="its key is refused"),
    ],
)
def test_printer_that_cannot_tell_takes_nothing_from_anybody(plain_printer, changes):
    answered(25, **changes)

    assert swept(15, 25, 40) == [0, 0, 0]
    assert told(plain_printer) == []


def test_printer_that_was_not_asked_lately_tells_nothing(plain_printer):
    answered(11)

    assert swept(15, 25) == [0, 0]
    assert told(plain_printer) == []

"""The state of a machine as a table: which fact wins, and which words go with it."""

import datetime as dt

import pytest
from django.utils import translation

from fablab.lib.intervals import Interval
from fablab.machine_facts import StatusFacts
from fablab.machine_status import State, machine_statuses, status_of
from iot.models import AccessSession, Device, ReportedState, UseState
from machines.models import Machine, Outage
from people.lab import current_lab, lab_for_change, save_lab
from printing.models import JobState, Printer, PrintJob
from reservations.models import Reservation, Status
from tests.api.lab import make_lab
from tests.factories import NOW, PARIS, at, make_outage, minutes

MACHINE = Machine(name="Prusa")
OPEN = [Interval(at("08:00"), at("19:00"))]
LATER = [Interval(at("2026-03-12 08:00"), at("2026-03-12 19:00"))]


def device(*, seen_min_ago: float | None = 0, is_online: bool = True) -> Device:
    seen_at = None if seen_min_ago is None else NOW - minutes(seen_min_ago)
    return Device(is_online=is_online, last_seen_at=seen_at, silent_after=minutes(1))


def printer(*, is_bed_clear: bool = True, silent_min: float | None = None) -> Printer:
    since = None if silent_min is None else NOW - minutes(silent_min)
    return Printer(is_bed_clear=is_bed_clear, unreachable_since=since, last_answer_at=since or NOW)


def hot(*, nozzle_c: float | None = 180.4, target_c: float | None = 0, **more: bool) -> Printer:
    found = printer(**more)
    found.nozzle_c, found.nozzle_target_c = nozzle_c, target_c
    return found


def job(state: JobState = JobState.PRINTING, left: dt.timedelta | None = None) -> PrintJob:
    return PrintJob(state=state, progress_pct=62.4, time_left=left)


def booked(start: str, end: str, status: Status = Status.CONFIRMED) -> Reservation:
    return Reservation(start=at(start), end=at(end), status=status)


HEARD, SILENT = device(), device(seen_min_ago=5)
# One of them said that it is busy.
PLUG_SILENT = Device(pk=7, is_online=True, last_seen_at=NOW - minutes(5), silent_after=minutes(1))
SAID_BY_PLUG = ReportedState(state=UseState.BUSY, power_w=84, since=NOW - minutes(30), device_id=7)
BUSY = ReportedState(state=UseState.BUSY, power_w=84, since=NOW - minutes(30))
IDLE = ReportedState(state=UseState.IDLE, power_w=3)
FAULT = ReportedState(state=UseState.FAULT)
UNKNOWN = ReportedState(state=UseState.UNKNOWN)
HOT = ReportedState(state=UseState.IDLE, hot_at=NOW - minutes(3))
HOT_LONG_AGO = ReportedState(state=UseState.IDLE, hot_at=NOW - minutes(31))
HOT_AND_BUSY = ReportedState(state=UseState.BUSY, since=NOW - minutes(30), hot_at=NOW)
HOT_AND_BROKEN = ReportedState(state=UseState.FAULT, hot_at=NOW)
BROKEN = Outage(kind="fault", start=NOW, reason="Belt worn")
LOCKED = Device(is_online=True, last_seen_at=NOW, silent_after=minutes(1), is_locked=True)
LOCKED_OUT = Outage(kind="lock_out", start=NOW, reason="emergency stop")
TO_CHECK = Outage(kind="to_check", start=NOW, reason="looked at after use")
OPEN_TO = AccessSession(state="active", until=at("09:40"))
BADGE_SEEN = AccessSession(state="waiting_button", until=at("09:40"))
ONE_OF_TWO = AccessSession(state="waiting_second", until=at("09:40"))
HELD = booked("08:30", "09:30")
CHECKED_IN = booked("08:30", "09:30", Status.IN_USE)

# Name: (facts, state, word, detail). NOW is 09:00.
TABLE = {
    "nothing known of it, open": ({}, State.FREE, "Free", "Until closing, 19:00"),
    "idle": ({"devices": [HEARD], "reported": IDLE}, State.FREE, "Free", "Until closing, 19:00"),
    "reported unknown": ({"devices": [HEARD], "reported": UNKNOWN}, State.FREE, "Free", "Until closing, 19:00"),
    "reserved soon": ({"reservations": [booked("10:00", "11:00")]}, State.FREE, "Free", "Until 10:00"),
    "reserved now": ({"reservations": [HELD]}, State.RESERVED, "Reserved", "Free again 09:30"),
    "reserved to this very minute": ({"reservations": [booked("08:00", "09:00")]}, State.FREE, "Free",
                                     "Until closing, 19:00"),
    "reserved from this very minute": ({"reservations": [booked("09:00", "10:00")]}, State.RESERVED, "Reserved",
                                       "Free again 10:00"),
    "checked in": ({"reservations": [CHECKED_IN]}, State.IN_USE, "In use", "Until 09:30"),
    "reserved over midnight": ({"reservations": [booked("08:30", "2026-03-12 02:00")]}, State.RESERVED, "Reserved",
                               "Free again 02:00 (Thu 12 Mar)"),
    "checked in for days": ({"reservations": [booked("08:30", "2026-03-13 17:00", Status.IN_USE)]}, State.IN_USE,
                            "In use", "Until 17:00 (Fri 13 Mar)"),
    "busy under a reservation": ({"devices": [HEARD], "reported": BUSY, "reservations": [HELD]}, State.IN_USE,
                                 "In use", "Until 09:30"),
    "busy without one": ({"devices": [HEARD], "reported": BUSY}, State.IN_USE, "In use",
                         "Since 08:30, without a reservation"),
    "closed until tomorrow": ({"opening": LATER}, State.CLOSED, "Closed", "Opens"),
    "closed for a week": ({"opening": []}, State.CLOSED, "Closed", ""),
    "busy while closed": ({"opening": LATER, "devices": [HEARD], "reported": BUSY}, State.IN_USE, "In use", "Since"),
    "reserved while closed": ({"opening": LATER, "reservations": [HELD]}, State.RESERVED, "Reserved", "Free again"),
    "silent": ({"devices": [SILENT], "reported": IDLE}, State.NO_NEWS, "No news", "Last heard 08:55"),
    "silent since yesterday": ({"devices": [device(seen_min_ago=60 * 20)]}, State.NO_NEWS, "No news", "Last heard"),
    "never heard": ({"devices": [device(seen_min_ago=None)]}, State.NO_NEWS, "No news", "Never heard"),
    "said goodbye": ({"devices": [device(is_online=False)]}, State.NO_NEWS, "No news", "Last heard 09:00"),
    "silent while it was busy": ({"devices": [SILENT], "reported": BUSY}, State.NO_NEWS, "No news", "Last heard"),
    "silent and checked in": ({"devices": [SILENT], "reservations": [CHECKED_IN]}, State.NO_NEWS, "No news", "Last"),
    "silent and closed": ({"devices": [SILENT], "opening": LATER}, State.NO_NEWS, "No news", "Last heard"),
    "one of two silent": ({"devices": [HEARD, SILENT], "reported": IDLE}, State.NO_NEWS, "No news", "Last heard 08:55"),
    "one of two silent, busy": ({"devices": [HEARD, SILENT], "reported": BUSY}, State.IN_USE, "In use", "Since"),
    "one of two silent, which said busy": ({"devices": [HEARD, PLUG_SILENT], "reported": SAID_BY_PLUG}, State.NO_NEWS,
                                           "No news", "Was in use; no news since 08:55"),
    "one of two silent, which said busy, reserved": (
        {"devices": [HEARD, PLUG_SILENT], "reported": SAID_BY_PLUG, "reservations": [HELD]}, State.NO_NEWS, "No news",
        "Was in use; no news since 08:55",
    ),
    "one of two silent, which said busy, locked": ({"devices": [LOCKED, PLUG_SILENT], "reported": SAID_BY_PLUG},
                                                   State.OUT, "Locked", "Please call"),
    "printer silent": ({"printer": printer(silent_min=9)}, State.NO_NEWS, "No news", "Last heard 08:51"),
    "printer silent, plug heard": ({"printer": printer(silent_min=9), "devices": [HEARD], "reported": IDLE},
                                   State.NO_NEWS, "No news", "Last heard 08:51"),
    "printing": ({"printer": printer(), "job": job(left=minutes(20))}, State.IN_USE, "Printing", "Done at 09:20"),
    "printing, no estimate": ({"printer": printer(), "job": job()}, State.IN_USE, "Printing", ""),
    "print being sent": ({"printer": printer(), "job": job(JobState.DISPATCHING)}, State.IN_USE, "Preparing", ""),
    "print paused": ({"printer": printer(), "job": job(JobState.PAUSED)}, State.CARE, "Paused", ""),
    "print being stopped": ({"printer": printer(), "job": job(JobState.CANCELLING)}, State.IN_USE, "Stopping", ""),
    "printing, plug silent": ({"printer": printer(), "job": job(), "devices": [SILENT]}, State.IN_USE, "Printing", ""),
    "printing, printer silent": ({"printer": printer(silent_min=4), "job": job()}, State.NO_NEWS, "No news",
                                 "Was printing; no answer since 08:56"),
    "bed to clear": ({"printer": printer(is_bed_clear=False)}, State.CARE, "Clear the bed", ""),
    "bed to clear, printer silent": ({"printer": printer(is_bed_clear=False, silent_min=9)}, State.NO_NEWS, "No news",
                                     "Last heard"),
    "hot after its print": ({"printer": hot()}, State.COOLING, "Cooling", "Still 180 °C hot"),
    "hot, bed to clear": ({"printer": hot(is_bed_clear=False)}, State.COOLING, "Cooling", "Still 180 °C hot"),
    "hot, under a reservation": ({"printer": hot(), "reservations": [CHECKED_IN]}, State.COOLING, "Cooling", "Still"),
    "cooled down": ({"printer": hot(nozzle_c=49.9), "reported": HOT}, State.FREE, "Free", "Until closing"),
    "being heated": ({"printer": hot(target_c=215), "reservations": [CHECKED_IN]}, State.IN_USE, "In use", "Until"),
    "hot while it prints": ({"printer": hot(target_c=215), "job": job()}, State.IN_USE, "Printing", ""),
    "hot, then out of service": ({"printer": hot(), "outage": BROKEN}, State.OUT, "Out of service", "Fault"),
    "hot by its device": ({"devices": [HEARD], "reported": HOT}, State.COOLING, "Cooling", "Still hot"),
    "hot long ago": ({"devices": [HEARD], "reported": HOT_LONG_AGO}, State.FREE, "Free", "Until closing"),
    "hot and at work": ({"devices": [HEARD], "reported": HOT_AND_BUSY}, State.IN_USE, "In use", "Since"),
    "hot and at fault": ({"devices": [HEARD], "reported": HOT_AND_BROKEN}, State.CARE, "Fault", "Please call"),
    "hot, heated by whoever has it": ({"devices": [HEARD], "reported": HOT, "access": OPEN_TO}, State.IN_USE, "In use",
                                      "Until 09:40"),
    "hot, reserved and nobody came": ({"devices": [HEARD], "reported": HOT, "reservations": [HELD]}, State.COOLING,
                                      "Cooling", "Still hot"),
    "hot and silent": ({"devices": [SILENT], "reported": HOT}, State.NO_NEWS, "No news", "Last heard"),
    "fault": ({"devices": [HEARD], "reported": FAULT}, State.CARE, "Fault", "Please call someone of the team"),
    "fault under a reservation": ({"devices": [HEARD], "reported": FAULT, "reservations": [CHECKED_IN]}, State.CARE,
                                  "Fault", "Please call"),
    "out of service": ({"outage": BROKEN}, State.OUT, "Out of service", "Fault"),
    "out of service until Friday": ({"outage": Outage(kind="maintenance", start=NOW, end=at("2026-03-13 10:00"))},
                                    State.OUT, "Out of service", "Maintenance. Back"),
    "out of service, expected back": ({"outage": Outage(kind="fault", start=NOW, expected_end=dt.date(2026, 3, 20))},
                                      State.OUT, "Out of service", "Fault. Back"),
    "stopped for safety": ({"outage": LOCKED_OUT, "devices": [HEARD]}, State.OUT, "Locked", "Stopped for safety"),
    "to be checked": ({"outage": TO_CHECK}, State.OUT, "To be checked", "Somebody of the team"),
    "locked from afar": ({"devices": [LOCKED], "reported": IDLE}, State.OUT, "Locked", "Please call"),
    "locked while it runs": ({"devices": [LOCKED], "reported": BUSY}, State.IN_USE, "In use", "Since"),
    "opened, not working yet": ({"devices": [HEARD], "reported": IDLE, "access": OPEN_TO}, State.IN_USE, "In use",
                                "Until 09:40"),
    "waits for the button": ({"devices": [HEARD], "access": BADGE_SEEN}, State.RESERVED, "Waits for the button",
                             "Opened with a badge"),
    "waits for a second person": ({"devices": [HEARD], "access": ONE_OF_TWO}, State.RESERVED,
                                  "Waits for a second person", "Opened with a badge"),
    "opened, then silent": ({"devices": [SILENT], "access": OPEN_TO}, State.NO_NEWS, "No news", "Last heard"),
    "out of service, printing, silent": ({"outage": BROKEN, "printer": printer(), "job": job(), "devices": [SILENT]},
                                         State.OUT, "Out of service", "Fault"),
}  # fmt: skip


def status(facts: dict):
    with translation.override("en"):
        return status_of(MACHINE, StatusFacts(**({"zone": PARIS, "opening": OPEN} | facts)), NOW)


@pytest.mark.parametrize(("facts", "state", "word", "detail"), TABLE.values(), ids=TABLE)
def test_status_follows_from_the_facts(facts: dict, state: State, word: str, detail: str) -> None:
    found = status(facts)

    assert (found.state, found.word) == (state, word)
    assert found.detail.startswith(detail)
    assert bool(found.detail) == bool(detail)


def test_table_shows_every_state_and_every_word_of_a_print() -> None:
    assert {row[1] for row in TABLE.values()} == set(State)


@pytest.mark.parametrize(
    "facts",
    [facts for facts, *_rest in TABLE.values() if any(d.is_silent(NOW) for d in facts.get("devices", ()))],
    ids=lambda facts: "+".join(facts),
)
def test_silent_machine_is_never_shown_free(facts: dict) -> None:
    assert status(facts).state != State.FREE


def test_power_that_a_silent_device_said_last_is_not_shown_as_drawn_now() -> None:
    facts = {"devices": [HEARD, PLUG_SILENT], "reported": SAID_BY_PLUG, "reservations": [CHECKED_IN]}

    found = status(facts)

    assert (found.word, found.power_w) == ("In use", None)


def test_outage_never_repeats_what_somebody_wrote() -> None:
    assert "Belt" not in status({"outage": BROKEN}).detail


def test_print_shows_its_measures() -> None:
    found = status({"printer": printer(), "job": job(left=minutes(20)), "reported": BUSY})

    assert (found.measure, found.progress_step, found.left, found.power_w) == ("62 %", 62, "20 min left", 84)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_words_are_of_one_language(language: str) -> None:
    with translation.override(language):
        found = status_of(MACHINE, StatusFacts(zone=PARIS, opening=OPEN, reservations=[HELD]), NOW)

    assert (found.word == "Reserved") == (language == "en")


@pytest.mark.django_db
def test_statuses_read_from_the_database_agree_with_the_table(django_assert_num_queries) -> None:
    lab = make_lab()
    make_outage(machine=lab.laser)
    machines = [lab.laser, lab.printer_machine]
    current_lab()

    with django_assert_num_queries(4):
        found = machine_statuses(machines, lab.running.start + minutes(10))

    assert [(s.machine, s.state) for s in found] == [(lab.laser, State.OUT), (lab.printer_machine, State.IN_USE)]


@pytest.mark.django_db
def test_printer_put_out_of_service_is_no_part_of_the_status() -> None:
    lab = make_lab()
    lab.job.state, lab.running.status = JobState.FINISHED, Status.COMPLETED
    lab.job.save()
    Printer.objects.update(is_enabled=False)

    (found,) = machine_statuses([lab.printer_machine], lab.running.start + minutes(10))

    assert found.state == State.IN_USE


@pytest.mark.django_db
@pytest.mark.parametrize("off", [[], ["devices"], ["printing"], ["devices", "printing"]], ids="+".join)
def test_machine_says_nothing_of_modules_that_are_off(off: list[str]) -> None:
    lab = make_lab()
    now = lab.running.start + minutes(10)
    lab.job.state = JobState.FINISHED
    lab.job.save()
    row = lab_for_change()
    row.modules_off = off
    save_lab(row)

    with translation.override("en"):
        (found,) = machine_statuses([lab.printer_machine], now)
        Device.objects.update(is_online=False)
        (silent,) = machine_statuses([lab.printer_machine], now)

    words = {"": ("Clear the bed", "No news"), "devices": ("Clear the bed",) * 2, "printing": ("In use", "No news")}
    assert (found.word, silent.word) == words.get("+".join(off), ("In use", "In use"))
    assert (found.power_w is None) == ("devices" in off or found.word != "In use")


@pytest.mark.django_db
def test_two_outages_at_once_show_the_machine_once() -> None:
    lab = make_lab()
    for _ in range(2):
        make_outage(machine=lab.laser, start=lab.running.start)

    found = machine_statuses(Machine.objects.with_places(), lab.running.start + minutes(10))

    assert sorted(s.machine.name for s in found) == ["Laser", "Prusa"]

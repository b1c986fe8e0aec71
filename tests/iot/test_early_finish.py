"""A machine that has done its work and rests: asked first, then the rest of the time is given to others."""

import datetime as dt
from dataclasses import replace

import pytest

from iot import early_finish
from iot.early_finish import finish_what_rests
from iot.models import (
    AccessSession,
    MachineAccess,
    Reading,
    ReadingKind,
    ReportedState,
    StopReason,
    UsageSession,
    UseState,
)
from iot.rest_rules import RestFacts, Step, step_of
from iot.tasks import sweep_devices
from machines.models import Attendance
from people.models import Notice
from printing.models import JobState, Printer, PrintFile, PrintJob
from reservations.deeds import note_deed
from reservations.evidence import Use
from reservations.models import Deed, HeldUnit, Status
from reservations.waiting import join_waiting
from tests.factories import make_outage, make_person, minutes
from tests.iot.builders import NOW, at, make_device, make_machine, make_reservation

MIN = 60
LEFT = RestFacts(
    end=at(120 * MIN), is_one_of_ours=True, gives_away_after=minutes(15), off_when_idle_after=None, runs_alone=False,
    came_at=NOW, ran_until=at(10 * MIN), stopped_for=StopReason.JOB_FINISHED, state=UseState.IDLE, use_since=Use.IDLE,
    is_hot=False, is_out_of_service=False, is_kept=False, asked_at=at(15 * MIN),
)  # fmt: skip


# --- the rule -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        pytest.param({}, Step.FINISH, id="job finished and at rest"),
        pytest.param({"state": UseState.OFF}, Step.FINISH, id="switched off since"),
        pytest.param({"is_one_of_ours": False}, Step.NOTHING, id="lent, a seat, shared, out of reach"),
        pytest.param({"gives_away_after": None}, Step.NOTHING, id="nothing is given away by itself here"),
        pytest.param({"ran_until": None, "stopped_for": ""}, Step.NOTHING, id="it has not run yet"),
        pytest.param({"stopped_for": StopReason.NORMAL}, Step.NOTHING, id="a pause between two cuts"),
        pytest.param(
            {"stopped_for": StopReason.NORMAL, "runs_alone": True}, Step.FINISH, id="a run of what runs alone"
        ),
        pytest.param(
            {"stopped_for": StopReason.NORMAL, "off_when_idle_after": minutes(15)}, Step.FINISH, id="rest that is set"
        ),
        pytest.param(
            {"stopped_for": StopReason.NORMAL, "off_when_idle_after": minutes(16)}, Step.NOTHING, id="not for so long"
        ),
        pytest.param({"stopped_for": StopReason.EMERGENCY_STOP}, Step.NOTHING, id="stopped in an emergency"),
        pytest.param({"stopped_for": StopReason.AGENT_LOST}, Step.NOTHING, id="lost from sight"),
        pytest.param({"stopped_for": StopReason.POWER_CUT}, Step.NOTHING, id="a power cut"),
        pytest.param({"use_since": Use.UNKNOWN}, Step.NOTHING, id="its device was silent"),
        pytest.param({"use_since": Use.USED}, Step.NOTHING, id="used since"),
        pytest.param({"state": UseState.UNKNOWN}, Step.NOTHING, id="nobody knows its state"),
        pytest.param({"state": UseState.FAULT}, Step.NOTHING, id="at fault"),
        pytest.param({"state": UseState.BUSY}, Step.NOTHING, id="at work"),
        pytest.param({"is_hot": True}, Step.NOTHING, id="still hot"),
        pytest.param({"is_out_of_service": True}, Step.NOTHING, id="out of service"),
        pytest.param({"is_kept": True}, Step.NOTHING, id="a print waits"),
        pytest.param({"came_at": at(11 * MIN)}, Step.NOTHING, id="somebody came a minute later"),
        pytest.param({"asked_at": None}, Step.ASK, id="asked first"),
        pytest.param({"asked_at": at(16 * MIN)}, Step.NOTHING, id="time to answer"),
        pytest.param({"end": at(25 * MIN)}, Step.NOTHING, id="over by itself"),
        pytest.param({"asked_at": None, "end": at(35 * MIN)}, Step.NOTHING, id="over before they could answer"),
    ],
)
def test_only_what_was_left_is_finished(changes: dict[str, object], step: Step) -> None:
    assert step_of(replace(LEFT, **changes), at(25 * MIN)) == step


@pytest.mark.parametrize(
    ("minute", "is_asked", "step"),
    [(14, False, Step.NOTHING), (15, False, Step.ASK), (24, True, Step.NOTHING), (25, True, Step.FINISH)],
)
def test_asked_ten_minutes_before_it_is_given_away(minute: int, is_asked: bool, step: Step) -> None:
    facts = LEFT if is_asked else replace(LEFT, asked_at=None)

    assert step_of(facts, at(minute * MIN)) == step


# --- the sweep ----------------------------------------------------------------------------------------------------


@pytest.fixture
def printer(db, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return make_machine("printer")


@pytest.fixture
def rested(printer):
    """In use since NOW, ran for ten minutes, and its plug has told of rest for an hour since."""
    return at_rest_with(make_reservation(printer, 0, 120 * MIN, holder=holder(), status=Status.IN_USE))


def holder():
    return make_person(contact_email="zoe@example.org")


def at_rest_with(reservation, *, reason=StopReason.JOB_FINISHED, until_min=70):
    machine = reservation.machine
    reservation.checked_in_at = NOW
    reservation.save(update_fields=["checked_in_at"])
    device = make_device(f"plug-{machine.slug}", machine, is_online=True, last_seen_at=at(until_min * MIN))
    UsageSession.objects.create(
        machine=machine, device=device, reservation=reservation, person=reservation.holder, start=NOW,
        last_busy_at=at(10 * MIN), end=at(10 * MIN), stop_reason=reason,
    )  # fmt: skip
    ReportedState.objects.update_or_create(
        machine=machine, defaults={"device": device, "state": UseState.IDLE, "since": at(10 * MIN), "power_w": 4}
    )
    Reading.objects.bulk_create(
        Reading(device=device, boot="b", seq=n, index=0, kind=ReadingKind.POWER_W, at=at(n * MIN), value=4.0)
        for n in range(10, until_min)
    )
    return reservation


def swept(*minutes_after):
    return [finish_what_rests(now=at(minute * MIN)) for minute in minutes_after]


def told(reservation):
    return list(Notice.objects.filter(person=reservation.holder).order_by("pk").values_list("kind", flat=True))


def test_rest_of_the_time_is_given_back_after_the_question(rested, in_english):
    counts = swept(14, 15, 16, 24, 25, 26)

    rested.refresh_from_db()
    assert counts == [0, 0, 0, 0, 1, 0]
    assert (rested.status, rested.end, rested.booked_end) == (Status.COMPLETED, at(25 * MIN), at(120 * MIN))
    assert HeldUnit.objects.get(reservation=rested).period.upper == at(25 * MIN)
    assert told(rested) == ["machine_at_rest", "finished_at_rest"]
    asked, done = (notice.words for notice in Notice.objects.filter(person=rested.holder).order_by("pk"))
    assert asked == (
        "printer has been at rest since 14:10. If you go on, say so on its page before 14:25, or just use it again. "
        "Otherwise the rest of your time is free for others then."
    )
    assert "at rest since 14:10: the rest of your time is free for others." in done


def test_whoever_waits_is_served_first(lathe, settings, django_capture_on_commit_callbacks):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    at_rest_with(make_reservation(lathe, 0, 120 * MIN, holder=holder(), status=Status.IN_USE))
    waits = make_person(contact_email="bo@example.org")
    join_waiting(
        machine=lathe, person=waits, start=at(30 * MIN), end=at(90 * MIN), by=waits, now=NOW, is_notice_only=True
    )

    with django_capture_on_commit_callbacks(execute=True):
        swept(15, 25)

    assert Notice.objects.filter(person=waits, kind="waiting_free").exists()


def test_the_worker_s_sweep_asks(rested, monkeypatch):
    monkeypatch.setattr("iot.tasks.timezone.now", lambda: at(16 * MIN))

    sweep_devices()

    assert told(rested) == ["machine_at_rest"]


def test_a_plug_at_rest_on_what_runs_alone_counts(printer):
    printer.attendance = Attendance.START
    printer.save(update_fields=["attendance"])
    row = at_rest_with(make_reservation(printer, 0, 120 * MIN, holder=holder(), status=Status.IN_USE), reason="normal")

    assert swept(15, 25) == [0, 1]
    assert told(row) == ["machine_at_rest", "finished_at_rest"]


def test_a_pause_at_a_machine_of_hands_is_theirs(printer):
    row = at_rest_with(make_reservation(printer, 0, 120 * MIN, holder=holder(), status=Status.IN_USE), reason="normal")

    assert swept(15, 25, 60) == [0, 0, 0]
    assert told(row) == []


def test_a_pause_is_over_where_the_manager_says_how_long(printer):
    MachineAccess.objects.create(machine=printer, idle_off_after=minutes(30))
    at_rest_with(make_reservation(printer, 0, 120 * MIN, holder=holder(), status=Status.IN_USE), reason="normal")

    assert swept(29, 30, 39, 40) == [0, 0, 0, 1]


def lent(row):
    row.machine.category.is_lent = True
    row.machine.category.save()


def seat(row):
    row.machine.category.is_seat = True
    row.machine.category.save()


def screen(row):
    make_device("pc-1", row.machine, capabilities=["seat"])


def laptop(row):
    ReportedState.objects.filter(machine=row.machine).update(battery_pct=80)


def shared(row):
    other = make_machine("extractor")
    HeldUnit.objects.create(
        reservation=row,
        unit=other.unit,
        period=HeldUnit.objects.get().period,
        blocked=HeldUnit.objects.get().period,
    )


def unreachable_person(row):
    row.holder.contact_email = ""
    row.holder.save()


def switched_off_rule(row):
    row.machine.category.no_show_min = None
    row.machine.category.save()


def silent(row):
    Reading.objects.filter(at__gte=at(20 * MIN), at__lt=at(24 * MIN)).delete()


def unheard(row):
    ReportedState.objects.filter(machine=row.machine).update(is_unreachable=True)


def out_of_service(row):
    make_outage(machine=row.machine, start=NOW)


def hot(row):
    ReportedState.objects.filter(machine=row.machine).update(hot_at=at(24 * MIN))


def bed_waits(row):
    Printer.objects.create(machine=row.machine, is_bed_clear=False)


def job_of(row, state):
    Printer.objects.create(machine=row.machine)
    file = PrintFile.objects.create(
        sha256="ab" * 32, size_bytes=9, name="ring.gcode", uploaded_by=row.holder, uploaded_at=NOW
    )
    return PrintJob.objects.create(machine=row.machine, file=file, person=row.holder, state=state, created_at=NOW)


def print_waits_for_its_turn(row):
    job_of(row, JobState.QUEUED)


def print_waits_for_a_yes(row):
    job_of(row, JobState.AWAITING_APPROVAL)


def print_is_being_sent(row):
    job_of(row, JobState.DISPATCHING)


def just_let_in(row):
    AccessSession.objects.create(
        machine=row.machine, person=row.holder, reservation=row, allowed_at=at(20 * MIN), until=row.end
    )


def just_prolonged(row):
    note_deed(row, Deed.Kind.MOVED, by=row.holder, now=at(20 * MIN))


def runs_again(row):
    UsageSession.objects.create(machine=row.machine, reservation=row, start=at(22 * MIN), last_busy_at=at(22 * MIN))


def used_by_another(row):
    UsageSession.objects.create(
        machine=row.machine, start=at(21 * MIN), last_busy_at=at(22 * MIN), end=at(22 * MIN), stop_reason="normal"
    )


@pytest.mark.parametrize(
    "meanwhile",
    [
        lent, seat, screen, laptop, shared, unreachable_person, switched_off_rule, silent, unheard, out_of_service, hot,
        bed_waits, print_waits_for_its_turn, print_waits_for_a_yes,
        print_is_being_sent, just_let_in, just_prolonged, runs_again, used_by_another,
    ],
    ids=lambda function: function.__name__,
)  # fmt: skip
def test_the_time_stays_theirs(rested, meanwhile):
    swept(15)
    assert told(rested) == ["machine_at_rest"]

    meanwhile(rested)

    assert swept(25, 26) == [0, 0]
    rested.refresh_from_db()
    assert rested.status == Status.IN_USE


def test_print_that_is_over_keeps_nothing(rested):
    job_of(rested, JobState.FINISHED)

    assert swept(15, 25) == [0, 1]


def test_whoever_takes_it_up_again_is_asked_anew(rested):
    swept(15)
    just_prolonged(rested)

    counts = swept(24, 25, 34, 35)

    assert counts == [0, 0, 0, 1]
    assert [kind for kind in told(rested) if "rest" in kind] == [
        "machine_at_rest",
        "machine_at_rest",
        "finished_at_rest",
    ]


def test_what_has_not_come_is_left_to_the_rule_of_no_shows(rested):
    rested.status, rested.checked_in_at = Status.CONFIRMED, None
    rested.save(update_fields=["status", "checked_in_at"])

    assert swept(15, 25) == [0, 0]
    assert told(rested) == []


def test_what_keeps_time_is_asked(rested, monkeypatch):
    asked: list[tuple[int, dt.datetime]] = []

    def keeps(reservation, now):
        asked.append((reservation.pk, now))
        return True

    monkeypatch.setattr(early_finish, "_keepers", [keeps])

    assert swept(15, 25) == [0, 0]
    assert asked == [(rested.pk, at(15 * MIN)), (rested.pk, at(25 * MIN))]

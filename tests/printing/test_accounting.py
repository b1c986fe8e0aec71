"""Grams, minutes and money: by how far the print really came, taken from the spool once."""

import datetime as dt

import pytest

from people.models import Notice, Role
from printing.accounting import MOST_CENTS, price_cents, weigh_spool
from printing.models import JobState, Printer, PrintJob, PrintPrice, Spool, SpoolEntry
from printing.services import move_job, resolve_lost
from tests.contract.fake_moonraker import MM_A_SECOND, FakeMoonraker
from tests.factories import make_staff
from tests.printing.builders import fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def spool(lab):
    row = Spool.objects.create(
        site=lab.machine.site, material="PLA", colour="blue", left_g=500, price_cents_per_kg=2000
    )
    Printer.objects.update(spool=row)
    return row


def printing(lab, grams=40.0):
    job = lab.queue()
    type(job.file).objects.filter(pk=job.file_id).update(filament_g=grams, filament_type="PLA")
    PrintJob.objects.filter(pk=job.pk).update(start_asked_at=lab.now)
    lab.ticks(2)
    assert fresh(job).state == JobState.PRINTING
    return fresh(job)


def left(spool):
    return Spool.objects.get(pk=spool.pk).left_g


def test_finished_print_takes_all_that_the_slicer_foretold(lab, spool):
    job = printing(lab)
    lab.remote.pass_time(100)
    lab.ticks(2)

    ended = fresh(job)
    assert (ended.state, ended.grams, ended.spool, left(spool)) == (JobState.FINISHED, 40.0, spool, 460.0)
    begun = ended.events.get(new=JobState.STARTING).at
    # The fake says 30 seconds; no more is counted than went by since the command.
    assert ended.printed == ended.ended_at - begun


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_print_that_breaks_off_takes_what_it_came_to(lab, spool, state):
    job = printing(lab)
    PrintJob.objects.filter(pk=job.pk).update(progress_pct=25)

    move_job(fresh(job), state, now=lab.now)

    assert (fresh(job).grams, left(spool)) == (10.0, 490.0)


@pytest.mark.parametrize(
    ("state", "file", "used_mm", "expected"),
    [
        (JobState.FINISHED, {"filament_g": 40.0, "filament_mm": 10_000}, 11_000, 44.0),
        (JobState.CANCELLED, {"filament_g": 40.0, "filament_mm": 10_000}, 500, 2.0),
        (JobState.CANCELLED, {"filament_g": None, "filament_mm": 10_000}, 1000, 3.0),
        (JobState.FINISHED, {"filament_g": None, "filament_mm": None}, 1000, 3.0),
        (JobState.FINISHED, {"filament_g": 40.0, "filament_mm": 10_000}, 0, 40.0),
        (JobState.CANCELLED, {"filament_g": 40.0, "filament_mm": 10_000}, 0, 0.0),
        (JobState.CANCELLED, {"filament_g": 40.0, "filament_mm": 10_000}, 10**14, 10.0),
        (JobState.FINISHED, {"filament_g": None, "filament_mm": None}, 10**14, None),
        (JobState.FINISHED, {"filament_g": 40.0, "filament_mm": 10_000}, None, 40.0),
    ],
    ids=[
        "purged", "stopped early", "only a length foretold", "nothing foretold", "nothing drawn, and finished",
        "stopped before any was drawn", "nonsense", "nonsense, nothing foretold", "no word",
    ],
)  # fmt: skip
def test_filament_that_the_printer_drew_in_goes_before_what_was_foretold(lab, spool, state, file, used_mm, expected):
    job = printing(lab)
    type(job.file).objects.filter(pk=job.file_id).update(**file)
    PrintJob.objects.filter(pk=job.pk).update(used_mm=used_mm, progress_pct=25)

    ended = move_job(fresh(job), state, now=lab.now)

    assert ended.grams == (pytest.approx(expected, abs=0.05) if expected is not None else None)


@pytest.mark.parametrize(
    ("file", "used_mm"),
    [
        ({"filament_g": 1e9, "filament_mm": None}, None),
        ({"filament_g": None, "filament_mm": 1e9}, None),
        ({"filament_g": 1e9, "filament_mm": 10_000}, 10_000),
    ],
    ids=["absurd weight", "absurd length", "absurd weight, and the printer counted"],
)
def test_absurd_word_of_a_slicer_is_no_weight_and_the_print_ends_all_the_same(lab, spool, file, used_mm):
    site = lab.machine.site
    PrintPrice.objects.create(site=site, category=None, base_cents=100, hour_cents=0, kg_cents=2500)
    job = printing(lab)
    type(job.file).objects.filter(pk=job.file_id).update(**file)
    PrintJob.objects.filter(pk=job.pk).update(used_mm=used_mm)

    lab.remote.pass_time(100)
    lab.tick()

    drawn_g = None if used_mm is None else pytest.approx(29.8, abs=0.1)
    assert (fresh(job).state, fresh(job).grams) == (JobState.FINISHED, drawn_g)
    assert fresh(job).cost_cents == (100 if used_mm is None else 160)


def test_price_is_never_more_than_can_be_written_down():
    dear = PrintPrice(base_cents=0, hour_cents=2**31 - 1, kg_cents=0)

    assert price_cents(dear, dt.timedelta(days=1), 0, kg_cents=0) == MOST_CENTS


def test_klipper_tells_the_filament_that_it_drew(lab, spool):
    lab.server.stop()
    lab.server = FakeMoonraker()
    lab.remote = lab.server.printer
    Printer.objects.update(kind="moonraker", base_url=lab.server.url)
    job = lab.queue()
    type(job.file).objects.filter(pk=job.file_id).update(filament_g=10.0, filament_mm=290, filament_type="PLA")
    PrintJob.objects.filter(pk=job.pk).update(start_asked_at=lab.now)
    lab.ticks(2)
    lab.remote.going_since -= 15
    lab.tick()
    lab.remote.cancel()
    lab.ticks(4)

    ended = fresh(job)
    drawn_mm = MM_A_SECOND * lab.remote.done_s
    assert ended.state == JobState.CANCELLED
    assert 150 <= drawn_mm < 200
    assert ended.used_mm == pytest.approx(drawn_mm)
    assert ended.grams == pytest.approx(10.0 * drawn_mm / 290, abs=0.05)


def test_lost_print_is_settled_once_somebody_says_how_it_ended(lab, spool):
    job = printing(lab)
    lost = move_job(job, JobState.LOST, now=lab.now)
    before = (lost.grams, left(spool))

    resolve_lost(job=lost, outcome=JobState.FINISHED, by=lab.person, now=lab.now + dt.timedelta(days=1))

    assert before == (None, 500.0)
    assert (fresh(job).grams, left(spool)) == (40.0, 460.0)
    assert SpoolEntry.objects.count() == 1


def test_withdrawn_print_used_nothing(lab, spool):
    job = lab.queue()

    ended = lab.ask(job, "cancel")

    assert (ended.state, ended.grams, ended.printed, left(spool)) == (JobState.WITHDRAWN, None, None, 500.0)


def test_spool_that_hung_there_at_the_start_is_charged(lab, spool):
    job = printing(lab)
    Printer.objects.update(spool=Spool.objects.create(site=lab.machine.site, material="ABS", colour="red", left_g=300))

    move_job(job, JobState.FINISHED, now=lab.now)

    assert left(spool) == 460.0


def test_spool_holds_no_less_than_nothing(lab, spool):
    Spool.objects.update(left_g=15)

    move_job(printing(lab), JobState.FINISHED, now=lab.now)

    assert left(spool) == 0.0


def test_team_is_told_once_when_a_spool_runs_low(lab, spool):
    boss = make_staff(site=lab.machine.site, role=Role.FAB_MANAGER)
    Spool.objects.update(left_g=130)

    for _ in range(2):
        printing(lab)
        lab.remote.pass_time(100)
        lab.ticks(2)
        lab.clear_bed()

    told = Notice.objects.get(person=boss, kind="spool_low")
    assert told.params == {"what": "PLA blue", "grams": 90}


def test_scales_know_better_than_slicers(lab, spool):
    weigh_spool(spool=spool, left_g=432.5, now=lab.now)

    entry = SpoolEntry.objects.get()
    assert (left(spool), entry.kind, entry.grams) == (432.5, "weighed", -67.5)
    with pytest.raises(ValueError, match="less than nothing"):
        weigh_spool(spool=spool, left_g=-1, now=lab.now)


@pytest.mark.parametrize(
    ("prices", "kilo_of_spool", "expected"),
    [
        ([], 2000, None),
        ([(None, 50, 100, 3000)], 2000, 50 + 50 + 80),
        ([(None, 50, 100, 3000)], 0, 50 + 50 + 120),
        ([(None, 50, 100, 3000), ("own", 0, 200, 0)], 2000, 100 + 80),
    ],
    ids=["nobody set one", "the spool's own price", "the site's price of filament", "the kind's price goes first"],
)
def test_print_costs_what_the_lab_says(lab, spool, prices, kilo_of_spool, expected):
    Spool.objects.update(price_cents_per_kg=kilo_of_spool)
    for category, base, hour, kilo in prices:
        PrintPrice.objects.create(
            site=lab.machine.site, category=lab.machine.category if category else None, base_cents=base,
            hour_cents=hour, kg_cents=kilo,
        )  # fmt: skip
    job = printing(lab)

    ended = move_job(job, JobState.FINISHED, now=job.started_at + dt.timedelta(minutes=30))

    assert ended.cost_cents == expected

"""Forty printers, one worker: prints how late it comes to each, and what it costs; holds it to forgetting none.

Lateness depends on what else the machine does: whether it is as promised is printed, not asserted.

FABLAB_BENCH_FARM_S: seconds of each case, 120 unless set.
"""

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from printing.dispatch import visit
from printing.models import JobState, Printer, PrintJob
from printing.submitting import queue_job
from tests.api.web import ROOT, environment, url_of_test_database
from tests.bench.farm import watching
from tests.factories import make_category, make_machine, make_person, make_site
from tests.printing.builders import make_printer, upload

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]
SECONDS = float(os.environ.get("FABLAB_BENCH_FARM_S", "120"))
PRINTERS = 40
# Longer than everything here.
GCODE = b"G28\nG1 X10 F60000\nG4 S3600\n"
BEGUN_WITHIN_S = 120
# A printer that prints is looked at each 2 s; a second of that is not seen by anybody.
LATE_P95_S = 1.0
FORGOTTEN_S = 20.0
CASES = {
    "10 print, 30 idle": (10, 0, 0),
    "all 40 print": (40, 0, 0),
    "10 print, 20 idle, 5 never answer, 5 refuse": (10, 5, 5),
}


@contextlib.contextmanager
def fakes(hanging: int, refusing: int) -> Iterator[list[dict[str, str]]]:
    command = [sys.executable, "-m", "tests.bench.farm.printers", str(PRINTERS - hanging - refusing)]
    with subprocess.Popen(
        [*command, str(hanging), str(refusing)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


@contextlib.contextmanager
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    # Of this process too: the printers' keys are sealed with what lies there, and so do the files.
    data_dir = Path(os.environ["FABLAB_DATA_DIR"])
    env = environment(url_of_test_database(), data_dir, FABLAB_PRINTER_NETWORKS="127.0.0.0/8", FABLAB_DEBUG="0")
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def farm(rows: list[dict[str, str]], printing: int) -> list[Printer]:
    """The first so many have a job; all the others are due within the next half minute."""
    site, category, person = make_site(), make_category(), make_person()
    file, now, made = upload(GCODE, "cube.gcode", person), timezone.now(), []
    for number, row in enumerate(rows):
        machine = make_machine(site=site, category=category)
        printer = make_printer(machine, row["url"], row["key"])
        due_at = now + dt.timedelta(seconds=30 * number / len(rows))
        Printer.objects.filter(pk=printer.pk).update(kind=row["kind"], is_unattended=True, next_poll_at=due_at)
        if number < printing:
            queue_job(file=file, machine=machine, person=person, by=person, now=now)
        made.append(printer)
    return made


def wait_until_they_print(count: int) -> None:
    deadline_s = time.monotonic() + BEGUN_WITHIN_S
    while PrintJob.objects.filter(state=JobState.PRINTING).count() < count:
        assert time.monotonic() < deadline_s, "they do not print"
        time.sleep(0.5)


@pytest.mark.parametrize("case", CASES)
def test_one_worker_comes_to_forty_printers_in_time(case, tmp_path):
    printing, hanging, refusing = CASES[case]
    with fakes(hanging, refusing) as rows:
        printers = farm(rows, printing)
        watching.begin_to_note()
        try:
            with worker(tmp_path) as process:
                wait_until_they_print(printing)
                # Those that do not answer are asked less and less often: from the first minute on.
                watching.forget()
                cpu_s, began_s = watching.processor_s(process.pid), time.monotonic()
                time.sleep(SECONDS)
                cpu_pct = 100 * (watching.processor_s(process.pid) - cpu_s) / (time.monotonic() - began_s)
                held_mb = watching.rss_mb(process.pid)
            well = watching.lateness_of([row.pk for row in printers[: PRINTERS - hanging - refusing]])
        finally:
            watching.stop_to_note()
    took = f"{1000 * well.took_p50_s:.0f}, {1000 * well.took_p95_s:.0f} ms"
    late = f"{well.p50_s:.2f}, {well.p95_s:.2f}, {well.most_s:.2f} s"
    kept = "kept" if well.p95_s < LATE_P95_S else "MISSED"
    looks = f"{well.looks / SECONDS:.1f} looks/s"
    print(f"\n| {case} | {looks} | {took} | {late}: {kept} | {cpu_pct:.0f} % | {held_mb:.0f} MB |")
    assert PrintJob.objects.filter(state=JobState.PRINTING).count() == printing
    assert well.most_s < FORGOTTEN_S


def test_a_look_asks_the_database_little(settings):
    settings.PRINTER_NETWORKS = ["127.0.0.0/8"]
    rows = Printer.objects.select_related("machine__unit__site", "machine__category", "spool")
    with fakes(0, 0) as servers:
        working, idle = farm(servers[:1] + servers[4:5], 1)
        for _ in range(3):
            visit(rows.get(pk=working.pk), now=timezone.now())
        found = {}
        for name, printer in {"prints": working, "idle": idle}.items():
            with CaptureQueriesContext(connection) as asked:
                visit(rows.get(pk=printer.pk), now=timezone.now())
            found[name] = len(asked)

    print(f"\n| statements a look | {found['prints']} while it prints, {found['idle']} while it is idle |")
    assert found["prints"] <= 12
    assert found["idle"] <= 8

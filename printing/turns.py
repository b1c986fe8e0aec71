"""Whose turn it is at a printer, and what a job's start depends on: asked by the worker and by the job's page."""

import datetime as dt
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Q

from machines.selectors import machines_of_model
from printing.backends import PrinterConnection
from printing.models import ACTIVE, JobState, Printer, PrintJob
from printing.policy import file_denials, looks_wanted
from printing.rules import ABOUT_THE_PRINTER, StartFacts, start_denials
from printing.services import current_reservation, held_reservation
from printing.submitting import is_out_of_service, unanswered
from reservations.check_in_rules import person_denials
from reservations.models import HeldUnit, Reservation, Status

# A bed and a nozzle draw most while they heat up; two at once trip the fuse.
HEATS_FOR = dt.timedelta(minutes=3)
# A space of advisory locks of its own.
CIRCUITS = 7_213_044
# Whoever looked at the filament and the bed longer ago than this looks again.
LOOK_LASTS = dt.timedelta(hours=1)
# Of those who are there; more than so many at one printer are nowhere.
LOOKS_MOST = 8


def next_job(printer: Printer, now: dt.datetime) -> PrintJob | None:
    """The queued job whose turn it is: those whose person is there first, then what the team put first, then the
    oldest. One that cannot start for reasons of its own lets others pass; when none can, the first in the queue.

    Those that take any printer of the model are seen by each of them.
    """
    rows = PrintJob.objects.filter(_for_this(printer), state=JobState.QUEUED)
    waiting = list(
        rows.select_related("file", "reservation", "machine__unit__site", "person").order_by(
            "-is_first", "queued_at", "pk"
        )
    )
    there = [job for job in waiting if not job.is_held and _may_have_time(job, printer, now)]
    if len(there) == 1:
        return there[0]
    # What does not fit what hangs there costs no question to see, and may be many where nobody needs a reservation.
    # Nor does whether somebody has looked at the machine for it: some never do.
    fitting = (job for job in there if not _wants_look(job, printer, now) and not file_denials(job.file, printer))
    able = next((job for job in itertools.islice(fitting, LOOKS_MOST) if _is_able(job, printer, now)), None)
    return able or next(iter(there or waiting), None)


def _may_have_time(job: PrintJob, printer: Printer, now: dt.datetime) -> bool:
    return printer.is_unattended or _is_used(reservation_for(job, printer, now), now)


def _is_able(job: PrintJob, printer: Printer, now: dt.datetime) -> bool:
    """Whether only the printer itself keeps it waiting, if anything does."""
    facts = start_facts(job, printer, connection=PrinterConnection.OPERATIONAL, is_reachable=True, now=now)
    return all(denial.code in ABOUT_THE_PRINTER for denial in start_denials(facts))


def _for_this(printer: Printer) -> Q:
    here = Q(machine=printer.machine_id)
    if not printer.machine.model_name:
        return here
    return here | Q(machine__in=machines_of_model(printer.machine), takes_any=True)


def reservation_for(job: PrintJob, printer: Printer, now: dt.datetime) -> Reservation | None:
    """Under which time it would print here."""
    if job.machine_id == printer.machine_id:
        return held_reservation(job, now)
    return current_reservation(printer.machine, job.person, now) if job.person is not None else None


def start_facts(
    job: PrintJob, printer: Printer, *, connection: PrinterConnection, is_reachable: bool, now: dt.datetime
) -> StartFacts:
    """What the job's start depends on now, with the printer doing what `connection` says."""
    reservation = reservation_for(job, printer, now)
    others = file_denials(job.file, printer)
    if job.person is not None:
        others += person_denials(printer.machine, job.person, now)
    if job.machine_id != printer.machine_id:
        # Another printer of the model may be stricter.
        others += unanswered(job, printer)
    # Whoever has reserved it is not worse off than those who have not: it prints on where nobody comes next.
    runs_alone = printer.is_unattended
    return StartFacts(
        has_reservation=reservation is not None,
        is_checked_in=_is_used(reservation, now),
        is_bed_clear=printer.is_bed_clear,
        is_printer_ready=connection.is_ready,
        is_reachable=is_reachable,
        is_in_error=connection == PrinterConnection.ERROR,
        prints_other=is_reachable and printer.has_other_print and connection.is_busy,
        left=reservation.end - now if reservation is not None and not runs_alone else None,
        estimated=job.file.estimated,
        is_unattended=printer.is_unattended,
        is_held=job.is_held,
        is_start_wanted=_wants_look(job, printer, now),
        is_circuit_free=not is_circuit_taken(printer, now),
        until_next=_until_next(job, printer, now) if runs_alone else None,
        is_in_service=not is_out_of_service(printer.machine, now),
        others=tuple(others),
    )


def _wants_look(job: PrintJob, printer: Printer, now: dt.datetime) -> bool:
    """Whether somebody must look at the machine first, and nobody has."""
    is_asked = printer.is_start_asked or bool(looks_wanted(job.file, printer))
    return is_asked and not _has_looked(job, printer, now)


def _has_looked(job: PrintJob, printer: Printer, now: dt.datetime) -> bool:
    """Whether somebody stood at this printer of late, and pressed “Start”."""
    pressed = job.start_asked_at if job.machine_id == printer.machine_id else None
    return pressed is not None and now - pressed < LOOK_LASTS


def _until_next(job: PrintJob, printer: Printer, now: dt.datetime) -> dt.timedelta | None:
    """How long until somebody else has the printer, not positive while they do."""
    held = HeldUnit.objects.filter(unit=printer.machine.unit_id, is_holding=True, reservation__end__gt=now)
    theirs = Q(reservation__holder=job.person) | Q(reservation__participants__person=job.person)
    others = held.exclude(pk__in=held.filter(theirs).values("pk")).exclude(reservation=job.reservation_id)
    start = others.order_by("reservation__start").values_list("reservation__start", flat=True).first()
    return start - now if start is not None else None


def is_circuit_taken(printer: Printer, now: dt.datetime) -> bool:
    """Whether another printer on the same electric circuit heats up."""
    if not printer.circuit:
        return False
    beside = Printer.objects.filter(circuit=printer.circuit, machine__unit__site=printer.machine.unit.site_id)
    heating = Q(state=JobState.STARTING) | Q(started_at__gt=now - HEATS_FOR)
    jobs = PrintJob.objects.filter(heating, state__in=ACTIVE, machine__in=beside.values("machine"))
    return jobs.exclude(machine=printer.machine_id).exists()


@contextmanager
def one_at_a_time(printer: Printer) -> Iterator[None]:
    """Of printers on one circuit one begins at a time: whoever comes second sees that the first has begun."""
    with transaction.atomic():
        if printer.circuit:
            name = f"{printer.machine.unit.site_id}:{printer.circuit}".encode()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CIRCUITS, zlib.crc32(name) - 2**31])
        yield


def _is_used(reservation: Reservation | None, now: dt.datetime) -> bool:
    return reservation is not None and reservation.status == Status.IN_USE and now < reservation.end

"""Whose turn it is at a printer, and what a job's start depends on: asked by the worker and by the job's page."""

import datetime as dt

from printing.backends import PrinterConnection
from printing.models import JobState, Printer, PrintJob
from printing.rules import StartFacts
from printing.services import held_reservation
from reservations.models import Reservation, Status


def next_job(printer: Printer, now: dt.datetime) -> PrintJob | None:
    """The queued job whose turn it is: those whose person is there first, then the oldest."""
    rows = PrintJob.objects.filter(machine=printer.machine_id, state=JobState.QUEUED)
    waiting = list(rows.select_related("file", "reservation", "machine", "person").order_by("created_at", "pk"))
    there = (job for job in waiting if _is_used(held_reservation(job, now), now))
    return next(there, waiting[0] if waiting else None)


def start_facts(
    job: PrintJob, printer: Printer, *, connection: PrinterConnection, is_reachable: bool, now: dt.datetime
) -> StartFacts:
    """What the job's start depends on now, with the printer doing what `connection` says; no query but for its
    reservation."""
    reservation = held_reservation(job, now)
    return StartFacts(
        has_reservation=reservation is not None,
        is_checked_in=_is_used(reservation, now),
        is_bed_clear=printer.is_bed_clear,
        is_printer_ready=connection.is_ready,
        is_reachable=is_reachable,
        is_in_error=connection == PrinterConnection.ERROR,
        left=reservation.end - now if reservation is not None else None,
        estimated=job.file.estimated,
    )


def _is_used(reservation: Reservation | None, now: dt.datetime) -> bool:
    return reservation is not None and reservation.status == Status.IN_USE and now < reservation.end

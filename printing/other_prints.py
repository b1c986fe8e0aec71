"""Prints that were not sent from here: seen, counted as use of the machine, and left alone until they have ended."""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import QuerySet

from fablab.lib.live import announce_machines
from iot.models import StopReason, UsageSession
from iot.sessions import LOST_AFTER, close_session, locked_states, open_session
from printing.backends import PrinterConnection, PrinterStatus
from printing.models import ACTIVE, OtherPrint, Printer, PrintJob
from printing.models.job import MAY_HAVE_BEGUN

log = logging.getLogger(__name__)

BUSY = frozenset(connection.value for connection in PrinterConnection if connection.is_busy)
# Looked at twice a minute: what was seen longer ago than this may have ended at any time since.
SEEN_WITHIN = dt.timedelta(minutes=1)


def prints_other(printer: Printer) -> bool:
    """Whether it prints what was not sent from here, by its last answer; unknown while it does not answer as it should.

    Of a printer that a job of ours has, the job tells instead.
    """
    is_heard = printer.is_enabled and printer.unreachable_since is None and not printer.error_code
    return is_heard and not printer.is_run_by_hand and printer.has_other_print and printer.connection in BUSY


def follow_other(printer: Printer, job: PrintJob | None, status: PrinterStatus, now: dt.datetime) -> None:
    """What is not ours is left alone; what it leaves on the bed must be taken off first, and its time is use.

    Side effects in order: the printer's bed, and the machine announced, when it is first seen; how long it was seen to
    print; the machine's session opened, kept up, or ended.
    """
    is_ours = job is not None and job.state in ACTIVE and job.remote_path == status.remote_path
    runs = status.connection.is_busy and not is_ours
    if runs and not printer.has_other_print:
        log.info("%s prints something that was not sent from here.", printer)
        printer.is_bed_clear, printer.has_other_print = False, True
        Printer.objects.filter(pk=printer.pk).update(is_bed_clear=False, has_other_print=True)
        announce_machines([printer.machine_id])
    if runs and status.connection != PrinterConnection.PAUSED:
        _note(printer, now)
    if job is not None and job.state in MAY_HAVE_BEGUN:
        # Its session is the machine's: one that just begins may not be named by the printer yet.
        return
    if runs:
        _count(printer.machine_id, now)
    elif printer.has_other_print:
        _ended(printer.machine_id, status, now)


def _note(printer: Printer, now: dt.datetime) -> None:
    # What was seen longer ago is another one, or the same after a rest that wears nothing.
    seen = printer.other_prints.filter(seen_until__range=(now - SEEN_WITHIN, now))
    if not seen.update(seen_until=now):
        OtherPrint.objects.create(printer=printer, start=now, seen_until=now)


def _open(machine_id: int) -> QuerySet[UsageSession]:
    """The machine's session where nothing but such a print opened it: what power opened, power ends."""
    mine = {"source": UsageSession.Source.PRINT_JOB, "device": None, "print_jobs": None}
    return UsageSession.objects.filter(machine=machine_id, end=None, **mine)


def _count(machine_id: int, now: dt.datetime) -> None:
    with transaction.atomic():
        locked_states([machine_id])
        if not UsageSession.objects.filter(machine=machine_id, end=None).exists():
            open_session(machine_id=machine_id, at=now, source=UsageSession.Source.PRINT_JOB)
        else:
            _open(machine_id).update(last_busy_at=now)


def _ended(machine_id: int, status: PrinterStatus, now: dt.datetime) -> None:
    is_whole = status.completion_pct is not None and status.completion_pct >= 100
    if _open(machine_id).exists():
        end_other(machine_id, now, reason=StopReason.JOB_FINISHED if is_whole else StopReason.NORMAL)


def end_other(machine_id: int, now: dt.datetime, *, reason: StopReason) -> bool:
    """End the session of such a print, where there is one: now, or when it was seen last if that is longer ago."""
    with transaction.atomic():
        locked_states([machine_id])
        session = _open(machine_id).select_for_update(no_key=True, of=("self",)).first()
        if session is None:
            return False
        is_seen = now - session.last_busy_at <= SEEN_WITHIN
        close_session(
            session,
            at=now if is_seen else session.last_busy_at,
            reason=reason if is_seen else StopReason.AGENT_LOST,
        )
        announce_machines([machine_id])
    return True


def end_unseen(*, now: dt.datetime) -> int:
    """End what was not seen for some minutes, when it was seen last: its printer is silent, or out of service. How
    many; safe to repeat or to skip."""
    unseen = UsageSession.objects.filter(
        end=None, source=UsageSession.Source.PRINT_JOB, device=None, print_jobs=None, last_busy_at__lt=now - LOST_AFTER
    )
    ids = list(unseen.values_list("machine", flat=True))
    return sum(end_other(machine_id, now, reason=StopReason.AGENT_LOST) for machine_id in ids)

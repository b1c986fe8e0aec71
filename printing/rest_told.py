"""A printer's own software tells whether it stood still, where no plug does. Registered by the app.

Not OctoPrint: of what somebody prints from a card in the printer it hears nothing.
"""

import datetime as dt

from iot.early_finish import ends_work, tells_state
from iot.evidence import LONGEST_PAUSE
from iot.models import UsageSession, UseState
from printing.backends import PrinterConnection
from printing.models import BackendKind, JobState, Printer, PrintJob
from reservations.evidence import Use, bears_witness

# These run the printer themselves.
SEES_ALL = (BackendKind.MOONRAKER, BackendKind.PRUSALINK)


@tells_state
def state_told(machine_id: int, now: dt.datetime) -> UseState | None:
    """Idle, where its software says so now; None where it says anything else, or nothing. One query."""
    return UseState.IDLE if _idle_printer(machine_id, now) is not None else None


@ends_work
def is_print_done(session: UsageSession) -> bool:
    """Whether the run ended with a whole print. One query."""
    return PrintJob.objects.filter(usage_session=session, state=JobState.FINISHED, ended_at__isnull=False).exists()


@bears_witness
def use_told(machine_id: int, start: dt.datetime, end: dt.datetime) -> Use:
    """Idle when its software answered over [start, end) and it prints nothing at the end: what it prints is a session,
    of which others tell. One query."""
    printer = _idle_printer(machine_id, end)
    was_heard = printer is not None and (printer.returned_at is None or printer.returned_at <= start)
    return Use.IDLE if was_heard else Use.UNKNOWN


def _idle_printer(machine_id: int, at: dt.datetime) -> Printer | None:
    """Connected and idle by its last answer, which came shortly before `at` or since."""
    return Printer.objects.filter(
        machine=machine_id, is_enabled=True, unreachable_since=None, error_code="", has_other_print=False,
        connection=PrinterConnection.OPERATIONAL.value, last_answer_at__gte=at - LONGEST_PAUSE, kind__in=SEES_ALL,
    ).first()  # fmt: skip

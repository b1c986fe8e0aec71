"""A printer that rests may still be waited for: a print on its bed, or one whose turn comes. Registered by the app."""

import datetime as dt

from django.db.models import Q

from iot.early_finish import keeps_time
from printing.models import ACTIVE, JobState, Printer, PrintJob
from reservations.models import Reservation

WAITING = frozenset({JobState.QUEUED, JobState.AWAITING_APPROVAL, JobState.RETURNED, JobState.LOST})


@keeps_time
def is_print_waiting(reservation: Reservation, now: dt.datetime) -> bool:
    """Whether the bed is not clear, the printer has a job, or one of the holder's waits for it. Two queries at most."""
    if Printer.objects.filter(Q(is_bed_clear=False) | Q(has_other_print=True), machine=reservation.machine_id).exists():
        return True
    theirs = Q(reservation=reservation) | Q(person=reservation.holder_id, machine=reservation.machine_id)
    at_work = Q(machine=reservation.machine_id, state__in=[str(state) for state in ACTIVE])
    return PrintJob.objects.filter(at_work | (theirs & Q(state__in=[str(state) for state in WAITING]))).exists()

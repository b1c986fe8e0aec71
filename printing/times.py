"""A time for a print: three starts that fit what the slicer foretold, and the one tap that reserves and hands in."""

import datetime as dt

from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person
from printing.errors import PrintingError, PrintRefused
from printing.models import PrintJob
from printing.submitting import ABOUT_TIME, submission_denials, submit_job
from reservations.models import Origin
from reservations.search import search
from reservations.services import cancel_reservation, reserve
from reservations.wishes import Wish

STARTS = 3
LOOKS_AHEAD = dt.timedelta(days=14)
# Heating, and taking it off; and slicers are wrong by a tenth.
BESIDE = dt.timedelta(minutes=10)
SLOWER = 1.1
UNKNOWN = dt.timedelta(hours=2)


def time_wanted(job: PrintJob) -> dt.timedelta:
    """How long the machine is needed, in whole steps of its grid, as far as it may be reserved at a time."""
    settings = job.machine.booking
    needed = (job.file.estimated or UNKNOWN) * SLOWER + BESIDE
    steps = -(-needed // settings.grid) * settings.grid
    return min(max(steps, settings.shortest), settings.longest)


def offered_starts(job: PrintJob, now: dt.datetime) -> list[Interval]:
    """The soonest times in the next two weeks that the rules allow the job's person on its machine, three at most; none
    where the print takes longer than the machine may be reserved at a time."""
    length = time_wanted(job)
    if job.file.estimated is not None and length < job.file.estimated:
        return []
    machines = Machine.objects.filter(pk=job.machine_id).with_places()
    window = Interval(now, now + LOOKS_AHEAD)
    found = search(machines, person=job.person, duration=length, window=window, now=now)
    return list(found.offers[0].times[:STARTS]) if found.offers else []


def reserve_and_submit(*, job: PrintJob, start: dt.datetime, by: Person, now: dt.datetime) -> PrintJob:
    """Reserve the job's machine from this start for as long as the print needs, and hand the job in.

    Each step locks and commits by itself; what was reserved for nothing is given back.

    Raises:
        ReservationRefused: with every reason and alternatives; nothing was handed in.
        PrintRefused: the file cannot go to this printer; nothing was reserved.
        NotAllowed, WrongJobState: as `submit_job`.
    """
    if others := [each for each in submission_denials(job, now) if each.code not in ABOUT_TIME]:
        raise PrintRefused(others)
    wish = Wish(job.machine, start, start + time_wanted(job), job.person, by, origin=Origin.PAGE)
    made = reserve(wish, now)
    try:
        return submit_job(job=job, by=by, now=now, reservation=made)
    except PrintingError:
        cancel_reservation(reservation=made, by=by, now=now, is_for_the_team=True)
        raise

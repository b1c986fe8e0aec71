"""A machine that is still at work when the next person comes: both are told before they stand in front of it, and a
twin that is free is named."""

import datetime as dt

from django.db import transaction
from django.db.models import F, Q

from fablab.lib.intervals import Interval
from people.notices import tell
from reservations.alternatives import alternatives
from reservations.evidence import Use, use_of
from reservations.models import Reservation, Status
from reservations.rule_facts import Code
from reservations.sweeps import each_alone

AHEAD = dt.timedelta(minutes=10)
SEEN_WITHIN = dt.timedelta(minutes=2)


def warn_of_overruns(now: dt.datetime) -> int:
    """Tell those whose time begins within ten minutes, or has just begun, that the machine still runs though the time
    of the one before them is over; how many. Each is told once, however often this runs."""
    coming = Reservation.objects.filter(
        status=Status.CONFIRMED, start__gt=now - AHEAD, start__lte=now + AHEAD, machine__isnull=False,
        holder__isnull=False,
    )  # fmt: skip
    return each_alone(coming.with_places().select_related("holder").order_by("start"), lambda row: _warn(row, now))


@transaction.atomic
def _warn(coming: Reservation, now: dt.datetime) -> int:
    machine, holder = coming.machine, coming.holder
    before = _the_one_before(coming, now)
    if machine is None or holder is None or before is None or before.holder_id == holder.pk:
        return 0
    if use_of(machine.pk, now - SEEN_WITHIN, now) != Use.USED:
        return 0
    twin = free_twin(coming, now)
    params = {
        "what": machine.name,
        "start": coming.start.isoformat(),
        "end": coming.end.isoformat(),
        "zone": coming.site.time_zone,
        "twin": twin,
    }
    link = f"/reserve/?moving={coming.reference}" if twin else coming.get_absolute_url()
    kind = "machine_still_busy_twin" if twin else "machine_still_busy"
    told = tell(
        person=holder, kind=kind, key=f"overrun:{coming.pk}", params=params, link=link, site=coming.site, now=now
    )
    if before.holder is not None:
        tell(
            person=before.holder, kind="somebody_waits_for_you", key=f"overrun:{coming.pk}:before", params=params,
            link=before.get_absolute_url(), site=coming.site, now=now,
        )  # fmt: skip
    return int(told is not None)


def free_twin(coming: Reservation, now: dt.datetime) -> str:
    """The name of another machine of the kind that whoever holds this could have at the same time; empty: none."""
    machine = coming.machine
    if machine is None:
        return ""
    asked = Interval(coming.start, coming.end)
    others = alternatives(
        machine=machine, holder=coming.holder, asked=asked, codes={str(Code.TAKEN)}, now=now, ignoring=coming
    )
    names = [o.machine.name for o in others if o.machine.pk != machine.pk and o.interval.start == asked.start]
    return names[0] if names else ""


def _the_one_before(coming: Reservation, now: dt.datetime) -> Reservation | None:
    """The last one on the machine that was in use and whose time is over, unless it was finished before."""
    rows = Reservation.objects.overlapping(now - AHEAD, coming.start).filter(
        Q(status=Status.IN_USE) | Q(status=Status.COMPLETED, finished_at=F("booked_end")),
        machine=coming.machine, checked_in_at__isnull=False, end__lte=now,
    )  # fmt: skip
    return rows.select_related("holder").order_by("-end").first()

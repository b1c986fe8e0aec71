"""Writes of what takes a site or a machine away for a while: dated exceptions and outages."""

import datetime as dt
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from machines.errors import AlreadyOut
from machines.models import Machine, OpeningException, Outage
from machines.opening import Range
from machines.opening_checks import check_ranges
from machines.services import tell_opening_changed
from machines.signals import outage_lifted
from people.models import Person, Site

LONGEST_EXCEPTION_DAYS = 400


@transaction.atomic
def set_exceptions(
    *,
    site: Site,
    first: dt.date,
    last: dt.date,
    ranges: Sequence[Range],
    title: str,
    by: Person | None,
    now: dt.datetime,
) -> list[OpeningException]:
    """What holds on each date of [first, last] instead of the week: these local ranges, or closed when there is none.

    Side effects in order: lock the site; replace what was said of these dates; announce the machines.
    Reservations stay as they are.

    Raises:
        ValidationError: the dates are in the wrong order or more than 400, or a range makes no sense.
    """
    if last < first:
        raise ValidationError({"last": _("The last day comes after the first.")})
    if (last - first).days >= LONGEST_EXCEPTION_DAYS:
        raise ValidationError({"last": _("That is more than a year: change the weekly hours instead.")})
    check_ranges(ranges)
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=site.pk)
    # A row without times is a closed day.
    times: Sequence[Range | tuple[None, None]] = ranges or [(None, None)]
    rows = [
        OpeningException(site=site, date=first + dt.timedelta(days=n), opens=opens, closes=closes, title=title)
        for n in range((last - first).days + 1)
        for opens, closes in times
    ]
    for row in rows[: max(1, len(ranges))]:
        row.clean_fields()
    OpeningException.objects.filter(site=site, date__range=(first, last)).delete()
    OpeningException.objects.bulk_create(rows)
    tell_opening_changed(site)
    note_change(f"exception on {first} to {last} of", site, by)
    return rows


@transaction.atomic
def remove_exceptions(*, site: Site, first: dt.date, last: dt.date, by: Person | None, now: dt.datetime) -> int:
    """The week's hours hold again on these dates; how many exceptions went. Side effects as `set_exceptions`."""
    count, _kinds = OpeningException.objects.filter(site=site, date__range=(first, last)).delete()
    tell_opening_changed(site)
    note_change(f"no exception on {first} to {last} of", site, by)
    return count


@transaction.atomic
def declare_outage(
    *,
    machine: Machine,
    kind: str,
    reason: str,
    start: dt.datetime,
    by: Person | None,
    now: dt.datetime,
    end: dt.datetime | None = None,
    expected_end: dt.date | None = None,
) -> Outage:
    """Take the machine out of service over [start, end), or from `start` until somebody lifts it.

    Side effects in order: lock the machine; insert the outage; announce the machine. Reservations stay as they are.

    Raises:
        AlreadyOut: an outage holds at the start already.
        ValidationError: the times are in the wrong order, or a word is too long.
    """
    Machine.objects.select_for_update(of=("self",), no_key=True).get(pk=machine.pk)
    if Outage.objects.filter(machine=machine).declared().holding_at(start).exists():
        raise AlreadyOut("already_out", _("It is out of service then already: lift that outage first."))
    outage = Outage(
        machine=machine, kind=kind, reason=reason, start=start, end=end, expected_end=expected_end, reported_by=by
    )
    if expected_end is not None and expected_end < start.astimezone(machine.site.zone).date():
        raise ValidationError({"expected_end": _("It cannot be back before it is out of service.")})
    outage.full_clean()
    outage.save()
    announce_machines([machine.pk])
    note_change("new", outage, by)
    return outage


@transaction.atomic
def lock_out(*, machine: Machine, reason: str, at: dt.datetime, now: dt.datetime) -> Outage:
    """Out of service for safety, whatever else it is out of service for, until a manager lifts it. Locked
    twice it is locked once. The deed of a device: `by` is nobody."""
    Machine.objects.select_for_update(of=("self",), no_key=True).get(pk=machine.pk)
    rows = Outage.objects.filter(machine=machine, kind=Outage.Kind.LOCK_OUT, end=None)
    if (known := rows.first()) is not None:
        return known
    made = Outage.objects.create(machine=machine, kind=Outage.Kind.LOCK_OUT, reason=reason[:200], start=at)
    announce_machines([machine.pk])
    note_change("new", made, None)
    return made


@transaction.atomic
def lift_outage(*, outage: Outage, by: Person | None, now: dt.datetime) -> Outage:
    """The machine is back: the outage ends now. One that had not begun is taken back whole; lifting twice is once.

    Side effects in order: end or delete the outage; `outage_lifted` is sent for one that ended; announce the machine.
    """
    row = Outage.objects.declared().select_for_update(of=("self",)).filter(pk=outage.pk).first()
    if row is None or (row.end is not None and row.end <= now):
        return outage
    if row.start >= now:
        row.delete()
    else:
        row.end, row.lifted_by = now, by
        row.save(update_fields=["end", "lifted_by"])
        outage_lifted.send(Outage, outage=row)
    announce_machines([outage.machine_id])
    note_change("lifted", outage, by)
    return row

"""The rota: who of the team is on duty when. Members see the hours, never the names."""

import datetime as dt
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import formats
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from machines.models import Machine, Shift
from machines.opening import MIDNIGHT, instant_of
from people.models import STAFF_ROLES, Person, RoleGrant, Site

MOST_WEEKS = 52
WEEK = dt.timedelta(days=7)


def team_of(site: Site) -> QuerySet[Person]:
    """Who may be on duty at the site, by name."""
    grants = RoleGrant.objects.filter(site=site, role__in=STAFF_ROLES).values("person")
    return Person.objects.filter(pk__in=grants, is_active=True).order_by("last_name", "first_name")


def shifts_of(site: Site, start: dt.datetime, end: dt.datetime) -> list[Shift]:
    """The shifts that stand and touch [start, end), with their people and `is_of_team`. One query."""
    rows = Shift.objects.with_team().standing().filter(site=site).overlapping(start, end).select_related("person")
    return list(rows.order_by("start", "person__last_name", "pk"))


@transaction.atomic
def add_shifts(
    *,
    site: Site,
    person: Person,
    day: dt.date,
    begins: dt.time,
    ends: dt.time,
    weeks: int,
    by: Person,
    now: dt.datetime,
) -> list[Shift]:
    """Somebody of the team is on duty, from that day on every week for so many weeks, or not at all when one fails.

    Times are the site's; 00:00 as an end is midnight. Side effects in order: insert the shifts; announce the machines.

    Raises:
        ValidationError: not of the team, over already, longer than a day, or on duty already at one of these times.
    """
    if not team_of(site).filter(pk=person.pk).exists():
        raise ValidationError({"person": _("Choose somebody of the place’s team.")})
    if not 1 <= weeks <= MOST_WEEKS:
        raise ValidationError({"weeks": _("From 1 to %(most)d weeks.") % {"most": MOST_WEEKS}})
    if ends <= begins and ends != MIDNIGHT:
        raise ValidationError({"ends": _("The end comes after the start; midnight is 00:00.")})
    shifts = [_shift(site, person, day + n * WEEK, begins, ends) for n in range(weeks)]
    if shifts[0].end <= now:
        raise ValidationError({"day": _("That is over already.")})
    for shift in shifts:
        _save(shift)
    _tell(site)
    note_change(f"{len(shifts)} shifts of", person, by)
    return shifts


def _shift(site: Site, person: Person, day: dt.date, begins: dt.time, ends: dt.time) -> Shift:
    last = day + dt.timedelta(days=1) if ends == MIDNIGHT else day
    start, end = instant_of(day, begins, site.zone), instant_of(last, ends, site.zone, is_end=ends != MIDNIGHT)
    return Shift(site=site, person=person, start=start, end=end)


def _save(shift: Shift) -> None:
    day = formats.date_format(shift.start.astimezone(shift.site.zone).date(), "j F")
    sentence = _("%(person)s is on duty already on %(day)s at that time.") % {"person": shift.person, "day": day}
    busy = Shift.objects.standing().filter(person=shift.person).overlapping(shift.start, shift.end)
    if busy.exists():
        raise ValidationError({"begins": sentence})
    try:
        with transaction.atomic():
            shift.save()
    except IntegrityError:
        # Somebody else wrote them down in this very moment.
        raise ValidationError({"begins": sentence}) from None


@transaction.atomic
def drop_shift(*, shift: Shift, by: Person, now: dt.datetime) -> Shift:
    """They will not come. Dropping twice is once. Reservations stay: see reservations.supervision_lost.

    Side effects in order: mark the shift; announce the machines.
    """
    dropped = Shift.objects.standing().filter(pk=shift.pk).update(dropped_at=now)
    shift.refresh_from_db()
    if dropped:
        _tell(shift.site)
        note_change("dropped", shift, by)
    return shift


def _tell(site: Site) -> None:
    ids: Sequence[int] = list(Machine.objects.filter(unit__site=site, retired_at=None).values_list("pk", flat=True))
    announce_machines(ids)

"""Reservations to come that no longer fit: outside the opening hours, on a machine that is out of service, or with
nobody of the team to watch over them."""

import datetime as dt
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from fablab.group_hours import groups_on_changed_dates
from machines.models import Machine, Outage
from people.models import Site
from reservations.closures import COMING, reservations_outside_hours
from reservations.models import HeldUnit, Reservation
from reservations.supervision_lost import reservations_without_supervision


@dataclass(frozen=True, slots=True)
class Unfit:
    """A reservation about which somebody should call, and why."""

    reservation: Reservation
    reason: str


def unfit_reservations(*, site: Site, now: dt.datetime) -> list[Unfit]:
    """By time; each once. Nothing is cancelled by itself: the team calls, then moves or cancels."""
    closed = [*reservations_outside_hours(site=site, now=now), *groups_on_changed_dates(site=site, now=now)]
    found = {row.pk: Unfit(row, _("we are closed then")) for row in closed}
    for row in _on_machines_away(site, now):
        found.setdefault(row.pk, Unfit(row, _away_words(row)))
    for unfit in _groups_with_machines_away(site, now):
        found.setdefault(unfit.reservation.pk, unfit)
    for row in reservations_without_supervision(site=site, now=now):
        found.setdefault(row.pk, Unfit(row, _("nobody of the team is on duty then")))
    return sorted(found.values(), key=lambda unfit: (unfit.reservation.start, unfit.reservation.pk))


def _on_machines_away(site: Site, now: dt.datetime) -> list[Reservation]:
    rows = Reservation.objects.filter(site=site, status__in=COMING, end__gt=now, machine__isnull=False)
    away = Q(machine__retired_at__lte=F("start")) | Exists(_outages_over("machine"))
    return list(rows.filter(away).with_places().select_related("holder").order_by("start"))


def _groups_with_machines_away(site: Site, now: dt.datetime) -> list[Unfit]:
    rows = HeldUnit.objects.filter(
        reservation__site=site, reservation__machine=None, reservation__status__in=COMING, reservation__end__gt=now,
    )  # fmt: skip
    away = Q(unit__machine__retired_at__lte=F("reservation__start")) | Exists(
        _outages_over("unit__machine", "reservation__")
    )
    found = rows.filter(away).select_related("reservation__created_by", "reservation__site", "unit__machine")
    ordered = found.order_by("reservation__start", "reservation", "unit__machine__name")
    return [
        Unfit(reservation, ", ".join(_machine_away_words(row.unit.machine) for row in held))
        for reservation, held in groupby(ordered, key=lambda row: row.reservation)
    ]


def _outages_over(machine: str, times: str = "") -> QuerySet[Outage]:
    """Those that touch the time of the outer row, whose machine and start and end are found under these names."""
    start, end = OuterRef(f"{times}start"), OuterRef(f"{times}end")
    outages = Outage.objects.filter(Q(end__isnull=True) | Q(end__gt=start), machine=OuterRef(machine), start__lt=end)
    day = OuterRef(f"{times}start__date")
    # Without an end of its own an outage holds until the day it is expected back, as far as anybody knows.
    return outages.filter(Q(end__isnull=False) | Q(expected_end=None) | Q(expected_end__gte=day))


def _away_words(reservation: Reservation) -> str:
    machine = reservation.machine
    if machine is not None and machine.retired_at is not None:
        return _("the machine is no longer there")
    return _("the machine is out of service")


def _machine_away_words(machine: Machine) -> str:
    words = _("%(what)s is no longer there") if machine.retired_at is not None else _("%(what)s is out of service")
    return words % {"what": machine.name}

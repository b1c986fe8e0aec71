"""Reservations to come that no longer fit: outside the opening hours, or on a machine that is out of service."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from machines.models import Outage
from people.models import Site
from reservations.closures import COMING, reservations_outside_hours
from reservations.models import Reservation


@dataclass(frozen=True, slots=True)
class Unfit:
    """A reservation about which somebody should call, and why."""

    reservation: Reservation
    reason: str


def unfit_reservations(*, site: Site, now: dt.datetime) -> list[Unfit]:
    """By time; each once. Nothing is cancelled by itself: the team calls, then moves or cancels. Six queries."""
    found = {row.pk: Unfit(row, _("we are closed then")) for row in reservations_outside_hours(site=site, now=now)}
    for row in _on_machines_away(site, now):
        found.setdefault(row.pk, Unfit(row, _away_words(row)))
    return sorted(found.values(), key=lambda unfit: (unfit.reservation.start, unfit.reservation.pk))


def _on_machines_away(site: Site, now: dt.datetime) -> list[Reservation]:
    outages = Outage.objects.filter(
        Q(end__isnull=True) | Q(end__gt=OuterRef("start")),
        machine=OuterRef("machine"),
        start__lt=OuterRef("end"),
    )
    # Without an end of its own an outage holds until the day it is expected back, as far as anybody knows.
    outages = outages.filter(Q(end__isnull=False) | Q(expected_end=None) | Q(expected_end__gte=OuterRef("start__date")))
    rows = Reservation.objects.filter(site=site, status__in=COMING, end__gt=now, machine__isnull=False)
    away = Q(machine__retired_at__lte=F("start")) | Exists(outages)
    return list(rows.filter(away).with_places().select_related("holder").order_by("start"))


def _away_words(reservation: Reservation) -> str:
    machine = reservation.machine
    if machine is not None and machine.retired_at is not None:
        return _("the machine is no longer there")
    return _("the machine is out of service")

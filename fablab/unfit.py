"""Reservations to come that no longer fit: outside the opening hours, on a machine that is out of service, or with
nobody of the team to watch over them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import override

from fablab.group_hours import groups_on_changed_dates
from fablab.unfit_words import away_words, closed_words
from machines.models import Outage
from machines.selectors import load_hours
from people.models import Site
from reservations.closures import COMING, reservations_outside_hours
from reservations.models import HeldUnit, Reservation
from reservations.settling import Choice, settled_as
from reservations.supervision_lost import reservations_without_supervision

CLOSED, AWAY, UNWATCHED = "closed", "away", "unwatched"


@dataclass(frozen=True, slots=True)
class Unfit:
    """A reservation about which something should be done, and why; `problem` is the reason as a code.

    `settled` is what was done already: see `reservations.settling.Choice`.
    """

    reservation: Reservation
    reason: str
    problem: str
    settled: str = ""


def unfit_reservations(*, site: Site, now: dt.datetime) -> list[Unfit]:
    """Those that wait for the team, by time; each once. Nothing is cancelled by itself, and what is kept is settled."""
    return [unfit for unfit in all_unfit(site=site, now=now) if unfit.settled != Choice.KEEP]


def all_unfit(*, site: Site, now: dt.datetime) -> list[Unfit]:
    """As `unfit_reservations`, with those that are kept all the same."""
    found = _found(site, now)
    settled = settled_as(unfit.reservation for unfit in found) if found else {}
    shown: dict[int, Unfit] = {}
    for unfit in found:
        pk = unfit.reservation.pk
        known = replace(unfit, settled=settled.get(pk, {}).get(unfit.problem, ""))
        # Kept for one reason, it still waits for the next one.
        if pk not in shown or shown[pk].settled == Choice.KEEP != known.settled:
            shown[pk] = known
    return sorted(shown.values(), key=lambda unfit: (unfit.reservation.start, unfit.reservation.pk))


def _found(site: Site, now: dt.datetime) -> list[Unfit]:
    """Each reason by itself."""
    # Anew: they may have been changed a moment ago.
    load_hours([site])
    closed = [*reservations_outside_hours(site=site, now=now), *groups_on_changed_dates(site=site, now=now)]
    unwatched = reservations_without_supervision(site=site, now=now)
    return [
        *(Unfit(row, words, CLOSED) for row, words in zip(closed, closed_words(site, closed), strict=True)),
        *(Unfit(row, _away_words(row), AWAY) for row in _on_machines_away(site, now)),
        *_groups_with_machines_away(site, now),
        *(Unfit(row, _("nobody of the team is on duty then"), UNWATCHED) for row in unwatched),
    ]


def reasons_to_read(*, site: Site, now: dt.datetime, rows: Sequence[Reservation]) -> dict[int, str]:
    """Why each of these does not fit, by key, in the language of whoever holds it; what fits by now is not there."""
    languages = {row.pk: row.holder.language for row in rows if row.holder is not None}
    found: dict[int, str] = {}
    for language in set(languages.values()):
        with override(language):
            unfit = all_unfit(site=site, now=now)
        found |= {row.reservation.pk: row.reason for row in unfit if languages.get(row.reservation.pk) == language}
    return found


def _on_machines_away(site: Site, now: dt.datetime) -> list[Reservation]:
    rows = Reservation.objects.filter(site=site, status__in=COMING, end__gt=now, machine__isnull=False)
    away = Q(machine__retired_at__lte=F("start")) | Exists(_outages_over("machine"))
    marked = rows.filter(away).annotate(out_because=_out_because("machine"))
    return list(marked.with_places().select_related("holder__guardian").order_by("start"))


def _groups_with_machines_away(site: Site, now: dt.datetime) -> list[Unfit]:
    # The machine that is named is looked at by itself; here is what goes with it, and all that a group holds.
    is_another = Q(reservation__machine=None) | ~Q(unit__machine=F("reservation__machine"))
    rows = HeldUnit.objects.filter(
        is_another, reservation__site=site, reservation__status__in=COMING, reservation__end__gt=now
    )
    away = Q(unit__machine__retired_at__lte=F("reservation__start")) | Exists(
        _outages_over("unit__machine", "reservation__")
    )
    found = rows.filter(away).annotate(out_because=_out_because("unit__machine", "reservation__"))
    found = found.select_related(
        "reservation__created_by__guardian", "reservation__site", "reservation__holder__guardian",
        "reservation__machine", "unit__machine",
    )  # fmt: skip
    ordered = found.order_by("reservation__start", "reservation", "unit__machine__name")
    return [
        Unfit(reservation, ", ".join(_machine_away_words(row) for row in held), AWAY)
        for reservation, held in groupby(ordered, key=lambda row: row.reservation)
    ]


def _out_because(machine: str, times: str = "") -> Subquery:
    """The reason that the team gave, empty where none; None where no outage of ours takes the machine.

    A machine that is broken and taken in another calendar is broken.
    """
    ours = _outages_over(machine, times).filter(calendar__isnull=True)
    return Subquery(ours.order_by("start", "pk").values("reason")[:1])


def _outages_over(machine: str, times: str = "") -> QuerySet[Outage]:
    """Those that touch the time of the outer row, whose machine and start and end are found under these names."""
    start, end = OuterRef(f"{times}start"), OuterRef(f"{times}end")
    outages = Outage.objects.filter(Q(end__isnull=True) | Q(end__gt=start), machine=OuterRef(machine), start__lt=end)
    day = OuterRef(f"{times}start__date")
    # Without an end of its own an outage holds until the day it is expected back, as far as anybody knows.
    return outages.filter(Q(end__isnull=False) | Q(expected_end=None) | Q(expected_end__gte=day))


def _away_words(reservation: Reservation) -> str:
    machine = reservation.machine
    is_gone = machine is not None and machine.retired_at is not None
    return away_words("", is_gone=is_gone, because=reservation.out_because)  # type: ignore[attr-defined]


def _machine_away_words(held: HeldUnit) -> str:
    machine = held.unit.machine
    is_gone = machine.retired_at is not None
    return away_words(machine.name, is_gone=is_gone, because=held.out_because)  # type: ignore[attr-defined]

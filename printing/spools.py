"""The lab's filament: what there is, what is left of it, and in which printer each spool hangs."""

import datetime as dt
from collections.abc import Collection
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from machines.models import Machine
from people.errors import NotValid, WrongState
from people.models import Person, Site
from people.permissions import has_role
from printing.accounting import weigh_spool
from printing.models import JobState, Printer, PrintJob, Spool, SpoolEntry
from printing.notices import ANSWERS
from printing.services import wake

ENTRIES_SHOWN = 40
# Makers wind on a little more than they say. An empty spool (150 g and more on 1 kg) is weighed along by mistake.
MOST_OVER_NEW = 1.1


class SpoolFields(TypedDict):
    """What is written on a spool and about it."""

    material: str
    colour: str
    maker: str
    weight_g: int
    low_g: int
    price_cents_per_kg: int
    opened_at: dt.date


def keeps_spools(person: Any, thing: Any = None) -> bool:
    """Whether the person weighs and hangs spools there: whoever answers for the machines."""
    return has_role(person, thing, ANSWERS)


def spools_at(sites: Collection[Site]) -> QuerySet[Spool]:
    """Those in use, what runs low first; each with its site and the machine that it hangs in."""
    low_first = Case(When(left_g__lt=F("low_g"), then=Value(0)), default=Value(1))
    rows = Spool.objects.in_use().filter(site__in=sites).select_related("site", "printer__machine")
    return rows.order_by("site__name", low_first, "material", "colour", "pk")


def retired_at(sites: Collection[Site], most: int = 30) -> list[Spool]:
    """Those out of use, the latest first."""
    rows = Spool.objects.filter(site__in=sites, retired_at__isnull=False).select_related("site")
    return list(rows.order_by("-retired_at")[:most])


def low_spools(sites: Collection[Site]) -> tuple[int, int]:
    """`(how many are in use, how many of them run low)`."""
    rows = Spool.objects.in_use().filter(site__in=sites)
    found = rows.aggregate(all=Count("pk"), low=Count("pk", filter=Q(left_g__lt=F("low_g"))))
    return found["all"], found["low"]


def entries_of(spool: Spool) -> list[SpoolEntry]:
    """What went from it and how it was weighed, the latest first."""
    return list(spool.entries.order_by("-at", "-pk")[:ENTRIES_SHOWN])


def printers_for(spool: Spool) -> list[Machine]:
    """The machines of its site that it may hang in, each with what hangs there now."""
    rows = Machine.objects.filter(unit__site=spool.site_id, retired_at=None, printer__isnull=False)
    return list(rows.select_related("printer__spool").order_by("name", "pk"))


@transaction.atomic
def create_spool(*, site: Site, left_g: float | None, by: Person | None, **fields: Unpack[SpoolFields]) -> Spool:
    """A spool joins the stock; `left_g` None is a new one.

    Raises:
        NotValid: more is left than was ever on it.
    """
    made = Spool(site=site, left_g=fields["weight_g"] if left_g is None else left_g, **fields)
    _check_left(made, made.left_g)
    made.full_clean()
    made.save()
    note_change("added", made, by)
    return made


@transaction.atomic
def update_spool(*, spool: Spool, by: Person | None, **fields: Unpack[SpoolFields]) -> Spool:
    """Change what is written on it. What is left is weighed, never written.

    Raises:
        NotValid: more is left than was ever on it.
    """
    fresh = _locked(spool)
    for name, value in fields.items():
        setattr(fresh, name, value)
    if fresh.weight_g * MOST_OVER_NEW < fresh.left_g:
        raise NotValid("more_left_than_new", _("More is left of it: weigh it first."), "weight_g")
    fresh.full_clean()
    fresh.save()
    note_change("changed", fresh, by)
    return fresh


@transaction.atomic
def weigh(*, spool: Spool, left_g: float, by: Person | None, now: dt.datetime) -> Spool:
    """Set what is left by the scales; the difference stays in its entries.

    Raises:
        NotValid: less than nothing, or more than was ever on it.
        WrongState: it is out of use.
    """
    fresh = _in_use(spool)
    _check_left(fresh, left_g)
    weighed = weigh_spool(spool=fresh, left_g=left_g, now=now)
    note_change("weighed", weighed, by)
    return weighed


@transaction.atomic
def hang_spool(*, spool: Spool, machine: Machine, by: Person | None, now: dt.datetime) -> None:
    """Put it on the machine's printer; it hangs in no other, and what hung there hangs nowhere.

    Side effects in order: the printers; the worker looks at once whether a print fits now; the machines announced.

    Raises:
        WrongState: it is out of use.
        NotValid: the machine has no printer, or stands at another place.
    """
    printers = take_from_others(spool, machine)
    own = next((printer for printer in printers if printer.machine_id == machine.pk), None)
    fresh = _in_use(spool)
    if own is None or machine.site.pk != fresh.site_id:
        raise NotValid("no_printer_there", _("No printer of this place: choose another one."), "machine")
    own.spool = fresh
    own.save(update_fields=["spool"])
    _looked_at_anew(printers, now)
    note_change("hung", fresh, by)


@transaction.atomic
def take_off(*, spool: Spool, by: Person | None, now: dt.datetime) -> None:
    """It hangs in no printer any more; nothing happens where it did not."""
    printers = take_from_others(spool, None)
    if printers:
        _looked_at_anew(printers, now)
        note_change("taken off", spool, by)


@transaction.atomic
def retire_spool(*, spool: Spool, by: Person | None, now: dt.datetime) -> None:
    """Out of use: empty, or thrown away. It leaves its printer; what was printed from it stays known."""
    take_off(spool=spool, by=by, now=now)
    fresh = _locked(spool)
    if fresh.retired_at is None:
        fresh.retired_at = now
        fresh.save(update_fields=["retired_at"])
        note_change("retired", fresh, by)


@transaction.atomic
def restore_spool(*, spool: Spool, by: Person | None) -> None:
    """In use again."""
    fresh = _locked(spool)
    fresh.retired_at = None
    fresh.save(update_fields=["retired_at"])
    note_change("brought back", fresh, by)


def take_from_others(spool: Spool | None, machine: Machine | None) -> list[Printer]:
    """Lock the machine's printer, those that the spool hangs in, and the spool; free it from all but the machine's own.

    Called within a transaction. Printers come before spools, and in one order, as where a print is settled: whoever
    swaps two spools waits for the other, no more.
    """
    is_concerned = Q(machine=machine) if machine is not None else Q(pk=None)
    if spool is not None:
        is_concerned |= Q(spool=spool)
    rows = Printer.objects.select_for_update(of=("self",)).filter(is_concerned).select_related("machine")
    printers = list(rows.order_by("pk"))
    if spool is not None:
        _locked(spool)
        # Asked again: somebody may have hung it up between the two locks.
        Printer.objects.filter(spool=spool).exclude(machine=machine).update(spool=None)
        for printer in printers:
            if printer.spool_id == spool.pk and (machine is None or printer.machine_id != machine.pk):
                printer.spool = None
    return printers


def _looked_at_anew(printers: list[Printer], now: dt.datetime) -> None:
    machines = [printer.machine_id for printer in printers]
    forget_looks(machines)
    for printer in printers:
        wake(printer.machine, now)
    announce_machines(machines)


def forget_looks(machine_ids: list[int]) -> None:
    """Whoever pressed “Start” there saw another filament, or another nozzle."""
    before = [JobState.QUEUED, JobState.DISPATCHING, JobState.UPLOADED]
    PrintJob.objects.filter(machine__in=machine_ids, state__in=before).update(start_asked_at=None)


def _locked(spool: Spool) -> Spool:
    return Spool.objects.select_for_update(no_key=True).get(pk=spool.pk)


def _in_use(spool: Spool) -> Spool:
    fresh = _locked(spool)
    if fresh.retired_at is not None:
        raise WrongState("spool_is_retired", _("This spool is out of use: bring it back first."))
    return fresh


def _check_left(spool: Spool, left_g: float) -> None:
    if left_g < 0:
        raise NotValid("less_than_nothing", _("A spool holds no less than nothing."), "left_g")
    if left_g > spool.weight_g * MOST_OVER_NEW:
        words = _("It held %(grams)s g when it was new. Take off what the empty spool weighs.")
        raise NotValid(
            "more_left_than_new", words % {"grams": number_format(spool.weight_g, force_grouping=True)}, "left_g"
        )

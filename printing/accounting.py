"""What a print used: minutes and grams as the printer counted them or by how far it came, its spool, what it costs."""

import datetime as dt
import math

from django.db.models import F, Value
from django.db.models.functions import Greatest

from printing.models import JobState, Printer, PrintJob, PrintPrice, Spool, SpoolEntry
from printing.notices import tell_low
from printing.slicers import MOST_G, plausible_g
from printing.told import printing_time

HOUR_S = 3600
# Of filament 1.75 mm thick.
SECTION_MM2 = math.pi / 4 * 1.75**2
# What its column takes.
MOST_CENTS = 2**31 - 1
FAR_OFF = 2.0
PURGED_G = 5.0
# As filament makers' data sheets give them.
DENSITIES_G_CM3 = {"PLA": 1.24, "PETG": 1.27, "ABS": 1.04, "ASA": 1.07, "TPU": 1.21, "PC": 1.2, "PA": 1.12}


def settle_job(job: PrintJob, now: dt.datetime) -> None:
    """Set what the ended job used and costs, and take it from its spool; within the move's transaction.

    Side effects in order: the job's fields (the caller saves them); the spool's entry, once for each job; the team
    told when the spool runs low.
    """
    if job.started_at is None:
        # It never printed: nothing was used.
        return
    job.printed = printing_time(job, now)
    grams = grams_used(job)
    if grams is not None:
        job.grams = round(grams, 1)
        if job.spool is not None:
            _take(job.spool, job.grams, job, now)
    job.cost_cents = cost_cents(job)


def grams_used(job: PrintJob) -> float | None:
    """Of the filament that the printer drew in, where it says so and that can be; else by how far the print came."""
    foretold_g, drawn_g = grams_foretold(job), _grams_drawn(job)
    if drawn_g is not None and _can_be(drawn_g, foretold_g, is_whole=job.state == JobState.FINISHED):
        return drawn_g
    share = 1.0 if job.state == JobState.FINISHED else job.progress_pct / 100
    return foretold_g * share if foretold_g is not None else None


def _grams_drawn(job: PrintJob) -> float | None:
    file, told_g = job.file, plausible_g(job.file.filament_g)
    if job.used_mm is None:
        return None
    if told_g is not None and file.filament_mm:
        # So it holds for filament of any thickness and weight.
        return told_g * job.used_mm / file.filament_mm
    return _grams_of(job, job.used_mm)


def _can_be(drawn_g: float, foretold_g: float | None, *, is_whole: bool) -> bool:
    """Whether a printer's word on its filament is to be believed: it purges more than slicers know, not many times
    more, and no print comes to its end on a fraction."""
    if foretold_g is None:
        return 0 < drawn_g <= MOST_G
    return drawn_g <= FAR_OFF * foretold_g + PURGED_G and (not is_whole or drawn_g >= foretold_g / FAR_OFF)


def grams_foretold(job: PrintJob) -> float | None:
    """As the slicer wrote it; Cura writes a length only, which the material turns into grams. None where no spool holds
    so much: anybody may write anything into a file."""
    file = job.file
    if file.filament_g is not None or not file.filament_mm:
        return plausible_g(file.filament_g)
    return plausible_g(_grams_of(job, file.filament_mm))


def _grams_of(job: PrintJob, length_mm: float) -> float | None:
    material = (job.spool.material if job.spool is not None else job.file.filament_type).upper()
    density_g_cm3 = next((each for name, each in DENSITIES_G_CM3.items() if material.startswith(name)), None)
    return length_mm * SECTION_MM2 / 1000 * density_g_cm3 if density_g_cm3 else None


def spool_at(job: PrintJob) -> Spool | None:
    """What hangs in the printer now."""
    printer = Printer.objects.select_related("spool").filter(machine=job.machine_id).first()
    return printer.spool if printer is not None else None


def cost_cents(job: PrintJob) -> int | None:
    """By the site's price for this kind of machine, else for all; None where nobody set one."""
    prices = PrintPrice.objects.filter(site=job.machine.unit.site_id)
    price = prices.filter(category=job.machine.category_id).first() or prices.filter(category=None).first()
    if price is None:
        return None
    own_kg_cents = job.spool.price_cents_per_kg if job.spool is not None else 0
    return price_cents(price, job.printed or dt.timedelta(), job.grams or 0, kg_cents=own_kg_cents or price.kg_cents)


def price_cents(price: PrintPrice, printed: dt.timedelta, grams: float, *, kg_cents: int) -> int:
    """What a print of this length and weight costs, of filament at `kg_cents` a kilo."""
    hours = printed.total_seconds() / HOUR_S
    return min(round(price.base_cents + price.hour_cents * hours + kg_cents * grams / 1000), MOST_CENTS)


def weigh_spool(*, spool: Spool, left_g: float, now: dt.datetime) -> Spool:
    """Set what is left by the scales: what slicers foretell is never quite what was used.

    Raises:
        ValueError: less than nothing.
    """
    if left_g < 0:
        raise ValueError("A spool holds no less than nothing.")
    fresh = Spool.objects.select_for_update().get(pk=spool.pk)
    SpoolEntry.objects.create(spool=fresh, kind=SpoolEntry.Kind.WEIGHED, grams=round(left_g - fresh.left_g, 1), at=now)
    fresh.left_g = left_g
    fresh.save(update_fields=["left_g"])
    return fresh


def _take(spool: Spool, grams: float, job: PrintJob, now: dt.datetime) -> None:
    _entry, is_new = SpoolEntry.objects.get_or_create(
        job_reference=job.reference,
        defaults={"spool": spool, "kind": SpoolEntry.Kind.PRINT, "grams": -grams, "at": now},
    )
    if not is_new:
        return
    # What a slicer foretold may be more than what was left: a spool never holds less than nothing.
    Spool.objects.filter(pk=spool.pk).update(left_g=Greatest(F("left_g") - grams, Value(0.0)))
    spool.refresh_from_db()
    if spool.is_low:
        tell_low(spool, now)

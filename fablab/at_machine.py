"""What whoever stands before a machine can do there with a telephone; read with the machine's own row."""

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from fablab.lib.intervals import Interval
from iot.capabilities import TYPES
from iot.likely_users import unclaimed
from iot.models import Device, DriverKind, UsageSession
from machines.models import Machine
from people.lab import current_lab
from people.models import Module, Person, Site
from people.permissions import is_staff
from printing.models import ACTIVE, PrintJob
from printing.other_prints import BUSY
from printing.services import last_on_bed, may_clear_bed

# On the machine's page; older runs stand on the page of all.
RUNS_SHOWN = dt.timedelta(days=2)


class Way(enum.StrEnum):
    """How one begins: a code typed at the machine, where it says that it has keys, or written down by hand where no
    device sees it."""

    CODE = "code"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class UseNow:
    """A use begun by hand that runs; `name` is for the team only."""

    reference: str
    start: dt.datetime
    lasted: dt.timedelta
    is_own: bool
    may_stop: bool
    name: str


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A run of which nobody is known; `end` is None while it goes on."""

    reference: str
    start: dt.datetime
    end: dt.datetime | None


def with_use(rows: QuerySet[Machine], now: dt.datetime) -> QuerySet[Machine]:
    """The machines with what `way_of`, `use_now` and `runs_unnamed` tell: without a query of its own."""
    devices = Device.objects.filter(machine=OuterRef("pk"), revoked_at=None)
    by_hand = UsageSession.objects.filter(machine=OuterRef("pk"), source=UsageSession.Source.MANUAL, end=None)
    facts = JSONObject(
        reference="reference", start="start", person="person", first="person__first_name", last="person__last_name"
    )
    runs = unclaimed(now).filter(machine=OuterRef("pk"), start__gte=now - RUNS_SHOWN)
    return rows.annotate(
        is_watched=Exists(devices),
        takes_codes=Exists(devices.filter(kind=DriverKind.FABLAB, capabilities__contains=[TYPES])),
        by_hand=Subquery(by_hand.values_list(facts)[:1]),
        unnamed=ArraySubquery(runs.values_list(JSONObject(reference="reference", start="start", end="end"))),
    )


def way_of(machine: Machine) -> Way | None:
    """None where a device sees the use but takes no code, where a printer's own jobs do, and for what is lent or is a
    seat: these begin at the desk."""
    facts: Any = machine
    if not current_lab().has(Module.DEVICES) or machine.category.is_seat or machine.category.is_lent:
        return None
    if machine.retired_at is not None:
        return None
    if facts.takes_codes:
        return Way.CODE
    printer = getattr(machine, "printer", None)
    is_seen = facts.is_watched or (printer is not None and printer.is_enabled)
    return None if is_seen else Way.HAND


def use_now(machine: Machine, reader: Any, now: dt.datetime) -> UseNow | None:
    """The use that somebody began by hand; to others than the team only that and since when."""
    found: dict[str, Any] | None = machine.by_hand  # type: ignore[attr-defined]
    if not found or not current_lab().has(Module.DEVICES):
        return None
    start = dt.datetime.fromisoformat(found["start"])
    is_own = isinstance(reader, Person) and reader.pk == found["person"]
    is_team = is_staff(reader, machine)
    name = " ".join(part for part in (found["first"], found["last"]) if part) if is_team and not is_own else ""
    return UseNow(found["reference"], start, now - start, is_own, is_own or is_team, name)


def runs_unnamed(machine: Machine, reader: Any) -> Sequence[Unnamed]:
    """For the team of its site, the last first; nothing for anybody else."""
    if not is_staff(reader, machine) or not current_lab().has(Module.DEVICES):
        return ()
    return [
        Unnamed(each["reference"], dt.datetime.fromisoformat(each["start"]), _end_of(each["end"]))
        for each in machine.unnamed  # type: ignore[attr-defined]
    ]


def unnamed_between(
    machines: Sequence[Machine], site: Site, window: Interval, reader: Any, now: dt.datetime
) -> dict[int, list[tuple[str, Interval]]]:
    """By machine what ran there without a name and touches the window, as (reference, time), what goes on until now.
    For the team of the site only: one query, none for others."""
    found: dict[int, list[tuple[str, Interval]]] = defaultdict(list)
    if not machines or not is_staff(reader, site) or not current_lab().has(Module.DEVICES):
        return found
    rows = unclaimed(now).filter(Q(end=None) | Q(end__gt=window.start), machine__in=machines, start__lt=window.end)
    for machine_id, reference, start, end in rows.values_list("machine", "reference", "start", "end"):
        found[machine_id].append((reference, Interval(start, end or now)))
    return found


def _end_of(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Bed:
    """A bed that somebody has to clear; `job` is the reader's own print that lies on it, or None."""

    job: PrintJob | None


def bed_of(machine: Machine, reader: Any, now: dt.datetime) -> Bed | None:
    """For whoever stands before it and may say that its bed is clear; no query while nothing lies on it."""
    printer = getattr(machine, "printer", None)
    if not isinstance(reader, Person) or printer is None or not printer.is_enabled or printer.is_bed_clear:
        return None
    if printer.connection in BUSY or not current_lab().has(Module.PRINTING):
        return None
    if PrintJob.objects.filter(machine=machine, state__in=ACTIVE).exists():
        return None
    if not may_clear_bed(machine=machine, person=reader, now=now):
        return None
    last = last_on_bed(machine)
    return Bed(last if last is not None and last.person_id == reader.pk else None)

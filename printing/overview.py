"""What waits, runs and has ended on the printers, as pages list it. Reads only: what is done about it is in
actions.py and library.py."""

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet

from machines.models import Machine
from machines.selectors import machines_of_model
from people.models import Person
from printing.file_removal import GONE_SHA256
from printing.maintenance import with_care
from printing.models import ACTIVE, Intervention, JobState, Outcome, Printer, PrintFile, PrintJob
from printing.models.job import ENDED
from printing.other_prints import prints_other
from printing.submitting import EDITABLE
from reservations.models import Reservation, Status

WITH_FILE = ("file", "person", "machine__unit__site", "machine__category")
OPEN_MOST = 500
ENDED_SHOWN = 10
APPROVALS_MOST = 50
A_PAGE = 20
INTERVENTIONS_SHOWN = 3
ANSWERED_FOR = (Status.CONFIRMED, Status.IN_USE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """`begins_after`: from now, by what slicers foretold of everything before it; None for what is held back.
    `is_at_least`: something before it has no estimate."""

    job: PrintJob
    begins_after: dt.timedelta | None
    is_at_least: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """What has the machine now (or was lost from sight there), and what comes after it, in turn. `prints_other`: what
    has it was not sent from here."""

    running: PrintJob | None
    waiting: list[Waiting]
    prints_other: bool = False


class Step(enum.StrEnum):
    """What somebody of the team does next at a printer; while it prints what was not sent from here, they wait."""

    SAY_ENDED = "say_ended"
    SWITCH_ON = "switch_on"
    CONNECT = "connect"
    MEND = "mend"
    LOOK = "look"
    PRINTS_OTHER = "prints_other"
    CLEAR_BED = "clear_bed"
    RUN = "run"
    NONE = ""


@dataclass(frozen=True, slots=True)
class FarmLine:
    """One printer among many. `printed_since`: since it was last looked after, else since ever."""

    printer: Printer
    job: PrintJob | None = None
    waiting: list[PrintJob] = field(default_factory=list)
    asked: int = 0
    maintained_at: dt.datetime | None = None
    printed_since: dt.timedelta = dt.timedelta()

    @property
    def is_maintenance_due(self) -> bool:
        every_h = self.printer.maintenance_every_h
        return every_h is not None and self.printed_since >= dt.timedelta(hours=every_h)

    @property
    def prints_other(self) -> bool:
        return not (self.job is not None and self.job.is_active) and prints_other(self.printer)

    @property
    def step(self) -> Step:
        """The first thing that somebody has to do there."""
        printer, job = self.printer, self.job
        is_idle = job is None
        checks = (
            (job is not None and job.state == JobState.LOST, Step.SAY_ENDED),
            (not printer.is_enabled, Step.CONNECT),
            (printer.unreachable_since is not None, Step.SWITCH_ON),
            (bool(printer.error_code), Step.MEND),
            (job is not None and job.state == JobState.PAUSED, Step.LOOK),
            (self.prints_other, Step.PRINTS_OTHER),
            (is_idle and not printer.is_bed_clear, Step.CLEAR_BED),
            (is_idle and printer.is_run_by_hand and bool(self.waiting), Step.RUN),
        )
        return next((step for holds, step in checks if holds), Step.NONE)


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A file that somebody sent, once however often they sent it; `is_needed`: a print of it has not ended."""

    file: PrintFile
    prints: int
    good: int
    last_printed_at: dt.datetime | None
    is_needed: bool


def queue_of(machine: Machine, now: dt.datetime) -> Queue:
    """The machine's queue in the order in which `printing.turns.next_job` asks whether each can start.

    Four queries at most: its printer, its twins, the jobs, who has it.
    """
    on_it = sorted({*ACTIVE, JobState.LOST})
    like_it = Q(machine__in=machines_of_model(machine), takes_any=True) if machine.model_name else Q(pk=None)
    wanted = Q(machine=machine, state__in=on_it) | Q(Q(machine=machine) | like_it, state=JobState.QUEUED)
    rows = list(PrintJob.objects.filter(wanted).select_related(*WITH_FILE, "reservation")[:OPEN_MOST])
    running = next((job for job in rows if job.is_active), None) or next(
        (job for job in rows if job.state == JobState.LOST), None
    )
    queued = [job for job in rows if job.state == JobState.QUEUED]
    there = _there(queued, machine, now)
    queued.sort(key=lambda job: (job.is_held, job.pk not in there, *_age(job)))
    printer: Printer | None = getattr(machine, "printer", None)
    is_taken = printer is not None and prints_other(printer) and not (running is not None and running.is_active)
    return Queue(running, _with_times(queued, running, now, is_at_least=is_taken), is_taken)


def _age(job: PrintJob) -> tuple[bool, dt.datetime, int]:
    return not job.is_first, job.queued_at or job.created_at, job.pk


def _there(jobs: Sequence[PrintJob], machine: Machine, now: dt.datetime) -> frozenset[int]:
    """Those whose person has the machine now, alone or with others; all, where it prints without anybody."""
    printer: Printer | None = getattr(machine, "printer", None)
    if printer is not None and printer.is_unattended:
        return frozenset(job.pk for job in jobs)
    rows = Reservation.objects.filter(machine=machine, status=Status.IN_USE, end__gt=now)
    present = {key for pair in rows.values_list("holder", "participants__person") for key in pair if key is not None}
    return frozenset(job.pk for job in jobs if _is_there(job, machine, present, now))


def _is_there(job: PrintJob, machine: Machine, present: Collection[int], now: dt.datetime) -> bool:
    own = job.reservation if job.machine_id == machine.pk else None
    if own is not None and own.status in ANSWERED_FOR:
        return own.status == Status.IN_USE and now < own.end
    return job.person_id in present


def _with_times(
    queued: Sequence[PrintJob], running: PrintJob | None, now: dt.datetime, *, is_at_least: bool
) -> list[Waiting]:
    """`is_at_least`: nobody knows how long what has the printer still takes."""
    left = remaining(running) if running is not None else dt.timedelta()
    after, is_at_least, found = left or dt.timedelta(), is_at_least or left is None, []
    for job in queued:
        if job.is_held:
            found.append(Waiting(job, None))
            continue
        own = job.reservation
        is_to_come = own is not None and own.status == Status.CONFIRMED and own.start > now
        begins = max(after, own.start - now) if own is not None and is_to_come else after
        found.append(Waiting(job, begins, is_at_least))
        after, is_at_least = begins + (job.file.estimated or dt.timedelta()), is_at_least or job.file.estimated is None
    return found


def remaining(job: PrintJob) -> dt.timedelta | None:
    """How long it still runs: what its printer says, else by the slicer's estimate; None where neither is known."""
    if job.time_left is not None:
        return job.time_left
    if job.file.estimated is None:
        return None
    return job.file.estimated * (1 - job.progress_pct / 100)


def ended_on(machine: Machine) -> list[PrintJob]:
    """The last prints there that really ran, newest first."""
    rows = PrintJob.objects.filter(machine=machine, state__in=sorted(ENDED), started_at__isnull=False)
    return list(rows.select_related(*WITH_FILE).order_by(F("ended_at").desc(nulls_last=True), "-pk")[:ENDED_SHOWN])


def open_jobs(sites: Collection[int]) -> list[PrintJob]:
    """What runs, waits for its turn or waits for a yes at the sites, by machine and in turn. One query."""
    states = [*sorted({*ACTIVE, JobState.LOST}), JobState.QUEUED, JobState.AWAITING_APPROVAL]
    rows = PrintJob.objects.filter(state__in=states, machine__unit__site__in=sites).select_related(*WITH_FILE)
    return sorted(rows[:OPEN_MOST], key=lambda job: (job.machine.name, job.machine_id, job.is_held, *_age(job)))


def farm_of(machines: Sequence[Machine], jobs: Sequence[PrintJob], now: dt.datetime) -> dict[int, FarmLine]:
    """By machine: its printer with what it does, of these open jobs. Two queries, however many."""
    by_machine: dict[int, list[PrintJob]] = defaultdict(list)
    for job in jobs:
        by_machine[job.machine_id].append(job)
    return {
        printer.machine_id: _line(printer, by_machine[printer.machine_id])
        for printer in _printers(now).filter(machine__in=machines)
    }


def _line(printer: Printer, jobs: Sequence[PrintJob]) -> FarmLine:
    # One that prints hides one that was lost before: there is one bed.
    going = sorted((job for job in jobs if job.is_active or job.state == JobState.LOST), key=lambda job: job.is_active)
    return FarmLine(
        printer,
        going[-1] if going else None,
        [job for job in jobs if job.state == JobState.QUEUED],
        sum(job.state == JobState.AWAITING_APPROVAL for job in jobs),
        printer.maintained_at,  # type: ignore[attr-defined]
        printer.printed_since or dt.timedelta(),  # type: ignore[attr-defined]
    )


def _printers(now: dt.datetime) -> QuerySet[Printer]:
    last = Intervention.objects.select_related("done_by").order_by("-done_at")[:INTERVENTIONS_SHOWN]
    rows = Printer.objects.select_related("spool", "machine")
    return with_care(rows, now).prefetch_related(Prefetch("interventions", last, to_attr="last_interventions"))


def drafts_of(person: Person, words: str = "") -> list[PrintJob]:
    """What they have not handed in yet, or got back; newest first."""
    return list(_named(person, words).filter(state__in=sorted(EDITABLE)).order_by("-created_at", "-pk")[:A_PAGE])


def jobs_of(person: Person, *, words: str = "", before: str = "") -> tuple[list[PrintJob], str]:
    """A page of what they handed in, newest first, and the reference after which the next page begins ("" at the end).

    `before`: where the page begins; one that is not theirs begins at the newest.
    """
    rows = _named(person, words).exclude(state__in=sorted(EDITABLE)).order_by("-created_at", "-pk")
    if at := PrintJob.objects.filter(person=person, reference=before).values_list("created_at", "pk").first():
        rows = rows.filter(Q(created_at__lt=at[0]) | Q(created_at=at[0], pk__lt=at[1]))
    found = list(rows[: A_PAGE + 1])
    return found[:A_PAGE], found[A_PAGE - 1].reference if len(found) > A_PAGE else ""


def _named(person: Person, words: str) -> QuerySet[PrintJob]:
    rows = PrintJob.objects.filter(person=person).select_related("file", "machine__unit__site")
    return rows.filter(file__name__icontains=words) if words else rows


def kept_files(person: Person) -> QuerySet[PrintFile]:
    """Those of theirs whose content is still there."""
    return PrintFile.objects.filter(uploaded_by=person).exclude(sha256=GONE_SHA256)


def files_of(person: Person, *, before: str = "") -> tuple[list[LibraryFile], str]:
    """A page of their files, each content once under its latest name, and where the next page begins ("" at the end).
    Three queries at most."""
    mine = Q(jobs__person=person)
    groups = kept_files(person).values("sha256").annotate(
        newest=Max("pk"),
        prints=Count("jobs", filter=mine & Q(jobs__started_at__isnull=False)),
        good=Count("jobs", filter=mine & Q(jobs__outcome=Outcome.GOOD)),
        last=Max("jobs__started_at", filter=mine),
        needed=Count("jobs", filter=~Q(jobs__state__in=sorted(ENDED)) & Q(jobs__isnull=False)),
    )  # fmt: skip
    if at := kept_files(person).filter(reference=before).values_list("pk", flat=True).first():
        groups = groups.filter(newest__lt=at)
    rows = list(groups.order_by("-newest")[: A_PAGE + 1])
    files = PrintFile.objects.in_bulk([row["newest"] for row in rows])
    found = [
        LibraryFile(files[row["newest"]], row["prints"], row["good"], row["last"], bool(row["needed"])) for row in rows
    ]
    return found[:A_PAGE], found[A_PAGE - 1].file.reference if len(found) > A_PAGE else ""


def machines_that_print(person: Person) -> list[Machine]:
    """Where a file may be sent, the one where they printed last before the others."""
    rows = Machine.objects.visible_to(person).filter(printer__is_enabled=True)
    last = Max("print_jobs__created_at", filter=Q(print_jobs__person=person))
    return list(rows.annotate(last=last).order_by(F("last").desc(nulls_last=True), "position", "pk"))

"""Entries of a project's log as people read them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import formats
from django.utils.translation import gettext as _

from people.lab import current_lab
from people.models import Module, Person
from people.permissions import is_staff
from printing.models import JobState, Outcome, Why
from projects.log import has_failed, has_succeeded
from projects.models import LogEntry
from reservations.messages import duration_words


@dataclass(frozen=True, slots=True)
class LogLine:
    """`facts`: what it took, each in a few words. `address`: of the print, for those who may open it."""

    entry: LogEntry
    machine: str
    outcome: str
    is_failure: bool
    is_success: bool
    facts: list[str]
    address: str


def lines_of(entries: Iterable[LogEntry], reader: Person) -> list[LogLine]:
    """No query but the reader's roles, once."""
    return [_line(entry, reader) for entry in entries]


def _line(entry: LogEntry, reader: Person) -> LogLine:
    machine = entry.machine.name if entry.machine is not None else str(entry.facts.get("machine") or "")
    job = entry.print_job
    may_open = job is not None and (job.person_id == reader.pk or is_staff(reader, job.machine))
    return LogLine(
        entry=entry,
        machine=machine,
        outcome=_outcome(entry),
        is_failure=has_failed(entry),
        is_success=has_succeeded(entry),
        facts=_facts(entry),
        address=job.get_absolute_url() if job is not None and may_open and current_lab().has(Module.PRINTING) else "",
    )


def _outcome(entry: LogEntry) -> str:
    facts = entry.facts
    if facts.get("outcome") == Outcome.BAD:
        why = facts.get("why")
        return str(Why(why).label) if why in Why.values and why else _("it did not come out well")
    if facts.get("outcome") == Outcome.GOOD:
        return _("it came out well")
    state = facts.get("state")
    return str(JobState(state).label) if state in JobState.values else ""


def _facts(entry: LogEntry) -> list[str]:
    facts, found = entry.facts, []
    if facts.get("printed_s") is not None:
        found.append(duration_words(dt.timedelta(seconds=facts["printed_s"])))
    filament = " ".join(str(facts.get(name)) for name in ("material", "colour") if facts.get(name))
    if facts.get("grams") is not None:
        grams = formats.number_format(facts["grams"], 1)
        found.append(_("%(grams)s g %(filament)s") % {"grams": grams, "filament": filament})
    elif filament:
        found.append(filament)
    if facts.get("layer_height_mm"):
        height = formats.number_format(facts["layer_height_mm"])
        found.append(_("layers of %(height)s mm") % {"height": height})
    if facts.get("nozzle_mm"):
        found.append(_("nozzle of %(size)s mm") % {"size": formats.number_format(facts["nozzle_mm"])})
    if facts.get("profile"):
        found.append(str(facts["profile"]))
    return [fact.strip() for fact in found]

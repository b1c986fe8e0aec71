"""Who is told what about a print. The words stand in notice_kinds.py."""

import datetime as dt
from typing import Any

from django.urls import reverse

from people.models import Person, Role
from people.notices import settle, tell
from people.notices.team import tell_team
from printing.models import JobState, PrintJob, Spool, SpoolEntry

# Who answers for the machines; mediators welcome people.
ANSWERS = frozenset({Role.SUPERVISOR, Role.FAB_MANAGER, Role.ADMINISTRATOR})
TOLD_AT = {
    JobState.PRINTING: "print_started",
    JobState.FINISHED: "print_finished",
    JobState.FAILED: "print_failed",
    JobState.LOST: "print_lost",
}


def tell_handed_in(job: PrintJob, now: dt.datetime) -> None:
    """The team, that somebody waits for their yes."""
    tell_team(
        site=job.machine.site, kind="print_asked", key=f"print-asked:{job.pk}:{now.isoformat()}",
        params={"what": job.machine.name}, link=job.get_absolute_url(), now=now, roles=ANSWERS, besides=job.person,
    )  # fmt: skip


def tell_decided(job: PrintJob, now: dt.datetime) -> None:
    """The person, what became of it."""
    code = "print_approved" if job.state == JobState.QUEUED else "print_returned"
    _tell(job, code, f"print-decided:{job.pk}:{now.isoformat()}", now, why=job.decision)


def nobody_is_asked(job: PrintJob, now: dt.datetime) -> None:
    """It was answered or withdrawn: the team need not look any more."""
    settle(key_prefix=f"print-asked:{job.pk}:", now=now)


def tell_moved(job: PrintJob, by: Person | None, now: dt.datetime) -> None:
    """The person, what the printer did with their print; nothing for what they did themselves."""
    if by is not None and by.pk == job.person_id:
        return
    if code := TOLD_AT.get(JobState(job.state)):
        _tell(job, code, f"{code}:{job.pk}", now)


def tell_bed_waits(job: PrintJob, now: dt.datetime) -> None:
    """Whoever's thing lies on the bed while others wait for the printer."""
    _tell(job, "print_bed_waits", f"print-bed:{job.pk}", now)


def tell_unheeded(job: PrintJob, now: dt.datetime) -> None:
    """The team, whoever is there, once for each print: it must be stopped by hand."""
    tell_team(
        site=job.machine.site, kind="print_unheeded", key=f"print-unheeded:{job.pk}", now=now,
        params={"what": job.machine.name}, link=job.get_absolute_url(),
    )  # fmt: skip


def tell_low(spool: Spool, now: dt.datetime) -> None:
    """The team, once until it is weighed again."""
    weighed = spool.entries.filter(kind=SpoolEntry.Kind.WEIGHED).count()
    tell_team(
        site=spool.site, kind="spool_low", key=f"spool-low:{spool.pk}:{weighed}", now=now, roles=ANSWERS,
        params={"what": str(spool), "grams": round(spool.left_g)}, link=reverse("manage-spool", args=[spool.reference]),
    )  # fmt: skip


def _tell(job: PrintJob, code: str, key: str, now: dt.datetime, **more: Any) -> None:
    if job.person is None:
        return
    params = {"what": job.machine.name} | more
    tell(
        person=job.person,
        kind=code,
        key=key,
        params=params,
        link=job.get_absolute_url(),
        now=now,
        site=job.machine.site,
    )

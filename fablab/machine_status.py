"""What a machine is doing now, as everybody may see it: one state, said the same on every page.

Unreachable, unknown and free are three different things; a lost heartbeat never shows "free". Nothing here is
personal: no name, no file name, no free text of a person.
"""

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fablab.machine_facts import StatusFacts, live_facts
from iot.heat import HOT_C, is_hot
from iot.models import AccessSession, Device, UseState
from machines.models import Machine, Outage
from printing.backends import PrinterConnection
from printing.models import JobState
from printing.other_prints import prints_other
from reservations.messages import clock_words, day_words, duration_words
from reservations.models import Reservation, Status
from reservations.time_words import until_words

# Beyond this, a time of day alone could be today's or tomorrow's.
SOON = dt.timedelta(hours=18)


class State(enum.StrEnum):
    """Word, shape and colour always come together: see `state_badge`."""

    FREE = "free"
    IN_USE = "in-use"
    RESERVED = "reserved"
    CARE = "care"
    OUT = "out"
    NO_NEWS = "no-news"
    CLOSED = "closed"
    COOLING = "cooling"


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """`word` and `detail` are sentences in the reader's language; numbers are None when nothing measured them.

    `next_free` is said on cards only: see `fablab.next_free`.
    """

    machine: Machine
    state: State
    word: str
    detail: str = ""
    progress_pct: float | None = None
    left: str = ""
    power_w: float | None = None
    is_bed_waiting: bool = False
    prints_other: bool = False
    next_free: str = ""

    @property
    def measure(self) -> str:
        """“62 %” of a print, else the power drawn now."""
        if self.progress_pct is not None:
            return f"{self.progress_pct:.0f} %"
        return f"{self.power_w:.0f} W" if self.power_w is not None and self.state == State.IN_USE else ""

    @property
    def progress_step(self) -> int:
        return round(self.progress_pct or 0)


def machine_statuses(machines: Sequence[Machine] | models.QuerySet[Machine], now: dt.datetime) -> list[MachineStatus]:
    """The status of each machine, in their order. Four queries however many machines; a queryset is read by them."""
    return [status_of(machine, facts, now) for machine, facts in live_facts(machines, now)]


def status_of(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus:
    """The first of these that holds: out of service (or to be checked, or stopped for safety), printing (what was sent
    from here, then anything else), no news, locked, at fault, cooling, needs care, waiting for whoever opened it, in
    use, reserved (here, then in another calendar), closed, free.

    Free only while everything that could contradict it is heard.
    """
    checks = (
        _out,
        _printing,
        _printing_other,
        _no_news,
        _locked,
        _fault,
        _cooling,
        _care,
        _opening_up,
        _in_use,
        _reserved,
        _elsewhere,
        _closed,
    )
    for check in checks:
        status = check(machine, facts, now)
        if status is not None:
            return status
    return _free(machine, facts, now)


# Out of service for a reason that somebody of the team lifts on the spot.
OUTAGE_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    Outage.Kind.LOCK_OUT: (_("Locked"), _("Stopped for safety: only the team puts it back in service")),
    Outage.Kind.TO_CHECK: (_("To be checked"), _("Somebody of the team looks at it first")),
}


def _out(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    outage = facts.outage
    if outage is None:
        return None
    if outage.kind in OUTAGE_WORDS:
        word, detail = OUTAGE_WORDS[outage.kind]
        return MachineStatus(machine, State.OUT, str(word), str(detail))
    back = ""
    if outage.end is not None:
        back = gettext("Back %(day)s") % {"day": day_words(outage.end, facts.zone)}
    elif outage.expected_end is not None:
        noon = dt.datetime.combine(outage.expected_end, dt.time(12), facts.zone)
        back = gettext("Back %(day)s") % {"day": day_words(noon, facts.zone)}
    kind = str(outage.get_kind_display())
    detail = f"{kind[:1].upper()}{kind[1:]}. {back}".strip() if back else kind[:1].upper() + kind[1:]
    return MachineStatus(machine, State.OUT, gettext("Out of service"), detail)


JOB_WORDS: dict[str, str | Promise] = {
    JobState.DISPATCHING: _("Preparing"),
    JobState.UPLOADED: _("Preparing"),
    JobState.STARTING: _("Starting"),
    JobState.PRINTING: _("Printing"),
    JobState.PAUSED: _("Paused"),
    JobState.CANCELLING: _("Stopping"),
}


def _printing(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    job = facts.job
    if job is None:
        return None
    if facts.printer is not None and facts.printer.unreachable_since is not None:
        since = clock_words(facts.printer.unreachable_since, facts.zone)
        return MachineStatus(
            machine,
            State.NO_NEWS,
            gettext("No news"),
            gettext("Was printing; no answer since %(time)s") % {"time": since},
            progress_pct=job.progress_pct,
        )
    left, detail = "", ""
    if job.time_left is not None:
        left = gettext("%(duration)s left") % {"duration": _rounded(job.time_left)}
        detail = gettext("Done at %(time)s") % {"time": clock_words(now + job.time_left, facts.zone)}
        if by := job.time_left_by:
            detail = f"{detail} ({by})"
    return MachineStatus(
        machine,
        State.CARE if job.state == JobState.PAUSED else State.IN_USE,
        str(JOB_WORDS[job.state]),
        detail,
        progress_pct=job.progress_pct,
        left=left,
        power_w=_power_w(facts, now),
    )


def _printing_other(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    """Started at the printer or in its own software: how far it is, and whose, nobody tells us."""
    printer = facts.printer
    if printer is None or not prints_other(printer):
        return None
    is_paused = printer.connection == PrinterConnection.PAUSED
    return MachineStatus(
        machine,
        State.CARE if is_paused else State.IN_USE,
        str(JOB_WORDS[JobState.PAUSED if is_paused else JobState.PRINTING]),
        gettext("Prints something that was not sent from here"),
        power_w=_power_w(facts, now),
        prints_other=True,
    )


def _rounded(duration: dt.timedelta) -> str:
    minutes = max(1, round(duration.total_seconds() / 60))
    return duration_words(dt.timedelta(minutes=minutes))


def _no_news(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    if facts.devices and all(device.is_silent(now) for device in facts.devices):
        heard = max((d.last_seen_at for d in facts.devices if d.last_seen_at), default=None)
    elif facts.printer is not None and facts.printer.unreachable_since is not None and not facts.devices:
        heard = facts.printer.last_answer_at
    else:
        return None
    return MachineStatus(machine, State.NO_NEWS, gettext("No news"), _last_heard(heard, facts.zone, now))


def _last_heard(heard: dt.datetime | None, zone: ZoneInfo, now: dt.datetime) -> str:
    if heard is None:
        return gettext("Never heard")
    if heard.astimezone(zone).date() == now.astimezone(zone).date():
        return gettext("Last heard %(time)s") % {"time": clock_words(heard, zone)}
    return gettext("Last heard %(day)s") % {"day": day_words(heard, zone)}


def _fault(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    if facts.reported is None or facts.reported.state != UseState.FAULT:
        return None
    return MachineStatus(machine, State.CARE, gettext("Fault"), gettext("Please call someone of the team"))


def _cooling(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    """After its print: whoever clears the bed waits for it."""
    if not _is_cooling(facts, now):
        return None
    detail, printer = gettext("Still hot: do not touch it yet"), facts.printer
    if printer is not None and printer.nozzle_c is not None:
        detail = gettext("Still %(degrees)s °C hot: do not touch it yet") % {"degrees": round(printer.nozzle_c)}
    is_bed_waiting = printer is not None and not printer.is_bed_clear
    return MachineStatus(machine, State.COOLING, gettext("Cooling"), detail, is_bed_waiting=is_bed_waiting)


def _is_cooling(facts: StatusFacts, now: dt.datetime) -> bool:
    if _runs(facts, now):
        return False
    printer = facts.printer
    if printer is not None and printer.unreachable_since is None and printer.nozzle_c is not None:
        return printer.nozzle_c >= HOT_C and not printer.nozzle_target_c
    # Who has it may just have begun to heat it: devices do not tell which.
    current = _current(facts, now)
    is_theirs = facts.access is not None or (current is not None and current.status == Status.IN_USE)
    return not is_theirs and is_hot(facts.reported, now)


def _care(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    if facts.printer is not None and not facts.printer.is_bed_clear:
        waits = _next_reservation(facts, now)
        return MachineStatus(machine, State.CARE, gettext("Clear the bed"), waits, is_bed_waiting=True)
    return None


def _locked(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    """A device says so itself: it starts nothing until it is told otherwise. What runs is in use all the same."""
    if not any(device.is_locked for device in facts.devices) or _runs(facts, now):
        return None
    return MachineStatus(machine, State.OUT, gettext("Locked"), gettext("Please call someone of the team"))


WAITING_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    AccessSession.State.WAITING_BUTTON: (
        _("Waits for the button"),
        _("Opened with a badge: press the button beside it"),
    ),
    AccessSession.State.WAITING_SECOND: (_("Waits for a second person"), _("Opened with a badge: now another one’s")),
}


def _opening_up(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    """Somebody presented a badge and has half a minute for the next step."""
    words = WAITING_WORDS.get(facts.access.state) if facts.access is not None else None
    if words is None:
        return None
    if not facts.devices:
        # Where no device stands, both begin on their phones.
        words = (words[0], gettext("One has begun: now the other one scans the square"))
    return MachineStatus(machine, State.RESERVED, str(words[0]), str(words[1]))


def _is_busy(facts: StatusFacts) -> bool:
    return facts.reported is not None and facts.reported.state == UseState.BUSY


def _silent_reporter(facts: StatusFacts, now: dt.datetime) -> Device | None:
    """The device whose word the reported state is, when nothing is heard of it any more; others may still speak."""
    reporter = facts.reported.device_id if facts.reported is not None else None
    found = (device for device in facts.devices if reporter is not None and device.pk == reporter)
    return next((device for device in found if device.is_silent(now)), None)


def _power_w(facts: StatusFacts, now: dt.datetime) -> float | None:
    """What is drawn now; what a silent device measured last is not that."""
    if facts.reported is None or _silent_reporter(facts, now) is not None:
        return None
    return facts.reported.power_w


def _runs(facts: StatusFacts, now: dt.datetime) -> bool:
    return _is_busy(facts) and _silent_reporter(facts, now) is None


def _was_in_use(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus:
    """Who said that it runs is silent now."""
    silent = _silent_reporter(facts, now)
    heard = silent.last_seen_at if silent else None
    if heard is None:
        return MachineStatus(machine, State.NO_NEWS, gettext("No news"), gettext("Was in use"))
    is_today = heard.astimezone(facts.zone).date() == now.astimezone(facts.zone).date()
    since = clock_words(heard, facts.zone) if is_today else day_words(heard, facts.zone)
    detail = gettext("Was in use; no news since %(time)s") % {"time": since}
    return MachineStatus(machine, State.NO_NEWS, gettext("No news"), detail)


def _in_use(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    current = _current(facts, now)
    is_checked_in = current is not None and current.status == Status.IN_USE
    if not is_checked_in and facts.access is None and not _runs(facts, now):
        return _was_in_use(machine, facts, now) if _is_busy(facts) else None
    detail, progress, left = "", None, ""
    if current is not None:
        detail = gettext("Until %(time)s") % {"time": until_words(now, current.end, facts.zone)}
        progress = 100 * (now - current.start) / (current.end - current.start)
        left = gettext("%(duration)s left") % {"duration": _rounded(current.end - now)}
    elif facts.access is not None:
        detail = gettext("Until %(time)s") % {"time": until_words(now, facts.access.until, facts.zone)}
    elif facts.reported is not None and facts.reported.since is not None:
        detail = gettext("Since %(time)s, without a reservation") % {
            "time": clock_words(facts.reported.since, facts.zone)
        }
    power_w = _power_w(facts, now)
    status = MachineStatus(machine, State.IN_USE, gettext("In use"), detail, left=left, power_w=power_w)
    if _runs(facts, now) and facts.reported is not None and facts.reported.is_paused:
        status = replace(status, state=State.CARE, word=str(JOB_WORDS[JobState.PAUSED]))
    return status if progress is None else _with_progress(status, progress)


def _with_progress(status: MachineStatus, progress_pct: float) -> MachineStatus:
    return replace(status, progress_pct=min(max(progress_pct, 0.0), 100.0))


def _reserved(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    current = _current(facts, now)
    if current is None:
        return None
    after = gettext("Free again %(time)s") % {"time": until_words(now, current.end, facts.zone)}
    return MachineStatus(machine, State.RESERVED, gettext("Reserved"), after)


def _elsewhere(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    taken = facts.elsewhere
    if taken is None or taken.end is None:
        return None
    if taken.end - now > SOON:
        detail = gettext("In another calendar, until %(day)s") % {"day": day_words(taken.end, facts.zone)}
    else:
        detail = gettext("In another calendar, until %(time)s") % {"time": clock_words(taken.end, facts.zone)}
    return MachineStatus(machine, State.RESERVED, gettext("Taken elsewhere"), detail)


def _closed(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus | None:
    if any(opening.holds(now) for opening in facts.opening):
        return None
    if not facts.opening:
        return MachineStatus(machine, State.CLOSED, gettext("Closed"))
    opens = facts.opening[0].start
    words = {"day": day_words(opens, facts.zone), "time": clock_words(opens, facts.zone)}
    return MachineStatus(machine, State.CLOSED, gettext("Closed"), gettext("Opens %(day)s, %(time)s") % words)


def _free(machine: Machine, facts: StatusFacts, now: dt.datetime) -> MachineStatus:
    silent = [device.last_seen_at for device in facts.devices if device.is_silent(now)]
    if facts.printer is not None and facts.printer.unreachable_since is not None:
        silent.append(facts.printer.last_answer_at)
    if silent:
        # Others still speak, but nobody can tell that nothing runs.
        heard = None if None in silent else min(at for at in silent if at)
        return MachineStatus(machine, State.NO_NEWS, gettext("No news"), _last_heard(heard, facts.zone, now))
    return MachineStatus(machine, State.FREE, gettext("Free"), _next_words(facts, now))


def _next_words(facts: StatusFacts, now: dt.datetime) -> str:
    closing = next((opening.end for opening in facts.opening if opening.holds(now)), None)
    following = next((r.start for r in facts.reservations if r.start > now), None)
    if following is not None and (closing is None or following < closing):
        if following - now > SOON:
            words = {"day": day_words(following, facts.zone), "time": clock_words(following, facts.zone)}
            return gettext("Until %(day)s, %(time)s") % words
        return gettext("Until %(time)s") % {"time": clock_words(following, facts.zone)}
    if closing is None:
        return ""
    time = clock_words(closing, facts.zone)
    return gettext("Until midnight") if time == "00:00" else gettext("Until closing, %(time)s") % {"time": time}


def _current(facts: StatusFacts, now: dt.datetime) -> Reservation | None:
    return next((r for r in facts.reservations if r.start <= now < r.end), None)


def _next_reservation(facts: StatusFacts, now: dt.datetime) -> str:
    following = next((r.start for r in facts.reservations if now < r.start <= now + SOON), None)
    return gettext("Next: %(time)s") % {"time": clock_words(following, facts.zone)} if following else ""

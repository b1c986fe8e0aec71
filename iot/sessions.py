"""Usage sessions: opened, closed, resumed, lost. Callers hold the machine's `ReportedState` row."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Q

from fablab.lib.live import announce_machines
from iot.models import AccessSession, Device, DriverKind, ReportedState, StopReason, UsageSession, UseState
from iot.protocol import Event
from machines.models import Machine
from people.models import Person
from reservations.errors import WrongState
from reservations.life import CHECK_IN_OPENS, check_in
from reservations.models import Reservation, Status

# A device that is back within this of where its session was lost goes on with that session.
RESUME_WITHIN = dt.timedelta(minutes=2)
# A session whose device has said nothing for this long has lost its agent.
LOST_AFTER = dt.timedelta(minutes=5)
# A printer's own software knows when it prints: beside it a plug says what is drawn.
TELL_THEIR_USE = frozenset({DriverKind.OCTOPRINT, DriverKind.MOONRAKER, DriverKind.BAMBU})
# OctoPrint is not told of a print that is started at the printer, from a card in it; these run the printer themselves.
TELL_ALL_USE = TELL_THEIR_USE - {DriverKind.OCTOPRINT}
# The reason that drivers give with `busy`.
PAUSED = "paused"
OUT_OF_SIGHT = frozenset({StopReason.AGENT_LOST, StopReason.OFFLINE})
FOR_SAFETY = frozenset({StopReason.EMERGENCY_STOP, StopReason.SAFETY_INPUT})


def locked_states(machine_ids: Sequence[int]) -> dict[int, ReportedState]:
    """The reported state of each machine, locked in the order of their ids; made where there is none."""
    if not machine_ids:
        return {}
    rows = ReportedState.objects.filter(machine__in=machine_ids).select_for_update(no_key=True, of=("self",))
    found = {row.machine_id: row for row in rows.order_by("machine_id")}
    missing = [machine_id for machine_id in machine_ids if machine_id not in found]
    if missing:
        ReportedState.objects.bulk_create([ReportedState(machine_id=pk) for pk in missing], ignore_conflicts=True)
        return {row.machine_id: row for row in rows.all().order_by("machine_id")}
    return found


def open_session(
    *,
    machine_id: int,
    at: dt.datetime,
    source: UsageSession.Source,
    device: Device | None = None,
    person: Person | None = None,
) -> UsageSession:
    """Open the machine's session, or resume the one whose device was lost just before.

    Side effects in order: find the reservation that covers the moment; insert (or reopen) the session; check the
    reservation in, for measured use is presence.
    """
    last = UsageSession.objects.filter(machine_id=machine_id).order_by("-start", "-pk").first()
    # Without a device nothing tells that it is the same run: the print before was somebody else's.
    is_same = last is not None and device is not None and (last.source, last.device_id) == (source, device.pk)
    if (
        last is not None
        and is_same
        and last.stop_reason in OUT_OF_SIGHT
        and last.end is not None
        and at - last.end <= RESUME_WITHIN
    ):
        _count_use(machine_id, last.start - last.end)
        last.end, last.stop_reason = None, ""
        last.last_busy_at = max(last.last_busy_at, at)
        last.save(update_fields=["end", "stop_reason", "last_busy_at"])
        return last
    start = max(at, last.end) if last and last.end else at
    let_in = _who_was_let_in(machine_id, start)
    reservation = let_in.reservation if let_in is not None else None
    reservation = reservation or reservation_at(machine_id, start)
    person = person or (let_in.person if let_in is not None else None)
    session = UsageSession.objects.create(
        machine_id=machine_id,
        device=device,
        source=source,
        reservation=reservation,
        person=let_in.person if let_in is not None else _who_uses_it(reservation, person),
        team=reservation.team if reservation else None,
        start=start,
        last_busy_at=start,
    )
    if reservation is not None and reservation.status == Status.CONFIRMED:
        try:
            check_in(reservation=reservation, now=start)
        except WrongState:
            # It ended between the two queries; the session still belongs to it.
            return session
    return session


def _who_was_let_in(machine_id: int, at: dt.datetime) -> AccessSession | None:
    """Who presented a badge for it: nobody knows better."""
    rows = AccessSession.objects.filter(machine=machine_id, allowed_at__lte=at, person__isnull=False)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=at)).select_related(
        "person", "reservation__team", "reservation__holder"
    )
    return rows.order_by("-allowed_at").first()


def _who_uses_it(reservation: Reservation | None, person: Person | None) -> Person | None:
    """Whoever holds the time; in a team whoever began it, else the holder if they come."""
    if reservation is None or (reservation.team_id is not None and person is not None):
        return person
    return reservation.holder if reservation.holder_takes_part else None


def reservation_at(machine_id: int, at: dt.datetime) -> Reservation | None:
    """The reservation a moment of use belongs to: the one that covers it, else one about to begin."""
    rows = Reservation.objects.filter(
        Q(status__in=[Status.CONFIRMED, Status.IN_USE, Status.COMPLETED]),
        # By what it holds: a workshop holds eight computers with one reservation.
        held_units__unit__machine=machine_id,
        # Through the constraint's index: by start and end alone the machine's whole past is read.
        held_units__is_holding=True,
        held_units__blocked__overlap=DateTimeTZRange(at, at + CHECK_IN_OPENS, "[]"),
        start__lte=at + CHECK_IN_OPENS,
        end__gt=at,
    )
    return rows.select_related("holder", "team").order_by("start").first()


def close_session(session: UsageSession, *, at: dt.datetime, reason: StopReason) -> UsageSession:
    """End the session, never before its start nor before it was last seen busy."""
    session.end = max(at, session.start)
    session.last_busy_at = min(session.last_busy_at, session.end)
    session.stop_reason = reason
    session.save(update_fields=["end", "last_busy_at", "stop_reason", "energy_wh"])
    _count_use(session.machine_id, session.end - session.start)
    return session


def _count_use(machine_id: int, length: dt.timedelta) -> None:
    """The machine's hours go up with each session that ends, and down again when it is resumed."""
    Machine.objects.filter(pk=machine_id).update(used_s=F("used_s") + round(length.total_seconds()))


def reason_of(state: UseState) -> StopReason:
    """Why a session ends when its machine turns to this state."""
    return StopReason.POWER_CUT if state == UseState.OFF else StopReason.NORMAL


def is_paused_by(event: Event) -> bool:
    """Whether the device says that what it is busy with is paused."""
    return event.event == "busy" and event.reason == PAUSED


def told_reason(event: Event) -> StopReason | None:
    """The reason a device gives for stopping, when it is one we know."""
    if event.event == "safety_input":
        return StopReason.SAFETY_INPUT
    return StopReason(event.reason) if event.reason in StopReason.values else None


def sweep_lost_sessions(*, now: dt.datetime) -> int:
    """Close sessions whose device fell silent, at the last moment it was known busy; how many. Safe to repeat."""
    lost = 0
    rows = UsageSession.objects.filter(end=None, device__isnull=False).select_related("device")
    for session in rows:
        device = session.device
        if device is None or not device.is_silent(now) or _silence(device, now) < LOST_AFTER:
            continue
        with transaction.atomic():
            state = locked_states([session.machine_id])[session.machine_id]
            fresh = UsageSession.objects.select_for_update(no_key=True).get(pk=session.pk)
            heard = Device.objects.get(pk=device.pk)
            if fresh.end is not None or _is_seen(fresh, state, now) or _silence(heard, now) < LOST_AFTER:
                continue
            close_session(fresh, at=_last_known(fresh, heard), reason=_why_lost(heard))
            state.state, state.since, state.crossing_since, state.is_paused = UseState.UNKNOWN, now, None, False
            state.save(update_fields=["state", "since", "crossing_since", "is_paused"])
            announce_machines([session.machine_id])
        lost += 1
    return lost


def _is_seen(session: UsageSession, state: ReportedState, now: dt.datetime) -> bool:
    """Whether another device still sees the use: its meter, not one that tells of a temperature."""
    meter = Device.objects.filter(pk=state.power_meter_id or 0, machine=session.machine_id, revoked_at=None).first()
    is_metered = meter is not None and meter.pk != session.device_id and not meter.is_silent(now)
    return is_metered or now - session.last_busy_at < LOST_AFTER


def _last_known(session: UsageSession, device: Device) -> dt.datetime:
    """Some say once that they are busy and would have said when they were not: busy as long as they were heard."""
    if session.source != UsageSession.Source.EVENT or device.last_seen_at is None:
        return session.last_busy_at
    return max(session.last_busy_at, device.last_seen_at)


def _why_lost(device: Device) -> StopReason:
    """Ours is lost with whatever it still has to tell. Of others, one that is known to have gone is offline: its last
    will said so, or it said that its printer is out of its reach."""
    is_gone = device.kind != DriverKind.FABLAB and not device.is_online
    return StopReason.OFFLINE if is_gone else StopReason.AGENT_LOST


def sweep_silent_devices(*, now: dt.datetime) -> list[Device]:
    """Machines whose devices all fell silent are marked unreachable; each once. The devices, for one log line each."""
    marked = []
    rows = Device.objects.filter(machine__reported__is_unreachable=False, revoked_at=None)
    by_machine: dict[int, list[Device]] = {}
    for device in rows:
        by_machine.setdefault(device.machine_id or 0, []).append(device)
    for machine_id, devices in by_machine.items():
        if all(device.is_silent(now) for device in devices):
            changed = ReportedState.objects.filter(machine=machine_id, is_unreachable=False).update(is_unreachable=True)
            if changed:
                marked.extend(devices)
                announce_machines([machine_id])
    return marked


def _silence(device: Device, now: dt.datetime) -> dt.timedelta:
    return now - device.last_seen_at if device.last_seen_at else dt.timedelta.max

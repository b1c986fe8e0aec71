"""Ends of an access session that no clock at the machine knows of: the place closes, a permission is withdrawn, the
device is out of reach when the time is over. Never of what works or is hot: it ends at rest."""

import datetime as dt
import logging

from iot.access.cooling import is_cooling
from iot.access.sessions import TELLS_WITHIN, end_access, one_at_a_time
from iot.capabilities import cuts_unseen
from iot.device_services import DeviceError
from iot.models import AccessSession, DeviceCommand, DriverKind, MachineAccess, ReportedState, StopReason, UseState
from iot.orders import order
from iot.sessions import LOST_AFTER
from iot.why_ended import reason_at_end
from machines.models import QualificationGrant
from people.models import Badge, Suspension

log = logging.getLogger(__name__)

State = AccessSession.State
SUSPENDED = "suspended"


def end_what_may_not_go_on(*, now: dt.datetime) -> int:
    """Before the other ends are looked for, which would be told as the end of the booking; how many ended.

    Our own device that is heard is told, and says itself when it has ended; the others end here. A late, skipped or
    doubled sweep changes nothing but when.
    """
    ended = 0
    rows = AccessSession.objects.filter(ended_at=None, device__isnull=False).order_by("pk")
    for key, machine_id in rows.values_list("pk", "machine_id"):
        try:
            ended += _looked_at(key, machine_id, now)
        except DeviceError as error:
            log.warning("Session %s goes on: its device takes no order (%s).", key, error.code)
        except Exception:
            # One that cannot be ended must not keep all the others open.
            log.exception("Session %s could not be looked at", key)
    return ended


def _looked_at(key: int, machine_id: int, now: dt.datetime) -> int:
    with one_at_a_time(machine_id):
        rows = AccessSession.objects.select_related(
            "device", "person", "reservation", "machine__category", "machine__unit__site"
        )
        session = rows.filter(pk=key, ended_at=None).first()
        if session is None:
            return 0
        reason = reason_to_end(session, now)
        if reason is None:
            return 0
        is_told = reason == StopReason.PERMISSION and _is_told(session)
        sees_the_work = is_told and session.device is not None and not cuts_unseen(session.device)
        if not sees_the_work and _is_at_work(session, now):
            return 0
        if is_told:
            # Also one that is not heard: it goes on until it is told.
            _tell(session, reason, now)
            return 0
        end_access(session, at=session.until if reason == StopReason.OFFLINE else now, reason=reason, now=now)
        return 1


def reason_to_end(session: AccessSession, now: dt.datetime) -> StopReason | None:
    """Why it may not go on, as nobody at the machine can know; None when it may, or when they know."""
    if is_withdrawn(session, now):
        return StopReason.PERMISSION
    if session.until > now or session.state != State.ACTIVE or session.device is None:
        return None
    if session.device.is_silent(now) and _silence(session, now) >= LOST_AFTER:
        # Whether it ended then, nobody has seen.
        return StopReason.OFFLINE
    if _is_told(session) and not session.device.is_silent(now) and now - session.until <= TELLS_WITHIN:
        return None
    reason = reason_at_end(session.machine, session.reservation, session.until)
    return reason if reason == StopReason.CLOSING else None


def is_withdrawn(session: AccessSession, now: dt.datetime) -> bool:
    """Whether the person was suspended, lost the qualification, or had a badge blocked after they were let in; what the
    team set aside stays set aside. Three queries at most."""
    person = session.person
    if person is None:
        return False
    if SUSPENDED not in session.overridden and Suspension.objects.filter(person=person).holding_at(now).exists():
        return True
    # Which of their badges was presented is not kept: whoever has another presents it again.
    blocked = Badge.objects.filter(person=person, blocked_at__gt=session.allowed_at, blocked_at__lte=now)
    if blocked.exists() and session.attempts.filter(kind="badge", is_allowed=True).exists():
        return True
    wanted = session.machine.wanted_qualification
    if wanted is None or session.overridden:
        return False
    grants = QualificationGrant.objects.filter(person=person, qualification=wanted)
    had_it = grants.valid_at(session.allowed_at).exists()
    return had_it and not grants.valid_at(now).exists()


def _silence(session: AccessSession, now: dt.datetime) -> dt.timedelta:
    heard = session.device.last_seen_at if session.device is not None else None
    return now - heard if heard is not None else dt.timedelta.max


def _is_told(session: AccessSession) -> bool:
    """Our own device: it ends what rests, and says so."""
    device = session.device
    if device is None or device.kind != DriverKind.FABLAB or device.revoked_at is not None:
        return False
    return session.state == State.ACTIVE


def _is_at_work(session: AccessSession, now: dt.datetime) -> bool:
    if session.state != State.ACTIVE:
        return False
    state = ReportedState.objects.filter(machine=session.machine_id).first()
    access = MachineAccess.objects.filter(machine=session.machine_id).first()
    # Its last word was that it works: whether it still does, nobody knows while it is not heard.
    works = state is not None and state.state == UseState.BUSY
    is_unknown = state is not None and state.state == UseState.UNKNOWN and state.is_metered
    return works or is_unknown or is_cooling(session, state, access, now)


def _tell(session: AccessSession, reason: StopReason, now: dt.datetime) -> None:
    """Once every two minutes, until it has ended."""
    if session.device is None:
        return
    told = DeviceCommand.objects.filter(device=session.device, kind="disable", created_at__gt=now - TELLS_WITHIN)
    if not told.filter(data__session_id=session.reference).exists():
        data = {"when_idle": True, "reason": str(reason), "session_id": session.reference}
        order(device=session.device, kind=DeviceCommand.Kind.DISABLE, data=data, by=None, now=now, lasts=TELLS_WITHIN)

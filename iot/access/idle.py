"""A machine that rests goes off by itself, and says so about a minute before; what works meanwhile stays on."""

import datetime as dt

from iot.access import words
from iot.capabilities import SHOWS
from iot.models import AccessSession, Device, DeviceCommand, DriverKind, ReportedState, StopReason
from iot.orders import order

WARNS_BEFORE = dt.timedelta(minutes=1)
# Whoever looks comes once a minute, now and then a little early.
WARNED_FOR = dt.timedelta(seconds=55)


def is_unwarned(session: AccessSession, reason: StopReason | None, now: dt.datetime) -> bool:
    """Whether it would end for its rest alone, and nobody was told so a minute ago: then it does not end yet.

    One query, none for another reason.
    """
    if reason != StopReason.IDLE_TIMEOUT or session.state != AccessSession.State.ACTIVE:
        return False
    return not _was_warned(session) or session.warned_at is None or now - session.warned_at < WARNED_FOR


def warn_of_rest(session: AccessSession, *, now: dt.datetime) -> None:
    """Once in each rest. Side effects in order: the session keeps when; what has a display at the machine shows it.

    Three queries, one when it was said before.
    """
    if _was_warned(session):
        return
    session.warned_at = now
    session.save(update_fields=["warned_at"])
    text = words.rest_line(session.person, words.LANGUAGE)
    data = {"text": text, "for_s": int(WARNED_FOR.total_seconds())}
    for device in Device.objects.filter(machine=session.machine_id, kind=DriverKind.FABLAB, revoked_at=None):
        if SHOWS & set(device.capabilities):
            order(
                device=device, kind=DeviceCommand.Kind.MESSAGE, data=data, by=None, now=now, lasts=WARNED_FOR
            )  # fmt: skip


def _was_warned(session: AccessSession) -> bool:
    """Since it rests: what was said before it worked again counts no more."""
    if session.warned_at is None:
        return False
    since = ReportedState.objects.filter(machine=session.machine_id).values_list("since", flat=True).first()
    return since is None or since <= session.warned_at

"""Whether a machine is hot. A printer that loses its fan meanwhile clogs, and whoever touches its nozzle burns."""

import datetime as dt

from django.db import transaction

from fablab.lib.live import announce_machines
from iot.models import DriverKind, ReportedState, UsageSession, UseState
from iot.sessions import locked_states

# Below this nobody burns themselves, and no plastic cooks in the nozzle.
HOT_C = 50.0
# From 250 °C to 50 °C a nozzle takes about a quarter of an hour without its fan. Whatever is not heard for longer than
# this has cooled down: a printer that was switched off at its own switch says nothing more.
COOLS_WITHIN = dt.timedelta(minutes=30)
# The row is written this often while it is hot, not at every reading.
KEPT_EVERY = dt.timedelta(minutes=1)
# Of these the temperature they tell is that of the nozzle; elsewhere it may be that of the room.
TELL_THEIR_NOZZLE = frozenset({DriverKind.OCTOPRINT, DriverKind.MOONRAKER, DriverKind.BAMBU})


def is_hot(state: ReportedState | None, now: dt.datetime) -> bool:
    """Whether its last word was that it is hot, and that not so long ago that it must have cooled down."""
    if state is None or state.hot_at is None:
        return False
    # Some say their temperature only when it changes: while it works, and as it stops, it is as hot as it said last.
    heated_at = max(state.hot_at, state.since or state.hot_at)
    return state.state == UseState.BUSY or now - heated_at < COOLS_WITHIN


def is_left_hot(state: ReportedState | None, now: dt.datetime, *, due: dt.datetime) -> bool:
    """Whether it was to be off since `due`, rests, and has not cooled down in all that time: its heater was left on.

    One query, none while it is cool.
    """
    if state is None or not is_hot(state, now) or state.state == UseState.BUSY:
        return False
    last = UsageSession.objects.filter(machine=state.machine_id).order_by("-start").first()
    if last is not None and last.end is None:
        # A print that is paused.
        return False
    rests_since = max(state.since or due, last.end if last is not None and last.end is not None else due)
    return now - max(due, rests_since) >= COOLS_WITHIN


def hot_after(before: dt.datetime | None, nozzle_c: float, at: dt.datetime) -> dt.datetime | None:
    """What to keep as `hot_at` once this was measured; `before` is what is kept."""
    if nozzle_c < HOT_C:
        return None
    return at if before is None or at - before >= KEPT_EVERY else before


def note_nozzle(*, machine_id: int, nozzle_c: float, now: dt.datetime) -> None:
    """Somebody who asks the printer itself measured this. Writes when it becomes hot or cool, and once a minute while
    it is hot; the boards are told of the change."""
    before = ReportedState.objects.filter(machine=machine_id).values_list("hot_at", flat=True).first()
    after = hot_after(before, nozzle_c, now)
    if after == before:
        return
    with transaction.atomic():
        locked_states([machine_id])
        ReportedState.objects.filter(machine=machine_id).update(hot_at=after)
    if (after is None) != (before is None):
        announce_machines([machine_id])

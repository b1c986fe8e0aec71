"""The wall board: every machine live, nothing personal."""

import datetime as dt
import json
from collections.abc import Sequence

from django.template.loader import render_to_string
from django.utils import timezone, translation

from fablab.machine_status import MachineStatus, machine_statuses
from machines.models import Machine


def board_statuses(now: dt.datetime, ids: Sequence[int] | None = None) -> list[MachineStatus]:
    """All machines in service, or those of `ids`, in the board's order."""
    machines = Machine.objects.filter(retired_at=None).with_places()
    if ids is not None:
        machines = machines.filter(pk__in=ids)
    return machine_statuses(machines, now)


def board_events(ids: Sequence[int] | None, language: str) -> str:
    """Server-sent events with the tile of each changed machine, drawn in one language."""
    now = timezone.now()
    with translation.override(language):
        events = [
            {"id": status.machine.pk, "html": render_to_string("fablab/_tile.html", {"status": status})}
            for status in board_statuses(now, ids)
        ]
    return f"event: tiles\ndata: {json.dumps(events)}\n\n"

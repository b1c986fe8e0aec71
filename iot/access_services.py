"""Writes of what a machine asks for at the machine itself."""

import datetime as dt
from typing import Any

from django.db import transaction

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from iot.models import MachineAccess
from machines.models import Machine
from people.models import Person


@transaction.atomic
def set_access(*, machine: Machine, by: Person | None, now: dt.datetime, **asked: Any) -> MachineAccess:
    """What holds from the next badge on; whoever has the machine keeps it as it was given.

    Raises:
        ValidationError: a value breaks a rule.
    """
    Machine.objects.select_for_update(of=("self",), no_key=True).get(pk=machine.pk)
    access = MachineAccess.objects.filter(machine=machine).first() or MachineAccess(machine=machine)
    for name, value in asked.items():
        setattr(access, name, value)
    access.full_clean(validate_unique=False)
    access.save()
    announce_machines([machine.pk])
    note_change("changed", access, by)
    return access

"""Who may say that a machine is broken, and who may say that it is back."""

from typing import Any

import rules

from machines.models import Outage
from people.permissions import is_manager, is_staff


@rules.predicate
def may_report_fault(person: Any, machine: Any = None) -> bool:
    """Whether the person is of the team where the machine stands; without a machine, of any team."""
    return is_staff(person, machine)


@rules.predicate
def may_lift(person: Any, outage: Outage | None = None) -> bool:
    """Managers lift any outage; whoever else is of the team there, only what they reported themselves. What another
    calendar says is changed there."""
    if outage is None or outage.calendar_id is not None or not is_staff(person, outage.machine):
        return False
    return is_manager(person, outage.machine) or outage.reported_by_id == person.pk


rules.add_perm("machines.report_fault", may_report_fault)
rules.add_perm("machines.lift_outage", may_lift)

"""What stands between somebody and a reservation beside the machine: credits, rules to sign, inductions asked for."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from machines.house_rules import in_force, is_signed_by, sites_to_sign_for, waiting_count
from machines.induction_services import own_inductions
from machines.models import Machine, QualificationGrant
from people.models import Person, Site
from reservations.next_steps import NextStep, induction_step
from reservations.standing import standing_of


def my_standing(person: Person, now: dt.datetime) -> dict[str, Any]:
    """For one's own page; what the lab does not use is left out. One query, three more for what there is."""
    standing = standing_of(person, now)
    signed: list[bool] = []
    if standing.has_house_rules:
        rules = in_force(sites_to_sign_for(person)).annotate(is_signed=is_signed_by(person))
        signed = list(rules.values_list("is_signed", flat=True))
    return {
        "credits": standing.credits,
        "has_rules": bool(signed),
        "rules_waiting": signed.count(False),
        "suspension": person.suspensions.holding_at(now).first() if standing.is_suspended else None,
        "inductions": list(own_inductions(person)) if standing.waits_for_induction else [],
    }


def standing_on_file(person: Person, sites: Iterable[Site], now: dt.datetime) -> dict[str, Any]:
    """For somebody's file, of the rules at these sites. At most two queries."""
    standing = standing_of(person, now)
    waiting = waiting_count(person, sites) if standing.has_house_rules else 0
    return {"credits": standing.credits, "rules_waiting": waiting}


def induction_offer(person: Person | None, machine: Machine, now: dt.datetime) -> NextStep | None:
    """The button of a machine's page, for whoever has signed in and does not hold what it wants. At most two
    queries."""
    wanted = machine.wanted_qualification
    if person is None or wanted is None:
        return None
    held = QualificationGrant.objects.filter(
        person=person, qualification=wanted, level__gte=machine.category.qualification_level
    )
    return None if held.valid_at(now).exists() else induction_step(person, machine)

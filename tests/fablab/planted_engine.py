"""The planted person in every table of the reservation engine: groups, rota, rules, waiting list, credits, loans."""

import datetime as dt

from machines.models import HouseRules, InductionRequest, RulesSignature, Shift
from people.models import GroupMembership, Person, PersonGroup
from reservations.credits import give_credits
from reservations.models import CreditEntry, Deed, Loan, Participant, WaitingEntry
from tests.api.lab import Lab
from tests.factories import make_qualification


def plant_engine(lab: Lab, person: Person, now: dt.datetime, words: str) -> None:
    """A row in each, `words` in every text that somebody may write."""
    hour = dt.timedelta(hours=1)
    plan = PersonGroup.objects.create(kind="plan", name_fr="Atelier", name_en="Workshop")
    GroupMembership.objects.create(person=person, group=plan, start=now.date(), added_by=person)
    Shift.objects.create(site=lab.site, person=person, start=now, end=now + hour)
    rules = HouseRules.objects.create(machine=lab.laser, version=1, text_fr="R", text_en="R", published_at=now)
    RulesSignature.objects.create(person=person, rules=rules, signed_at=now, witness=person)
    InductionRequest.objects.create(
        person=person, qualification=make_qualification(), site=lab.site, asked_at=now, done_at=now, done_by=person
    )
    WaitingEntry.objects.create(
        machine=lab.laser, person=person, start=now + 4 * hour, end=now + 5 * hour, created_at=now, created_by=person
    )
    lot = give_credits(person=person, amount=3, by=None, now=now, words=words)
    CreditEntry.objects.create(lot=lot, amount=-1, why="corrected", words=words, at=now, by=person)
    Participant.objects.create(reservation=lab.coming, person=person)
    Deed.objects.create(
        reservation=lab.coming, kind="changed", at=now, by=person, behalf_of=person, why=words, overridden=["too_long"]
    )
    Deed.objects.create(reservation=lab.coming, kind="changed", at=now, by=person, why=words)
    Loan.objects.create(
        reservation=lab.running, handed_over_at=now, handed_over_by=person, note_out=words, returned_at=now,
        returned_to=person, note_back=words,
    )  # fmt: skip

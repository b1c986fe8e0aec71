"""What somebody can do about a refusal, as a link or a button: registered by code, used by page and API alike.

Any app may register more from a module of its own that is called `next_steps`.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext

from fablab.lib.denials import Denial
from machines.models import InductionRequest, Machine
from people.models import Person
from reservations.rules import Code
from reservations.time_words import day_words


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the link says and where it leads; `is_posted` where a button does it at once, the same address read being
    a page that asks first. Without an address it only says how things stand."""

    words: str
    url: str = ""
    is_posted: bool = False


@dataclass(frozen=True, slots=True)
class RefusedPerson:
    """Who was refused which machine; `is_told_to_team` when somebody of the team reads it about them."""

    machine: Machine
    person: Person
    is_told_to_team: bool = False


Step = Callable[[Denial, RefusedPerson], NextStep | None]
_steps: dict[str, Step] = {}


def register_next_step(code: str, step: Step) -> None:
    """From here on a denial of this code is answered with that step; a later one takes the place of an earlier."""
    _steps[str(code)] = step


def next_step_of(denial: Denial, refused: RefusedPerson) -> NextStep | None:
    """The way on, if there is one. At most one query."""
    autodiscover_modules("next_steps")
    step = _steps.get(str(denial.code))
    return step(denial, refused) if step is not None else None


def _sign(denial: Denial, refused: RefusedPerson) -> NextStep:
    if refused.is_told_to_team:
        url = reverse("people-rules", args=[refused.person.reference])
        return NextStep(gettext("Signed on paper?"), url)
    return NextStep(gettext("Read and sign the rules"), reverse("me-rules-sign", args=[denial.params["rules"]]))


def _ask_for_induction(denial: Denial, refused: RefusedPerson) -> NextStep | None:
    """For whoever reads it about somebody else the page has their own way: to give the qualification."""
    return None if refused.is_told_to_team else induction_step(refused.person, refused.machine)


def induction_step(person: Person, machine: Machine) -> NextStep:
    """To ask for the induction that the machine wants, or since when it has been asked for. One query."""
    wanted = machine.wanted_qualification
    asked = InductionRequest.objects.filter(person=person, qualification=wanted, done_at=None).first()
    return _induction_words(machine, asked.asked_at if asked is not None else None)


def _induction_words(machine: Machine, asked_at: dt.datetime | None) -> NextStep:
    if asked_at is not None:
        day = day_words(asked_at, machine.site.zone)
        return NextStep(gettext("You asked for the induction on %(day)s.") % {"day": day})
    url = reverse("induction-ask", args=[machine.slug])
    return NextStep(gettext("Ask for the induction"), url, is_posted=True)


def induction_steps(person: Person, machines: Iterable[Machine]) -> dict[int, NextStep]:
    """As `induction_step`, of each of these machines by its key. One query for all."""
    asked = dict(
        InductionRequest.objects.filter(person=person, done_at=None).values_list("qualification_id", "asked_at")
    )
    return {machine.pk: _induction_words(machine, asked.get(_wanted_id(machine))) for machine in machines}


def _wanted_id(machine: Machine) -> int:
    wanted = machine.wanted_qualification
    return wanted.pk if wanted is not None else 0


register_next_step(Code.RULES_UNSIGNED, _sign)
register_next_step(Code.QUALIFICATION_MISSING, _ask_for_induction)
register_next_step(Code.QUALIFICATION_EXPIRED, _ask_for_induction)
register_next_step(Code.QUALIFICATION_LEVEL, _ask_for_induction)

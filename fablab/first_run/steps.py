"""The questions of the first day, in their order. Data only."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Step:
    """One question, one page: `title` in the list of questions, `question` at the top of the page."""

    slug: str
    title: Promise
    question: Promise


ADMINISTRATOR = Step("administrator", _("Administrator"), _("Who looks after this lab?"))
PLACE = Step("place", _("The place"), _("What is the place called, and where is it?"))
HOURS = Step("hours", _("Opening hours"), _("When are you open?"))
ROOMS = Step("rooms", _("Rooms"), _("Which rooms do you have?"))
MACHINES = Step("machines", _("Machines"), _("Which machines do people come for?"))
TEAM = Step("team", _("Team"), _("Who welcomes people with you?"))
MODULES = Step("modules", _("What you want to use"), _("What do you want to use?"))
CHECK = Step("check", _("Look it over"), _("Is everything right?"))

STEPS = (ADMINISTRATOR, PLACE, HOURS, ROOMS, MACHINES, TEAM, MODULES, CHECK)
BY_SLUG = {step.slug: step for step in STEPS}


def number_of(step: Step) -> int:
    """1 for the first."""
    return STEPS.index(step) + 1


def before(step: Step) -> Step | None:
    number = STEPS.index(step)
    return STEPS[number - 1] if number else None


def after(step: Step) -> Step:
    """The next question; the last one stays the last."""
    return STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]


def later_of(slug: str, other: str) -> str:
    """Of two questions, by their slugs, the one that is asked later; the first may be unknown."""
    return max(slug, other, key=lambda name: list(BY_SLUG).index(name) if name in BY_SLUG else -1)

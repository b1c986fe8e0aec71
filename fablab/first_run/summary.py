"""Every answer in a line or two, to be looked over before the lab opens."""

from collections import Counter
from dataclasses import dataclass

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from fablab.first_run import steps
from fablab.first_run.progress import team_of
from fablab.first_run.rooms import rooms_of
from fablab.first_run.steps import Step
from machines.models import Machine, OpeningHours
from people.lab import current_lab
from people.models import Module, Person, Site


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, a line each; `advice` when something will be missed."""

    step: Step
    lines: list[str]
    advice: str = ""


def answers_so_far(site: Site, by: Person) -> list[Answer]:
    """One for each question but the last, in their order. Eight queries."""
    return [
        Answer(steps.ADMINISTRATOR, [by.get_full_name(), *filter(None, [by.contact_email])]),
        Answer(steps.PLACE, [site.name, *filter(None, [site.address]), site.time_zone]),
        _hours(site),
        _rooms(site),
        _machines(site),
        _team(site, by),
        _modules(),
    ]


def _hours(site: Site) -> Answer:
    days: dict[int, list[str]] = {}
    for row in OpeningHours.objects.filter(site=site).order_by("weekday", "opens"):
        days.setdefault(row.weekday, []).append(f"{row.opens:%H:%M} – {row.closes:%H:%M}")
    names = {row: str(label) for row, label in OpeningHours._meta.get_field("weekday").choices}  # type: ignore[union-attr]
    lines = [f"{names[day].capitalize()} {', '.join(ranges)}" for day, ranges in days.items()]
    return Answer(steps.HOURS, lines, "" if lines else _("Without opening hours nothing can be reserved."))


def _rooms(site: Site) -> Answer:
    return Answer(steps.ROOMS, [room.name for room in rooms_of(site)] or [_("No room")])


def _machines(site: Site) -> Answer:
    rows = Machine.objects.filter(unit__site=site, retired_at=None).select_related("category").order_by("pk")
    counts = Counter(machine.category.name for machine in rows)
    lines = [_("%(what)s: %(sentence)s") % {"what": name, "sentence": count} for name, count in counts.items()]
    return Answer(steps.MACHINES, lines, "" if lines else _("Nothing to reserve yet: add the first machine."))


def _team(site: Site, by: Person) -> Answer:
    grants = team_of(site, by)
    waiting = sum(not grant.person.has_usable_password() for grant in grants)
    lines = [f"{grant.person}, {grant.get_role_display()}" for grant in grants] or [_("You alone")]
    advice = _("Some cannot sign in yet: print their sheet.") if waiting else ""
    return Answer(steps.TEAM, lines, advice)


def _modules() -> Answer:
    lab = current_lab()
    wanted = ", ".join(str(module.label) for module in Module if lab.has(module))
    return Answer(steps.MODULES, [capfirst(wanted) or _("Machines and reservations only")])

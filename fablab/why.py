"""Why somebody cannot reserve: every rule with what it says now, the value behind it, and where that is set."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _

from fablab.lib.intervals import Interval
from machines.models import BookingPolicy, Machine, RiskLevel
from machines.models.qualification import Level as QualificationLevel
from machines.policies import Level, Where
from people.models import Person
from people.permissions import is_manager
from reservations.messages import Sentence, clock_words
from reservations.messages_about import sentence_about
from reservations.messages_of_people import amount_words, limit_words
from reservations.rule_facts import BookingFacts, Code
from reservations.rule_names import Checked, checklist
from reservations.rule_words import scope_words, value_words

# The values that a rule looks at.
VALUES: Mapping[Code, tuple[str, ...]] = {
    Code.MEMBERSHIP_REQUIRED: ("needs_membership",),
    Code.AGE_LIMIT: ("least_age_y",),
    Code.GUARDIAN_REQUIRED: ("guardian_below_y",),
    Code.TOO_MANY_OPEN: ("rest",),
    Code.CREDIT_EXHAUSTED: ("credits_per_hour",),
    Code.TOO_SHORT: ("shortest",),
    Code.TOO_LONG: ("longest",),
    Code.OFF_GRID: ("grid_min",),
    Code.TOO_SOON: ("notice",),
    Code.TOO_FAR: ("window",),
}
TO_COME = "to_come"


@dataclass(frozen=True, slots=True)
class Source:
    """A value in words, where it is set, and the page that changes it; no address where the reader may not."""

    words: str
    where: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class WhyLine:
    """One rule as it stands for this person, machine and time."""

    name: str
    is_kept: bool
    sentences: Sequence[Sentence]
    sources: Sequence[Source]


@dataclass(slots=True)
class _Asked:
    """What every line is made from."""

    facts: BookingFacts
    machine: Machine
    person: Person
    reader: Person
    asked: Interval
    policies: Mapping[int, BookingPolicy] = field(default_factory=dict)

    @property
    def may_set(self) -> bool:
        return is_manager(self.reader, self.machine)


def why_lines(
    *, facts: BookingFacts, asked: Interval, now: dt.datetime, machine: Machine, person: Person, reader: Person
) -> list[WhyLine]:
    """Every rule, those in the way first. At most one query, for the rules for some that are in force."""
    about = _Asked(facts, machine, person, reader, asked, _policies(facts.origins.values()))
    lines = [_line(checked, about) for checked in checklist(facts, asked, now)]
    return sorted(lines, key=lambda line: line.is_kept)


def approval_source(
    *, facts: BookingFacts, machine: Machine, person: Person, reader: Person, asked: Interval
) -> Source | None:
    """Where it is set that somebody of the team says yes first; None where nobody has to."""
    if not facts.settings.needs_approval:
        return None
    where = facts.origins["needs_approval"]
    return _value("needs_approval", _Asked(facts, machine, person, reader, asked, _policies([where])))


def _policies(origins: Iterable[Where]) -> Mapping[int, BookingPolicy]:
    """The rules for some among these, by key. One query, none where there is none."""
    keys = {where.policy_id for where in origins if where.policy_id is not None}
    rows = BookingPolicy.objects.select_related("group", "site", "category", "machine")
    return rows.in_bulk(keys) if keys else {}


def _line(checked: Checked, about: _Asked) -> WhyLine:
    sentences = [sentence_about(denial, about.person) for denial in checked.denials]
    sources = [_value(name, about) for name in VALUES.get(checked.code, ())]
    sources += _other_sources(checked.code, about)
    return WhyLine(checked.name, checked.is_kept, sentences, sources)


def _value(name: str, about: _Asked) -> Source:
    settings = about.facts.settings
    value = int(settings.grid.total_seconds() // 60) if name == "grid_min" else getattr(settings, name)
    where, url = _place(about.facts.origins[name], about)
    return Source(value_words(name, value), where, url if about.may_set else "")


def _place(where: Where, about: _Asked) -> tuple[str, str]:
    """In words and as an address: a rule for some, the machine itself, or its category."""
    policy = about.policies.get(where.policy_id or 0)
    if policy is not None:
        return _("rule for: %(scope)s") % {"scope": scope_words(policy)}, reverse("rules-policy", args=[policy.pk])
    if where.level == Level.MACHINE:
        return _on_machine(about)
    return _on_category(about)


def _on_machine(about: _Asked) -> tuple[str, str]:
    machine = about.machine
    return _("set on %(name)s") % {"name": machine.name}, reverse("settings-machine", args=[machine.slug])


def _on_category(about: _Asked) -> tuple[str, str]:
    category = about.machine.category
    return _("set on the category %(name)s") % {"name": category.name}, reverse(
        "settings-category", args=[category.slug]
    )


def _other_sources(code: Code, about: _Asked) -> list[Source]:
    """What the rule looks at beside the values of the machine."""
    person, site = about.person, about.machine.site
    own_file = reverse("people-person", args=[person.reference])
    if code in (Code.SUSPENDED, Code.PERSON_BUSY):
        return [Source("", _("Their file"), own_file)]
    if code == Code.QUALIFICATION_MISSING:
        return _qualification(about)
    if code == Code.RULES_UNSIGNED:
        return [Source("", _("What they have signed"), reverse("people-rules", args=[person.reference]))]
    if code == Code.MACHINE_UNAVAILABLE:
        return [_for_managers(about, "", _("Out of service"), reverse("settings-outages", args=[site.slug]))]
    if code == Code.CLOSED:
        return [_for_managers(about, _hours(about), _("Opening hours"), reverse("settings-hours", args=[site.slug]))]
    if code == Code.SUPERVISION_REQUIRED:
        return _supervision(about)
    if code in (Code.QUOTA_EXCEEDED, Code.TOO_MANY_OPEN):
        return _limits(about, is_to_come=code == Code.TOO_MANY_OPEN)
    if code == Code.CREDIT_EXHAUSTED and about.facts.settings.credits_per_hour and about.facts.person:
        words = _("%(n)d left") % {"n": about.facts.person.credits_left}
        return [Source(words, _("Their credits"), reverse("people-credits", args=[person.reference]))]
    if code == Code.TAKEN:
        day = about.asked.start.astimezone(about.facts.zone).date()
        return [Source("", _("Reservations of that day"), f"{reverse('manage-reservations')}?day={day.isoformat()}")]
    return []


def _for_managers(about: _Asked, words: str, where: str, url: str) -> Source:
    return Source(words, where, url if about.may_set else "")


def _qualification(about: _Asked) -> list[Source]:
    wanted = about.machine.wanted_qualification
    if wanted is None:
        return [_for_managers(about, _("none asked for"), *_on_category(about))]
    level = QualificationLevel(about.machine.category.qualification_level).label
    words = _("“%(name)s”, level “%(level)s”") % {"name": wanted.name, "level": level}
    place = _on_machine(about) if about.machine.qualification_id else _on_category(about)
    return [_for_managers(about, words, *place)]


def _hours(about: _Asked) -> str:
    zone, day = about.facts.zone, about.asked.start.astimezone(about.facts.zone).date()
    of_day = [each for each in about.facts.opening if each.start.astimezone(zone).date() == day]
    if not of_day:
        return _("closed on that day")
    return ", ".join(f"{clock_words(each.start, zone)}–{clock_words(each.end, zone)}" for each in of_day)


def _supervision(about: _Asked) -> list[Source]:
    words = str(RiskLevel(about.machine.risk).label)
    place = _on_category(about) if about.machine.risk_level is None else _on_machine(about)
    found = [_for_managers(about, words, *place)]
    return found if about.facts.supervised is None else [*found, Source("", _("Rota"), reverse("manage-rota"))]


def _limits(about: _Asked, *, is_to_come: bool) -> list[Source]:
    quotas = [quota for quota in about.facts.quotas if (quota.period == TO_COME) == is_to_come]
    found = []
    for quota in quotas:
        words = {"limit": limit_words(quota), "held": amount_words(quota.measure, quota.held)}
        found.append(_for_managers(about, _("%(limit)s; holds %(held)s") % words, _("Limits"), reverse("rules")))
    return found

"""Who comes, as the pages ask it: a question for each team that has more members than one, and what was answered."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from fablab.lib.queries import query_word
from people.models import Person, Team, TeamMembership
from reservations.time_words import day_words

# The questions that a page put, by the team's short name: without it nothing ticked means nothing was asked.
PUT = "asked"
# The answer in one word, as links and hidden fields carry it.
CARRIED = "who"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the team, under the name by which the others know them."""

    reference: str
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Question:
    """“Who comes?” of one team; `number` is its place among the teams that can be chosen, from one on."""

    team: Team
    number: int
    choices: Sequence[Choice]

    @property
    def field(self) -> str:
        return field_of(self.team.slug)


@dataclass(frozen=True, slots=True)
class Comers:
    """Who comes beside the holder, whether the holder does, and what is wrong with the answer."""

    others: Sequence[Person] = ()
    holder_takes_part: bool = True
    error: str = ""

    def carried(self, holder: Person) -> str:
        """The answer in one word."""
        own = [holder.reference] if self.holder_takes_part else []
        return ",".join([*own, *(person.reference for person in self.others)])


ALONE = Comers()


def field_of(slug: str) -> str:
    """The name of the boxes of one team's question."""
    return f"comes-{slug}"


def references_named(data: QueryDict, slug: str) -> list[str] | None:
    """Who was ticked or carried along; None where nobody was asked."""
    if slug in data.getlist(PUT):
        return data.getlist(field_of(slug))
    if carried := query_word(data, CARRIED):
        return carried.split(",")
    return None


def members_of(teams: Iterable[Team]) -> Mapping[int, list[TeamMembership]]:
    """By team those who are in it, who joined first first. One query."""
    rows = TeamMembership.objects.filter(team__in=[team.pk for team in teams]).select_related("person", "team__site")
    found: dict[int, list[TeamMembership]] = defaultdict(list)
    for row in rows.order_by("joined_at", "pk"):
        found[row.team_id].append(row)
    return found


def comers_of(data: QueryDict, team: Team | None, holder: Person, members: Iterable[TeamMembership]) -> Comers:
    """What was answered: the holder alone where nobody was asked."""
    references = None if team is None else references_named(data, team.slug)
    if references is None:
        return ALONE
    known = {holder.reference: holder} | {row.person.reference: row.person for row in members}
    if any(reference not in known for reference in references):
        return Comers(error=_("Somebody of those is no longer in this team. Choose again."))
    named = [known[reference] for reference in dict.fromkeys(references)]
    others = [person for person in named if person != holder]
    if not named:
        return Comers((), False, _("Somebody has to come: choose at least one of you."))
    return Comers(others, len(others) < len(named))


def choices_of(
    members: Sequence[TeamMembership], me: Person, chosen: Iterable[Person], *, is_own: bool = True
) -> list[Choice]:
    """Oneself first, or whom one reserves for where it is not `is_own`. Two of the same first name are told apart by
    the day on which they joined."""
    keys = {person.pk for person in chosen}
    doubled = Counter(row.person.get_short_name() for row in members)
    ordered = sorted(members, key=lambda row: row.person_id != me.pk)
    return [
        Choice(
            row.person.reference,
            _name(row, me if is_own else None, is_doubled=doubled[row.person.get_short_name()] > 1),
            row.person_id in keys,
        )
        for row in ordered
    ]


def _name(row: TeamMembership, me: Person | None, *, is_doubled: bool) -> str:
    name = row.person.get_short_name()
    if me is not None and row.person_id == me.pk:
        return _("%(name)s (you)") % {"name": name}
    if not is_doubled or row.joined_at is None:
        return name
    day = day_words(row.joined_at.astimezone(dt.UTC), row.team.site.zone)
    return _("%(name)s, in the team since %(day)s") % {"name": name, "day": day}


def who_words(people: Iterable[Person], reader: Person) -> str:
    """“you, Bo, Cleo”: first names, as those of a team know each other."""
    return ", ".join(_("you") if person.pk == reader.pk else person.get_short_name() for person in people)


def questions_of(
    teams: Sequence[Team],
    members: Mapping[int, Sequence[TeamMembership]],
    me: Person,
    *,
    asked: Team | None = None,
    comers: Comers = ALONE,
    is_own: bool = True,
) -> list[Question]:
    """One for each team that has others than oneself; of the team that was `asked`, with what was answered."""
    found = []
    for number, team in enumerate(teams, start=1):
        rows = members.get(team.pk, [])
        answer = comers if team == asked else ALONE
        chosen = [*answer.others, *([me] if answer.holder_takes_part else [])]
        if any(row.person_id != me.pk for row in rows):
            found.append(Question(team, number, choices_of(rows, me, chosen, is_own=is_own)))
    return found

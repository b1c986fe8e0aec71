"""Reads about people: whom somebody of the team may see, how they are found, and who is likely the same person."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from people.duplicates import Described, Likeness, likeness
from people.lab import current_lab
from people.models import MANAGER_ROLES, STAFF_ROLES, Module, Person, Role, RoleGrant, Site, Team, TeamMembership, Visit
from people.models.person import sort_key

# A telephone is looked for when somebody types at least so many digits of it.
FEWEST_DIGITS = 4
DUPLICATES_SHOWN = 5
CANDIDATES_MOST = 4000
# What is typed to find somebody; more would only be slow to look for.
LONGEST_TEXT = 120


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Somebody on file who is likely the person asked about."""

    person: Person
    likeness: Likeness


def teams_to_reserve_as(people: Iterable[Person | None], site: Site) -> QuerySet[Team]:
    """The site's teams that one of these people is a member of, by name; none while the lab has no teams."""
    if not current_lab().has(Module.TEAMS):
        return Team.objects.none()
    members = [person.pk for person in people if person is not None]
    is_theirs = Exists(TeamMembership.objects.filter(team=OuterRef("pk"), person__in=members))
    return Team.objects.filter(is_theirs, site=site, archived_at=None)


def staff_sites(person: Person) -> QuerySet[Site]:
    """Where the person is of the team."""
    return _sites(person, STAFF_ROLES)


def managed_sites(person: Person) -> QuerySet[Site]:
    """Where the person manages."""
    return _sites(person, MANAGER_ROLES)


def administered_sites(person: Person) -> QuerySet[Site]:
    """Where the person gives all roles."""
    return _sites(person, frozenset({Role.ADMINISTRATOR}))


def colleagues_of(staff: Person) -> QuerySet[Person]:
    """Whom somebody of the team may read the name of as one who acted: those with a role at one of their sites, and
    those who may act everywhere."""
    if staff.is_superuser:
        return Person.objects.all()
    here = RoleGrant.objects.filter(person=OuterRef("pk"), site__in=staff_sites(staff))
    return Person.objects.filter(Q(pk=staff.pk) | Q(is_superuser=True) | Exists(here))


def is_known_beyond(person: Person, sites: QuerySet[Site]) -> bool:
    """Whether the person has a role, a visit, a reservation or a team at any other site."""
    others = Site.objects.exclude(pk__in=sites.values("pk"))
    return people_known_at(others).filter(pk=person.pk).exists()


def _sites(person: Person, roles: frozenset[Any]) -> QuerySet[Site]:
    if person.is_superuser:
        return Site.objects.all()
    return Site.objects.filter(pk__in=person.role_grants.filter(role__in=roles).values("site_id"))


def people_of(staff: Person) -> QuerySet[Person]:
    """Whose files somebody of the team may open: those known at one of their sites; and whoever is known nowhere yet.

    The last are those who signed up by themselves: at their first visit the desk must find them, or would make them
    a second time. No site has told anything about them, so nothing of another site is shown.
    """
    people = Person.objects.filter(erased_at=None)
    if staff.is_superuser:
        return people
    sites = list(staff_sites(staff).values_list("pk", flat=True))
    registered_here = Q(registered_by=None) | Exists(
        RoleGrant.objects.filter(person=OuterRef("registered_by"), site__in=sites, role__in=STAFF_ROLES)
    )
    nowhere = ~_has("role_grants") & ~_has("visits") & ~_has("reservations") & ~_has("team_memberships")
    return people.filter(_known_at(sites) | (nowhere & registered_here & Q(is_superuser=False)))


def people_known_at(sites: QuerySet[Site]) -> QuerySet[Person]:
    """Those with a role, a visit, a reservation or a team at one of the sites."""
    return Person.objects.filter(_known_at(list(sites.values_list("pk", flat=True))), erased_at=None)


def _known_at(sites: list[int]) -> Q:
    return (
        _has("role_grants", site__in=sites)
        | _has("visits", site__in=sites)
        | _has("reservations", site__in=sites)
        | _has("team_memberships", team__site__in=sites)
    )


def _has(relation: str, **conditions: object) -> Q:
    """Asked by the relation's name: reservations stand to the right of this app, and one row is enough."""
    field: Any = Person._meta.get_field(relation)
    rows = field.related_model._base_manager.filter(**{field.field.name: OuterRef("pk")}, **conditions)
    return Q(Exists(rows))


def matching(people: QuerySet[Person], text: str) -> QuerySet[Person]:
    """Those whose name has all the words (accents and case do not count), whose telephone holds the digits, whose
    card code or contact e-mail this is."""
    text = text[:LONGEST_TEXT]
    if not text.strip():
        return people.none()
    words = re.findall(r"\w+", sort_key(text))
    by_name = Q()
    for word in words:
        by_name &= Q(sort_name__contains=word) | Q(sort_name__contains=word.replace("oe", "œ"))
    wanted = by_name if words else Q(pk__in=[])
    code = re.sub(r"[\s-]", "", text).upper()
    wanted |= Q(card_code__iexact=code) | Q(card_code__iexact=text.strip()) | Q(contact_email__iexact=text.strip())
    # The same number begins with 0 at home and with +33 from abroad.
    digits = re.sub(r"\D", "", text).lstrip("0")
    if len(digits) >= FEWEST_DIGITS and not re.search(r"[^\d\s.+()/-]", text):
        people = people.alias(phone_digits=_digits_of("phone"), guardian_digits=_digits_of("guardian_phone"))
        wanted |= Q(phone_digits__contains=digits) | Q(guardian_digits__contains=digits)
    return people.filter(wanted)


def _digits_of(field: str) -> Func:
    return Func(F(field), Value(r"\D"), Value(""), Value("g"), function="regexp_replace")


def who_is_here(people: QuerySet[Person], sites: QuerySet[Site]) -> QuerySet[Person]:
    """Those whose visit at one of the sites is not over."""
    return people.filter(Exists(Visit.objects.present().filter(person=OuterRef("pk"), site__in=sites)))


def likely_duplicates(
    people: QuerySet[Person], described: Described, *, most: int = DUPLICATES_SHOWN
) -> list[Duplicate]:
    """Who among `people` is likely the one described, the likeliest first. One query for names, one for people.

    Only those with an initial in common are compared: a slip in both initials at once is not caught.
    """
    rows = _candidates(people, described).values_list("pk", "first_name", "last_name", "birth_year", "town")
    found = {
        pk: alike
        for pk, first_name, last_name, birth_year, town in rows[:CANDIDATES_MOST]
        if (alike := likeness(described, Described(first_name, last_name, birth_year, town))) != Likeness.NONE
    }
    best = sorted(found, key=lambda pk: (-found[pk], pk))[:most]
    by_pk = people.in_bulk(best)
    return [Duplicate(by_pk[pk], found[pk]) for pk in best]


def _candidates(people: QuerySet[Person], described: Described) -> QuerySet[Person]:
    initials = {sort_key(name.strip())[:1] for name in (described.first_name, described.last_name)} - {""}
    wanted = Q(pk__in=[])
    for initial in initials:
        wanted |= Q(padded__contains=f" {initial}")
    if described.birth_year is not None:
        same_town = Q(town__iexact=described.town) if described.town else Q(pk__in=[])
        years = Q(birth_year=None) | Q(birth_year__range=(described.birth_year - 1, described.birth_year + 1))
        wanted &= years | same_town | Q(birth_year__in=_slips(described.birth_year))
    return people.alias(padded=Concat(Value(" "), "sort_name")).filter(wanted).order_by("pk")


def _slips(year: int) -> list[int]:
    """The year with two neighbouring digits swapped."""
    text = str(year)
    if not text.isdigit():
        return []
    return [int(text[:at] + text[at + 1] + text[at] + text[at + 2 :]) for at in range(len(text) - 1)]

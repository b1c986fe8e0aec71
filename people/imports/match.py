"""Who of a list is on file at the site already, and what the list would change about them.

Somebody is the same person when the name is the same and also the year of birth, or also the e-mail address while the
years of birth do not contradict each other. A file is changed only where the list gives something: never in a name
nor in a known year of birth, since those told who it is.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q, QuerySet

from people.imports.check import Entry, RowError, email_key, name_key
from people.models import STAFF_ROLES, Person, Role, RoleGrant, Site
from people.models.person import ADULT_AGE_Y
from people.selectors import people_known_at

CHANGED_FIELDS = ("birth_year", "town", "phone", "contact_email", "guardian_name", "guardian_phone", "language")


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one row: somebody new (`person` is None), or `changes` to the person, by field."""

    entry: Entry
    person: Person | None
    changes: dict[str, str | int] = field(default_factory=dict)
    needs_membership: bool = True
    has_namesake: bool = False

    @property
    def is_new(self) -> bool:
        return self.person is None

    @property
    def is_unchanged(self) -> bool:
        return self.person is not None and not self.changes and not self.needs_membership


def plan(entries: Sequence[Entry], *, site: Site, now: dt.datetime, for_update: bool = False) -> list[Step | RowError]:
    """A step or an error for each row, in their order. One query; `for_update` also locks whom it found."""
    keys = {name_key(entry) for entry in entries}
    people = known_people(site).filter(sort_name__in=keys).order_by("pk")
    if for_update:
        people = people.select_for_update(of=("self",), no_key=True)
    by_name: dict[str, list[Person]] = {}
    for person in people:
        by_name.setdefault(person.sort_name, []).append(person)
    return [_step(entry, by_name.get(name_key(entry), []), now.year) for entry in entries]


def known_people(site: Site) -> QuerySet[Person]:
    """Those known at the site; with them what forbids an import to change them."""
    theirs = RoleGrant.objects.filter(person=OuterRef("pk"))
    return people_known_at(Site.objects.filter(pk=site.pk)).annotate(
        is_member_here=Exists(theirs.filter(site=site, role=Role.MEMBER)),
        is_of_a_team=Exists(theirs.filter(role__in=STAFF_ROLES)) | Q(is_superuser=True) | Q(is_staff=True),
        signs_in_by_email=Exists(EmailAddress.objects.filter(user=OuterRef("pk"))),
    )


def _step(entry: Entry, namesakes: Sequence[Person], year: int) -> Step | RowError:
    person = _same_person(entry, namesakes)
    if person is None:
        if _lacks_guardian(entry, None, year):
            return RowError(int(entry["row"]), "guardian_missing", "guardian_name")
        return Step(entry, None, has_namesake=bool(namesakes))
    changes = {name: entry[name] for name in CHANGED_FIELDS if name in entry and _differs(name, entry[name], person)}
    error = _forbidden(entry, changes, person)
    return error or Step(entry, person, changes, needs_membership=not getattr(person, "is_member_here", False))


def _same_person(entry: Entry, namesakes: Iterable[Person]) -> Person | None:
    email = email_key(str(entry.get("contact_email", "")))
    by_year = by_email = None
    for person in namesakes:
        if by_year is None and person.birth_year == entry.get("birth_year"):
            by_year = person
        years = {person.birth_year, entry.get("birth_year")} - {None}
        if by_email is None and email and email_key(person.contact_email) == email and len(years) < 2:
            by_email = person
    return by_email or by_year


def _differs(name: str, value: str | int, person: Person) -> bool:
    kept = getattr(person, name)
    return email_key(kept) != email_key(str(value)) if name == "contact_email" else kept != value


def _forbidden(entry: Entry, changes: dict[str, str | int], person: Person) -> RowError | None:
    number = int(entry["row"])
    if changes and getattr(person, "is_of_a_team", False):
        return RowError(number, "of_the_team")
    if "contact_email" in changes and getattr(person, "signs_in_by_email", False):
        # Whoever signs in by e-mail changes how they are written to themselves, or asks the desk.
        return RowError(number, "signs_in_by_email", "contact_email")
    if "birth_year" in changes and _lacks_guardian(entry, person, person.joined_at.year):
        return RowError(number, "guardian_missing", "guardian_name")
    return None


def _lacks_guardian(entry: Entry, person: Person | None, year: int) -> bool:
    """Whether somebody who is under 18 in this year would have no responsible adult."""
    born = entry.get("birth_year")
    if not isinstance(born, int) or born <= year - ADULT_AGE_Y or "guardian_name" in entry:
        return False
    return person is None or not (person.guardian_id or person.guardian_name)

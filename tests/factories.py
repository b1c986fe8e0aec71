"""Small builders for the tests of every app: each makes one valid thing, with only what matters named."""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import count
from zoneinfo import ZoneInfo

from allauth.mfa.models import Authenticator

from machines.models import (
    Category,
    Machine,
    OpeningException,
    OpeningHours,
    Outage,
    Qualification,
    QualificationGrant,
    Room,
    Unit,
)
from people.lab import lab_for_change, save_lab
from people.models import STAFF_ROLES, Person, Role, RoleGrant, Site, Suspension, Team, TeamMembership
from reservations.models import Reservation
from reservations.services import create_reservation

PARIS = ZoneInfo("Europe/Paris")
# A Wednesday, 09:00 in Paris.
NOW = dt.datetime(2026, 3, 11, 9, 0, tzinfo=PARIS).astimezone(dt.UTC)
ALL_DAY = ("00:00", "00:00")
WEEK = range(1, 8)

Hours = Mapping[int, Sequence[tuple[str, str]]]

_number = count(1)


def at(text: str, *, zone: ZoneInfo = PARIS) -> dt.datetime:
    """The UTC instant of a local time: “14:30” on the day of NOW, or “2026-03-29 14:30”."""
    if " " not in text:
        text = f"{NOW.astimezone(PARIS):%Y-%m-%d} {text}"
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


def minutes(number: float) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def make_site(
    *,
    open_all_day: bool = True,
    hours: Hours | None = None,
    name: str = "",
    time_zone: str = "Europe/Paris",
    is_closed_on_holidays: bool = False,
    **fields: object,
) -> Site:
    """A site open round the clock, or with these hours by ISO weekday, or (neither) never open."""
    n = next(_number)
    site = Site.objects.create(
        name=name or f"Site {n}",
        slug=f"site-{n}",
        time_zone=time_zone,
        is_closed_on_holidays=is_closed_on_holidays,
        **fields,
    )
    week = hours if hours is not None else {day: [ALL_DAY] for day in WEEK} if open_all_day else {}
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=day, opens=opens, closes=closes)
        for day, ranges in week.items()
        for opens, closes in ranges
    )
    return site


def every_day(opens: str, closes: str) -> Hours:
    """The same range on each day of the week."""
    return {day: [(opens, closes)] for day in WEEK}


def turn_off(*modules: str) -> None:
    """The lab uses every module but these."""
    lab = lab_for_change()
    lab.modules_off = list(modules)
    save_lab(lab)


def make_exception(*, site: Site, date: str, opens: str | None = None, closes: str | None = None) -> OpeningException:
    """A dated exception: closed all day, or open over one range."""
    return OpeningException.objects.create(site=site, date=date, opens=opens, closes=closes)


def make_category(**fields: object) -> Category:
    """A category with the model's own defaults: 30 min to 4 h, grid of 15 min, four weeks ahead, no buffers."""
    n = next(_number)
    return Category.objects.create(**({"slug": f"kind-{n}", "name_fr": "Découpe", "name_en": "Cutting"} | fields))


def make_room(*, site: Site, name: str = "Workshop") -> Room:
    return Room.objects.create(site=site, name=name, slug=f"room-{next(_number)}")


def make_machine(
    *, site: Site | None = None, category: Category | None = None, name: str = "", **fields: object
) -> Machine:
    """A machine with its unit; other fields override its category's booking rules."""
    n = next(_number)
    unit = Unit.objects.create(site=site or make_site())
    machine = Machine.objects.create(
        unit=unit, category=category or make_category(), name=name or f"Machine {n}", slug=f"machine-{n}", **fields
    )
    return Machine.objects.with_places().get(pk=machine.pk)


def make_person(*, first_name: str = "Camille", last_name: str = "", **fields: object) -> Person:
    """Someone who signs in with a card and has no password; an administrator has a second key."""
    person = Person.objects.create_user(
        first_name=first_name, last_name=last_name or f"Martin {next(_number)}", joined_at=NOW, **fields
    )
    if person.is_superuser:
        give_second_key(person)
    return person


def give_second_key(person: Person) -> None:
    """What the team cannot act without."""
    kind = Authenticator.Type.TOTP
    Authenticator.objects.get_or_create(user=person, type=kind, defaults={"data": {"secret": "JBSWY3DPEHPK3PXP"}})


def give_role(*, person: Person, site: Site, role: Role = Role.MEMBER) -> RoleGrant:
    """A role at the site; of the team, with the second key that it needs."""
    if role in STAFF_ROLES:
        give_second_key(person)
    return RoleGrant.objects.create(person=person, site=site, role=role, granted_at=NOW)


def make_staff(*, site: Site, role: Role = Role.SUPERVISOR, **fields: object) -> Person:
    """A person with a role at the site."""
    person = make_person(**fields)  # type: ignore[arg-type]
    give_role(person=person, site=site, role=role)
    return person


def make_team(*, site: Site, members: Sequence[Person] = ()) -> Team:
    team = Team.objects.create(site=site, name="Bike repair", slug=f"team-{next(_number)}")
    TeamMembership.objects.bulk_create(TeamMembership(team=team, person=person) for person in members)
    return team


def make_qualification(**fields: object) -> Qualification:
    n = next(_number)
    names = {"name_fr": "Découpe laser", "name_en": "Laser cutting"}
    return Qualification.objects.create(**({"slug": f"qualification-{n}"} | names | fields))


def grant(
    *,
    person: Person,
    qualification: Qualification,
    level: int = 2,
    granted_at: dt.datetime = NOW - dt.timedelta(days=30),
    expires_at: dt.datetime | None = None,
) -> QualificationGrant:
    """The person holds the qualification, for a month already and for good unless said otherwise."""
    return QualificationGrant.objects.create(
        person=person, qualification=qualification, level=level, granted_at=granted_at, expires_at=expires_at
    )


def make_outage(
    *, machine: Machine, start: dt.datetime = NOW, end: dt.datetime | None = None, **fields: object
) -> Outage:
    """The machine is out of service from now on, until somebody lifts it."""
    return Outage.objects.create(machine=machine, start=start, end=end, **({"reason": "Belt worn"} | fields))


def suspend(*, person: Person, start: dt.datetime = NOW, end: dt.datetime | None = None) -> Suspension:
    return Suspension.objects.create(person=person, reason="Left the laser alone", start=start, end=end)


def reserve(
    *,
    machine: Machine,
    start: dt.datetime,
    end: dt.datetime,
    holder: Person | None = None,
    now: dt.datetime = NOW,
    **fields: object,
) -> Reservation:
    """A reservation made through the service, by its holder."""
    return create_reservation(
        machine=machine, start=start, end=end, holder=holder, by=holder, now=now, **fields  # type: ignore[arg-type]
    )  # fmt: skip

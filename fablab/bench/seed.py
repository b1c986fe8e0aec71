"""A lab of the wished size in an empty database, or in one that an earlier bench filled."""

import datetime as dt

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection, transaction

from fablab.bench.history import Say, write_history
from fablab.bench.size import DAYS_AHEAD, USUAL_DAYS, DoesNotFit, Size, usual_days
from iot.models import Device, ReportedState, UseState
from iot.partitions import ensure_partitions
from machines.models import Category, Machine, OpeningHours, Qualification, QualificationGrant, Room, Unit
from people.models import Person, Role, RoleGrant, Site

__all__ = ["DAYS_AHEAD", "USUAL_DAYS", "DoesNotFit", "NotABenchDatabase", "Size", "is_bench", "seed", "usual_days"]

SITE_SLUG = "bench"
MANAGER_CARD, MEMBER_CARD = "BENCHMANAGER", "BENCHMEMBER"
OURS = ("people", "machines", "reservations", "iot", "printing")
KINDS = ("laser", "printer-3d", "cnc", "vinyl", "sewing", "soldering", "scanner", "laptop")
LONG_AGO = dt.timedelta(days=365)


class NotABenchDatabase(Exception):
    """Somebody's data is in the database: nothing was touched."""


def is_bench() -> bool:
    """Whether an earlier `bench seed` made what is in the database."""
    return list(Site.objects.values_list("slug", flat=True)) == [SITE_SLUG]


def seed(size: Size, *, now: dt.datetime, say: Say = lambda line: None) -> None:
    """Empty the bench database and fill it anew; deterministic for a size and a day.

    Raises:
        NotABenchDatabase: it is neither empty nor a bench's.
        DoesNotFit: more reservations than opening hours. Both before anything is touched.
    """
    _ = size.slot_min
    is_empty = not Site.objects.exists() and not Person.objects.exists()
    if not is_empty and not is_bench():
        raise NotABenchDatabase
    call_command("createcachetable", verbosity=0)
    with transaction.atomic():
        _empty()
        site = _site()
        people = _people(site, size.people, now)
        machines = _machines(site, size.machines)
        _qualify(people, now)
        _devices(machines, now)
    ensure_partitions(now)
    write_history(
        size,
        site=site,
        machine_ids=[machine.pk for machine in machines],
        person_ids=[person.pk for person in people],
        now=now,
        say=say,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _empty() -> None:
    tables = [model._meta.db_table for label in OURS for model in apps.get_app_config(label).get_models()]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")


def _site() -> Site:
    site = Site.objects.create(name="Bench", slug=SITE_SLUG, is_closed_on_holidays=False)
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=day, opens=dt.time(8), closes=dt.time(22)) for day in range(1, 8)
    )
    return site


def _people(site: Site, count: int, now: dt.datetime) -> list[Person]:
    """The first is the manager, the second a member."""
    cards = [MANAGER_CARD, MEMBER_CARD, *(f"BENCH{n:07d}" for n in range(3, count + 1))]
    unusable = make_password(None)
    people = Person.objects.bulk_create(
        Person(
            card_code=card, reference=f"P{n:09d}", first_name=f"Camille {n}", last_name="Bench",
            sort_name=f"bench camille {n}", password=unusable, joined_at=now - LONG_AGO,
        )
        for n, card in enumerate(cards, 1)
    )  # fmt: skip
    RoleGrant.objects.create(person=people[0], site=site, role=Role.FAB_MANAGER, granted_at=now)
    # Without a second key the team's pages only ask for one.
    Authenticator.objects.create(user=people[0], type=Authenticator.Type.TOTP, data={})
    RoleGrant.objects.bulk_create(
        RoleGrant(person=person, site=site, role=Role.MEMBER, granted_at=now) for person in people[1:]
    )
    return people


def _machines(site: Site, count: int) -> list[Machine]:
    qualification = Qualification.objects.create(slug="laser", name_fr="Découpe laser", name_en="Laser cutting")
    categories = [
        Category.objects.create(
            slug=kind, name_fr=kind, name_en=kind, position=n, qualification=qualification if kind == "laser" else None
        )
        for n, kind in enumerate(KINDS)
    ]
    room = Room.objects.create(site=site, name="Workshop", slug="workshop")
    units = Unit.objects.bulk_create(Unit(site=site) for _ in range(count))
    return Machine.objects.bulk_create(
        Machine(
            unit=unit, category=categories[n % len(KINDS)], room=room, position=n,
            name=f"{KINDS[n % len(KINDS)]} {n + 1}", slug=f"machine-{n + 1}",
        )
        for n, unit in enumerate(units)
    )  # fmt: skip


def _qualify(people: list[Person], now: dt.datetime) -> None:
    qualification = Qualification.objects.get()
    QualificationGrant.objects.bulk_create(
        QualificationGrant(person=person, qualification=qualification, granted_at=now - LONG_AGO) for person in people
    )


def _devices(machines: list[Machine], now: dt.datetime) -> None:
    """A plug on each machine, heard this very moment."""
    devices = Device.objects.bulk_create(
        Device(slug=f"plug-{n}", machine=machine, is_online=True, last_seen_at=now, enrolled_at=now)
        for n, machine in enumerate(machines, 1)
    )
    ReportedState.objects.bulk_create(
        ReportedState(machine=device.machine, device=device, state=UseState.IDLE, since=now, at=now, power_w=4.0)
        for device in devices
    )

"""The demo's place: a site with its hours, its rooms and the kinds of machines it lends."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from machines.models import Attendance, Category, OpeningHours, Qualification, Room, Unit
from people.models import Site

SITE_SLUG = "demo-halles"
# Tuesday to Friday and Saturday, ISO weekdays, local times.
HOURS = ((2, 10, 19), (3, 10, 19), (4, 10, 21), (5, 10, 19), (6, 10, 18))
ROOMS = {"demo-impression": "Impression 3D", "demo-atelier": "Atelier", "demo-textile": "Textile et numérique"}


def minutes(count: int) -> dt.timedelta:
    return dt.timedelta(minutes=count)


@dataclass(frozen=True, slots=True)
class Kind:
    """A category; `qualification` is a slug of QUALIFICATIONS or empty."""

    slug: str
    names: tuple[str, str]
    icon: str
    qualification: str
    settings: dict[str, Any] = field(default_factory=dict)


QUALIFICATIONS = {
    "demo-3d-printing": {
        "name_fr": "Impression 3D",
        "name_en": "3D printing",
        "training_fr": "Prise en main d’une heure, le mercredi à 14 h.",
        "training_en": "A one-hour induction, on Wednesdays at 2 p.m.",
    },
    "demo-cutting": {
        "name_fr": "Découpe laser et fraisage",
        "name_en": "Laser cutting and milling",
        "training_fr": "Deux heures en petit groupe, le jeudi à 18 h : inscrivez-vous à l’accueil.",
        "training_en": "Two hours in a small group, on Thursdays at 6 p.m.: put your name down at the desk.",
    },
    "demo-textile": {
        "name_fr": "Textile et vinyle",
        "name_en": "Textile and vinyl",
        "training_fr": "Trois quarts d’heure avec la médiatrice, le samedi matin.",
        "training_en": "Three quarters of an hour with the digital mediator, on Saturday mornings.",
    },
}

KINDS = (
    Kind(
        "demo-printers",
        ("Imprimantes 3D", "3D printers"),
        "printer-3d",
        "demo-3d-printing",
        {
            "attendance": Attendance.START,
            "shortest": minutes(15),
            "longest": minutes(24 * 60),
            "cleanup_buffer": minutes(10),
        },
    ),
    Kind(
        "demo-cutters",
        ("Laser et fraiseuse", "Laser and CNC"),
        "laser",
        "demo-cutting",
        {"risk_level": 2, "shortest": minutes(30), "longest": minutes(240), "setup_buffer": minutes(10)},
    ),
    Kind(
        "demo-textiles",
        ("Textile et vinyle", "Textile and vinyl"),
        "scissors",
        "demo-textile",
        {"shortest": minutes(30), "longest": minutes(240), "risk_level": 1},
    ),
    Kind(
        "demo-laptops",
        ("Ordinateurs portables", "Laptops"),
        "laptop",
        "",
        {"longest": minutes(480), "is_seat": True},
    ),
    Kind(
        "demo-lent",
        ("À emporter", "To take home"),
        "box-seam",
        "",
        {"shortest": minutes(60), "longest": minutes(14 * 24 * 60), "window": minutes(60 * 24 * 60), "is_lent": True},
    ),
)


def make_place() -> Site:
    """The site, its hours, rooms, qualifications and categories; what exists already is left as it is."""
    site, _ = Site.objects.get_or_create(
        slug=SITE_SLUG,
        defaults={
            "name": "Fablab des Halles",
            "address": "12 rue des Halles, 37000 Tours",
            "phone": "02 00 00 00 00",
            "contact_email": "bonjour@demo.example",
            "time_zone": "Europe/Paris",
            "holiday_country": "FR",
        },
    )
    for weekday, opens, closes in HOURS:
        OpeningHours.objects.get_or_create(
            site=site, season=None, weekday=weekday, opens=dt.time(opens), defaults={"closes": dt.time(closes)}
        )
    for slug, name in ROOMS.items():
        room, _ = Room.objects.get_or_create(slug=slug, defaults={"site": site, "name": name})
        if room.unit is None:
            room.unit = Unit.objects.create(site=site, kind=Unit.Kind.ROOM)
            room.save(update_fields=["unit"])
    for slug, words in QUALIFICATIONS.items():
        Qualification.objects.get_or_create(slug=slug, defaults=words)
    for position, kind in enumerate(KINDS):
        _make_category(kind, position)
    return site


def _make_category(kind: Kind, position: int) -> None:
    qualification = Qualification.objects.get(slug=kind.qualification) if kind.qualification else None
    Category.objects.get_or_create(
        slug=kind.slug,
        defaults={
            "name_fr": kind.names[0],
            "name_en": kind.names[1],
            "icon": kind.icon,
            "position": position,
            "qualification": qualification,
        }
        | kind.settings,
    )

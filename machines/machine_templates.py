"""Machines that most labs have, with booking rules that are safe before anybody has thought about them. Data only.

A lab starts from these and changes what it likes: `why` says, beside the choice, what the rules are and what for.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from machines.models.booking_settings import Attendance, RiskLevel
from machines.models.qualification import Level

Words = tuple[str, str]
DAY = timedelta(days=1)


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def in_this_language(words: Words) -> str:
    """The French or the English of a pair, as the reader's language is."""
    return words[1] if get_language() == "en" else words[0]


@dataclass(frozen=True, slots=True)
class QualificationTemplate:
    """The right to use the machines of a template; pairs are French, English."""

    names: Words
    training: Words
    level: Level = Level.ALONE


@dataclass(frozen=True, slots=True)
class MachineTemplate:
    """A category and what its machines are called and look like; pairs are French, English.

    `settings` are fields of Category; what is left out has the model's own value. `aliases` are other words by which
    a list may name the kind.
    """

    slug: str
    names: Words
    machine_names: Words
    descriptions: Words
    icon: str
    drawing: str
    why: Promise
    settings: dict[str, Any] = field(default_factory=dict)
    qualification: QualificationTemplate | None = None
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return in_this_language(self.names)

    @property
    def machine_name(self) -> str:
        return in_this_language(self.machine_names)


TRAINING = (
    "Prise en main avec l’équipe : demandez une date à l’accueil.",
    "An induction with the team: ask for a date at the desk.",
)

FDM_PRINTER = MachineTemplate(
    slug="fdm-printer",
    names=("Imprimantes 3D", "3D printers"),
    machine_names=("Imprimante 3D", "3D printer"),
    descriptions=(
        "Imprime des pièces en plastique, couche par couche, d’après un modèle en trois dimensions.",
        "Prints plastic parts, layer by layer, from a three-dimensional model.",
    ),
    icon="printer-3d",
    drawing="printer-3d",
    why=_("After an induction, alone. A print ends before you close: nobody watches hot parts at night."),
    settings={
        "risk_level": RiskLevel.LOW,
        "attendance": Attendance.THROUGHOUT,
        "shortest": minutes(15),
        "longest": minutes(8 * 60),
        "cleanup_buffer": minutes(10),
    },
    qualification=QualificationTemplate(("Impression 3D", "3D printing"), TRAINING),
    aliases=("fdm", "imprimante", "imprimante fdm", "fdm printer", "prusa", "bambu", "3d", "imp 3d"),
)
LASER_CUTTER = MachineTemplate(
    slug="laser-cutter",
    names=("Découpeuses laser", "Laser cutters"),
    machine_names=("Découpeuse laser", "Laser cutter"),
    descriptions=(
        "Découpe et grave le bois, le carton, le cuir et l’acrylique. Jamais de PVC.",
        "Cuts and engraves wood, card, leather and acrylic. Never PVC.",
    ),
    icon="laser",
    drawing="laser",
    why=_("After an induction, with a supervisor near: fire. Ten minutes before and after, to set up and to air."),
    settings={
        "risk_level": RiskLevel.SERIOUS,
        "shortest": minutes(30),
        "longest": minutes(3 * 60),
        "setup_buffer": minutes(10),
        "cleanup_buffer": minutes(10),
    },
    qualification=QualificationTemplate(("Découpe laser", "Laser cutting"), TRAINING),
    aliases=("laser", "decoupe laser", "laser cutting", "graveuse laser", "laser engraver", "co2"),
)
CNC_MILL = MachineTemplate(
    slug="cnc-mill",
    names=("Fraiseuses numériques", "CNC mills"),
    machine_names=("Fraiseuse numérique", "CNC mill"),
    descriptions=(
        "Fraise le bois, les plastiques et les métaux tendres. Lunettes et casque obligatoires.",
        "Mills wood, plastics and soft metals. Goggles and ear defenders required.",
    ),
    icon="cnc",
    drawing="cnc",
    why=_("After an induction, with a supervisor near: moving tools. A quarter of an hour to clamp and to sweep."),
    settings={
        "risk_level": RiskLevel.SERIOUS,
        "shortest": minutes(30),
        "longest": minutes(4 * 60),
        "setup_buffer": minutes(15),
        "cleanup_buffer": minutes(15),
    },
    qualification=QualificationTemplate(("Fraisage numérique", "CNC milling"), TRAINING),
    aliases=("cnc", "fraiseuse", "fraiseuse cnc", "cnc router", "cnc milling", "router", "defonceuse numerique"),
)
VINYL_CUTTER = MachineTemplate(
    slug="vinyl-cutter",
    names=("Découpeuses vinyle", "Vinyl cutters"),
    machine_names=("Découpeuse vinyle", "Vinyl cutter"),
    descriptions=("Découpe autocollants, pochoirs et flocage.", "Cuts stickers, stencils and heat transfers."),
    icon="vinyl",
    drawing="vinyl",
    why=_("For anybody: the blade is small and covered. At most two hours, so that several people have a turn."),
    settings={"shortest": minutes(15), "longest": minutes(2 * 60)},
    aliases=("vinyle", "vinyl", "plotter", "plotter de decoupe", "decoupe vinyle", "cutting plotter"),
)
SEWING_MACHINE = MachineTemplate(
    slug="sewing-machine",
    names=("Machines à coudre", "Sewing machines"),
    machine_names=("Machine à coudre", "Sewing machine"),
    descriptions=("Coud le coton, le jean et les tissus extensibles.", "Sews cotton, denim and stretch fabrics."),
    icon="sewing",
    drawing="sewing",
    why=_("For anybody. At most three hours at a time."),
    settings={"shortest": minutes(30), "longest": minutes(3 * 60)},
    aliases=("couture", "sewing", "surjeteuse", "overlocker", "brodeuse", "embroidery machine"),
)
SOLDERING_SEAT = MachineTemplate(
    slug="soldering-seat",
    names=("Postes à souder", "Soldering seats"),
    machine_names=("Poste à souder", "Soldering seat"),
    descriptions=(
        "Fer à souder, aspiration des fumées et petit outillage d’électronique.",
        "Soldering iron, fume extraction and small electronics tools.",
    ),
    icon="solder",
    drawing="soldering",
    why=_("After an induction, with help: the iron is at 350 °C. Ten minutes after, for it to cool."),
    settings={
        "risk_level": RiskLevel.LOW,
        "shortest": minutes(30),
        "longest": minutes(3 * 60),
        "cleanup_buffer": minutes(10),
    },
    qualification=QualificationTemplate(("Soudure électronique", "Soldering"), TRAINING, Level.SUPERVISED),
    aliases=("fer a souder", "soldering", "soldering iron", "soldering station", "soudure", "station de soudage"),
)
LAPTOP = MachineTemplate(
    slug="laptop",
    names=("Ordinateurs portables", "Laptops"),
    machine_names=("Ordinateur portable", "Laptop"),
    descriptions=("À utiliser sur place, sur la table de son choix.", "To be used here, at any table."),
    icon="laptop",
    drawing="laptop",
    why=_("For anybody, for a day at most."),
    settings={"shortest": minutes(30), "longest": minutes(8 * 60)},
    aliases=("portable", "pc portable", "notebook", "laptop computer"),
)
PUBLIC_PC = MachineTemplate(
    slug="public-pc",
    names=("Ordinateurs en libre accès", "Public computers"),
    machine_names=("Poste informatique", "Public PC"),
    descriptions=("Ordinateur fixe avec accès à Internet.", "Desktop computer with Internet access."),
    icon="pc-display",
    drawing="pc",
    why=_("For anybody, two hours at most and a week ahead: a seat that the team starts, extends and ends by hand."),
    settings={"is_seat": True, "shortest": minutes(15), "longest": minutes(2 * 60), "window": 7 * DAY},
    aliases=(
        "pc", "ordinateur", "computer", "poste", "pc public", "ordinateur public", "desktop", "ordinateur fixe",
        "public computer", "pc fixe",
    ),
)  # fmt: skip
TABLET_KIT = MachineTemplate(
    slug="tablet-kit",
    names=("Mallettes de tablettes", "Tablet kits"),
    machine_names=("Mallette de tablettes", "Tablet kit"),
    descriptions=(
        "Une mallette de tablettes pour un atelier, à réserver d’un seul tenant.",
        "A case of tablets for a workshop, reserved as one.",
    ),
    icon="box-seam",
    drawing="tablets",
    why=_("For anybody, for a day at most, with half an hour after to count and charge them."),
    settings={"shortest": minutes(30), "longest": minutes(8 * 60), "cleanup_buffer": minutes(30)},
    aliases=("tablette", "tablettes", "tablet", "tablets", "kit tablettes", "malle de tablettes"),
)

TEMPLATES = (
    FDM_PRINTER,
    LASER_CUTTER,
    CNC_MILL,
    VINYL_CUTTER,
    SEWING_MACHINE,
    SOLDERING_SEAT,
    LAPTOP,
    PUBLIC_PC,
    TABLET_KIT,
)
BY_SLUG = {template.slug: template for template in TEMPLATES}

# A kind that we do not know, from a lab's own list. It wants a qualification that nobody holds yet: who may use it
# is said by a manager, not by us.
UNKNOWN_KIND_SETTINGS: dict[str, Any] = {"risk_level": RiskLevel.SERIOUS, "icon": "tools"}
UNKNOWN_KIND_TRAINING = TRAINING

"""The demo's twelve machines, each with the device that reports for it."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from fablab.demo.kept import DEVICES, keep, read_kept
from iot.credentials import new_device_password, verify_password
from iot.models import Device, DriverKind
from iot.services import set_password
from machines.models import Category, Machine, Room, Unit
from people.models import Site


@dataclass(frozen=True, slots=True)
class Power:
    """What a machine draws, in W, and the thresholds between the two."""

    idle_w: float
    busy_w: float
    idle_below_w: float
    busy_from_w: float


PRINTER = Power(9, 120, 25, 50)
LASER = Power(18, 400, 60, 150)
CUTTER = Power(4, 60, 12, 30)
SEWING = Power(5, 85, 15, 40)
# A laptop on its charger: what counts as use is the screen on and the processor busy.
LAPTOP = Power(6, 38, 12, 20)


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """A machine and its device, which has the same slug."""

    slug: str
    name: str
    kind: str
    room: str
    drawing: str
    power: Power
    words_fr: str
    words_en: str
    driver: DriverKind = DriverKind.FABLAB

    @property
    def has_battery(self) -> bool:
        return self.power is LAPTOP

    @property
    def capabilities(self) -> list[str]:
        """What its agent says that it has: the laser cutter has a reader with keys beside it."""
        reader = ["badge", "keypad"] if self.power is LASER and self.slug != OUT_OF_SERVICE else []
        return ["power_w", *reader, *(["battery_pct"] if self.has_battery else [])]

    @property
    def topic(self) -> str:
        return f"plug-{self.slug}" if self.driver != DriverKind.FABLAB else ""


MACHINES = (
    DemoMachine("prusa-mk4-1", "Prusa MK4 · 1", "demo-printers", "demo-impression", "printer-3d", PRINTER,
                "PLA et PETG, plateau 250 × 210 × 220 mm, buse 0,4 mm.",
                "PLA and PETG, build volume 250 × 210 × 220 mm, 0.4 mm nozzle."),
    DemoMachine("prusa-mk4-2", "Prusa MK4 · 2", "demo-printers", "demo-impression", "printer-3d", PRINTER,
                "PLA et PETG. Pilotée par OctoPrint : envoyez votre G-code depuis votre page.",
                "PLA and PETG. Driven by OctoPrint: send your G-code from your page."),
    DemoMachine("bambu-x1c", "Bambu X1C", "demo-printers", "demo-impression", "printer-3d", PRINTER,
                "Rapide et fermée : ABS et ASA possibles, quatre couleurs.",
                "Fast and enclosed: takes ABS and ASA, four colours."),
    DemoMachine("resin-mars-4", "Resin Mars 4", "demo-printers", "demo-impression", "printer-3d", PRINTER,
                "Résine, couches de 0,03 mm, pour les petites pièces fines. Gants fournis.",
                "Resin, 0.03 mm layers, for small fine parts. Gloves provided."),
    DemoMachine("laser-60w", "Laser 60 W", "demo-cutters", "demo-atelier", "laser", LASER,
                "Bois, carton, cuir, acrylique jusqu’à 8 mm ; 900 × 600 mm. Jamais de PVC.",
                "Wood, card, leather, acrylic up to 8 mm; 900 × 600 mm. Never PVC."),
    DemoMachine("cnc-router", "Stepcraft CNC", "demo-cutters", "demo-atelier", "cnc", LASER,
                "Fraise le bois et les plastiques, 1 200 × 800 mm. Lunettes et casque obligatoires.",
                "Mills wood and plastics, 1,200 × 800 mm. Goggles and ear defenders required."),
    DemoMachine("vinyl-cutter", "Silhouette Cameo Pro", "demo-textiles", "demo-textile", "vinyl", CUTTER,
                "Découpe le vinyle : autocollants et flocage, rouleaux jusqu’à 60 cm.",
                "Cuts vinyl: stickers and heat transfer, rolls up to 60 cm.", DriverKind.TASMOTA),
    DemoMachine("sewing-janome", "Janome 525S", "demo-textiles", "demo-textile", "sewing", SEWING,
                "Machine à coudre familiale : jeans, coton, extensible.",
                "Domestic sewing machine: denim, cotton, stretch."),
    DemoMachine("embroidery", "Brother Innov-is V3", "demo-textiles", "demo-textile", "sewing", SEWING,
                "Brode vos motifs, cadre de 18 × 30 cm.", "Embroiders your designs, 18 × 30 cm hoop."),
    DemoMachine("laptop-01", "ThinkPad 01", "demo-laptops", "demo-textile", "laptop", LAPTOP,
                "Portable 14 pouces : Inkscape, FreeCAD, PrusaSlicer.",
                "14-inch laptop: Inkscape, FreeCAD, PrusaSlicer."),
    DemoMachine("laptop-02", "ThinkPad 02", "demo-laptops", "demo-textile", "laptop", LAPTOP,
                "Portable 14 pouces : Inkscape, FreeCAD, PrusaSlicer.",
                "14-inch laptop: Inkscape, FreeCAD, PrusaSlicer."),
    DemoMachine("laptop-03", "ThinkPad 03", "demo-laptops", "demo-textile", "laptop", LAPTOP,
                "Portable 17 pouces avec souris adaptée et clavier à gros caractères.",
                "17-inch laptop with an adapted mouse and a large-print keyboard."),
)  # fmt: skip
BY_SLUG = {machine.slug: machine for machine in MACHINES}
OUT_OF_SERVICE = "cnc-router"
UNREACHABLE = "sewing-janome"
DRIVEN_BY_OCTOPRINT = "prusa-mk4-2"


def make_machines(site: Site) -> None:
    """The machines with their units; what exists already is left as it is."""
    for position, wanted in enumerate(MACHINES):
        if Machine.objects.filter(slug=wanted.slug).exists():
            continue
        Machine.objects.create(
            unit=Unit.objects.create(site=site),
            category=Category.objects.get(slug=wanted.kind),
            room=Room.objects.get(slug=wanted.room),
            name=wanted.name,
            slug=wanted.slug,
            description_fr=wanted.words_fr,
            description_en=wanted.words_en,
            drawing=wanted.drawing,
            position=position,
        )


def enrol_devices(data_dir: Path, *, now: dt.datetime) -> None:
    """One enrolled device for each machine, its password kept for the simulation.

    Side effects in order: keep the passwords on disk; insert or update devices; the broker's files, on commit.
    """
    passwords = read_kept(data_dir, DEVICES)
    missing = {m.slug: new_device_password() for m in MACHINES if m.slug not in passwords}
    if missing:
        passwords |= missing
        keep(data_dir, DEVICES, passwords)
    machines = {machine.slug: machine for machine in Machine.objects.filter(slug__in=BY_SLUG)}
    with transaction.atomic():
        for wanted in MACHINES:
            device = _device(wanted, machines[wanted.slug])
            if not verify_password(passwords[wanted.slug], device.password_hash):
                set_password(device, now=now, password=passwords[wanted.slug])


def _device(wanted: DemoMachine, machine: Machine) -> Device:
    device, _ = Device.objects.get_or_create(
        slug=wanted.slug,
        defaults={
            "name": wanted.name,
            "machine": machine,
            "kind": wanted.driver,
            "topic": wanted.topic,
            "busy_w": wanted.power.busy_from_w,
            "idle_w": wanted.power.idle_below_w,
        },
    )
    return device

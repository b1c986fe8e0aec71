"""Which machines a printer's software may drive: those that print, as far as their kind tells."""

from machines.models import Machine
from printing.models import Printer

DRAWN_AS = "printer-3d"


def is_drawn_as_printer(machine: Machine) -> bool:
    """Whether it is a 3D printer by its drawing or its kind's."""
    return DRAWN_AS in (machine.drawing, machine.category.icon)


def may_print(machine: Machine) -> bool:
    """The same, or it is connected already. One query at most."""
    return is_drawn_as_printer(machine) or Printer.objects.filter(machine=machine).exists()

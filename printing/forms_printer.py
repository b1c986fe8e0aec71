"""What a fab manager types about a 3D printer: what drives it, what hangs in it, what becomes of files."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from printing.models import Answer, BackendKind, KeyRequest, Printer, Spool

LARGEST_MM = 2000
FINEST_NOZZLE_MM, WIDEST_NOZZLE_MM = 0.05, 2
HOTTEST_NOZZLE_C, HOTTEST_BED_C = 500, 200
MILLIMETRES = {"inputmode": "decimal", "step": "any"}
ANSWERS = ("commands_answer", "heat_answer", "reach_answer")


def _millimetres(label: Any, least: float = 1, most: float = LARGEST_MM) -> forms.FloatField:
    widget = forms.NumberInput(MILLIMETRES)
    return forms.FloatField(label=label, min_value=least, max_value=most, required=False, widget=widget)


def _degrees(label: Any, most: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=most)


def _answer(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=Answer.choices, widget=forms.RadioSelect)


class PrinterForm(forms.Form):
    """One printer in groups; the key is written and never shown."""

    kind = forms.ChoiceField(label=capfirst(_("driven by")), choices=BackendKind.choices, widget=forms.RadioSelect)
    base_url = forms.CharField(
        label=_("Address"),
        max_length=200,
        required=False,
        help_text=_("Leave address and key empty when it is run by hand."),
    )
    api_key = forms.CharField(
        label=_("Key"),
        max_length=512,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=_("It is kept encrypted and never shown again."),
    )
    asks_key = forms.BooleanField(label=_("Let OctoPrint give the key itself"), required=False)
    is_enabled = forms.BooleanField(label=_("People may send prints to it"), required=False)
    nozzle_mm = _millimetres(capfirst(_("nozzle (mm)")), FINEST_NOZZLE_MM, WIDEST_NOZZLE_MM)
    spool = forms.ModelChoiceField(
        label=capfirst(_("spool in it")),
        queryset=Spool.objects.none(),
        required=False,
        empty_label=_("not known, or none"),
    )
    slicer_model = forms.CharField(label=capfirst(_("name in the slicer")), max_length=80, required=False)
    bed_x_mm = _millimetres(capfirst(_("bed: width (mm)")))
    bed_y_mm = _millimetres(capfirst(_("bed: depth (mm)")))
    bed_z_mm = _millimetres(capfirst(_("height (mm)")))
    most_nozzle_c = _degrees(capfirst(_("hottest nozzle (°C)")), HOTTEST_NOZZLE_C)
    most_bed_c = _degrees(capfirst(_("hottest bed (°C)")), HOTTEST_BED_C)
    commands_answer = _answer(capfirst(_("dangerous commands")))
    heat_answer = _answer(capfirst(_("too hot")))
    reach_answer = _answer(capfirst(_("moves outside the bed")))
    is_approval_needed = forms.BooleanField(label=capfirst(_("the team says yes to each print")), required=False)
    is_start_asked = forms.BooleanField(label=capfirst(_("the person starts it at the machine")), required=False)
    is_unattended = forms.BooleanField(
        label=capfirst(_("prints without a reservation, one after the other")), required=False
    )
    maintenance_every_h = forms.IntegerField(
        label=capfirst(_("maintenance after (hours of printing)")), min_value=1, max_value=100_000, required=False
    )
    cut_speed_mm_s = _millimetres(capfirst(_("usual cutting speed (mm/s)")), 0.1)
    circuit = forms.CharField(label=capfirst(_("electric circuit")), max_length=40, required=False)
    camera_url = forms.CharField(label=capfirst(_("address of a camera’s still")), max_length=300, required=False)

    parts = (
        (_("What drives it"), ("kind", "base_url", "asks_key", "api_key", "is_enabled")),
        (_("What hangs in it"), ("spool", "nozzle_mm", "slicer_model")),
        (_("Its size and heat"), ("bed_x_mm", "bed_y_mm", "bed_z_mm", "most_nozzle_c", "most_bed_c")),
        (_("What becomes of files"), (*ANSWERS, "is_approval_needed", "is_start_asked", "is_unattended")),
        (_("Around it"), ("maintenance_every_h", "circuit", "camera_url", "cut_speed_mm_s")),
    )
    examples = {
        "kind": _("The program on the small computer at the printer. By hand: a laser, or a printer without one."),
        "base_url": _("http://192.168.1.20, or http://octopi.local: what you type in a browser to see its page."),
        "asks_key": _("Nothing to copy: save, then somebody clicks “Allow” on OctoPrint’s own page."),
        "api_key": _(
            "OctoPrint: Settings, Application Keys, “fablab”, Generate; a user of its own is best. Moonraker: in "
            "Mainsail or Fluidd, the settings, API key. PrusaLink: its Settings page."
        ),
        "is_enabled": _("Untick it while the printer is being rebuilt: no print is sent, what waits goes on waiting."),
        "nozzle_mm": _("0.4. A file for another nozzle is refused; unknown, somebody looks before it starts."),
        "spool": _("What is printed is taken from it. A file for another material is refused."),
        "slicer_model": _("MK4, as the slicer writes it in its files. A file for another printer is refused."),
        "bed_x_mm": _("250. With width and depth, a file that leaves the bed is noticed."),
        "bed_z_mm": _("Empty: the height is not looked at."),
        "most_nozzle_c": _("285: what its hot end stands. A file that asks for more is “too hot”."),
        "commands_answer": _("Commands that change the printer for good, or do things on its computer."),
        "reach_answer": _("Also a file of which nobody can tell how far it goes."),
        "is_approval_needed": _("For a costly printer: nothing is printed before somebody of the team looked at it."),
        "is_start_asked": _("Whoever prints stands there, sees that the bed is clear and begins with a tap."),
        "is_unattended": _("The queue goes on at night and between reservations, when the bed is said to be clear."),
        "maintenance_every_h": _("200: then “maintenance is due” stands among the printers until somebody did it."),
        "cut_speed_mm_s": _("20. For a laser: an estimate of a drawing goes by it."),
        "circuit": _("“Workshop, left”: of printers on one circuit, only one heats up at a time."),
        "camera_url": _("http://192.168.1.20/webcam/?action=snapshot: one picture, not a film."),
    }

    def __init__(self, *args: Any, machine: Machine, known: Printer | None, **kwargs: Any) -> None:
        kwargs["initial"] = _initial(known or Printer()) | _wished(known) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        if known is not None and known.api_key_sealed:
            self.fields["api_key"].help_text = _("A key is stored. Leave this empty to keep it.")
        spools: Any = self.fields["spool"]
        spools.queryset = Spool.objects.in_use().filter(site=machine.site).select_related("printer__machine")
        spools.label_from_instance = lambda spool: _spool_words(spool, machine)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        is_by_hand = data.get("kind") == BackendKind.BY_HAND
        if not is_by_hand and "kind" in data and "base_url" not in self.errors and not data.get("base_url"):
            self.add_error("base_url", _("Write its address, or choose “by hand”."))
        return data


def _initial(printer: Printer) -> dict[str, Any]:
    names: Iterable[str] = PrinterForm.base_fields
    return {name: getattr(printer, name) for name in names if name not in ("api_key", "asks_key")}


def _wished(printer: Printer | None) -> dict[str, Any]:
    """What a wish for a key that was not granted still wants: saved once more, it is asked again."""
    wish = KeyRequest.objects.filter(printer=printer).first() if printer is not None else None
    if wish is None or wish.state == KeyRequest.State.GRANTED:
        return {}
    return {"asks_key": True} | ({"is_enabled": True} if wish.enables else {})


def _spool_words(spool: Spool, machine: Machine) -> str:
    """What it is, how much is left, and where else it hangs."""
    words: dict[str, Any] = {"spool": " ".join(filter(None, (str(spool), spool.maker))), "grams": round(spool.left_g)}
    printer = getattr(spool, "printer", None)
    if printer is None or printer.machine_id == machine.pk:
        return str(_("%(spool)s, %(grams)s g left")) % words
    words["machine"] = printer.machine.name
    return str(_("%(spool)s, %(grams)s g left, now in %(machine)s")) % words

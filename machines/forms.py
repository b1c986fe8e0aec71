"""What a fab manager types about rooms, categories, qualifications and machines: shape only, rules are the models'."""

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines.length_field import LengthField
from machines.models import Category, Machine, Qualification, Room
from machines.rule_fields import (
    RULE_EXAMPLES,
    RULE_LABELS,
    WHO_NAMES,
    YES_NO_NAMES,
    mark_numbers,
    yes_no_field,
)
from people.models import Kiosk, Site

# Icons of the sprite that may stand for a kind of machine, with the words a reader of the list hears.
ICONS: dict[str, str | Promise] = {
    "tools": _("tools"),
    "printer-3d": _("3D printer"),
    "laser": _("laser cutter"),
    "cnc": _("milling machine"),
    "vinyl": _("vinyl cutter"),
    "sewing": _("sewing machine"),
    "scissors": _("scissors"),
    "solder": _("soldering iron"),
    "scanner": _("scanner"),
    "printer": _("paper printer"),
    "laptop": _("laptop"),
    "pc-display": _("public computer"),
    "easel": _("easel"),
    "image": _("picture"),
    "box-seam": _("box"),
    "wrench": _("wrench"),
    "lightning-charge": _("electricity"),
}
# Drawings kept for machines without a photo.
DRAWINGS: dict[str, str | Promise] = {
    "": _("no drawing"),
    "printer-3d": _("3D printer"),
    "laser": _("laser cutter"),
    "cnc": _("milling machine"),
    "vinyl": _("vinyl cutter"),
    "sewing": _("sewing machine"),
    "soldering": _("soldering iron"),
    "scanner": _("scanner"),
    "laptop": _("laptop"),
    "pc": _("public computer"),
    "tablets": _("tablets"),
}
LENGTH_NAMES = (
    "shortest", "longest", "notice", "window", "setup_buffer", "cleanup_buffer",
    "change_notice", "cancel_notice", "rest",
)  # fmt: skip
LENGTH_EXAMPLES: dict[str, str | Promise] = {
    "shortest": _("A 3D printer: 15 minutes, for a small part. A room: 1 hour."),
    "longest": _("A laser cutter: 4 hours, so that others have a turn. A 3D printer: 24 hours."),
    "notice": _("0 minutes: people may reserve and start at once. 2 hours: you have time to prepare the machine."),
    "window": _("28 days: nobody can fill the calendar of next year."),
    "setup_buffer": _("10 minutes to warm up the laser: kept free before each reservation, and not counted as theirs."),
    "cleanup_buffer": _("10 minutes to take the print off and clean the plate: kept free after each reservation."),
    "grid_min": _("15 minutes: a reservation may begin at 10:00, 10:15, 10:30 or 10:45."),
    "attendance": _(
        "A laser cutter is never left alone: present throughout. A 3D printer may run at night: present at the start."
    ),
    "risk_level": _("A sewing machine: low. A laser cutter: serious. It is shown on the machine’s page."),
}


SEAT_OR_LENT = _("A seat stays in the place, and what leaves the place is no seat: tick one of the two.")
# What a category does without when nothing is typed.
NOTHING: dict[str, object] = {
    "change_notice": dt.timedelta(0), "cancel_notice": dt.timedelta(0), "rest": dt.timedelta(0), "credits_per_hour": 0,
}  # fmt: skip


class RoomForm(forms.ModelForm):
    """A room's name is all that is asked."""

    class Meta:
        model = Room
        fields = ["name"]


class QualificationForm(forms.ModelForm):
    """What it is called, and how somebody gets it."""

    examples = {
        "name_fr": _("“Découpe laser”: what people read on the machine’s page and on their own."),
        "training_fr": _("“Prise en main d’une heure, le mercredi à 14 h : inscrivez-vous auprès de l’équipe.”"),
        "training_en": _("“A one-hour induction on Wednesdays at 2 p.m.: put your name down with the team.”"),
    }

    class Meta:
        model = Qualification
        fields = ["name_fr", "name_en", "training_fr", "training_en"]
        widgets = {name: forms.Textarea({"rows": 2}) for name in ("training_fr", "training_en")}


class CategoryForm(forms.ModelForm):
    """Every booking rule of a kind of machine."""

    examples = (
        LENGTH_EXAMPLES
        | RULE_EXAMPLES
        | {
            "position": _("0 stands first in every list, then 1, 2, 3 …"),
            "is_seat": _("Tick it for public computers: the desk gives a seat, lengthens it and ends it with one tap."),
            "is_lent": _("For laptops and kits that people take home: the desk hands them over and takes them back."),
            "qualification": _("“Laser cutting” for laser cutters. None for computers: anybody may reserve them."),
            "qualification_level": _(
                "“Alone”: somebody who may only use it with help cannot reserve it by themselves."
            ),
        }
    )
    parts = (
        (_("What it is"), ("name_fr", "name_en", "icon", "position", "is_seat", "is_lent")),
        (
            _("Who may use it"),
            ("risk_level", "qualification", "qualification_level", "attendance", *WHO_NAMES),
        ),
        (
            _("When and how long"),
            ("shortest", "longest", "grid_min", "notice", "window", "setup_buffer", "cleanup_buffer"),
        ),
        (_("Moving, cancelling, not coming"), ("change_notice", "cancel_notice", "rest", "no_show_min")),
    )

    class Meta:
        model = Category
        fields = [
            "name_fr",
            "name_en",
            "icon",
            "position",
            "is_seat",
            "is_lent",
            "risk_level",
            "qualification",
            "qualification_level",
            "attendance",
            "grid_min",
            *LENGTH_NAMES,
            *WHO_NAMES,
            "no_show_min",
        ]
        field_classes = dict.fromkeys(LENGTH_NAMES, LengthField)
        labels = RULE_LABELS | {
            "icon": _("Drawing beside its name"),
            "qualification": _("Qualification it asks for"),
            "qualification_level": _("At which level"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["icon"] = forms.ChoiceField(
            label=self.fields["icon"].label, choices=list(ICONS.items()), widget=forms.RadioSelect
        )
        self.fields["qualification"].empty_label = _("none: anybody may reserve it")  # type: ignore[attr-defined]
        for name in NOTHING:
            self.fields[name].required = False
        mark_numbers(self.fields)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data |= {name: value for name, value in NOTHING.items() if data.get(name) is None and name not in self.errors}
        _check_order(self, data.get("shortest"), data.get("longest"))
        if data.get("is_seat") and data.get("is_lent"):
            self.add_error("is_lent", SEAT_OR_LENT)
        return data


class MachineForm(forms.ModelForm):
    """One machine: what it is, what people see, and the rules of its own where it differs from its category."""

    new_photo = forms.ImageField(label=_("Photo"), required=False)
    without_photo = forms.BooleanField(label=_("Remove the photo"), required=False)

    examples = (
        LENGTH_EXAMPLES
        | RULE_EXAMPLES
        | {
            "model_name": _(
                "“Prusa MK4” on each of four: whoever asks for any of them gets the one that has run least."
            ),
            "name": _("“Prusa MK4 on the left”: the words on its label and in every list."),
            "drawing": _("A laser cutter’s outline, until somebody takes a photo."),
            "new_photo": _("A JPEG or PNG of the machine from the front. Place and camera are removed from the file."),
            "kiosk": _("For a public computer: the screen that people sign in on. They are signed out with the seat."),
            "position": _("0 stands first among the machines of its kind."),
            "qualification": _("Only this machine asks for another qualification than the rest of its kind."),
        }
    )
    parts = (
        (_("What it is"), ("name", "model_name", "category", "room", "position", "kiosk")),
        (_("What people see"), ("description_fr", "description_en", "new_photo", "without_photo", "drawing")),
        (
            _("Rules of its own"),
            (
                "risk_level",
                "qualification",
                "attendance",
                *WHO_NAMES,
                *LENGTH_NAMES[:2],
                "grid_min",
                *LENGTH_NAMES[2:],
                "no_show_min",
            ),
        ),
    )

    class Meta:
        model = Machine
        fields = [
            "name",
            "model_name",
            "category",
            "room",
            "position",
            "kiosk",
            "description_fr",
            "description_en",
            "drawing",
            "risk_level",
            "qualification",
            "attendance",
            "grid_min",
            *LENGTH_NAMES,
            *WHO_NAMES,
            "no_show_min",
        ]
        field_classes = dict.fromkeys(LENGTH_NAMES, LengthField)
        labels = RULE_LABELS | {
            "category": _("Category"),
            "room": _("Room"),
            "qualification": _("Qualification it asks for"),
        }
        widgets = {name: forms.Textarea({"rows": 3}) for name in ("description_fr", "description_en")}

    def __init__(self, *args: Any, site: Site, has_kiosks: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["drawing"] = forms.ChoiceField(
            label=_("Drawing"),
            choices=list(DRAWINGS.items()),
            required=False,
            help_text=self.fields["drawing"].help_text,
        )
        for name in YES_NO_NAMES:
            self.fields[name] = yes_no_field(self.fields[name].label, _("as the category says"))
        mark_numbers(self.fields)
        self._choose_from("room", Room.objects.filter(site=site), _("no room"))
        self._choose_from("kiosk", Kiosk.objects.enrolled().filter(site=site), _("no screen"))
        if not has_kiosks:
            del self.fields["kiosk"]
        if not self.instance.photo:
            del self.fields["without_photo"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        category = data.get("category") or getattr(self.instance, "category", None)
        # What is left empty holds from the category: the two together must leave something to reserve.
        wanted = [data.get(name) or getattr(category, name, None) for name in ("shortest", "longest")]
        _check_order(self, *wanted)
        return data

    def _choose_from(self, name: str, rows: QuerySet[Any], empty: str | Promise) -> None:
        field: Any = self.fields[name]
        field.queryset, field.empty_label = rows, empty


def _check_order(form: forms.ModelForm, shortest: dt.timedelta | None, longest: dt.timedelta | None) -> None:
    if shortest is not None and longest is not None and longest < shortest and "longest" not in form.errors:
        form.add_error("longest", _("The longest reservation is at least as long as the shortest."))

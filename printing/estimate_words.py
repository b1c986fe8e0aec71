"""Estimates before slicing as people read them: figures, what was assumed, and why something cannot be measured."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from printing.estimates.cut import CutEstimate
from printing.estimates.limits import IMPLAUSIBLE, MOST_FILE_BYTES
from printing.estimates.mesh import MeshEstimate, PrintGuess
from reservations.messages import duration_words

MOST_MB = MOST_FILE_BYTES // 1024 // 1024
LAYERS_SHOWN = 20
# Of the longest edge: metres or inches taken as millimetres.
TINY_MM = 1.0

_EXPORT_AGAIN = _("Export it again from the program you drew it with.")
_WRONG_UNIT = _("It was probably drawn in another unit: export it again in millimetres.")
# Both for a model and for a drawing, except where a drawing needs other words: what is the matter, what to do.
REFUSALS: dict[str, tuple[str | Promise, str | Promise]] = {
    "too_many_shapes": (
        _("There is more in this file than can be measured here."),
        _("Simplify the model, or let your slicer tell the time."),
    ),
    "damaged": (_("This file cannot be read: it is damaged, or not what its name says."), _EXPORT_AGAIN),
    "empty": (_("There is no model in this file."), _("Select the model before you export it, and try again.")),
    "unsupported": (
        _("The inside of this file is not of the kind that its name says."),
        _("Export it again as STL, 3MF, OBJ, SVG or DXF."),
    ),
    "too_large": (
        _("This file is too large or too intricate to be measured here."),
        _("Export it with fewer details, or in parts."),
    ),
    IMPLAUSIBLE: (_("It is larger than any machine."), _WRONG_UNIT),
}
DRAWING_REFUSALS: dict[str, tuple[str | Promise, str | Promise]] = {
    "too_many_shapes": (
        _("There is more in this file than can be measured here."),
        _("Leave out hatchings and traced pictures, or split the drawing."),
    ),
    "empty": (
        _("There is no line to cut in this file: text, pictures and hidden things are not counted."),
        _("Turn text into paths, show hidden layers, and export it again."),
    ),
}
ASSUMPTIONS: dict[str, str | Promise] = {
    "as_placed": _("It is printed as it lies in the file: turned another way, it takes another time."),
    "no_supports": _("No supports are counted."),
    "shell_1_mm": _("Walls, floor and roof are taken as 1 mm thick."),
    "unit_mm": _("The file does not say its unit: millimetres are assumed. Check the size above."),
    "unit_px_96dpi": _("The drawing is in pixels: 96 to the inch are assumed. Check the size above."),
    "not_watertight": _(
        "The surface has holes, or faces turned inside out: do not rely on these figures. "
        "Let your slicer repair the model."
    ),
}
IGNORED = {
    "text": ngettext_lazy(
        "%(count)d text is not counted: turn it into paths.",
        "%(count)d texts are not counted: turn them into paths.",
        "count",
    ),
    "image": ngettext_lazy(
        "%(count)d picture is not counted: engraving it takes its own time.",
        "%(count)d pictures are not counted: engraving them takes its own time.",
        "count",
    ),
    "hidden": ngettext_lazy(
        "%(count)d hidden thing is not counted.",
        "%(count)d hidden things are not counted.",
        "count",
    ),
    "fill": ngettext_lazy(
        "%(count)d hatching or filled area is not counted: only outlines are.",
        "%(count)d hatchings or filled areas are not counted: only outlines are.",
        "count",
    ),
    "dimension": ngettext_lazy(
        "%(count)d dimension line is not counted.",
        "%(count)d dimension lines are not counted.",
        "count",
    ),
    "point": ngettext_lazy(
        "%(count)d single point is not counted.",
        "%(count)d single points are not counted.",
        "count",
    ),
    "clip": ngettext_lazy(
        "%(count)d clipped thing is counted in full, with what is clipped away.",
        "%(count)d clipped things are counted in full, with what is clipped away.",
        "count",
    ),
    "other": ngettext_lazy(
        "%(count)d thing of a kind that is not read here is not counted.",
        "%(count)d things of kinds that are not read here are not counted.",
        "count",
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An estimate in the reader's language: `headline`, then name and value pairs; `more_layers` are not among them."""

    headline: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    layers: tuple[tuple[str, str], ...] = ()
    more_layers: int = 0


def refusal_words(code: str, *, is_drawing: bool) -> str:
    """Why a file cannot be measured, and what to do next."""
    words = DRAWING_REFUSALS.get(code) if is_drawing else None
    matter, next_step = words or REFUSALS[code]
    return f"{matter} {next_step}"


def tell_mesh(mesh: MeshEstimate, guess: PrintGuess) -> Told:
    """A model to print; the notes name every assumption."""
    facts = (
        (gettext("size"), size_words(mesh.size_mm)),
        (gettext("volume"), gettext("%(number)s cm³") % {"number": number_words(mesh.volume_cm3)}),
    )
    notes = [
        gettext("This is a rough guess: it may take half as long, or twice as long. Your slicer knows better."),
        *_tiny(mesh.size_mm),
        *sorted((str(ASSUMPTIONS[code]) for code in guess.assumption_codes), key=_warnings_first),
        gettext("Heating up is not counted."),
    ]
    words = {"time": minutes_words(guess.minutes), "grams": grams_words(guess.grams)}
    return Told(capfirst(gettext("%(time)s, %(grams)s of filament") % words), facts, tuple(notes))


def tell_cut(cut: CutEstimate, minutes: float) -> Told:
    """A drawing to cut; the notes name every assumption and all that was left out."""
    facts = (
        (gettext("length of all lines"), length_words(cut.cut_mm)),
        (gettext("size"), size_words(cut.size_mm)),
        (gettext("shapes"), str(cut.shape_count)),
        (gettext("way between the shapes"), length_words(cut.travel_mm)),
    )
    notes = [
        *_tiny(cut.size_mm),
        *([str(ASSUMPTIONS[f"unit_{cut.unit_assumed}"])] if cut.unit_assumed else []),
        *_ignored_words(cut.ignored),
        gettext("Every line is taken as cut, whatever its colour."),
        gettext("Corners and slowing down are not counted: small shapes take longer."),
    ]
    layers = sorted(cut.layers.items(), key=lambda layer: -layer[1]) if len(cut.layers) > 1 else []
    words = {"time": minutes_words(minutes), "length": length_words(cut.cut_mm)}
    return Told(
        headline=capfirst(gettext("%(time)s for %(length)s of lines") % words),
        facts=facts,
        notes=tuple(notes),
        layers=tuple((name or gettext("without a layer"), length_words(mm)) for name, mm in layers[:LAYERS_SHOWN]),
        more_layers=max(len(layers) - LAYERS_SHOWN, 0),
    )


def number_words(value: float) -> str:
    """As many digits as the figure deserves: “0.25”, “12.5”, “1200”."""
    digits = 2 if value < 1 else 1 if value < 100 else 0
    rounded = round(value, digits)
    return number_format(rounded, 0 if rounded == int(rounded) else digits)


def minutes_words(minutes: float) -> str:
    """“about 17 min”: to the minute, from an hour on to five."""
    if minutes < 1:
        return gettext("less than a minute")
    step = 5 if minutes >= 60 else 1
    return _about(duration_words(dt.timedelta(minutes=step * round(minutes / step))))


def grams_words(grams: float) -> str:
    """“about 12 g”, “less than 1 g”."""
    if grams < 1:
        return gettext("less than 1 g")
    return _about(gettext("%(number)s g") % {"number": number_format(round(grams), 0)})


def length_words(length_mm: float) -> str:
    """“254 mm”, from a metre on “2.54 m”."""
    if length_mm >= 1000:
        return gettext("%(metres)s m") % {"metres": number_format(length_mm / 1000, 2)}
    return gettext("%(number)s mm") % {"number": number_words(length_mm)}


def size_words(size_mm: Sequence[float]) -> str:
    """“20 × 20 × 5 mm”."""
    return gettext("%(number)s mm") % {"number": " × ".join(map(number_words, size_mm))}


def _about(words: str) -> str:
    return gettext("about %(figure)s") % {"figure": words}


def _tiny(size_mm: Sequence[float]) -> list[str]:
    if max(size_mm) >= TINY_MM:
        return []
    return [gettext("It is smaller than a millimetre.") + f" {_WRONG_UNIT}"]


def _warnings_first(sentence: str) -> bool:
    return sentence not in {str(ASSUMPTIONS[code]) for code in ("not_watertight", "unit_mm")}


def _ignored_words(ignored: Mapping[str, int]) -> list[str]:
    return [str(IGNORED[kind] % {"count": count}) for kind, count in ignored.items() if count]

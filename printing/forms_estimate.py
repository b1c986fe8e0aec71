"""A file to be measured before slicing, and the few things that change its time."""

from pathlib import PurePath
from typing import Any, ClassVar, get_args

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from people.forms_people import Examples
from printing.estimate_words import MOST_MB
from printing.estimates.cut import CutKind
from printing.estimates.mesh import MeshKind

MESHES: tuple[MeshKind, ...] = get_args(MeshKind)
DRAWINGS: tuple[CutKind, ...] = get_args(CutKind)
INFILLS_PCT = (10, 15, 20, 40)
LAYERS_MM = ("0.1", "0.15", "0.2", "0.3")
# g/cm³, as makers' data sheets have it.
DENSITIES = {"PLA": 1.24, "PETG": 1.27, "ABS": 1.04}
FASTEST_MM_S = 2000
MOST_PASSES = 50
SLICED = (".gcode", ".gco", ".g", ".bgcode", ".gcode.3mf")


def _infills() -> list[tuple[int, str]]:
    return [(pct, gettext("%(number)s%%") % {"number": pct}) for pct in INFILLS_PCT]


def _layer_heights() -> list[tuple[str, str]]:
    return [(text, gettext("%(number)s mm") % {"number": number_format(text)}) for text in LAYERS_MM]


class EstimateForm(forms.Form):
    """The file says by its ending which of the choices count; the others keep what they are."""

    file = forms.FileField(
        label=_("Model or drawing"),
        max_length=200,
        error_messages={"required": _("Choose a file first.")},
        widget=forms.FileInput({"accept": ",".join(f".{kind}" for kind in (*MESHES, *DRAWINGS))}),
    )
    infill_pct = forms.TypedChoiceField(label=_("Infill"), choices=_infills, coerce=int, initial=15)
    layer_mm = forms.TypedChoiceField(label=_("Layer height"), choices=_layer_heights, coerce=float, initial="0.2")
    material = forms.ChoiceField(label=_("Filament"), choices=[(name, name) for name in DENSITIES], initial="PLA")
    speed_mm_s = forms.FloatField(
        label=_("Cutting speed (mm/s)"), min_value=0.1, max_value=FASTEST_MM_S, initial=20,
        widget=forms.NumberInput({"inputmode": "decimal", "step": "any"}),
    )  # fmt: skip
    passes = forms.IntegerField(
        label=_("Passes"), min_value=1, max_value=MOST_PASSES, initial=1,
        widget=forms.NumberInput({"inputmode": "numeric"}),
    )  # fmt: skip

    examples: ClassVar[Examples] = {
        "infill_pct": _("How much of the inside is filled. 15 is enough for most things, 40 for what must hold."),
        "layer_mm": _("0.2 mm is usual. Finer looks better, and takes longer."),
        "speed_mm_s": _("What the team’s list says for your material: the thicker, the slower."),
        "passes": _("How often the laser follows each line until it is through."),
    }
    parts = (
        ("", ("file",)),
        (_("For a model to print"), ("infill_pct", "layer_mm", "material")),
        (_("For a drawing to cut"), ("speed_mm_s", "passes")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = gettext("STL, 3MF, OBJ, SVG or DXF, at most %(most)s MB.") % {"most": most_mb()}

    def clean_file(self) -> UploadedFile:
        """Of a kind that is read here, and not too large: both are known before it is opened."""
        file: UploadedFile = self.cleaned_data["file"]
        name = (file.name or "").lower()
        if name.endswith(SLICED):
            raise ValidationError(
                _("This file is sliced already. Send it from its machine’s page: its own time is read there.")
            )
        if kind_of(name) not in (*MESHES, *DRAWINGS):
            raise ValidationError(_("Files of this kind are not read here. Export it as STL, 3MF, OBJ, SVG or DXF."))
        if (file.size or 0) > most_mb() * 1024 * 1024:
            raise ValidationError(
                _("The file is larger than %(most)s MB. Export it with fewer details, or in parts."),
                params={"most": most_mb()},
            )
        return file


def kind_of(name: str) -> str:
    """“stl” of “Cube.STL”; "" without an ending."""
    return PurePath(name).suffix.lower().removeprefix(".")


def most_mb() -> int:
    """What may be sent here: no more than is measured, nor than the server takes."""
    return min(MOST_MB, settings.UPLOAD_MAX_MB)

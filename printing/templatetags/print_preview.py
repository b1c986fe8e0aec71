"""The parts of pages in which a path or a model is drawn when somebody opens them."""

import json
from typing import Any

from django import template
from django.utils.translation import gettext

from printing.models import FileKind, PrintJob
from printing.preview import MEGABYTE, MOST_MODEL_BYTES, path_refusal

register = template.Library()


def _words(**more: str) -> str:
    """What the script says, as JSON for an attribute."""
    common = {
        "loading": gettext("Drawing…"),
        "drawn": gettext("It is drawn."),
        "unable": gettext("This browser cannot draw in three dimensions (WebGL). Everything else works without it."),
    }
    return json.dumps(common | more)


@register.inclusion_tag("printing/_preview_path.html")
def path_preview(job: PrintJob) -> dict[str, Any]:
    """Of a print job's file: nothing for a drawing, a sentence for what is not drawn."""
    file = job.file
    refusal = path_refusal(file)
    return {
        "job": job,
        "file": file,
        "has_path": file.kind != FileKind.DRAWING,
        "refusal": refusal.words if refusal else "",
        "words": _words(
            layer=gettext("Layer %(layer)s of %(layers)s, at %(height)s mm"),
            picture=gettext("The path of the nozzle, seen from the side and above."),
            empty=gettext("Nothing is printed by this file: there is no path to draw."),
            failed=gettext("The path could not be drawn. The numbers above hold all the same."),
        ),
    }


@register.inclusion_tag("printing/_preview_model.html")
def model_preview(field_id: str) -> dict[str, Any]:
    """Of the file that is chosen in this field, before it is sent."""
    most_mb = MOST_MODEL_BYTES // MEGABYTE
    return {
        "field_id": field_id,
        "most_bytes": MOST_MODEL_BYTES,
        "words": _words(
            size=gettext("%(width)s × %(depth)s × %(height)s mm"),
            picture=gettext("The model of %(name)s, seen from the side and above."),
            large=gettext("Models of more than %(most)s MB are not drawn here; they can be measured.")
            % {"most": most_mb},
            failed=gettext("This model could not be drawn. It can be measured all the same."),
        ),
    }

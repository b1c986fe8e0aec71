"""Typst and our data become a PDF that screen readers understand (PDF/UA), set in the lab's own typeface."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

FOLDER = Path(__file__).parent
FONTS = FOLDER / "fonts"
FAMILY = "Atkinson Hyperlegible Next"
STYLES = {("normal", 400), ("normal", 700)}


class DocumentFault(Exception):
    """A document cannot be set as it was meant: a fault of ours, not of who asked for it."""


def typst_pdf(template: str, data: Mapping[str, Any], *, fonts: Path = FONTS) -> bytes:
    """The document `fablab/documents/<template>.typ`, which reads `data` by `json(bytes(sys.inputs.data))`.

    Nothing else reaches it: no file outside its folder, no network. Names in letters that our typeface lacks are set
    in one of the faces that typst carries.

    Raises:
        DocumentFault: our typeface is not there, or typst has any complaint: it would silently take another one.
    """
    found = _fonts(fonts)
    try:
        compiler = typst.Compiler(
            FOLDER / f"{template}.typ", root=FOLDER, font_paths=found, sys_inputs={"data": json.dumps(dict(data))}
        )
        pdf, warnings = compiler.compile_with_warnings(format="pdf", pdf_standards=["ua-1"])
    except typst.TypstError as error:
        raise DocumentFault(f"{template}: {error.message}") from error
    if warnings:
        raise DocumentFault(f"{template}: {'; '.join(warning.message for warning in warnings)}")
    if not isinstance(pdf, bytes):
        raise DocumentFault(f"{template}: typst gave no PDF")
    return pdf


@lru_cache(maxsize=4)
def _fonts(folder: Path) -> typst.Fonts:
    own = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
    missing = STYLES - {(font.style, font.weight) for font in own.fonts() if font.family == FAMILY}
    if missing:
        raise DocumentFault(f"{FAMILY} is missing in {folder.name}/: {sorted(missing)}")
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])

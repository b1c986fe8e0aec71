"""A sliced plate in a 3MF archive (`.gcode.3mf`), as Bambu Studio and OrcaSlicer send it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipInfo

from printing.slicers import READ_BYTES, SlicerMetadata, plausible_g, read_metadata
from printing.slicers.comments import first_number, parse_duration, short_name, single_total, words
from printing.slicers.slice_info import Plate, read_plates
from printing.slicers.thumbnails import LARGEST_PICTURE_BYTES, as_png
from printing.slicers.unreadable import Unreadable, UnreadableFile
from printing.slicers.zip_parts import directory, open_part, read_part

# 200 MB of upload at the usual five to one.
LARGEST_PLATE_BYTES = 1024 * 1024 * 1024
LARGEST_SLICE_INFO_BYTES = 1024 * 1024
SLICE_INFO = "Metadata/slice_info.config"

_PLATE = re.compile(r"Metadata/plate_([1-9][0-9]{0,2})\.gcode")


def has_plate(path: Path) -> bool:
    """Whether G-code of a plate lies in this archive.

    Raises:
        UnreadableFile: no archive that could be opened.
        OSError: the file cannot be read.
    """
    return any(_PLATE.fullmatch(part) for part in directory(path))


def read_gcode_3mf(path: Path) -> SlicerMetadata:
    """What the only plate says of itself: its comments first, then the archive's own table and picture.

    Unpacks the first 256 kB of the G-code (both slicers write their whole header there), 1 MB of the table and
    512 kB of each of two pictures at most.

    Raises:
        UnreadableFile: damaged, no plate or several, or parts beyond these limits.
        OSError: the file cannot be read.
    """
    parts = directory(path)
    entry, number = _only_plate(parts)
    with open_part(path, entry, most_bytes=LARGEST_PLATE_BYTES) as stream:
        metadata = read_metadata(stream.read(READ_BYTES), b"")
    if SLICE_INFO in parts:
        plates = read_plates(read_part(path, parts[SLICE_INFO], most_bytes=LARGEST_SLICE_INFO_BYTES))
        metadata = _completed(metadata, _of_number(plates, number))
    picture = _picture(path, parts, number)
    return replace(metadata, thumbnail_png=picture or metadata.thumbnail_png)


def open_plate(path: Path) -> BinaryIO:
    """A stream of the only plate's G-code; reading it raises UnreadableFile where it is damaged.

    Raises:
        UnreadableFile: as `read_gcode_3mf`.
        OSError: the file cannot be read.
    """
    entry, _ = _only_plate(directory(path))
    return open_part(path, entry, most_bytes=LARGEST_PLATE_BYTES)


def _only_plate(parts: dict[str, ZipInfo]) -> tuple[ZipInfo, int]:
    # Whatever a printer might take for G-code, also under a name that only looks like the right one.
    printable = [part for part in parts if part.casefold().endswith(".gcode")]
    if len(printable) > 1:
        raise UnreadableFile(Unreadable.SEVERAL_PLATES)
    found = _PLATE.fullmatch(printable[0]) if printable else None
    if found is None:
        raise UnreadableFile(Unreadable.NOT_GCODE)
    return parts[found[0]], int(found[1])


def _of_number(plates: list[Plate], number: int) -> Plate:
    for plate in plates:
        if plate.values.get("index") == str(number):
            return plate
    return plates[0] if len(plates) == 1 and "index" not in plates[0].values else Plate()


def _completed(metadata: SlicerMetadata, plate: Plate) -> SlicerMetadata:
    """The comments are what is printed; the table fills in what they leave open."""
    values, filaments = plate.values, plate.filaments
    seconds = first_number(values, "prediction")
    metres = single_total(",".join(filament.get("used_m", "") for filament in filaments))
    grams = single_total(values.get("weight", "")) or single_total(
        ",".join(filament.get("used_g", "") for filament in filaments)
    )
    return replace(
        metadata,
        estimated=metadata.estimated or (parse_duration(f"{seconds:.0f}s") if seconds else None),
        filament_g=metadata.filament_g or plausible_g(grams),
        filament_mm=metadata.filament_mm or (round(metres * 1000, 3) if metres else None),
        filament_type=metadata.filament_type or words(",".join(f.get("type", "") for f in filaments)),
        nozzle_mm=metadata.nozzle_mm or first_number(values, "nozzle_diameters"),
        printer_model=metadata.printer_model or short_name(values.get("printer_model_id", "")),
    )


def _picture(path: Path, parts: dict[str, ZipInfo], number: int) -> bytes | None:
    for part in (f"Metadata/plate_{number}.png", f"Metadata/plate_{number}_small.png"):
        if part in parts and parts[part].file_size <= LARGEST_PICTURE_BYTES:
            png = as_png(read_part(path, parts[part], most_bytes=LARGEST_PICTURE_BYTES))
            if png:
                return png
    return None

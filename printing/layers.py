"""At which layer a print is: by its printer, else by how far the printer has read in a file whose layers are marked."""

import functools
from bisect import bisect_right
from pathlib import Path

from printing.backends import PrinterStatus
from printing.models import FileLayers, PrintFile, PrintJob
from printing.scan.layers import layer_starts


def keep_layers(file: PrintFile, path: Path) -> None:
    """Note where the layers of a new file begin, where its slicer has marked them.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as content:
        starts = layer_starts(content)
    if starts:
        FileLayers.objects.create(file=file, starts=starts)


def copy_layers(file: PrintFile, own: PrintFile) -> None:
    """Another row for the same content has the same layers."""
    for starts in FileLayers.objects.filter(file=file).values_list("starts", flat=True):
        FileLayers.objects.create(file=own, starts=starts)


def layer_of(job: PrintJob, status: PrinterStatus) -> tuple[int | None, int | None]:
    """The layer, from 1, and how many there are; None for what nobody knows."""
    if status.layer is not None:
        return status.layer, status.layers or job.file.layers
    if status.file_position_bytes is None or not (starts := _starts(job.file_id)):
        return None, None
    # Before the first mark the printer heats up and cleans its nozzle.
    return bisect_right(starts, status.file_position_bytes) or None, len(starts)


@functools.lru_cache(maxsize=128)
def _starts(file_pk: int) -> tuple[int, ...]:
    # Asked at each look at a printer; they never change.
    return tuple(FileLayers.objects.filter(file=file_pk).values_list("starts", flat=True).first() or ())

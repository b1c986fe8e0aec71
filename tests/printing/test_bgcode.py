"""Binary G-code: what is read from Prusa's own writer and from ours, and what is refused with which code."""

import io
import struct
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from printing.slicers import SlicerMetadata
from printing.slicers.bgcode import LARGEST_HEATSHRINK_BYTES, LARGEST_TABLE_BYTES, MOST_BLOCKS, read_bgcode
from printing.slicers.containers import FileKind, kind_of, open_gcode, read_any
from printing.slicers.heatshrink import expand
from printing.slicers.unreadable import Unreadable, UnreadableFile
from tests.printing.format_samples import (
    DEFLATE,
    FILE,
    GCODE,
    HEATSHRINK_11,
    HEATSHRINK_12,
    MOVES,
    NO_PACKING,
    PRINT,
    PRINTER,
    PRODUCER,
    SLICER,
    bgcode,
    block,
    claimed_png,
    good_bgcode,
    literals,
    picture,
    thumbnail,
)

SAMPLES = Path(__file__).parent / "samples"
GOOD = SlicerMetadata(
    slicer="PrusaSlicer",
    slicer_version="2.9.0",
    estimated=timedelta(minutes=19, seconds=11),
    filament_g=4.6,
    filament_mm=1504.88,
    filament_type="PETG",
    layer_height_mm=0.2,
    nozzle_mm=0.4,
    printer_model="MK4S",
    profile="0.20mm QUALITY @MK4S",
)
END = block(GCODE, MOVES)


@pytest.fixture
def read(tmp_path):
    def reading(data):
        path = tmp_path / "sent"
        path.write_bytes(data)
        return read_bgcode(path)

    return reading


def size_of(png):
    return Image.open(io.BytesIO(png), formats=["PNG"]).size if png else None


@pytest.mark.parametrize("packing", ["deflate", "heatshrink11", "heatshrink12"])
def test_file_of_the_makers_own_writer_is_read(packing):
    path = SAMPLES / f"libbgcode_{packing}.bgcode"

    kind, metadata = read_any(path)

    assert kind is FileKind.BGCODE
    assert size_of(metadata.thumbnail_png) == (64, 48)
    assert replace(metadata, thumbnail_png=None) == SlicerMetadata(
        slicer="PrusaSlicer",
        slicer_version="2.5.0",
        estimated=timedelta(minutes=19, seconds=11),
        filament_g=4.49,
        filament_mm=1504.88,
        filament_type="PLA",
        layer_height_mm=0.2,
        nozzle_mm=0.4,
        printer_model="MK4S",
        profile="0.20mm QUALITY @MK4S",
    )


@pytest.mark.parametrize("has_checksum", [True, False], ids=["CRC32", "no checksum"])
@pytest.mark.parametrize("packing", [NO_PACKING, DEFLATE, HEATSHRINK_11, HEATSHRINK_12])
def test_tables_and_the_largest_picture_are_read(read, packing, has_checksum):
    metadata = read(good_bgcode(packing, has_checksum=has_checksum))

    assert size_of(metadata.thumbnail_png) == (64, 48)
    assert replace(metadata, thumbnail_png=None) == GOOD


@pytest.mark.parametrize(("kind", "number"), [("PNG", 0), ("JPEG", 1), ("QOI", 2)])
def test_picture_of_each_format_becomes_a_png(read, kind, number):
    metadata = read(bgcode(thumbnail(picture(20, 10, kind), 20, 10, number), END))

    assert metadata.thumbnail_png.startswith(b"\x89PNG")
    assert size_of(metadata.thumbnail_png) == (20, 10)


@pytest.mark.parametrize(
    "too_much",
    [claimed_png(60_000, 60_000), picture(1001, 10), b"not a picture", b"\0" * 600_000],
    ids=["60000 x 60000", "1001 wide", "no picture", "600 kB"],
)
def test_picture_not_to_be_trusted_gives_way_to_a_smaller_one(read, too_much):
    metadata = read(bgcode(thumbnail(too_much, 60_000, 60_000), thumbnail(picture(), 16, 16), END))

    assert size_of(metadata.thumbnail_png) == (16, 16)


def test_what_the_slicer_leaves_open_is_unknown(read):
    assert read(bgcode(END)) == SlicerMetadata()


def test_table_of_another_encoding_and_a_second_one_are_no_harm(read):
    unknown = block(SLICER, b'{"layer_height": 9}', parameters=b"\x07\0")

    metadata = read(bgcode(block(SLICER, b"layer_height=0.3\n"), unknown, block(SLICER, b"layer_height=0.1\n"), END))

    assert metadata.layer_height_mm == 0.3


def test_letters_that_are_no_utf8_are_replaced(read):
    metadata = read(bgcode(block(PRINTER, b"printer_model=Caf\xe9\r\nfilament_type=PLA\n"), END))

    assert (metadata.printer_model, metadata.filament_type) == ("Caf\N{REPLACEMENT CHARACTER}", "PLA")


def test_gcode_is_not_read_from_it(tmp_path):
    path = tmp_path / "sent"
    path.write_bytes(good_bgcode())

    assert kind_of(path) is FileKind.BGCODE
    assert open_gcode(path, FileKind.BGCODE) is None


GOOD_BLOCK = block(FILE, PRODUCER, packing=DEFLATE)
TABLE = b"a=1\n" * 100
REFUSED = {
    "nothing": (b"", Unreadable.DAMAGED),
    "another format": (bgcode(END, magic=b"GIF8"), Unreadable.NOT_GCODE),
    "version of the future": (bgcode(END, version=2), Unreadable.DAMAGED),
    "unknown checksum": (bgcode(END, checksum=2), Unreadable.DAMAGED),
    "no G-code": (bgcode(GOOD_BLOCK), Unreadable.DAMAGED),
    "G-code cut short": (bgcode(GOOD_BLOCK, END[:-1]), Unreadable.DAMAGED),
    "wrong checksum": (bgcode(GOOD_BLOCK[:-1] + b"\0", END), Unreadable.DAMAGED),
    "unknown block": (bgcode(block(6, b""), END), Unreadable.DAMAGED),
    "unknown packing": (bgcode(block(FILE, b"", packing=4), END), Unreadable.DAMAGED),
    "no deflate": (bgcode(block(PRINT, TABLE, packing=DEFLATE, packed=TABLE), END), Unreadable.DAMAGED),
    "claims too little": (bgcode(block(PRINT, TABLE, packing=DEFLATE, size=10), END), Unreadable.DAMAGED),
    "claims too much": (bgcode(block(PRINT, TABLE, packing=DEFLATE, size=999), END), Unreadable.DAMAGED),
    "heatshrink ends early": (bgcode(block(PRINT, TABLE, packing=HEATSHRINK_11, size=999), END), Unreadable.DAMAGED),
    "4 GB claimed": (bgcode(block(PRINT, b"", packing=DEFLATE, size=2**32 - 1), END), Unreadable.TOO_LARGE_INSIDE),
    "4 GB packed": (
        bgcode(struct.pack("<HHIIH", PRINT, DEFLATE, 10, 2**32 - 1, 0)),
        Unreadable.DAMAGED,
    ),
    "bomb": (
        bgcode(block(PRINT, b"\n" * 50_000_000, packing=DEFLATE), END),
        Unreadable.TOO_LARGE_INSIDE,
    ),
    "bomb that claims little": (
        bgcode(block(PRINT, b"\n" * 50_000_000, packing=DEFLATE, size=1000), END),
        Unreadable.DAMAGED,
    ),
    "table too large": (bgcode(block(PRINT, b"\n" * (LARGEST_TABLE_BYTES + 1)), END), Unreadable.TOO_LARGE_INSIDE),
    "too many large tables": (bgcode(*[block(PRINT, b"\n" * 400_000)] * 3, END), Unreadable.TOO_LARGE_INSIDE),
    "heatshrink too large": (
        bgcode(block(PRINT, b"", packing=HEATSHRINK_11, size=LARGEST_HEATSHRINK_BYTES + 1), END),
        Unreadable.TOO_LARGE_INSIDE,
    ),
    "too many blocks": (bgcode(*[GOOD_BLOCK] * MOST_BLOCKS, END), Unreadable.TOO_LARGE_INSIDE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused_with_its_code(read, name):
    data, code = REFUSED[name]

    with pytest.raises(UnreadableFile) as refusal:
        read(data)

    assert refusal.value.code is code


def test_repetition_of_heatshrink_is_expanded():
    # "ab", then distance 2 and length 5; then a distance of 16 into the zeros before the beginning, length 1.
    bits = "101100001" + "101100010" + "0" + f"{1:011b}" + f"{4:04b}" + "0" + f"{15:011b}" + "0000"
    packed = int(bits.ljust(56, "0"), 2).to_bytes(7, "big")

    assert expand(packed, 11, 8) == b"abababa\0"


def test_slowest_table_is_read_in_time(read):
    table = block(PRINT, b"=" * LARGEST_HEATSHRINK_BYTES, packing=HEATSHRINK_12)
    began = time.process_time()

    read(bgcode(*[table] * 4, END))

    assert time.process_time() - began < 10


def test_literals_of_the_samples_are_heatshrink():
    assert expand(literals(MOVES), 12, len(MOVES)) == MOVES

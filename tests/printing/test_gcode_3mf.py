"""Sliced 3MF archives and the three kinds of file: what is read, and what is refused with which code."""

import io
import struct
import tracemalloc
import zipfile
import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from printing.slicers import SlicerMetadata, gcode_3mf, zip_parts
from printing.slicers.containers import FileKind, kind_of, open_gcode, read_any
from printing.slicers.unreadable import Unreadable, UnreadableFile
from tests.printing.format_samples import (
    BAMBU_HEAD,
    MOVES,
    PLATE_1,
    SLICE_INFO,
    SLICE_INFO_XML,
    archive,
    claimed_png,
    good_3mf,
    picture,
    with_64_bit_end,
)

SAMPLES = Path(__file__).parent / "samples"
GOOD = SlicerMetadata(
    slicer="BambuStudio",
    slicer_version="02.04.00.70",
    estimated=timedelta(minutes=18, seconds=15),
    filament_g=3.03,
    filament_mm=1000.0,
    filament_type="PLA, PETG",
    nozzle_mm=0.4,
    printer_model="Bambu Lab X1 Carbon",
    profile="0.20mm Standard @BBL X1C",
    layers=90,
)


@pytest.fixture
def sent(tmp_path):
    def writing(data):
        path = tmp_path / "sent"
        path.write_bytes(data)
        return path

    return writing


def size_of(png):
    return Image.open(io.BytesIO(png), formats=["PNG"]).size if png else None


def refused(path):
    with pytest.raises(UnreadableFile) as refusal:
        read_any(path)
    return refusal.value.code


# --- kinds ------------------------------------------------------------------------------------------------------

KINDS = {
    "G-code": (MOVES, FileKind.GCODE),
    "letters of another encoding": (b"; Caf\xe9\n" + MOVES, FileKind.GCODE),
    "zip behind text": (MOVES + good_3mf(), None),
    "binary G-code, however damaged": (b"GCDE", FileKind.BGCODE),
    "sliced 3MF": (good_3mf(), FileKind.GCODE_3MF),
    "several plates": (archive([(PLATE_1, MOVES), ("Metadata/plate_2.gcode", MOVES)]), FileKind.GCODE_3MF),
    "project never sliced": (archive([("3D/3dmodel.model", b"<model/>")]), None),
    "zip cut short": (good_3mf()[:-30], None),
    "empty zip": (archive([]), None),
    "empty": (b"", None),
    "picture": (picture(), None),
    "gzip": (b"\x1f\x8b" + MOVES, None),
    "UTF-16": (MOVES.decode().encode("utf-16"), None),
    "packed bytes": (zlib.compress(bytes(range(1, 256)) * 40)[4:].replace(b"\0", b"\x01"), None),
}


@pytest.mark.parametrize("name", KINDS)
def test_kind_is_told_by_what_is_inside(sent, name):
    data, kind = KINDS[name]

    assert kind_of(sent(data)) is kind


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.gcode")), ids=lambda path: path.stem)
def test_text_is_read_as_before(path):
    kind, _ = read_any(path)

    with open_gcode(path, kind) as stream:
        assert (kind, stream.read()) == (FileKind.GCODE, path.read_bytes())


# --- a good archive ---------------------------------------------------------------------------------------------


def test_plate_is_read_with_its_table_and_picture(sent):
    kind, metadata = read_any(sent(good_3mf()))

    assert kind is FileKind.GCODE_3MF
    assert size_of(metadata.thumbnail_png) == (64, 48)
    assert replace(metadata, thumbnail_png=None) == GOOD


def test_table_alone_says_what_the_comments_leave_open(sent):
    _, metadata = read_any(sent(good_3mf(gcode=MOVES)))

    assert replace(metadata, thumbnail_png=None) == SlicerMetadata(
        estimated=timedelta(seconds=1095),
        filament_g=3.03,
        filament_mm=1000.0,
        filament_type="PLA, PETG",
        nozzle_mm=0.4,
        printer_model="BL-P001",
    )


def test_table_of_another_plate_is_not_believed(sent):
    info = SLICE_INFO_XML.replace(b'key="index" value="1"', b'key="index" value="2"')

    _, metadata = read_any(sent(good_3mf(gcode=MOVES, info=info)))

    assert replace(metadata, thumbnail_png=None) == SlicerMetadata()


def test_archive_of_the_gcode_alone_is_enough(sent):
    _, metadata = read_any(sent(archive([("Metadata/plate_12.gcode", BAMBU_HEAD + MOVES)])))

    assert (metadata.slicer, metadata.thumbnail_png) == ("BambuStudio", None)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_every_line_of_the_plate_is_streamed(sent, compression):
    gcode = BAMBU_HEAD + b"".join(b"G1 X%d Y%d E%d\n" % (n, n * 7 % 200, n * 13 % 97) for n in range(100_000))
    path = sent(archive([(PLATE_1, gcode)], compression=compression))

    with open_gcode(path, FileKind.GCODE_3MF) as stream:
        assert b"".join(stream) == gcode


def test_archive_with_64_bit_directory_is_read(sent):
    _, metadata = read_any(sent(with_64_bit_end(good_3mf())))

    assert replace(metadata, thumbnail_png=None) == GOOD


@pytest.mark.parametrize(
    "large", [claimed_png(60_000, 60_000), picture(1001, 8), b"no picture"], ids=["60000 x 60000", "1001", "none"]
)
def test_picture_not_to_be_trusted_gives_way_to_the_small_one(sent, large):
    parts = [(PLATE_1, MOVES), ("Metadata/plate_1.png", large), ("Metadata/plate_1_small.png", picture())]

    _, metadata = read_any(sent(archive(parts)))

    assert size_of(metadata.thumbnail_png) == (16, 16)


def big_archive():
    made = io.BytesIO()
    block = b"".join(b"G1 X%d.%d E%d\n" % (n % 200, n * n % 997, n * 31 % 89) for n in range(100_000))[: 1024 * 1024]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target, target.open(PLATE_1, "w") as part:
        for _ in range(30):
            part.write(block)
    return made.getvalue()


def test_large_plate_takes_little_memory(sent):
    path = sent(big_archive())

    tracemalloc.start()
    with open_gcode(path, FileKind.GCODE_3MF) as stream:
        total = sum(len(piece) for piece in iter(lambda: stream.read(1024 * 1024), b""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (total, peak < 5_000_000) == (30 * 1024 * 1024, True)


# --- refused ----------------------------------------------------------------------------------------------------


def entries(count):
    return archive([(PLATE_1, MOVES), *((f"3D/{number}", b"") for number in range(count))], compression=0)


def twice(first, second):
    with pytest.warns(UserWarning, match="Duplicate name"):
        return archive([(first, MOVES), (second, MOVES)])


def declared(data, size):
    """The directory says another size for the first part; its local header keeps the right one."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
BILLION_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE config [<!ENTITY l0 "lol">' + LAUGHS + b"]><config>&l9;</config>"
OUTSIDE = b'<!DOCTYPE config [<!ENTITY f SYSTEM "file:///etc/passwd">]><config><plate>&f;</plate></config>'
MANY = b"<config>" + b"<plate/>" * 30_000 + b"</config>"

REFUSED = {
    "several plates": (archive([(PLATE_1, MOVES), ("Metadata/plate_2.gcode", MOVES)]), Unreadable.SEVERAL_PLATES),
    "another in disguise": (archive([(PLATE_1, MOVES), ("metadata/PLATE_9.GCODE", MOVES)]), Unreadable.SEVERAL_PLATES),
    "not sliced": (archive([("3D/3dmodel.model", b"<model/>")]), Unreadable.NOT_GCODE),
    "elsewhere": (archive([("../Metadata/plate_1.gcode", MOVES)]), Unreadable.NOT_GCODE),
    "too many parts": (entries(zip_parts.MOST_ENTRIES), Unreadable.TOO_LARGE_INSIDE),
    "directory too large": (entries(8_000), Unreadable.TOO_LARGE_INSIDE),
    "cut short": (good_3mf()[:-30], Unreadable.DAMAGED),
    "same name in other letters": (
        archive([(PLATE_1, MOVES), ("metadata/x", b""), ("Metadata/X", b"")]),
        Unreadable.DAMAGED,
    ),
    "packed otherwise": (archive([(PLATE_1, MOVES)], compression=zipfile.ZIP_LZMA), Unreadable.DAMAGED),
    "billion laughs": (good_3mf(info=BILLION_LAUGHS), Unreadable.DAMAGED),
    "file of the server": (good_3mf(info=OUTSIDE), Unreadable.DAMAGED),
    "entities in UTF-16": (
        good_3mf(info=BILLION_LAUGHS.decode().replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16")),
        Unreadable.DAMAGED,
    ),
    "unknown encoding": (good_3mf(info=b'<?xml version="1.0" encoding="wat"?><config/>'), Unreadable.DAMAGED),
    "no XML": (good_3mf(info=b"\xff\xfe\0"), Unreadable.DAMAGED),
    "too many elements": (good_3mf(info=MANY), Unreadable.TOO_LARGE_INSIDE),
    "too deep": (good_3mf(info=b"<a>" * 20 + b"</a>" * 20), Unreadable.TOO_LARGE_INSIDE),
    "table too large": (good_3mf(info=SLICE_INFO_XML + b" " * 1024 * 1024), Unreadable.TOO_LARGE_INSIDE),
    "bomb": (archive([(PLATE_1, b"\n" * 50_000_000)]), Unreadable.TOO_LARGE_INSIDE),
    "declares 4 GB": (declared(archive([(PLATE_1, MOVES)]), 2**32 - 2), Unreadable.TOO_LARGE_INSIDE),
    "declares too little": (declared(archive([(PLATE_1, MOVES)]), 5), Unreadable.DAMAGED),
    "declares too much": (declared(archive([(PLATE_1, MOVES)]), 500), Unreadable.DAMAGED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_archive_is_refused_with_its_code(sent, name):
    data, code = REFUSED[name]

    assert refused(sent(data)) is code


def test_same_name_twice_is_refused(sent):
    assert refused(sent(twice(PLATE_1, PLATE_1))) is Unreadable.DAMAGED


def test_encrypted_plate_is_refused(sent):
    data = bytearray(archive([(PLATE_1, MOVES)]))
    data[data.index(b"PK\x01\x02") + 8] |= 1

    assert refused(sent(bytes(data))) is Unreadable.DAMAGED


def test_plate_whose_own_header_names_another_is_refused(sent):
    data = archive([(PLATE_1, MOVES)]).replace(PLATE_1.encode(), b"Metadata/plate_7.gcode", 1)

    assert refused(sent(data)) is Unreadable.DAMAGED


@pytest.mark.parametrize("place", [-1, 0, 1, 2**31, 2**40, 2**63, 2**64 - 1])
def test_part_that_lies_elsewhere_is_refused(sent, place):
    path = sent(good_3mf())
    entry = zip_parts.directory(path)[PLATE_1]
    entry.header_offset = place

    with pytest.raises(UnreadableFile) as refusal:
        zip_parts.open_part(path, entry, most_bytes=1000)

    assert refusal.value.code is Unreadable.DAMAGED


def test_bomb_that_declares_little_ends_early(sent):
    """The first lines are as declared, checksum and all; what lies behind them would reach the printer unread."""
    shown = MOVES
    data = archive([(PLATE_1, shown + b"M112\n" * 1_000_000)])
    at = data.index(b"PK\x01\x02")
    data = data[: at + 16] + struct.pack("<I", zlib.crc32(shown)) + data[at + 20 :]
    path = sent(declared(data, len(shown)))

    with open_gcode(path, FileKind.GCODE_3MF) as stream, pytest.raises(UnreadableFile) as refusal:
        stream.read()

    assert refusal.value.code is Unreadable.DAMAGED


def test_damage_beyond_the_head_shows_when_every_line_is_read(sent):
    gcode = b"".join(b"G1 X%d Y%d\n" % (n * 7919 % 200, n * 104729 % 210) for n in range(60_000))
    data = bytearray(archive([(PLATE_1, BAMBU_HEAD + gcode)], compression=zipfile.ZIP_STORED))
    data[-300] ^= 1
    path = sent(bytes(data))

    kind, metadata = read_any(path)

    assert (kind, metadata.slicer) == (FileKind.GCODE_3MF, "BambuStudio")
    with open_gcode(path, kind) as stream, pytest.raises(UnreadableFile):
        stream.read()


def test_plate_beyond_the_limit_is_not_opened(sent, monkeypatch):
    monkeypatch.setattr(gcode_3mf, "LARGEST_PLATE_BYTES", 10)

    assert refused(sent(good_3mf())) is Unreadable.TOO_LARGE_INSIDE


def test_table_by_name_only(sent):
    _, metadata = read_any(sent(archive([(PLATE_1, MOVES), (f"other/{SLICE_INFO}", SLICE_INFO_XML)])))

    assert metadata == SlicerMetadata()

"""Small writers of the formats that slicers send, after their published descriptions, for good and for evil."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from PIL import Image

FILE, GCODE, SLICER, PRINTER, PRINT, THUMBNAIL = range(6)
NO_PACKING, DEFLATE, HEATSHRINK_11, HEATSHRINK_12 = range(4)
MOVES = b"G28\nG1 X10 Y10 F3000\n"

PRODUCER = b"Producer=PrusaSlicer 2.9.0\n"
PRINTER_TABLE = b"printer_model=MK4S\nfilament_type=PETG\nnozzle_diameter=0.4\n"
PRINT_TABLE = (
    b"filament used [mm]=1504.88\nfilament used [g]=4.49\ntotal filament used [g]=4.60\n"
    b"estimated printing time (normal mode)=19m 11s\n"
)
SLICER_TABLE = b"layer_height=0.2\nprint_settings_id=0.20mm QUALITY @MK4S\nprinter_model=asked for\n"

BAMBU_HEAD = b"""; HEADER_BLOCK_START
; BambuStudio 02.04.00.70
; model printing time: 11m 15s; total estimated time: 18m 15s
; total layer number: 90
; HEADER_BLOCK_END
; CONFIG_BLOCK_START
; printer_model = Bambu Lab X1 Carbon
; print_settings_id = 0.20mm Standard @BBL X1C
; nozzle_diameter = 0.4
; CONFIG_BLOCK_END
"""
PLATE_1 = "Metadata/plate_1.gcode"
SLICE_INFO = "Metadata/slice_info.config"
SLICE_INFO_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<config>
  <header><header_item key="X-BBL-Client-Type" value="slicer"/></header>
  <plate>
    <metadata key="index" value="1"/>
    <metadata key="printer_model_id" value="BL-P001"/>
    <metadata key="nozzle_diameters" value="0.4"/>
    <metadata key="prediction" value="1095"/>
    <metadata key="weight" value="3.03"/>
    <filament id="1" type="PLA" color="#FFFFFF" used_m="0.93" used_g="2.83"/>
    <filament id="2" type="PETG" color="#000000" used_m="0.07" used_g="0.20"/>
  </plate>
</config>
"""


def picture(width: int = 16, height: int = 16, kind: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, kind)
    return made.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """A piece of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def claimed_png(width: int, height: int, pixels: bytes = b"\0" * 100) -> bytes:
    """A PNG that is well formed and claims to be that large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def literals(data: bytes) -> bytes:
    """Heatshrink without a single repetition: a one before each byte."""
    bits = "".join(f"1{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 8)
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big")


def block(
    kind: int,
    data: bytes,
    *,
    packing: int = NO_PACKING,
    parameters: bytes = b"\0\0",
    size: int | None = None,
    packed: bytes | None = None,
    has_checksum: bool = True,
) -> bytes:
    """A block of binary G-code; `size` and `packed` in place of the right ones."""
    size = len(data) if size is None else size
    if packed is None:
        packed = {NO_PACKING: bytes, DEFLATE: zlib.compress}.get(packing, literals)(data)
    head = struct.pack("<HHI", kind, packing, size)
    if packing != NO_PACKING:
        head += struct.pack("<I", len(packed))
    whole = head + parameters + packed
    return whole + (struct.pack("<I", zlib.crc32(whole)) if has_checksum else b"")


def thumbnail(data: bytes, width: int, height: int, kind: int = 0, **more) -> bytes:
    return block(THUMBNAIL, data, parameters=struct.pack("<HHH", kind, width, height), **more)


def bgcode(*blocks: bytes, checksum: int = 1, version: int = 1, magic: bytes = b"GCDE") -> bytes:
    return magic + struct.pack("<IH", version, checksum) + b"".join(blocks)


def good_bgcode(packing: int = DEFLATE, *, has_checksum: bool = True) -> bytes:
    more = {"packing": packing, "has_checksum": has_checksum}
    return bgcode(
        block(FILE, PRODUCER, **more),
        block(PRINTER, PRINTER_TABLE, **more),
        thumbnail(picture(16, 16), 16, 16, has_checksum=has_checksum),
        thumbnail(picture(64, 48), 64, 48, has_checksum=has_checksum),
        block(PRINT, PRINT_TABLE, **more),
        block(SLICER, SLICER_TABLE, **more),
        block(GCODE, MOVES, **more),
        checksum=int(has_checksum),
    )


def archive(parts, *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these names and contents, in this order."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as target:
        for name, data in parts:
            target.writestr(name, data)
    return made.getvalue()


def good_3mf(gcode: bytes = BAMBU_HEAD + MOVES, info: bytes = SLICE_INFO_XML) -> bytes:
    return archive(
        [
            ("[Content_Types].xml", b"<Types/>"),
            ("3D/3dmodel.model", b"<model/>"),
            (PLATE_1, gcode),
            (PLATE_1 + ".md5", b"0" * 32),
            ("Metadata/plate_1.png", picture(64, 48)),
            ("Metadata/plate_1_small.png", picture(16, 16)),
            (SLICE_INFO, info),
        ]
    )


def with_64_bit_end(data: bytes, numbers: Mapping[int, int] | None = None) -> bytes:
    """This archive with the directory's count, size and place in the 64-bit record; `numbers` replace its fields."""
    end = data.index(b"PK\x05\x06")
    _, _, _, _, count, size, place, _ = struct.unpack("<4s4H2IH", data[end:])
    fields = [44, 45, 45, 0, 0, count, count, size, place]
    for index, number in (numbers or {}).items():
        fields[index] = number
    record = b"PK\x06\x06" + struct.pack("<QHHII4Q", *fields)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    return (
        data[:end] + record + locator + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, *[65535] * 2, *[2**32 - 1] * 2, 0)
    )

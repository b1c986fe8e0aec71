"""Triangles out of STL, OBJ and 3MF files."""

import io
import re
import warnings
import zipfile
from typing import Any, BinaryIO

import numpy as np
import trimesh
from trimesh.exchange.stl import load_stl

from printing.estimates.limits import MOST_UNPACKED_BYTES, Unmeasurable
from printing.estimates.threemf import DEFAULT_MODEL, MM_OF_UNIT, Model, Placed, Scene, read_model
from printing.estimates.triangles import Measured

STL_HEADER_BYTES = 84
STL_TRIANGLE_BYTES = 50

_ASCII_VERTEX = re.compile(rb"^[ \t]*vertex[ \t]", re.MULTILINE | re.IGNORECASE)


def read_stl_file(stream: BinaryIO) -> Measured:
    """A binary or a text STL, in mm; one body, as the format knows no other."""
    head = stream.read(STL_HEADER_BYTES)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if _is_ascii_stl(head, size):
        return _read_ascii_stl(stream)
    claimed = int.from_bytes(head[80:84], "little")
    if size != STL_HEADER_BYTES + claimed * STL_TRIANGLE_BYTES:
        raise Unmeasurable("damaged")
    return _bodies([load_stl(stream)])


def _is_ascii_stl(head: bytes, size: int) -> bool:
    """Binary files begin with "solid" as well, so the length decides first."""
    fits = size == STL_HEADER_BYTES + int.from_bytes(head[80:84], "little") * STL_TRIANGLE_BYTES
    return head.lstrip()[:5].lower() == b"solid" and not (fits and len(head) == STL_HEADER_BYTES)


def _read_ascii_stl(stream: BinaryIO) -> Measured:
    data = stream.read()
    vertices = sum(1 for _ in _ASCII_VERTEX.finditer(data))
    if b"endsolid" not in data[-4096:].lower() or vertices % 3:
        raise Unmeasurable("damaged")
    with warnings.catch_warnings():
        # numpy only warns of text that is no number, and stops reading there.
        warnings.simplefilter("error")
        loaded = load_stl(io.BytesIO(data))
    measured = _bodies(loaded["geometry"].values() if "geometry" in loaded else [loaded])
    if measured.triangle_count * 3 != vertices:
        raise Unmeasurable("damaged")
    return measured


def _bodies(loaded: Any) -> Measured:
    measured = Measured()
    for body in loaded:
        if "vertices" in body:
            points = np.asarray(body["vertices"], dtype=np.float64)
            measured.add(points, np.asarray(body["faces"], dtype=np.int64))
    return measured


def read_obj_file(stream: BinaryIO) -> Measured:
    """An OBJ, in mm. Given as a stream, so that no material or texture beside it is looked for."""
    geometry = trimesh.load_scene(io.BytesIO(stream.read()), file_type="obj", process=False).geometry.values()
    measured = Measured()
    for body in geometry:
        if isinstance(body, trimesh.Trimesh):
            measured.add(np.asarray(body.vertices, dtype=np.float64), np.asarray(body.faces, dtype=np.int64))
    return measured


def read_3mf_file(stream: BinaryIO) -> Measured:
    """The build items of a 3MF, with its unit and its transforms; other models in the package by reference only."""
    with zipfile.ZipFile(stream) as package:
        names = [info for info in package.infolist() if info.filename.lower().endswith(".model")]
        if sum(info.file_size for info in names) > MOST_UNPACKED_BYTES:
            raise Unmeasurable("too_large")
        models = {info.filename.lstrip("/"): _model(package, info) for info in names}
    root = models.get(DEFAULT_MODEL)
    if root is None:
        raise Unmeasurable("unsupported" if not models else "damaged")
    measured = Measured()
    for placed in Scene(models).placed(DEFAULT_MODEL):
        _add_placed(measured, placed, MM_OF_UNIT[root.unit])
    return measured


def _model(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> Model:
    with package.open(info) as part:
        return read_model(part)


def _add_placed(measured: Measured, placed: Placed, mm: float) -> None:
    with np.errstate(all="ignore"):
        points = placed.points @ placed.matrix[:3] + placed.matrix[3]
    measured.add(points * mm, placed.faces)

"""Small models and drawings, written by hand, for the tests of the estimates."""

import io
import struct
import zipfile

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {page}>{content}</svg>'
PAGE_MM = 'width="100mm" height="100mm" viewBox="0 0 100 100"'

# Two triangles a face, turned outwards.
_CUBE_CORNERS = [(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
_CUBE_FACES = [(0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4)]
_CUBE_FACES += [(2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5)]


def cube(edge=20.0):
    """The twelve triangles of a cube, each three corners."""
    return [[tuple(edge * value for value in _CUBE_CORNERS[corner]) for corner in face] for face in _CUBE_FACES]


def stl_binary(triangles, *, claimed=None):
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *sum(triangle, ()), 0) for triangle in triangles)
    return b"own work".ljust(80) + struct.pack("<I", len(triangles) if claimed is None else claimed) + body


def stl_ascii(triangles):
    facets = "".join(
        "facet normal 0 0 0\n outer loop\n"
        + "".join(f"  vertex {x} {y} {z}\n" for x, y, z in triangle)
        + " endloop\nendfacet\n"
        for triangle in triangles
    )
    return f"solid cube\n{facets}endsolid cube\n".encode()


def obj(edge=20.0):
    corners = "".join(f"v {x * edge} {y * edge} {z * edge}\n" for x, y, z in _CUBE_CORNERS)
    faces = "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in _CUBE_FACES)
    return f"mtllib elsewhere.mtl\n{corners}usemtl red\n{faces}".encode()


CUBE_MESH_XML = (
    "<mesh><vertices>"
    + "".join(f'<vertex x="{x * 20}" y="{y * 20}" z="{z * 20}"/>' for x, y, z in _CUBE_CORNERS)
    + "</vertices><triangles>"
    + "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in _CUBE_FACES)
    + "</triangles></mesh>"
)
CUBE_ITEM = '<item objectid="1"/>'


def model_xml(*, objects=f'<object id="1" type="model">{CUBE_MESH_XML}</object>', items=CUBE_ITEM, unit="millimeter"):
    return (
        f'<model unit="{unit}" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02" '
        'xmlns:p="http://schemas.microsoft.com/3dmanufacturing/production/2015/06">'
        f"<resources>{objects}</resources><build>{items}</build></model>"
    )


def threemf(*, parts=None, **model):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in (parts or {"3D/3dmodel.model": model_xml(**model)}).items():
            package.writestr(name, text)
    return stream.getvalue()


def svg(content, page=PAGE_MM):
    return SVG.format(page=page, content=content).encode()


def written(folder, content, name="file"):
    path = folder / name
    path.write_bytes(content)
    return path

"""Bytes of a CSV or XLSX file → a header and rows of text. Pure: no database, no clock.

Rows are numbered as a spreadsheet shows them, empty ones included. Formulas are never evaluated: the value that the
spreadsheet last showed counts.
"""

import csv
import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from xml.etree.ElementTree import ParseError

import openpyxl
from django.utils.translation import gettext_lazy as _
from openpyxl.utils.exceptions import InvalidFileException

from fablab.lib.spreadsheets import meant_cell
from people.imports.columns import fields_of
from people.imports.errors import UnreadableFile

MOST_BYTES = 10 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 60
MOST_CELL_LETTERS = 500
# A list of 20,000 people unpacks to about 15 MB; a bomb to gigabytes.
MOST_UNPACKED_BYTES = 80 * 1024 * 1024
MOST_PARTS = 500
SEPARATORS = (";", ",", "\t")
# The header stands in one of the first rows: titles and dates are often written above it.
HEADER_WITHIN = 10

DAMAGED = _("The file is damaged: save it again, then choose it anew.")

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` are those below the header that hold anything, with their numbers."""

    header_row: int
    header: list[str]
    rows: list[Row]


def read_table(raw: bytes) -> Table:
    """The list in the file; its kind is told by its content, not by its name.

    Raises:
        UnreadableFile: too large, of another kind, damaged, or without a row that names the columns.
    """
    if len(raw) > MOST_BYTES:
        raise UnreadableFile("too_large", _("The file is larger than 10 MB. Cut it into several."))
    if raw.startswith(b"PK\x03\x04"):
        return _table(_xlsx_rows(raw))
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile("old_excel", _("This is an old or a locked Excel file. Save it as .xlsx or as CSV."))
    text = _decoded(raw)
    # The right separator is the one by which most columns are understood.
    best = max(SEPARATORS, key=lambda separator: max(map(_understood, _csv_rows(text, separator, HEADER_WITHIN))))
    return _table(_csv_rows(text, best, MOST_ROWS + HEADER_WITHIN + 1))


def _table(rows: list[list[str]]) -> Table:
    number, header = max(
        enumerate(rows[:HEADER_WITHIN], 1), key=lambda found: (_understood(found[1]), -found[0]), default=(0, [])
    )
    if not _understood(header):
        sentence = _("No row names the columns. Write “First name”, “Name” and so on above them, as in the template.")
        raise UnreadableFile("no_header", sentence)
    while not header[-1]:
        header = header[:-1]
    body = [(n, row[: len(header)]) for n, row in enumerate(rows[number:], number + 1) if any(row[: len(header)])]
    if not body:
        raise UnreadableFile("no_rows", _("There is nobody below the names of the columns."))
    if body[-1][0] - number > MOST_ROWS:
        raise UnreadableFile("too_many_rows", _("The list is longer than 20,000 rows. Cut it into several."))
    return Table(number, header, body)


def _understood(row: list[str]) -> int:
    return len([field for field in fields_of(row) if field])


def _decoded(raw: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with it, else what older spreadsheets of Western Europe write."""
    has_utf16_mark = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if has_utf16_mark else ("utf-8-sig", "cp1252", "latin-1"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        # A text has no such characters: this is a picture, a PDF, a program.
        if not any(ord(c) < 32 and c not in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f" for c in text[:100_000]):
            return text
    raise UnreadableFile("not_a_list", _("This is no list: choose a CSV or an XLSX file."))


def _csv_rows(text: str, separator: str, most: int) -> list[list[str]]:
    body = io.StringIO(text, newline="")
    hint_rows: list[list[str]] = []
    if text[:4].lower() == "sep=":
        # Excel's own hint counts as a row of the spreadsheet; it names no column.
        body.readline()
        hint_rows = [[""]]
    try:
        return [*hint_rows, *(_cut(row) for row in islice(csv.reader(body, delimiter=separator), most))] or [[]]
    except csv.Error as error:
        raise UnreadableFile("damaged", DAMAGED) from error


def _xlsx_rows(raw: bytes) -> list[list[str]]:
    try:
        _refuse_bombs(raw)
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not sheets:
            raise UnreadableFile("damaged", DAMAGED)
        # What the file says of its own size is often wrong.
        sheets[0].reset_dimensions()
        most = MOST_ROWS + HEADER_WITHIN + 1
        rows = sheets[0].iter_rows(max_row=most, max_col=MOST_COLUMNS, values_only=True)
        return [_cut(map(_as_text, row)) for row in rows]
    except (
        zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, IndexError,
        AttributeError, OSError, EOFError, RuntimeError, OverflowError, zlib.error,
    ) as error:  # fmt: skip
        # What the library raises for a broken file is any of these: it trusts what it reads.
        raise UnreadableFile("damaged", DAMAGED) from error


def _refuse_bombs(raw: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = archive.infolist()
        # `zipfile` unpacks no more of a part than the size that it declares.
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
            raise UnreadableFile("bomb", _("The file unpacks to far too much. Save it as CSV, then choose it anew."))
        for part in parts:
            # A spreadsheet declares no entities; whoever does wants them to unfold.
            if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(part).replace(b"\x00", b""):
                raise UnreadableFile("not_a_list", _("This is no list: choose a CSV or an XLSX file."))


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _cut(cells: Iterable[str]) -> list[str]:
    """Without what nobody sees: spaces around, NUL characters (PostgreSQL refuses them), more than a cell can mean."""
    plain = (cell.replace("\x00", "").replace("\xa0", " ").strip()[:MOST_CELL_LETTERS] for cell in cells)
    return [meant_cell(cell) for cell in islice(plain, MOST_COLUMNS)]

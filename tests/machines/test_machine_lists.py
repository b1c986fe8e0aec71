"""A pasted or exported list is read whatever its writing; rubbish is refused in words, never with a crash."""

import random

import pytest

from machines.machine_lists import (
    MOST_BYTES,
    MOST_ROWS,
    Code,
    Known,
    ListRefused,
    ListRow,
    list_text,
    parse_machine_list,
)

PLAIN = "Prusa 1; 3D printer; Workshop\nBrother; sewing machine; Textile"
READ = [("Prusa 1", "fdm-printer", "Workshop"), ("Brother", "sewing-machine", "Textile")]


def facts(rows: list[ListRow]) -> list[tuple[str, str, str]]:
    return [(row.name, row.template.slug if row.template else "", row.room) for row in rows]


def codes(row: ListRow) -> list[str]:
    return [denial.code for denial in row.denials]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("; ", ","),
        PLAIN.replace("; ", "\t"),
        PLAIN.replace("\n", "\r\n") + "\r\n\r\n",
        PLAIN.replace("\n", "\r"),
        "Name;Kind;Room\n" + PLAIN,
        "nom ; catégorie ; salle\n" + PLAIN,
        "sep=;\n" + PLAIN,
        "sep=,\n" + PLAIN.replace("; ", ","),
        '"Prusa 1";"3D printer";"Workshop"\n"Brother";"sewing machine";"Textile"',
        '="Prusa 1";="3D printer";="Workshop"\n="Brother";="sewing machine";="Textile"',
        "Prusa\u00a01;3D\u00a0printer; Workshop;;;\n;;;;;\nBrother;Sewing Machines;Textile;;;",
        "Room;Machine;Type\nWorkshop;Prusa 1;3D printer\nTextile;Brother;couture",
    ],
    ids=[
        "semicolons", "commas", "tabs", "Windows lines", "old Mac lines", "English titles", "French titles",
        "sep line", "sep line that chooses", "quoted", "text as formulas", "no-break spaces and empty cells",
        "other order",
    ],
)  # fmt: skip
def test_list_is_read_however_it_is_written(text: str) -> None:
    rows = parse_machine_list(list_text(text.encode()), Known())

    assert facts(rows) == READ
    assert [row for row in rows if not row.is_to_be_made] == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_accents_survive_every_encoding(encoding: str) -> None:
    data = "Fraiseuse à commande; Fraiseuse numérique; Atelier bois – étage".encode(encoding)

    rows = parse_machine_list(list_text(data), Known())

    assert facts(rows) == [("Fraiseuse à commande", "cnc-mill", "Atelier bois – étage")]


def test_comma_inside_a_name_does_not_choose_the_separator() -> None:
    rows = parse_machine_list("Laser 60 W, large; laser; Workshop\nPC 1; pc; Hall", Known())

    assert facts(rows) == [("Laser 60 W, large", "laser-cutter", "Workshop"), ("PC 1", "public-pc", "Hall")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.EMPTY),
        (b"\xef\xbb\xbf", Code.EMPTY),
        (b"\n\n ; ; \n", Code.EMPTY),
        (b"Name;Kind;Room\n", Code.EMPTY),
        (b"PK\x03\x04" + b"x" * 50, Code.WORKBOOK),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", Code.WORKBOOK),
        (b"%PDF-1.7\x00\x01", Code.NOT_TEXT),
        (b"a;b\x00c", Code.NOT_TEXT),
        (b"\xff\xfea", Code.NOT_TEXT),
        (b"x" * (MOST_BYTES + 1), Code.TOO_LARGE),
        ("\n".join(f"M {n};laser" for n in range(5000)).encode(), Code.TOO_MANY_ROWS),
        (b'"' + b"x" * 200_000, Code.NOT_TEXT),
    ],
    ids=[
        "nothing", "only a mark", "only separators", "only titles", "xlsx", "xls", "PDF", "zero byte",
        "half a letter", "too large", "5,000 lines", "one endless cell",
    ],
)  # fmt: skip
def test_rubbish_is_refused_with_its_reason(data: bytes, code: Code) -> None:
    with pytest.raises(ListRefused) as refusal:
        parse_machine_list(list_text(data), Known())

    assert refusal.value.denial.code == code


def test_random_bytes_are_read_or_refused_and_nothing_else() -> None:
    dice = random.Random(3)

    for _round in range(300):
        data = bytes(dice.choices(range(256), k=dice.randint(0, 200)))
        try:
            rows = parse_machine_list(list_text(data), Known())
        except ListRefused:
            continue
        assert len(rows) <= MOST_ROWS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("; laser; Hall", [Code.NAME_MISSING]),
        ("Laser", [Code.KIND_MISSING]),
        ("Laser;;Hall", [Code.KIND_MISSING]),
        (f"{'x' * 81}; laser", [Code.NAME_TOO_LONG]),
        (f"Laser; {'y ' * 41}", [Code.KIND_TOO_LONG]),
        (f"Laser; laser; {'z' * 81}", [Code.ROOM_TOO_LONG]),
        ("Prusa; 3D pirnter", [Code.KIND_UNCLEAR]),
        ("; ; Hall", [Code.NAME_MISSING, Code.KIND_MISSING]),
        ("Plasma; plasma torch; Hall", []),
    ],
    ids=[
        "no name", "name only", "no kind", "long name", "long kind", "long room", "slip of the pen", "two reasons",
        "kind of their own",
    ],
)  # fmt: skip
def test_line_says_all_that_is_wrong_with_it(line: str, expected: list[Code]) -> None:
    (row,) = parse_machine_list(line, Known())

    assert codes(row) == expected


def test_slip_of_the_pen_is_answered_with_what_was_meant() -> None:
    (row,) = parse_machine_list("Machin; decoupeuse lazer", Known())

    assert row.denials[0].params["near"] in ("Découpeuses laser", "Laser cutters")


def test_same_name_twice_points_to_the_first_line() -> None:
    rows = parse_machine_list("Name;Kind\n\nPC 1;pc\npc  1;pc", Known())

    assert [(row.line, codes(row)) for row in rows] == [(3, []), (4, [Code.NAME_TWICE])]
    assert rows[1].denials[0].params == {"line": 3}


def test_what_is_there_is_recognised() -> None:
    known = Known(kinds=["Métier à tisser", "Looms"], rooms=["Atelier bois"], machines=["Laser 1"])

    rows = parse_machine_list("laser 1; laser; ATELIER BOIS\nJacquard; loom; Étage", known)

    assert [(row.is_there, row.is_to_be_made) for row in rows] == [(True, False), (False, True)]
    assert [(row.room, row.is_new_room) for row in rows] == [("Atelier bois", False), ("Étage", True)]
    assert (rows[1].kind, rows[1].is_new_kind, rows[1].template) == ("Looms", False, None)


def test_cell_that_spans_lines_keeps_the_line_numbers_right() -> None:
    rows = parse_machine_list('"Laser\nbig"; laser\nPC;pc', Known())

    assert [(row.line, row.name) for row in rows] == [(1, "Laser big"), (3, "PC")]

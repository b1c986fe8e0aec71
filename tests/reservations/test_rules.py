"""Why a reservation is refused: one row per case, each row says the whole answer."""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from fablab.lib.intervals import Interval
from machines.models.booking_settings import Attendance, BookingSettings
from reservations.messages import WORDS, sentence_of
from reservations.rules import (
    BookingFacts,
    Code,
    HeldQualification,
    Purpose,
    SuspensionFact,
    Unavailability,
    WantedQualification,
    blocked_interval,
    reservation_denials,
)
from tests.factories import NOW, PARIS, at, minutes

SETTINGS = BookingSettings(
    attendance=Attendance.THROUGHOUT,
    shortest=minutes(30),
    longest=minutes(240),
    grid=minutes(15),
    notice=minutes(0),
    window=dt.timedelta(days=28),
    setup_buffer=minutes(0),
    cleanup_buffer=minutes(0),
)
LASER = WantedQualification("Laser", "Laser", "Mardi", "Tuesdays", level=2)
MONTH_AGO = NOW - dt.timedelta(days=30)
YEAR = tuple(Interval(NOW + dt.timedelta(days=d), NOW + dt.timedelta(days=d + 1)) for d in range(-400, 400))
ALWAYS = (Interval(YEAR[0].start, YEAR[-1].end),)
TEN_TO_SEVEN = (Interval(at("10:00"), at("19:00")), Interval(at("2026-03-12 10:00"), at("2026-03-12 19:00")))
START = {"attendance": Attendance.START, "longest": dt.timedelta(days=2)}


@dataclass(frozen=True)
class Case:
    """What is asked for, what differs from a free machine open round the clock, and the codes of the answer."""

    name: str
    answer: list[Code]
    start: str = "14:00"
    end: str = "15:00"
    settings: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    now: dt.datetime = NOW

    @property
    def denials(self):
        facts = BookingFacts(
            **({"zone": PARIS, "settings": replace(SETTINGS, **self.settings), "opening": ALWAYS} | self.facts)
        )
        return reservation_denials(facts=facts, start=at(self.start), end=at(self.end), now=self.now)


def span(start, end):
    return Interval(at(start), at(end))


def out(start, end=None):
    return {"unavailable": (Unavailability(at(start), at(end) if end else None, "belt", "fault"),)}


def taken(start, end, **more):
    return {"taken": (span(start, end),), **more}


def busy(start, end, **more):
    return {"busy": ((span(start, end), "Prusa 1"),), **more}


def holds(*grants):
    """The person's grants of the wanted qualification: (level, granted, expires)."""
    return {"wanted": LASER, "held": tuple(HeldQualification(*grant) for grant in grants)}


CASES = {
    Code.CLOSED: [
        Case("exactly the opening hours", [], "10:00", "19:00", {"longest": minutes(540)}, {"opening": TEN_TO_SEVEN}),
        Case("a quarter before opening", [Code.CLOSED], "09:45", "11:00", facts={"opening": TEN_TO_SEVEN}),
        Case("a quarter after closing", [Code.CLOSED], "18:00", "19:15", facts={"opening": TEN_TO_SEVEN}),
        Case("across the night", [Code.CLOSED], "18:00", "2026-03-12 11:00", {"longest": minutes(1440)},
             {"opening": TEN_TO_SEVEN}),
        Case("never open", [Code.CLOSED], facts={"opening": ()}),
        Case("unattended, runs the night", [], "17:00", "2026-03-12 07:00", START, {"opening": TEN_TO_SEVEN}),
        Case("unattended, starts at opening", [], "10:00", "11:00", START, {"opening": TEN_TO_SEVEN}),
        Case("unattended, starts at closing", [Code.CLOSED], "19:00", "20:00", START, {"opening": TEN_TO_SEVEN}),
    ],
    Code.MACHINE_UNAVAILABLE: [
        Case("outage ends as it starts", [], facts=out("13:00", "14:00")),
        Case("outage starts as it ends", [], facts=out("15:00")),
        Case("outage without end", [Code.MACHINE_UNAVAILABLE], facts=out("09:00")),
        Case("outage in the middle", [Code.MACHINE_UNAVAILABLE], facts=out("14:20", "14:21")),
        Case("two outages are one reason", [Code.MACHINE_UNAVAILABLE],
             facts={"unavailable": out("14:00")["unavailable"] + out("13:00")["unavailable"]}),
    ],
    Code.TAKEN: [
        Case("back to back before", [], facts=taken("13:00", "14:00")),
        Case("back to back after", [], facts=taken("15:00", "16:00")),
        Case("the same time", [Code.TAKEN], facts=taken("14:00", "15:00")),
        Case("one second too long", [Code.TAKEN], facts=taken("13:00", "14:00:01")),
        Case("own clean-up reaches the next", [Code.TAKEN],
             facts=taken("15:10", "16:00", blocked=span("14:00", "15:15"))),
        Case("own clean-up ends as the next begins", [],
             facts=taken("15:15", "16:00", blocked=span("14:00", "15:15"))),
    ],
    Code.TOO_SHORT: [
        Case("exactly the shortest", [], "14:00", "14:30"),
        Case("a step under the shortest", [Code.TOO_SHORT], "14:00", "14:15"),
        Case("no length at all", [Code.TOO_SHORT], "14:00", "14:00", {"shortest": minutes(0)}),
        Case("ends before it starts", [Code.TOO_SHORT], "14:00", "13:00", {"shortest": minutes(0)}),
    ],
    Code.TOO_LONG: [
        Case("exactly the longest", [], "14:00", "18:00"),
        Case("a step over the longest", [Code.TOO_LONG], "14:00", "18:15"),
    ],
    Code.OFF_GRID: [
        Case("on the grid", [], "14:15", "15:45"),
        Case("start off the grid", [Code.OFF_GRID], "14:05", "15:00"),
        Case("end off the grid", [Code.OFF_GRID], "14:00", "15:05"),
        Case("off by a second", [Code.OFF_GRID], "14:00:01", "15:00"),
        Case("a start at the machine is when it is", [], "14:05", "15:07", facts={"purpose": Purpose.START}),
        Case("an extension keeps its start", [], "14:05", "15:00", facts={"purpose": Purpose.EXTEND}),
        Case("an extension ends on the grid", [Code.OFF_GRID], "14:05", "15:05", facts={"purpose": Purpose.EXTEND}),
        Case("a move is on the grid", [Code.OFF_GRID], "14:05", "15:00", facts={"purpose": Purpose.MOVE}),
        Case("hours by the local clock", [], "2026-03-29 04:00", "2026-03-29 05:00", {"grid": minutes(60)}),
    ],
    Code.TOO_SOON: [
        Case("now", [], "09:00", "10:00"),
        Case("the step that runs", [], "09:00", "10:00", now=at("09:14")),
        Case("the step before", [Code.TOO_SOON], "08:45", "10:00"),
        Case("exactly the notice", [], "11:00", "12:00", {"notice": minutes(120)}),
        Case("a step under the notice", [Code.TOO_SOON], "10:45", "12:00", {"notice": minutes(120)}),
        Case("a start wants no notice", [], "09:00", "10:00", {"notice": minutes(120)}, {"purpose": Purpose.START}),
        Case("an extension wants no notice", [], "08:00", "10:00", {"notice": minutes(120)},
             {"purpose": Purpose.EXTEND}),
        Case("an extension ends after now", [Code.TOO_SOON], "08:00", "09:00", {}, {"purpose": Purpose.EXTEND}),
        Case("a move wants the notice", [Code.TOO_SOON], "10:45", "12:00", {"notice": minutes(120)},
             {"purpose": Purpose.MOVE}),
    ],
    Code.TOO_FAR: [
        Case("exactly the furthest", [], "2026-03-12 09:00", "2026-03-12 10:00", {"window": dt.timedelta(days=1)}),
        Case("a step further", [Code.TOO_FAR], "2026-03-12 09:15", "2026-03-12 10:00",
             {"window": dt.timedelta(days=1)}),
    ],
    Code.PERSON_BUSY: [
        Case("busy until the start", [], facts=busy("13:00", "14:00")),
        Case("busy from the end", [], facts=busy("15:00", "16:00")),
        Case("busy for the last second", [Code.PERSON_BUSY], facts=busy("14:59:59", "16:00")),
        Case("this machine runs alone", [], settings=START, facts=busy("14:00", "15:00")),
    ],
    Code.QUALIFICATION_MISSING: [
        Case("nothing is wanted", [], facts={"held": ()}),
        Case("valid for good", [], facts=holds((2, MONTH_AGO, None))),
        Case("none held", [Code.QUALIFICATION_MISSING], facts=holds()),
        Case("granted only after the start", [Code.QUALIFICATION_MISSING], facts=holds((2, at("14:01"), None))),
        Case("granted by the start", [], facts=holds((2, at("14:00"), None))),
        Case("granted in the step that runs", [], "09:00", "10:00", facts=holds((2, at("09:05"), None)),
             now=at("09:06")),
    ],
    Code.QUALIFICATION_EXPIRED: [
        Case("expires a second after the start", [], facts=holds((2, MONTH_AGO, at("14:00:01")))),
        Case("expires at the start", [Code.QUALIFICATION_EXPIRED], facts=holds((2, MONTH_AGO, at("14:00")))),
        Case("expired, then renewed", [], facts=holds((2, MONTH_AGO, at("09:00")), (2, at("09:00"), None))),
        Case("expired, to be renewed later", [Code.QUALIFICATION_EXPIRED],
             facts=holds((2, MONTH_AGO, at("09:00")), (2, at("18:00"), None))),
    ],
    Code.QUALIFICATION_LEVEL: [
        Case("a higher level", [], facts=holds((3, MONTH_AGO, None))),
        Case("one level under", [Code.QUALIFICATION_LEVEL], facts=holds((1, MONTH_AGO, None))),
        Case("the wanted level has expired", [Code.QUALIFICATION_LEVEL],
             facts=holds((1, MONTH_AGO, None), (2, MONTH_AGO, at("09:00")))),
    ],
    Code.SUSPENDED: [
        Case("not suspended", [], facts={"suspension": None}),
        Case("until a day", [Code.SUSPENDED], facts={"suspension": SuspensionFact("late", at("2026-03-20 09:00"))}),
        Case("until further notice", [Code.SUSPENDED], facts={"suspension": SuspensionFact("late", None)}),
    ],
}  # fmt: skip
ALL_CASES = [pytest.param(case, id=f"{code}: {case.name}") for code, cases in CASES.items() for case in cases]


@pytest.mark.parametrize("case", ALL_CASES)
def test_reservation_denials_are_exactly(case):
    assert [denial.code for denial in case.denials] == case.answer


@pytest.mark.parametrize("code", Code, ids=str)
def test_code_has_a_refused_and_an_allowed_row(code):
    answers = [case.answer for case in CASES[code]]

    assert [code] in answers
    assert [] in answers


def test_code_is_known_to_the_words():
    assert set(WORDS) == set(Code)


@pytest.mark.parametrize("case", [row for row in ALL_CASES if row.values[0].answer])
def test_denial_becomes_a_sentence_with_its_next_step(case):
    sentences = [sentence_of(denial) for denial in case.denials]

    assert [sentence.code for sentence in sentences] == [str(code) for code in case.answer]
    assert all(sentence.message and sentence.next_step for sentence in sentences)


def test_every_reason_is_reported_at_once():
    case = Case(
        "everything wrong",
        [],
        "07:50",
        "07:55",
        {"notice": minutes(60), "window": dt.timedelta(days=-1)},
        holds()
        | out("07:00")
        | taken("07:00", "08:00")
        | busy("07:00", "08:00")
        | {"opening": TEN_TO_SEVEN, "suspension": SuspensionFact("late", None)},
    )

    assert [denial.code for denial in case.denials] == [
        Code.SUSPENDED,
        Code.QUALIFICATION_MISSING,
        Code.MACHINE_UNAVAILABLE,
        Code.CLOSED,
        Code.TAKEN,
        Code.PERSON_BUSY,
        Code.TOO_SHORT,
        Code.OFF_GRID,
        Code.TOO_SOON,
        Code.TOO_FAR,
    ]


@pytest.mark.parametrize(
    ("start", "end", "settings", "expected"),
    [
        ("14:00", "15:00", {}, ("14:00", "15:00")),
        ("14:00", "15:00", {"setup_buffer": minutes(10), "cleanup_buffer": minutes(15)}, ("13:50", "15:15")),
        ("17:00", "2026-03-12 07:00", START, ("17:00", "2026-03-12 10:00")),
        ("17:00", "19:00", START, ("17:00", "19:00")),
        ("17:00", "19:15", START | {"cleanup_buffer": minutes(15)}, ("17:00", "2026-03-12 10:15")),
        ("17:00", "2026-03-12 10:00", START, ("17:00", "2026-03-12 10:00")),
        ("17:00", "2026-03-12 11:00", START, ("17:00", "2026-03-12 11:00")),
        ("2026-03-12 18:00", "2026-03-13 02:00", START, ("2026-03-12 18:00", "2026-03-13 02:00")),
    ],
    ids=[
        "no buffers",
        "both buffers",
        "ends in the night",
        "ends at closing",
        "clean-up after the next opening",
        "ends at opening",
        "ends while open",
        "no next opening known",
    ],
)
def test_blocked_interval_covers(start, end, settings, expected):
    blocked = blocked_interval(span(start, end), replace(SETTINGS, **settings), TEN_TO_SEVEN)

    assert blocked == span(*expected)

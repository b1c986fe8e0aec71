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
    CompanionFact,
    HeldQualification,
    PartFact,
    PersonFact,
    Purpose,
    QuotaFact,
    SuspensionFact,
    Unavailability,
    UnsignedRules,
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
LENT = {"is_lent": True, "longest": dt.timedelta(days=14)}
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


def person(**fields):
    return {"person": PersonFact(**fields)}


def limit(held, asked, most=360, period="week", measure="minutes"):
    return {"quotas": (QuotaFact(measure, period, most, held, asked, names={"fr": "Lasers", "en": "Lasers"}),)}


def part(*, taken=(), blocked=("14:00", "15:00"), out_from=None):
    away = (Unavailability(at(out_from), None, "filter", "fault"),) if out_from else ()
    return {"parts": (PartFact("Extractor", 7, span(*blocked) if blocked else None, tuple(taken), away),)}


def companion(**fields):
    return {"companions": (CompanionFact("Zoé", **fields),)}


def duty(*spans, risk=2, **more):
    return {"risk": risk, "supervised": tuple(span(*one) for one in spans), **more}


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
        Case("lent, over the night", [], "17:00", "2026-03-12 11:00", LENT, {"opening": TEN_TO_SEVEN}),
        Case("lent, back as we open", [], "17:00", "2026-03-12 10:00", LENT, {"opening": TEN_TO_SEVEN}),
        Case("lent, back as we close", [], "10:00", "2026-03-12 19:00", LENT, {"opening": TEN_TO_SEVEN}),
        Case("lent, back before we open", [Code.CLOSED], "17:00", "2026-03-12 09:45", LENT,
             {"opening": TEN_TO_SEVEN}),
        Case("lent, fetched as we close", [Code.CLOSED], "19:00", "2026-03-12 11:00", LENT,
             {"opening": TEN_TO_SEVEN}),
        Case("lent, neither end while open", [Code.CLOSED, Code.CLOSED], "09:00", "20:00",
             LENT | {"longest": minutes(2880)}, {"opening": TEN_TO_SEVEN}),
        Case("lent, longer though fetched at another hour", [], "09:00", "2026-03-12 11:00", LENT,
             {"opening": TEN_TO_SEVEN, "purpose": Purpose.EXTEND}),
        Case("lent, back on a day without hours", [Code.CLOSED], "17:00", "2026-03-13 11:00", LENT,
             {"opening": TEN_TO_SEVEN}),
    ],
    Code.MACHINE_UNAVAILABLE: [
        Case("outage ends as it starts", [], facts=out("13:00", "14:00")),
        Case("outage starts as it ends", [], facts=out("15:00")),
        Case("outage without end", [Code.MACHINE_UNAVAILABLE], facts=out("09:00")),
        Case("outage in the middle", [Code.MACHINE_UNAVAILABLE], facts=out("14:20", "14:21")),
        Case("what goes with it is broken", [Code.MACHINE_UNAVAILABLE], facts=part(blocked=None, out_from="09:00")),
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
        Case("what goes with it is taken", [Code.TAKEN], facts=part(taken=[span("14:30", "16:00")])),
        Case("what goes with it is free by then", [], facts=part(taken=[span("13:00", "14:00")])),
        Case("what goes with it is cleaned longer", [Code.TAKEN],
             facts=part(taken=[span("15:10", "16:00")], blocked=("14:00", "15:15"))),
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
        Case("a move away with the notice for moving", [], settings={"change_notice": minutes(60)},
             facts={"purpose": Purpose.MOVE, "changes_from": span("10:00", "11:00")}),
        Case("a move away a minute too late", [Code.TOO_SOON], settings={"change_notice": minutes(61)},
             facts={"purpose": Purpose.MOVE, "changes_from": span("10:00", "11:00")}),
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
        Case("this machine is taken home", [], settings=LENT, facts=busy("14:00", "15:00")),
        Case("who comes along is busy", [Code.PERSON_BUSY],
             facts=companion(busy=((span("14:00", "15:00"), "Prusa 1"),))),
        Case("who comes along is free", [], facts=companion(busy=((span("15:00", "16:00"), "Prusa 1"),))),
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
    Code.QUOTA_EXCEEDED: [
        Case("exactly the limit", [], facts=limit(300, 60)),
        Case("a minute over the limit", [Code.QUOTA_EXCEEDED], facts=limit(301, 60)),
        Case("one too many this month", [Code.QUOTA_EXCEEDED], facts=limit(3, 1, 3, "month", "count")),
        Case("nothing more is asked for", [], facts=limit(500, 0)),
        Case("less is asked for", [], facts=limit(500, -30)),
        Case("no limit", []),
        Case("the limit of who comes along", [Code.QUOTA_EXCEEDED], facts=companion(quotas=limit(300, 61)["quotas"])),
    ],
    Code.TOO_MANY_OPEN: [
        Case("the last one that is allowed", [], facts=limit(2, 1, 3, "to_come", "count")),
        Case("one more than is allowed", [Code.TOO_MANY_OPEN], facts=limit(3, 1, 3, "to_come", "count")),
        Case("exactly the pause between two", [], settings={"rest": minutes(60)},
             facts={"of_kind": (span("12:00", "13:00"), span("16:00", "17:00"))}),
        Case("a minute too near to the one before", [Code.TOO_MANY_OPEN], settings={"rest": minutes(60)},
             facts={"of_kind": (span("12:00", "13:01"),)}),
        Case("a minute too near to the one after", [Code.TOO_MANY_OPEN], settings={"rest": minutes(60)},
             facts={"of_kind": (span("15:59", "17:00"),)}),
        Case("an extension is no second one", [], settings={"rest": minutes(60)},
             facts={"of_kind": (span("15:30", "17:00"),), "purpose": Purpose.EXTEND}),
    ],
    Code.RULES_UNSIGNED: [
        Case("all signed", [], facts=person()),
        Case("a ticket without a name signs nothing", []),
        Case("the site's are not", [Code.RULES_UNSIGNED], facts=person(unsigned=(UnsignedRules(1, "Riverside"),))),
        Case("neither the site's nor the machine's", [Code.RULES_UNSIGNED, Code.RULES_UNSIGNED],
             facts=person(unsigned=(UnsignedRules(1, "Riverside"), UnsignedRules(2, "Laser")))),
    ],
    Code.SUPERVISION_REQUIRED: [
        Case("nobody need be there", [], facts={"risk": 3, "supervised": None}),
        Case("no risk to speak of", [], facts=duty(risk=1)),
        Case("on duty all along", [], facts=duty(("14:00", "15:00"))),
        Case("leaves a minute early", [Code.SUPERVISION_REQUIRED], facts=duty(("13:00", "14:59"))),
        Case("nobody at all", [Code.SUPERVISION_REQUIRED], facts=duty()),
        Case("runs alone, on duty at the start", [], "14:00", "18:00", START, duty(("13:00", "14:01"))),
        Case("runs alone, gone at the start", [Code.SUPERVISION_REQUIRED], "14:00", "18:00", START,
             duty(("13:00", "14:00"))),
        Case("a buddy will do", [], facts=duty(**companion())),
        Case("a buddy will not do for the gravest", [Code.SUPERVISION_REQUIRED], facts=duty(risk=3, **companion())),
        Case("closed is reason enough", [Code.CLOSED], facts=duty(opening=())),
        Case("a start, somebody is checked in", [], facts=duty(("14:00", "15:00"), purpose=Purpose.START)),
        Case("a start, only somebody later", [Code.SUPERVISION_REQUIRED],
             facts=duty(("14:30", "18:00"), purpose=Purpose.START)),
        Case("a buddy without the holder is alone", [Code.SUPERVISION_REQUIRED],
             facts=duty(**companion(), holder_comes=False)),
        Case("a start with a buddy", [], facts=duty(purpose=Purpose.START, **companion())),
    ],
    Code.AGE_LIMIT: [
        Case("of age whatever the birthday", [], settings={"least_age_y": 16}, facts=person(birth_year=2009)),
        Case("perhaps not yet", [Code.AGE_LIMIT], settings={"least_age_y": 16}, facts=person(birth_year=2010)),
        Case("nobody knows", [Code.AGE_LIMIT], settings={"least_age_y": 16}, facts=person()),
        Case("any age will do", [], facts=person(birth_year=2020)),
        Case("a ticket without a name has no age", [], settings={"least_age_y": 16}),
    ],
    Code.GUARDIAN_REQUIRED: [
        Case("old enough to come alone", [], settings={"guardian_below_y": 14}, facts=person(birth_year=2011)),
        Case("too young to come alone", [Code.GUARDIAN_REQUIRED], settings={"guardian_below_y": 14},
             facts=person(birth_year=2012)),
        Case("comes with the responsible adult", [], settings={"guardian_below_y": 14},
             facts=person(birth_year=2012, guardian_comes=True)),
        Case("gave no year of birth", [], settings={"guardian_below_y": 14}, facts=person()),
    ],
    Code.MEMBERSHIP_REQUIRED: [
        Case("has a plan", [], settings={"needs_membership": True}, facts=person(has_plan=True)),
        Case("has none", [Code.MEMBERSHIP_REQUIRED], settings={"needs_membership": True}, facts=person()),
        Case("none is wanted", [], facts=person()),
    ],
    Code.CREDIT_EXHAUSTED: [
        Case("just enough", [], settings={"credits_per_hour": 2}, facts=person(credits_left=2)),
        Case("one too few", [Code.CREDIT_EXHAUSTED], settings={"credits_per_hour": 2}, facts=person(credits_left=1)),
        Case("a begun credit is a whole one", [Code.CREDIT_EXHAUSTED], "14:00", "14:45", {"credits_per_hour": 3},
             person(credits_left=2)),
        Case("costs nothing", [], facts=person()),
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

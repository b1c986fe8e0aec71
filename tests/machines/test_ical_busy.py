"""When another calendar says that a machine is taken: series, exceptions, the change of clocks, and hostile bodies."""

import datetime as dt
import time
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest

from fablab.lib.intervals import Interval
from machines.ical_busy import MOST, busy_times
from machines.ical_events import CalendarUnreadable

PARIS = ZoneInfo("Europe/Paris")
# Clocks go forward on 29 March.
WINDOW = Interval(dt.datetime(2026, 3, 10, tzinfo=dt.UTC), dt.datetime(2026, 6, 8, tzinfo=dt.UTC))


def calendar(*events: str) -> bytes:
    """Each event from its lines, written after one another with `|` between."""
    blocks = ["\r\n".join(["BEGIN:VEVENT", *event.split("|"), "END:VEVENT"]) for event in events]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *blocks, "END:VCALENDAR", ""]).encode()


def times(*events: str, window: Interval = WINDOW) -> list[str]:
    """What is taken, in UTC."""
    found = busy_times(calendar(*events), zone=PARIS, window=window)
    assert found.skipped == 0
    return [f"{busy.start:%m-%d %H:%M}/{busy.end:%m-%d %H:%M}" for busy in found.times]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART:20260311T090000Z|DTEND:20260311T100000Z", ["03-11 09:00/03-11 10:00"]),
        ("DTSTART:20260311T090000|DTEND:20260311T100000", ["03-11 08:00/03-11 09:00"]),
        ("DTSTART;TZID=America/New_York:20260311T090000|DURATION:PT2H", ["03-11 13:00/03-11 15:00"]),
        ("DTSTART;TZID=Romance Standard Time:20260311T090000|DURATION:PT1H", ["03-11 08:00/03-11 09:00"]),
        ("DTSTART;TZID=\"/citadel.org/20260101/Europe/Paris\":20260311T090000|DURATION:PT1H",
         ["03-11 08:00/03-11 09:00"]),
        ("DTSTART;TZID=Our own:20260311T090000|DURATION:PT1H", ["03-11 08:00/03-11 09:00"]),
        ("DTSTART;VALUE=DATE:20260311", ["03-10 23:00/03-11 23:00"]),
        ("DTSTART;VALUE=DATE:20260328|DTEND;VALUE=DATE:20260330", ["03-27 23:00/03-29 22:00"]),
        ("DTSTART;VALUE=DATE:20260329|DURATION:P1D", ["03-28 23:00/03-29 22:00"]),
        ("DTSTART;TZID=Europe/Paris:20260329T023000|DURATION:PT1H", ["03-29 01:30/03-29 02:30"]),
        ("DTSTART:20260311T090000Z", []),
        ("DTSTART:20260311T090000Z|DTEND:20260311T080000Z", []),
        ("DTSTART:20260309T090000Z|DTEND:20260310T000000Z", []),
        ("DTSTART:20260309T090000Z|DTEND:20260310T000001Z", ["03-09 09:00/03-10 00:00"]),
        ("DTSTART:20260608T000000Z|DTEND:20260608T100000Z", []),
        ("STATUS:CANCELLED|DTSTART:20260311T090000Z|DURATION:PT1H", []),
        ("TRANSP:TRANSPARENT|DTSTART:20260311T090000Z|DURATION:PT1H", []),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE|DTSTART:20260311T090000Z|DURATION:PT1H", []),
        ("STATUS:TENTATIVE|DTSTART:20260311T090000Z|DURATION:PT1H", ["03-11 09:00/03-11 10:00"]),
    ],
    ids=[
        "UTC", "floating", "of a zone", "Windows' name", "vendor's name", "unknown zone", "whole day",
        "two days of 47 h",
        "day of 23 h", "time that is skipped", "no length", "ends before it starts", "over", "just touches",
        "beyond", "cancelled", "transparent", "free in Outlook", "tentative",
    ],
)  # fmt: skip
def test_single_event(event, expected):
    assert times(f"UID:a|{event}") == expected


def test_class_at_nine_stays_at_nine_when_the_clocks_change():
    found = times(
        "UID:a|DTSTART;TZID=Europe/Paris:20260318T090000|DTEND;TZID=Europe/Paris:20260318T110000"
        "|RRULE:FREQ=WEEKLY;COUNT=4"
    )

    assert found == [
        "03-18 08:00/03-18 10:00", "03-25 08:00/03-25 10:00", "04-01 07:00/04-01 09:00", "04-08 07:00/04-08 09:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("RRULE:FREQ=DAILY;UNTIL=20260313T080000Z", ["03-11", "03-12", "03-13"]),
        ("RRULE:FREQ=DAILY;UNTIL=20260313T075959Z", ["03-11", "03-12"]),
        ("RRULE:FREQ=DAILY;UNTIL=20260312", ["03-11", "03-12"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", ["03-11", "03-16", "03-18"]),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1FR", ["03-11", "03-27", "04-24", "05-29"]),
        ("RRULE:FREQ=YEARLY", ["03-11"]),
        ("RRULE:FREQ=DAILY;COUNT=4|EXDATE;TZID=Europe/Paris:20260312T090000,20260313T090000", ["03-11", "03-14"]),
        ("RRULE:FREQ=DAILY;COUNT=4|EXDATE:20260312T080000Z", ["03-11", "03-13", "03-14"]),
        ("RRULE:FREQ=DAILY;COUNT=3|EXDATE;VALUE=DATE:20260312", ["03-11", "03-13"]),
        ("RDATE;TZID=Europe/Paris:20260401T090000|RRULE:FREQ=DAILY;COUNT=2", ["03-11", "03-12", "04-01"]),
    ],
)
def test_series(rule, expected):
    found = times(f"UID:a|DTSTART;TZID=Europe/Paris:20260311T090000|DURATION:PT1H|{rule}")

    assert [row[:5] for row in found] == expected


def test_series_of_long_ago_reaches_the_window():
    found = times("UID:a|DTSTART;VALUE=DATE:20100101|RRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1")

    assert found == ["04-30 22:00/05-01 22:00"]


def test_further_date_with_a_length_of_its_own():
    found = times(
        "UID:a|DTSTART:20260311T090000Z|DURATION:PT1H|RDATE;VALUE=PERIOD:20260312T090000Z/PT3H,"
        "20260313T090000Z/20260313T093000Z"
    )

    assert found == ["03-11 09:00/03-11 10:00", "03-12 09:00/03-12 12:00", "03-13 09:00/03-13 09:30"]


def test_one_date_of_a_series_is_moved_and_another_cancelled():
    found = times(
        "UID:a|DTSTART;TZID=Europe/Paris:20260311T090000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=4",
        "UID:a|RECURRENCE-ID;TZID=Europe/Paris:20260312T090000|DTSTART;TZID=Europe/Paris:20260312T140000|DURATION:PT2H",
        "UID:a|RECURRENCE-ID:20260313T080000Z|STATUS:CANCELLED|DTSTART:20260313T080000Z|DURATION:PT1H",
        "UID:b|RECURRENCE-ID:20260501T080000Z|DTSTART:20260501T080000Z|DURATION:PT1H",
    )

    assert found == [
        "03-11 08:00/03-11 09:00", "03-12 13:00/03-12 15:00", "03-14 08:00/03-14 09:00", "05-01 08:00/05-01 09:00",
    ]  # fmt: skip


def test_this_and_all_that_follow_are_moved():
    found = times(
        "UID:a|DTSTART;TZID=Europe/Paris:20260326T090000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=5",
        "UID:a|RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Paris:20260328T090000"
        "|DTSTART;TZID=Europe/Paris:20260328T100000|DURATION:PT2H",
    )

    assert [row[:11] for row in found] == ["03-26 08:00", "03-27 08:00", "03-28 09:00", "03-29 08:00", "03-30 08:00"]
    assert found[-1] == "03-30 08:00/03-30 10:00"


def test_what_never_ends_ends_in_two_years():
    (busy,) = busy_times(
        calendar("UID:a|DTSTART;VALUE=DATE:00100101|DTEND;VALUE=DATE:99980101"), zone=PARIS, window=WINDOW
    ).times

    assert (busy.start.year, busy.end.year) == (2025, 2028)


def test_name_of_the_event_is_not_kept_as_it_is():
    (busy,) = busy_times(
        calendar("UID:zoe@example.org|DTSTART:20260311T090000Z|DURATION:PT1H"), zone=PARIS, window=WINDOW
    ).times

    assert "zoe" not in busy.uid
    assert len(busy.uid) == 32


def test_two_of_one_name_at_one_time_are_one_and_the_longest():
    assert times("UID:a|DTSTART:20260311T090000Z|DURATION:PT1H", "UID:a|DTSTART:20260311T090000Z|DURATION:PT3H") == [
        "03-11 09:00/03-11 12:00"
    ]


def test_most_are_taken_and_it_is_said():
    found = busy_times(
        calendar("UID:a|DTSTART:20260311T000000Z|DURATION:PT1M|RRULE:FREQ=DAILY;BYHOUR=8,9;BYMINUTE="
                 + ",".join(map(str, range(60)))),
        zone=PARIS, window=WINDOW,
    )  # fmt: skip

    assert (len(found.times), found.is_cut) == (MOST, True)
    assert found.times[1].start == dt.datetime(2026, 3, 11, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>Sign in</html>", b"\x00\xff" * 500, calendar()[:-20], b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nEND:VCALENDAR",
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 9000 + b"END:VCALENDAR",
    ],
    ids=["nothing", "a page", "noise", "cut", "no calendar", "an event without an end", "nested"],
)  # fmt: skip
def test_what_is_no_calendar_is_refused(body):
    with pytest.raises(CalendarUnreadable):
        busy_times(body, zone=PARIS, window=WINDOW)


@pytest.mark.parametrize(
    "event",
    [
        "UID:a",
        "DTSTART:rubbish",
        "DTSTART:99991231T235959Z|DTEND:99991231T235959Z",
        "DTSTART:00010101T000000Z|DURATION:PT1H",
        "DTSTART:20260311T090000Z|DURATION:P99999999999D",
        "DTSTART:20260311T090000Z|DTSTART:20260312T090000Z",
        "DTSTART:20260311T090000Z|DURATION:PT1H|RRULE:FREQ=SOMETIMES",
        "DTSTART:20260311T090000Z|DURATION:PT1H|RRULE:FREQ=SECONDLY",
        "DTSTART:19700101T000000Z|DURATION:PT1M|RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "DTSTART:20260311T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY;INTERVAL=0",
        f"DTSTART:20260311T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY;INTERVAL={'9' * 99}",
        "DTSTART:20260311T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY;BYMONTH=99",
        "DTSTART:20260311T090000Z|DURATION:PT1H|RRULE:RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L",
        "DTSTART:20260311T090000Z|DURATION:PT1H|EXDATE:rubbish",
        "DTSTART:20260311T090000Z|DURATION:PT1H|RECURRENCE-ID:rubbish",
    ],
)
def test_event_that_makes_no_sense_is_counted_and_the_others_are_read(event):
    body = calendar(f"UID:bad|{event}", "UID:good|DTSTART:20260312T090000Z|DURATION:PT1H")

    found = busy_times(body, zone=PARIS, window=WINDOW)

    good = [busy for busy in found.times if busy.start.day == 12]
    assert len(good) == 1
    assert found.skipped == (0 if "BYMONTH=99" in event else 1)


ENDLESS_ZONE = (
    b"BEGIN:VTIMEZONE\r\nTZID:Trap\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nRRULE:FREQ=SECONDLY\r\n"
    b"TZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)
NEVER = "DTSTART:19000101T000000Z|DURATION:PT1H|RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"


@pytest.mark.parametrize(
    "body",
    [
        calendar("UID:a|DTSTART;TZID=Trap:20260311T090000|DURATION:PT1H").replace(
            b"VERSION:2.0\r\n", b"VERSION:2.0\r\n" + ENDLESS_ZONE
        ),
        calendar(*[f"UID:{n}|{NEVER}" for n in range(5000)]),
        calendar("UID:a|DTSTART:20260311T090000Z|DURATION:PT1H|SUMMARY:" + "x" * 1_900_000),
        calendar("UID:a|DTSTART:20260311T090000Z|DURATION:PT1H|SUMMARY:" + "\r\n x" * 400_000),
        calendar("UID:a|DTSTART;X" + ';A="b"' * 300_000 + ":20260311T090000Z|DURATION:PT1H"),
        b"BEGIN:VCALENDAR\r\n" + b"\r\n" * 900_000 + b"END:VCALENDAR",
        calendar(*["DTSTART:20260311T090000Z|DURATION:PT1H"] * 2 + ["BEGIN:VALARM|" * 60_000 + "END:VALARM"]
                 )[:-30] + b"END:VEVENT\r\n" * 60_001 + b"END:VCALENDAR",
        calendar("UID:a|DTSTART:20260311T090000Z|DURATION:PT1H|EXDATE:" + ",".join(["20260311T090000Z"] * 20_000)),
    ],
    ids=["endless zone", "rules that never match", "long line", "many folds", "many parameters", "blanks",
         "nested alarms",
         "many exceptions"],
)  # fmt: skip
def test_hostile_calendar_does_not_keep_the_worker(body):
    began = time.process_time()

    with suppress(CalendarUnreadable):
        busy_times(body, zone=PARIS, window=WINDOW)

    # Of one core, on a slow machine; without bounds each of them takes minutes, or years.
    assert time.process_time() - began < 20


def test_words_of_events_are_never_parsed():
    text = calendar('UID:a|DTSTART:20260311T090000Z|DURATION:PT1H|SUMMARY;LANGUAGE="broken:Surgery|ATTENDEE:::;;')

    assert len(busy_times(text, zone=PARIS, window=WINDOW).times) == 1

"""The dates of a series, pure: an RFC 5545 rule, local times of a day, and what came of each date."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dateutil.rrule import rrulestr

from fablab.lib.denials import Denial
from machines.opening import MIDNIGHT, instant_of
from people.models import Site

if TYPE_CHECKING:
    from reservations.models import Reservation, ReservationSeries

MOST_DATES = 60
# What a series may say. A rule that never meets a date would be followed for thousands of years otherwise.
KNOWN_PARTS = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "WKST", "COUNT", "UNTIL"})
ONLY_OF_MONTHS = frozenset({"BYMONTHDAY", "BYSETPOS"})
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY"})
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class RefusedDate:
    """A date of a series that could not be had, with every reason."""

    day: dt.date
    denials: list[Denial]


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """What came of a series: one reservation for each date that was made; `series` is None when none was."""

    series: "ReservationSeries | None"
    made: "list[Reservation]"
    refused: list[RefusedDate]

    @classmethod
    def of_one_refused(cls, day: dt.date, denials: Sequence[Denial]) -> "SeriesReport":
        """A single date that could not be reserved."""
        return cls(None, [], [RefusedDate(day, list(denials))])


def rule_parts(rule: str) -> dict[str, str]:
    """The parts of an RFC 5545 rule by name, in the order they were written.

    Raises:
        ValueError: a part twice, one that is not known here, or one that makes no sense beside the frequency.
    """
    parts: dict[str, str] = {}
    for part in rule.strip().upper().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        # Nothing but a value: a blank would begin another line, which is another rule.
        if not re.fullmatch("[A-Z0-9,+-]+", value) or name in parts or name not in KNOWN_PARTS:
            raise ValueError(f"not understood: {part[:40]}")
        parts[name] = value
    if parts.get("FREQ") not in FREQUENCIES:
        raise ValueError("a series is daily, weekly or monthly")
    if not re.fullmatch("[1-9][0-9]?", parts.get("INTERVAL", "1")):
        raise ValueError("every 1 to 99 days, weeks or months")
    if parts["FREQ"] != "MONTHLY" and ONLY_OF_MONTHS & parts.keys():
        raise ValueError("only a monthly series counts days of the month")
    return parts


def series_days(first_day: dt.date, rule: str) -> list[dt.date]:
    """The dates of an RFC 5545 rule from its first day on, in order.

    Raises:
        ValueError: the rule cannot be read, has no end, or has more than MOST_DATES dates.
    """
    parts = rule_parts(rule)
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise ValueError("the rule has no end, or two")
    if "UNTIL" in parts:
        # A date is meant, in the site's own time: as an instant it could fall on the day before.
        parts["UNTIL"] = parts["UNTIL"][:8]
    try:
        found = rrulestr(written(parts), dtstart=dt.datetime.combine(first_day, dt.time(0)))
        days = [instant.date() for instant, _ in zip(found, range(MOST_DATES + 1), strict=False)]
    except (TypeError, OverflowError) as error:
        raise ValueError("the rule cannot be read") from error
    if len(days) > MOST_DATES:
        raise ValueError("too many dates")
    if not days:
        raise ValueError("the rule has no date")
    return days


def written(parts: dict[str, str]) -> str:
    """The rule that has these parts."""
    return ";".join(f"{name}={value}" for name, value in parts.items())


def rule_until(rule: str, last_day: dt.date) -> str:
    """The same rule, ended on that day."""
    parts = {name: value for name, value in rule_parts(rule).items() if name not in ("COUNT", "UNTIL")}
    return written(parts | {"UNTIL": f"{last_day:%Y%m%d}"})


def rule_moved(rule: str, days_later: int) -> str:
    """The same rule on weekdays so many days later; its end stays.

    Raises:
        ValueError: the days of a monthly series do not move along.
    """
    parts = rule_parts(rule)
    if not days_later:
        return rule
    if parts["FREQ"] == "MONTHLY":
        raise ValueError("the days of a monthly series do not move along")
    if "BYDAY" in parts:
        moved = [WEEKDAYS[(WEEKDAYS.index(day) + days_later) % 7] for day in parts["BYDAY"].split(",")]
        parts["BYDAY"] = ",".join(sorted(moved, key=WEEKDAYS.index))
    return written(parts)


def wall_interval(day: dt.date, opens: dt.time, closes: dt.time, site: Site) -> tuple[dt.datetime, dt.datetime]:
    """Local times of a day as instants; an end at or before the start belongs to the next day."""
    end_day = day + dt.timedelta(days=1) if closes == MIDNIGHT or closes <= opens else day
    return instant_of(day, opens, site.zone), instant_of(end_day, closes, site.zone, is_end=closes != MIDNIGHT)

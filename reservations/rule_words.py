"""What the rules say, in words for whoever sets them: “up to 8 h”, “Workshop plan, on Laser cutters”."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext, ngettext

from machines.models import BookingPolicy, Category, Machine, Qualification
from machines.models.booking_settings import PHYSICAL_NAMES, POLICY_NAMES, Attendance
from reservations.messages_of_people import limit_words
from reservations.models import Quota
from reservations.quotas import names_of
from reservations.rule_facts import QuotaFact
from reservations.time_words import duration_words

# What a category says even when nobody thought of it; the others are said where they differ from nothing.
ALWAYS_SAID = ("shortest", "longest", "grid_min", "window")


def value_words(name: str, value: Any) -> str:
    """One setting of a category, machine or policy as part of a sentence."""
    return WORDS[name](value)


def policy_words(policy: BookingPolicy) -> str:
    """All that the policy says: “up to 8 h, somebody of the team says yes first”."""
    return _joined(policy.values)


def category_words(category: Category) -> str:
    """What holds for its machines unless something closer says otherwise."""
    said = {name: getattr(category, name) for name in (*POLICY_NAMES, *PHYSICAL_NAMES)}
    empty: tuple[object, ...] = (None, False, 0, dt.timedelta(0))
    kept = {name: value for name, value in said.items() if name in ALWAYS_SAID or value not in empty}
    if kept.get("attendance") == Attendance.THROUGHOUT:
        del kept["attendance"]
    return _joined(kept, category.qualification)


def machine_words(machine: Machine) -> str:
    """Where the machine differs from its category; empty where it does not."""
    said = {name: getattr(machine, name) for name in (*POLICY_NAMES, *PHYSICAL_NAMES)}
    return _joined({name: value for name, value in said.items() if value not in (None, "")}, machine.qualification)


def scope_words(rule: BookingPolicy | Quota) -> str:
    """For whom and on what a rule or limit holds, the site named last."""
    who = rule.group.name if rule.group else gettext("Everybody")
    parts = [who]
    if rule.machine:
        parts.append(gettext("on %(names)s") % {"names": rule.machine.name})
    if rule.category:
        parts.append(gettext("on %(names)s") % {"names": rule.category.name})
    if rule.site:
        parts.append(gettext("at %(place)s") % {"place": rule.site.name})
    return ", ".join(parts)


def quota_words(quota: Quota) -> str:
    """“Members may hold 3 reservations to come on Laser cutters.”"""
    fact = QuotaFact(quota.measure, quota.period, quota.most, 0, 0, quota.is_peak_only, names_of(quota))
    limit = limit_words(fact)
    if quota.site:
        limit = gettext("%(limit)s, at %(place)s") % {"limit": limit, "place": quota.site.name}
    who = quota.group.name if quota.group else gettext("Everybody")
    return gettext("%(who)s may hold %(limit)s.") % {"who": who, "limit": limit}


def _joined(values: Mapping[str, Any], qualification: Qualification | None = None) -> str:
    words = [value_words(name, values[name]) for name in ORDER if name in values]
    if qualification is not None:
        words.append(gettext("with the qualification “%(name)s”") % {"name": qualification.name})
    return ", ".join(words)


def _length(words: Callable[[], str], none: Callable[[], str]) -> Callable[[dt.timedelta], str]:
    return lambda value: words() % {"length": duration_words(value)} if value else none()


def _yes(yes: Callable[[], str], no: Callable[[], str]) -> Callable[[bool], str]:
    return lambda value: yes() if value else no()


def _credits(value: int) -> str:
    if not value:
        return gettext("no credits taken")
    return ngettext("%(count)d credit an hour", "%(count)d credits an hour", value) % {"count": value}


def _no_show(value: int) -> str:
    if not value:
        return gettext("never given to others")
    return gettext("given to others %(length)s after the start when nobody comes") % {
        "length": duration_words(dt.timedelta(minutes=value))
    }


def _attendance(value: str) -> str:
    return gettext("may run while you are closed") if value == Attendance.START else gettext("present throughout")


def _age(value: int) -> str:
    if not value:
        return gettext("at any age")
    return ngettext("from %(age)d year of age", "from %(age)d years of age", value) % {"age": value}


def _guardian(value: int) -> str:
    if not value:
        return gettext("without the responsible adult")
    return gettext("below %(age)d with the responsible adult") % {"age": value}


def _grid(value: int) -> str:
    return gettext("times every %(length)s") % {"length": duration_words(dt.timedelta(minutes=value))}


WORDS: dict[str, Callable[[Any], str]] = {
    "shortest": _length(lambda: gettext("at least %(length)s"), lambda: gettext("of any length")),
    "longest": _length(lambda: gettext("up to %(length)s"), lambda: gettext("of any length")),
    "grid_min": _grid,
    "window": _length(lambda: gettext("up to %(length)s ahead"), lambda: gettext("not ahead")),
    "notice": _length(lambda: gettext("%(length)s of notice"), lambda: gettext("without notice")),
    "change_notice": _length(
        lambda: gettext("moved until %(length)s before"), lambda: gettext("moved until the start")
    ),
    "cancel_notice": _length(
        lambda: gettext("cancelled until %(length)s before"), lambda: gettext("cancelled until the start")
    ),
    "rest": _length(
        lambda: gettext("%(length)s between two of one person"), lambda: gettext("no pause between two")
    ),
    "needs_approval": _yes(
        lambda: gettext("somebody of the team says yes first"), lambda: gettext("without asking the team")
    ),
    "needs_membership": _yes(lambda: gettext("only with a plan"), lambda: gettext("without a plan too")),
    "least_age_y": _age,
    "guardian_below_y": _guardian,
    "credits_per_hour": _credits,
    "setup_buffer": _length(lambda: gettext("%(length)s of set-up before"), lambda: gettext("no set-up before")),
    "cleanup_buffer": _length(lambda: gettext("%(length)s of clean-up after"), lambda: gettext("no clean-up after")),
    "attendance": _attendance,
    "no_show_min": _no_show,
}  # fmt: skip
ORDER = tuple(WORDS)

"""Who is likely to have used a machine that ran without anybody known: a guess, for the team and for themselves only.

`ranked` is pure. A member is never told who else is likely.
"""

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from iot.models import UsageSession
from machines.models import QualificationGrant
from people.models import Person, Visit
from reservations.models import Participant, Reservation, Status

# A reservation that ended or began at most so long before or after the run.
RESERVED_WITHIN = dt.timedelta(hours=2)
# Who used the machine so shortly before: a day at a lab, without asking for the clocks of its place.
USED_WITHIN = dt.timedelta(hours=12)
# A run may be claimed for a week: later nobody remembers.
CLAIMED_WITHIN = dt.timedelta(days=7)
LIKELY_MOST = 3
MEANT = (Status.CONFIRMED, Status.IN_USE, Status.COMPLETED, Status.NO_SHOW)


class Sign(enum.StrEnum):
    """What speaks for somebody, the strongest first."""

    RESERVED = "reserved"
    USED_BEFORE = "used_before"
    WAS_HERE = "was_here"


@dataclass(frozen=True, slots=True)
class Clues:
    """Of one person about one run. `reserved_away` is the time between their reservation and the run, nothing where
    they touch; `used_away` how long before it their last use of the machine ended; None where there is none."""

    person_id: int
    reserved_away: dt.timedelta | None = None
    used_away: dt.timedelta | None = None
    was_here_and_may: bool = False


@dataclass(frozen=True, slots=True)
class Guess:
    person_id: int
    sign: Sign


def ranked(clues: Iterable[Clues]) -> list[Guess]:
    """Those for whom something speaks, the likeliest first: by the nearest reservation, then by the latest use, then
    who was there and may use it; of equals whoever has more signs. Pure."""
    weights = sorted(weight for one in clues if (weight := _weight(one)) is not None)
    return [Guess(person_id, sign) for (_place, sign), _away, _signs, person_id in weights]


def _weight(one: Clues) -> tuple[tuple[int, Sign], dt.timedelta, int, int] | None:
    signs: list[tuple[int, Sign, dt.timedelta]] = []
    if one.reserved_away is not None and one.reserved_away <= RESERVED_WITHIN:
        signs.append((0, Sign.RESERVED, one.reserved_away))
    if one.used_away is not None and one.used_away <= USED_WITHIN:
        signs.append((1, Sign.USED_BEFORE, one.used_away))
    if one.was_here_and_may:
        signs.append((2, Sign.WAS_HERE, dt.timedelta(0)))
    if not signs:
        return None
    place, sign, away = signs[0]
    return (place, sign), away, -len(signs), one.person_id


def unclaimed(now: dt.datetime) -> QuerySet[UsageSession]:
    """Runs of which nobody is known, recent enough for somebody to remember; the last first."""
    rows = UsageSession.objects.filter(person=None, team=None, reservation=None, start__gte=now - CLAIMED_WITHIN)
    return rows.order_by("-start", "-pk")


def runs_likely_of(person: Person, now: dt.datetime) -> QuerySet[UsageSession]:
    """The unclaimed runs for which something speaks that it was this person: the clues of `likely_users`, asked of
    one person within the caller's own query."""
    until = Coalesce("end", now)
    rows = unclaimed(now).alias(
        until=until, near_start=F("start") - RESERVED_WITHIN, near_end=until + RESERVED_WITHIN,
        used_since=F("start") - USED_WITHIN, wanted=_wanted("machine__"),
        least=F("machine__category__qualification_level"),
    )  # fmt: skip
    of_them = Q(holder=person) | Q(pk__in=Participant.objects.filter(person=person).values("reservation"))
    reserved = Reservation.objects.filter(
        of_them, machine=OuterRef("machine"), status__in=MEANT,
        start__lte=OuterRef("near_end"), end__gte=OuterRef("near_start"),
    )  # fmt: skip
    used = UsageSession.objects.filter(
        person=person, machine=OuterRef("machine"), end__lte=OuterRef("start"), end__gte=OuterRef("used_since")
    )
    was_here = Visit.objects.filter(
        Q(left_at=None) | Q(left_at__gt=OuterRef("start")),
        person=person, site=OuterRef("machine__unit__site"), arrived_at__lt=OuterRef("until"),
    )  # fmt: skip
    may = QualificationGrant.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=OuterRef("start")),
        person=person, qualification=OuterRef("wanted"), level__gte=OuterRef("least"),
        granted_at__lte=OuterRef("start"),
    )  # fmt: skip
    return rows.filter(Exists(reserved) | Exists(used) | (Exists(was_here) & Exists(may)))


def likely_users(
    runs: Sequence[UsageSession], now: dt.datetime, *, among: QuerySet[Person] | None = None
) -> Mapping[int, list[tuple[Person, Sign]]]:
    """By run the likeliest people, at most three, and of `among` only. Five queries, however many runs. The runs come
    with their machine and its unit and category."""
    if not runs:
        return {}
    clues: dict[int, dict[int, Clues]] = defaultdict(dict)
    by_machine = defaultdict(list)
    for run in runs:
        by_machine[run.machine_id].append(run)
    _note_reservations(clues, by_machine, runs, now)
    _note_uses(clues, by_machine, runs)
    _note_presence(clues, runs, now)
    guesses = {run.pk: ranked(clues[run.pk].values()) for run in runs}
    wanted = {guess.person_id for found in guesses.values() for guess in found}
    theirs = Person.objects.all() if among is None else among
    people = theirs.filter(pk__in=wanted, is_active=True, erased_at=None).in_bulk()
    return {
        key: [(people[guess.person_id], guess.sign) for guess in found if guess.person_id in people][:LIKELY_MOST]
        for key, found in guesses.items()
    }


def _note(
    clues: dict[int, dict[int, Clues]],
    run: UsageSession,
    person_id: int,
    *,
    reserved_away: dt.timedelta | None = None,
    used_away: dt.timedelta | None = None,
    was_here_and_may: bool = False,
) -> None:
    """One more clue beside those that are known of the person: of two reservations the nearer one tells."""
    known = clues[run.pk].get(person_id) or Clues(person_id)
    clues[run.pk][person_id] = Clues(
        person_id,
        _nearer(known.reserved_away, reserved_away),
        _nearer(known.used_away, used_away),
        known.was_here_and_may or was_here_and_may,
    )


def _nearer(one: dt.timedelta | None, other: dt.timedelta | None) -> dt.timedelta | None:
    return min((away for away in (one, other) if away is not None), default=None)


def _note_reservations(
    clues: dict[int, dict[int, Clues]],
    by_machine: Mapping[int, list[UsageSession]],
    runs: Sequence[UsageSession],
    now: dt.datetime,
) -> None:
    first, last = min(run.start for run in runs), max(run.end or now for run in runs)
    rows = Reservation.objects.filter(
        machine__in=by_machine, status__in=MEANT, start__lte=last + RESERVED_WITHIN, end__gte=first - RESERVED_WITHIN
    )
    for row in rows.values_list("machine", "start", "end", "holder", "participants__person"):
        machine_id, start, end, *people = row
        for run in by_machine[machine_id]:
            away = max(run.start - end, start - (run.end or now), dt.timedelta(0))
            for person_id in {key for key in people if key is not None}:
                _note(clues, run, person_id, reserved_away=away)


def _note_uses(
    clues: dict[int, dict[int, Clues]], by_machine: Mapping[int, list[UsageSession]], runs: Sequence[UsageSession]
) -> None:
    first, last = min(run.start for run in runs) - USED_WITHIN, max(run.start for run in runs)
    rows = UsageSession.objects.filter(machine__in=by_machine, person__isnull=False, end__gte=first, end__lte=last)
    for machine_id, end, person_id in rows.values_list("machine", "end", "person"):
        for run in by_machine[machine_id]:
            if end is not None and end <= run.start:
                _note(clues, run, person_id, used_away=run.start - end)


def _note_presence(clues: dict[int, dict[int, Clues]], runs: Sequence[UsageSession], now: dt.datetime) -> None:
    """Where nothing has to be learnt for a machine, having been there tells nothing about it."""
    asked = {run.pk: run.machine.wanted_qualification for run in runs}
    wanted = {qualification.pk for qualification in asked.values() if qualification is not None}
    first, last = min(run.start for run in runs), max(run.end or now for run in runs)
    sites = {run.machine.site.pk for run in runs}
    visits = list(
        Visit.objects.overlapping(first, last)
        .filter(site__in=sites, person__isnull=False)
        .values_list("site", "person", "arrived_at", "left_at")
    )
    grants = defaultdict(list)
    rows = QualificationGrant.objects.filter(
        qualification__in=wanted, person__in={person_id for _site, person_id, *_times in visits}
    )
    for row in rows:
        grants[row.person_id, row.qualification_id].append(row)
    for run in runs:
        qualification, until = asked[run.pk], run.end or now
        if qualification is None:
            continue
        for site_id, person_id, arrived_at, left_at in visits:
            is_here = site_id == run.machine.site.pk and arrived_at < until and (left_at or until) > run.start
            if is_here and any(_held(grant, run) for grant in grants[person_id, qualification.pk]):
                _note(clues, run, person_id, was_here_and_may=True)


def _held(grant: QualificationGrant, run: UsageSession) -> bool:
    is_enough = grant.level >= run.machine.category.qualification_level
    return is_enough and grant.granted_at <= run.start and (grant.expires_at is None or grant.expires_at > run.start)


def _wanted(to_machine: str) -> Coalesce:
    return Coalesce(
        f"{to_machine}qualification", f"{to_machine}category__qualification", output_field=IntegerField()
    )  # fmt: skip
